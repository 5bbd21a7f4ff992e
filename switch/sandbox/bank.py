"""A sandbox bank: sends its files, answers what it is offered, keeps its own book."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from payvand.client import Bank
from payvand.switch.sandbox.outbox import Outbox
from payvand.switch.sandbox.participant import Participant, Standing

__all__ = ["SandboxBank"]


class SandboxBank(Participant):
    """A bank that submits payment files and answers by the rules of `accounts`."""

    def __init__(
        self,
        name: str,
        bank: Bank,
        folder: Path,
        *,
        answers: bool,
        go: asyncio.Event,
        files: Sequence[Path] = (),
    ) -> None:
        """Be ready to send *files*, in order, once *go* is set; one named twice is sent twice."""
        super().__init__(name, bank, folder, answers=answers)
        self.outbox = Outbox(bank, self.book, files)
        self._go = go

    def works(self) -> list[Any]:
        """Return the coroutines of its work."""
        return [*super().works(), self._send()]

    async def _send(self) -> None:
        await self._go.wait()
        await self.outbox.run()

    def moved(self) -> None:
        """Let the outbox look whether there is room for more."""
        self.outbox.moved.set()

    def sends_nothing(self) -> bool:
        """Tell whether the outbox is empty."""
        return self.outbox.finished

    def standing(self) -> Standing:
        """Return how the book and the files stand now."""
        return replace(
            super().standing(),
            instructions=self.outbox.instructions,
            started_at=self.outbox.started_at,
            finished=self.outbox.finished and not self.book.open_count,
        )
