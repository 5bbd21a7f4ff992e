"""What a day came to, and the proofs that the banks' own books agree with the switch.

The banks' books were made by the banks, from what they were told over the wire. They are held, one
payment after the other, against the ledger (asked while the switch runs) and against the database
(read once it has stopped).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from payvand.client import CALL_PAYMENTS_MAX, STATE_NAMES, Bank, payment_id_text
from payvand.settlement.database import Executor
from payvand.settlement.proof import SHOWN_MAX, Proof, verdict
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.sandbox.book import FINAL, Book
from payvand.switch.sandbox.days import Day
from payvand.switch.sandbox.participant import BOOK_NAME, Standing
from payvand.switch.verifying import verify

__all__ = ["Reckoning", "compare_with_switch", "prove_day", "reckon"]

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What became of a day's instructions, and how fast."""

    states: dict[str, int]
    """The day's distinct instructions by how they ended."""
    refused: dict[str, int]
    """The refused ones by the rule that they broke, over all days."""
    reasons: dict[str, int]
    """Why payments didn't settle, over all days."""
    states_so_far: dict[str, int]
    """All days' instructions by how they ended."""
    sent_again: int
    """Payments of the day that banks sent more than once; each took effect once."""
    sent_again_so_far: int
    answered: int
    """Instructions of this run, repeated ones included, that had their final word before the end
    of `flow_ns`."""
    flow_ns: int
    """From the first instruction sent to the last word on one that a bank or the switch decided,
    in nanoseconds. Payments that ran out because nobody answered them are outside."""

    @property
    def per_second(self) -> int:
        """Instructions with their final word a second, end to end."""
        return self.answered * NS // self.flow_ns if self.flow_ns else 0


def book_of(data: Path, name: str) -> Book:
    """Read the book of a participant of the data folder."""
    return Book.read(data / "books" / name / BOOK_NAME)


def reckon(
    data: Path, directory: Sequence[ParticipantEntry], standings: Mapping[str, Standing], day: Day
) -> Reckoning:
    """Add up the participants' books."""
    so_far: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    last = 0
    for entry in directory:
        book = book_of(data, entry.name)
        so_far.update({state: count for state, (count, _) in book.sent.states().items()})
        refused.update(book.refused.values())
        reasons.update(book.reasons)
        sent = book.entries(sent=True)
        decided = (at for id_, at in book.ends.items() if sent.get(id_, (0, ""))[1] != "expired")
        last = max(last, *decided, 0)
    so_far["refused"] = refused.total()
    began = min((one.started_at for one in standings.values() if one.started_at), default=0)
    before = _before(day)
    states = {
        state: count - before["states_so_far"].get(state, 0)
        for state, count in sorted(so_far.items())
    }
    sent_again = sum(one.repeats for one in standings.values())
    answered = sum(one.instructions for one in standings.values()) - states.get("expired", 0)
    return Reckoning(
        states={state: count for state, count in states.items() if count},
        refused=dict(sorted(refused.items())),
        reasons=dict(sorted(reasons.items())),
        states_so_far=dict(sorted(so_far.items())),
        sent_again=sent_again - before["sent_again_so_far"],
        sent_again_so_far=sent_again,
        answered=max(answered, 0),
        flow_ns=max(last - began, 0) if began else 0,
    )


def _before(day: Day) -> dict[str, Any]:
    """Return what all days before came to."""
    before = day.folder.parent / f"{day.number - 1:04}" / "result.json"
    if not before.exists():
        return {"states_so_far": {}, "sent_again_so_far": 0}
    result: dict[str, Any] = json.loads(before.read_text(encoding="utf-8"))
    return result


async def compare_with_switch(
    data: Path, directory: Sequence[ParticipantEntry], address: str
) -> Proof:
    """Prove that the ledger gives every payment in a bank's book the state that the bank noted."""
    wrong: list[str] = []
    compared = 0
    for entry in directory:
        book = book_of(data, entry.name)
        noted = book.entries(sent=False) | book.entries(sent=True)
        ids = list(noted)
        async with Bank.connect(address, data / "certificates" / entry.name) as bank:
            for start in range(0, len(ids), CALL_PAYMENTS_MAX):
                for status in await bank.status(ids[start : start + CALL_PAYMENTS_MAX]):
                    told = (status.amount, STATE_NAMES[status.state])
                    if told != noted[status.id]:
                        wrong.append(_differs(entry.name, status.id, noted[status.id], told))
        compared += len(ids)
    return verdict("bank_books_equal_ledger", wrong, f"{compared:,} entries of the banks' books")


async def prove_day(
    data: Path, directory: Sequence[ParticipantEntry], standings: Mapping[str, Standing]
) -> list[Proof]:
    """Prove, with the switch stopped, all that `payvand verify` proves, and the banks' books."""
    books = {entry.name: book_of(data, entry.name) for entry in directory}

    async def compare(connection: Executor) -> list[Proof]:
        return [await _books_equal_database(connection, books), _nothing_twice(books)]

    return await verify(data, more=compare)


async def _books_equal_database(connection: Executor, books: Mapping[str, Book]) -> Proof:
    """Prove that the books of the senders and the receivers are what the database holds."""
    rows = await connection.fetch("SELECT id, state, amount FROM books.payment")
    held = {row["id"].bytes: (int(row["amount"]), row["state"]) for row in rows}
    sent = {id_: noted for book in books.values() for id_, noted in book.entries(sent=True).items()}
    wrong = [
        _differs(name, id_, noted, held.get(id_, (0, "unknown")))
        for name, book in books.items()
        for sent_side in (True, False)
        for id_, noted in book.entries(sent=sent_side).items()
        if held.get(id_) != noted
    ]
    strangers = held.keys() - sent.keys()
    wrong += [f"{UUID(bytes=id_)} is in the database and in no book" for id_ in strangers]
    return verdict("bank_books_equal_database", wrong, f"{len(held):,} payments, each on its side")


def _nothing_twice(books: Mapping[str, Book]) -> Proof:
    """Prove that what was sent again took effect once, and that nobody was told two ends."""
    wrong = [
        f"{name}: payment {id_} was told to have ended in two ways"
        for name, book in books.items()
        for id_ in book.contradictions
    ]
    sides = [
        Counter(id_ for book in books.values() for id_ in book.entries(sent=sent))
        for sent in (True, False)
    ]
    wrong += [
        f"payment {payment_id_text(id_)} stands in {count} books of one side"
        for side in sides
        for id_, count in side.most_common(SHOWN_MAX)
        if count > 1
    ]
    open_ = sum(
        state not in FINAL
        for book in books.values()
        for _, state in (book.entries(sent=True) | book.entries(sent=False)).values()
    )
    if open_:
        wrong.append(f"{open_} entries have no final state")
    return verdict("each_payment_ends_once", wrong, f"{sides[0].total():,} payments")


def _differs(name: str, id_: bytes, noted: tuple[int, str], told: tuple[int, str]) -> str:
    return (
        f"{name}: payment {payment_id_text(id_)} is {noted[1]} of {noted[0]:,} in its book, "
        f"{told[1]} of {told[0]:,} at the switch"
    )
