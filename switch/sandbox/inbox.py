"""A sandbox participant's inbox: the inbound stream from its cursor, answers, entries in the book.

One call of answers is under way at a time; what comes meanwhile is answered together by the next.
The cursor is entered only once the answers before it stand at the switch, so that after a
break nothing is left unanswered and what is answered twice is answered alike.
"""

import asyncio
from asyncio import sleep
from collections.abc import Callable
from contextlib import aclosing, suppress
from typing import Final

from payvand.client import STATE_NAMES, Bank
from payvand.client.bank import CALL_PAYMENTS_MAX
from payvand.switch.sandbox.accounts import (
    ACCEPTED,
    DISCONNECTING,
    DUPLICATE,
    LATE,
    SILENT,
    verdict,
)
from payvand.switch.sandbox.book import Book
from payvand.v1.payment_pb2 import Payment
from payvand.v1.payment_service_pb2 import FollowResponse, PaymentAnswer

__all__ = ["Inbox"]

STEPS_WAITING_MAX: Final = 64
LATE_S: Final = 15.0
"""How long a late answer waits: longer than any usual deadline."""
DUPLICATE_CODE: Final = "AC04"
"""The second, contradicting answer to a payment that was accepted."""


class Inbox:
    """Follows what concerns a participant and answers the payments offered to it."""

    def __init__(
        self,
        bank: Bank,
        book: Book,
        *,
        answers: bool,
        verdict: Callable[[str], str] = verdict,
        moved: Callable[[], None] | None = None,
    ) -> None:
        """Follow through *bank* and enter everything into *book*.

        Args:
            bank: the connection.
            book: the participant's book, which holds the cursor to begin from.
            answers: False where the switch settles payments to the participant by itself.
            verdict: says of a creditor's IBAN how a payment to it is answered.
            moved: called after each step.
        """
        self._bank = bank
        self._book = book
        self._answers = answers
        self._verdict = verdict
        self._moved = moved
        self._steps: asyncio.Queue[FollowResponse] = asyncio.Queue(STEPS_WAITING_MAX)
        self._dropped: set[bytes] = set()
        """Offers for which the connection was broken once."""
        self._late: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Go on until cancelled.

        Raises:
            ClientFault: the switch can't be reached or refused a call.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._read())
            tasks.create_task(self._deal())

    async def _read(self) -> None:
        cursor = self._book.cursor
        while True:
            async with aclosing(self._bank.follow(cursor)) as steps:
                async for step in steps:
                    if self._breaks(step):
                        break  # It isn't dealt with, so it comes again.
                    await self._steps.put(step)
                    cursor = step.cursor

    def _breaks(self, step: FollowResponse) -> bool:
        """Tell whether the connection breaks over a step, which it does once for an offer."""
        fresh = {
            offer.id for offer in step.offers if self._verdict(offer.creditor_iban) == DISCONNECTING
        } - self._dropped
        self._dropped |= fresh
        return bool(fresh)

    async def _deal(self) -> None:
        while True:
            steps = [await self._steps.get()]
            offers = len(steps[0].offers)
            with suppress(asyncio.QueueEmpty):
                while offers < CALL_PAYMENTS_MAX // 2:
                    steps.append(self._steps.get_nowait())
                    offers += len(steps[-1].offers)
            words = [self._verdict(offer.creditor_iban) for step in steps for offer in step.offers]
            if self._answers:
                await self._answer([offer for step in steps for offer in step.offers], words)
            self._note(steps, [_entered(word) for word in words])

    async def _answer(self, offers: list[Payment], words: list[str]) -> None:
        answers = [
            PaymentAnswer(
                id=offer.id, accept=_entered(word) == ACCEPTED, reason_code=_entered(word)
            )
            for offer, word in zip(offers, words, strict=True)
            if word not in (SILENT, LATE)
        ]
        for start in range(0, len(answers), CALL_PAYMENTS_MAX):
            await self._bank.answer(answers[start : start + CALL_PAYMENTS_MAX])
        again = [
            PaymentAnswer(id=offer.id, reason_code=DUPLICATE_CODE)
            for offer, word in zip(offers, words, strict=True)
            if word == DUPLICATE
        ]
        if again:
            await self._bank.answer(again)
        late = [offer for offer, word in zip(offers, words, strict=True) if word == LATE]
        if late:
            task = asyncio.create_task(self._answer_late(late))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def _answer_late(self, offers: list[Payment]) -> None:
        await sleep(LATE_S)
        await self._bank.answer([PaymentAnswer(id=offer.id, accept=True) for offer in offers])

    def _note(self, steps: list[FollowResponse], words: list[str]) -> None:
        """Enter steps into the book, as one step."""
        book = self._book
        verdicts = iter(words)
        for step in steps:
            for offer in step.offers:
                word = next(verdicts) or "accepted"
                book.note_offered(offer.id, offer.amount, word, offer.bill_reference)
            for outcome in step.outcomes:
                book.note_ended(
                    outcome.id, STATE_NAMES[outcome.state], outcome.reason_code, outcome.timestamp
                )
        book.commit_cursor(steps[-1].cursor)
        if self._moved is not None:
            self._moved()


def _entered(word: str) -> str:
    """Return how the book enters an answer: what is late counts as none, the rest as accepted."""
    return {LATE: SILENT, DUPLICATE: ACCEPTED, DISCONNECTING: ACCEPTED}.get(word, word)
