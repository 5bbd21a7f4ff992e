"""A sandbox bank's outbox: payment files, sent through one stream and carried on after any break.

The bank has at most `OPEN_PAYMENTS_MAX` payments without a final state; then it waits, as a bank
would that watches its customers' answers. So a slow switch is asked for less and nobody's
payment expires in a queue.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from payvand.client import STATE_NAMES, Bank
from payvand.switch.files import Instruction, LineError, Part, open_payment_file, send
from payvand.switch.sandbox.book import Book

__all__ = ["BATCH_PAYMENTS", "OPEN_PAYMENTS_MAX", "Outbox"]

BATCH_PAYMENTS: Final = 500
OPEN_PAYMENTS_MAX: Final = 2_000

_Place = tuple[str, int]
"""A file with its turn, and how many of its instructions end with a stretch."""


class Outbox:
    """Sends files in order; a file named twice is sent twice."""

    def __init__(
        self,
        bank: Bank,
        book: Book,
        files: Sequence[Path],
        *,
        open_max: int = OPEN_PAYMENTS_MAX,
    ) -> None:
        """Send *files* through *bank* and note in *book* what the switch says."""
        self.started_at = 0
        """When the first batch of this run was sent, in nanoseconds since 1970; 0 before."""
        self.instructions = 0
        """How many instructions were sent and answered in this run, repeated ones included."""
        self.finished = False
        self.moved = asyncio.Event()
        """To be set where a payment reached its end: there may be room for more."""
        self._bank = bank
        self._book = book
        self._files = files
        self._open_max = open_max
        self._under_way = 0

    async def run(self) -> None:
        """Send everything that the book doesn't say was sent.

        Raises:
            ClientFault: the switch can't be reached or refused the stream as a whole.
            FileError: a file can't be used.
        """
        async for part in send(self._bank, self._stretches()):
            self._note(part)
        self.finished = True

    async def _stretches(self) -> AsyncIterator[tuple[_Place, Sequence[Instruction | LineError]]]:
        """Yield what was not sent yet, each stretch once there is room for it."""
        turns: Counter[str] = Counter()
        for path in self._files:
            turns[path.name] += 1
            file = f"{quote(path.name)}#{turns[path.name]}"
            sent = self._book.place(file)
            stop = 0
            for batch in open_payment_file(path).batches(size=BATCH_PAYMENTS):
                start, stop = stop, stop + len(batch)
                if stop > sent:
                    rest = batch[max(0, sent - start) :]
                    await self._room(len(rest))
                    self.started_at = self.started_at or time.time_ns()
                    self._under_way += len(rest)
                    yield (file, stop), rest

    async def _room(self, count: int) -> None:
        """Wait until *count* more payments fit, or nothing is open at all."""
        while open_count := self._book.open_count + self._under_way:
            if open_count + count <= self._open_max:
                return
            self.moved.clear()
            await self.moved.wait()

    def _note(self, part: Part[_Place]) -> None:
        """Enter a part and the switch's answer to it into the book, as one step."""
        book, response = self._book, part.response
        reasons = {word.index: word.reason.code or word.reason.detail for word in response.declined}
        turn, stop = part.tag
        file, _, _ = turn.rpartition("#")
        for error in part.errors:
            book.note_refused(file, error.position, error.path, error.rule)
        for refusal in response.refusals:
            position = part.instructions[refusal.index].position
            book.note_refused(file, position, refusal.field, refusal.rule)
        for index, (payment, state) in enumerate(zip(part.payments, response.states, strict=True)):
            if (name := STATE_NAMES[state]) != "refused":
                book.note_sent(payment.id, payment.amount, name, reasons.get(index, ""))
        book.commit_place(turn, stop)
        count = len(part.payments) + len(part.errors)
        self._under_way -= count
        self.instructions += count
        self.moved.set()
