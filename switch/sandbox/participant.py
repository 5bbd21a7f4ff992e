"""A sandbox participant: one process with its own certificate, its own book and its own inbox.

It says where it stands as a `Standing`, over and over, to whoever asks: the command line prints it
as lines of JSON, which is what a demo reads from its banks.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from payvand.client import CALL_PAYMENTS_MAX, STATE_NAMES, Bank
from payvand.switch.sandbox.book import FINAL, Book
from payvand.switch.sandbox.inbox import Inbox

__all__ = ["BOOK_NAME", "Participant", "Standing", "Sums"]

BOOK_NAME: Final = "book.txt"
FLUSH_S: Final = 1.0
REPORT_S: Final = 0.25

Sums = dict[str, tuple[int, str]]
"""Count and sum by state; the sum as decimal digits."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a participant's book stands."""

    name: str
    sent: Sums = field(default_factory=dict)
    received: Sums = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    """Refused instructions by the rule that they broke, each counted once."""
    bills: int = 0
    """Bills paid by payments to it."""
    bills_paid_again: int = 0
    """Payments to it that name a bill which another one paid: the service must pay them back."""
    repeats: int = 0
    """Payments that were sent again."""
    contradictions: int = 0
    instructions: int = 0
    """Instructions sent and answered in this run."""
    started_at: int = 0
    """When this run sent its first, in nanoseconds since 1970; 0 where it sent none."""
    strangers: int = 0
    """Payments whose end was told and of which nothing else is known yet."""
    finished: bool = True
    """Nothing is left to be sent and everything sent has its end."""

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        """Return what `as_json` gave."""
        return cls(**content)


class Participant:
    """Follows and answers. A bank also sends; a government service only watches its fees."""

    def __init__(self, name: str, bank: Bank, folder: Path, *, answers: bool) -> None:
        """Take over *bank*, which is *name*'s connection, and open the book in *folder*."""
        self.name = name
        self.bank = bank
        self.book = Book.open(folder / BOOK_NAME)
        self.inbox = Inbox(bank, self.book, answers=answers, moved=self.moved)

    @classmethod
    async def connect(
        cls, name: str, *, address: str, certificates: Path, folder: Path, **options: Any
    ) -> Self:
        """Connect as *name* and ask the switch whether payments to it wait for an answer.

        Raises:
            ClientFault: the switch can't be reached, or doesn't know the participant.
        """
        bank = Bank.connect(address, certificates)
        try:
            answers = not any(
                position.participant.auto_accept
                for position in await bank.participants()
                if position.participant.name == name
            )
            return cls(name, bank, folder, answers=answers, **options)
        except BaseException:
            await bank.close()
            raise

    async def __aenter__(self) -> Self:
        """Return the participant itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, _: TracebackType | None
    ) -> None:
        """Close the connection and the book."""
        await self.bank.close()
        self.book.close()

    async def run(self, tell: Callable[[Standing], Awaitable[None]]) -> None:
        """Do its work until cancelled, and *tell* how it stands where that changed.

        Raises:
            ExceptionGroup: of what went wrong in any part of the work.
        """
        async with asyncio.TaskGroup() as tasks:
            for work in self.works():
                tasks.create_task(work)
            tasks.create_task(self._flush())
            told: Standing | None = None
            while True:
                await self._adopt()
                standing = self.standing()
                if standing != told:
                    await tell(standing)
                    told = standing
                await asyncio.sleep(REPORT_S)

    def works(self) -> list[Any]:
        """Return the coroutines of its work."""
        return [self.inbox.run()]

    def moved(self) -> None:
        """Note that a step of the inbox was entered."""

    def sends_nothing(self) -> bool:
        """Tell whether nothing is being sent now."""
        return True

    def standing(self) -> Standing:
        """Return how the book stands now."""
        return Standing(
            name=self.name,
            sent=_sums(self.book.sent.states()),
            received=_sums(self.book.received.states()),
            refused=dict(Counter(self.book.refused.values())),
            repeats=self.book.repeats,
            contradictions=len(self.book.contradictions),
            strangers=len(self.book.strangers),
        )

    async def _adopt(self) -> None:
        """Enter payments that were sent in our name, but not from here, as the switch has them."""
        strangers = self.book.strangers if self.sends_nothing() else []
        for start in range(0, len(strangers), CALL_PAYMENTS_MAX):
            for status in await self.bank.status(strangers[start : start + CALL_PAYMENTS_MAX]):
                if STATE_NAMES[status.state] in FINAL:
                    self.book.note_sent(status.id, status.amount, STATE_NAMES[status.state])
            self.book.commit_cursor(self.book.cursor)

    async def _flush(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            await asyncio.to_thread(self.book.flush)


def _sums(states: dict[str, tuple[int, int]]) -> Sums:
    return {state: (count, str(amount)) for state, (count, amount) in sorted(states.items())}
