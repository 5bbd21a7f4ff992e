"""What a day came to, and the proofs that the banks' own books agree with the switch.

The banks' books were made by the banks, from what they were told over the wire. They are held, one
payment after the other, against the ledger (asked while the switch runs) and against the database
(read once it has stopped).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

from payvand.client import CALL_PAYMENTS_MAX, STATE_NAMES, Bank, payment_id_text
from payvand.settlement.database import Executor
from payvand.settlement.proof import SHOWN_MAX, Proof, verdict
from payvand.switch.sandbox.book import FINAL, Book
from payvand.switch.sandbox.days import Day
from payvand.switch.sandbox.participant import BOOK_NAME, Standing
from payvand.switch.verifying import verify
from payvand.v1.settlement_service_pb2 import SettlementWindow

__all__ = [
    "Entry",
    "Pace",
    "Reckoning",
    "Span",
    "book_of",
    "compare_with_switch",
    "prove_day",
    "prove_statements",
    "prove_window",
    "reckon",
]

Entry = tuple[bytes, int, bool]
"""Of a statement: the payment's id, its amount, and whether it was paid out."""

NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in the books, in nanoseconds since 1970: after `start`, up to `stop`."""

    start: int
    stop: int

    def holds(self, timestamp: int) -> bool:
        """Tell whether a time lies in it."""
        return self.start < timestamp <= self.stop


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run was: from its first submission to the last end that somebody brought about.

    Payments that nobody answers are told apart: their end is a deadline's, so neither they nor the
    wait for them are in the rate. Refused instructions and those sent again took their time too,
    and count for nothing.
    """

    payments: int
    """Settled, rejected and declined payments of the run."""
    flow_ns: int
    """From the first submission to the last of their ends."""
    expired: int
    """Payments of the run that ran out."""
    expiry_ns: int
    """From the first submission to the last of these."""

    @property
    def per_second(self) -> int:
        """Payments a second, end to end; 0 where nothing was sent."""
        return self.payments * NS // self.flow_ns if self.flow_ns else 0


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What became of a day's instructions, and how fast."""

    states: dict[str, int]
    """The day's distinct instructions by how they ended."""
    refused: dict[str, int]
    """The refused ones by the rule that they broke."""
    reasons: dict[str, dict[str, int]]
    """Why the others didn't settle: reason codes by state."""
    sent_again: int
    """Payments of the day that banks sent more than once; each took effect once."""
    sent_again_so_far: int
    pace: Pace
    """Of this run alone, where the day was carried on."""


def book_of(data: Path, name: str) -> Book:
    """Read the book of a participant of the data folder."""
    return Book.read(data / "books" / name / BOOK_NAME)


def reckon(
    books: Mapping[str, Book], standings: Mapping[str, Standing], day: Day, span: Span
) -> Reckoning:
    """Add up the participants' books over the *span* of a day."""
    states: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for book in books.values():
        for id_, (_, state) in book.entries(sent=True).items():
            if span.holds(book.ends.get(id_, 0)):
                states[state] += 1
                if reason := book.reasons.get(id_, ""):
                    reasons.setdefault(state, Counter())[reason] += 1
    names = {quote(path.name) for files in day.files.values() for path in files}
    refused = Counter(
        rule for book in books.values() for (file, _), rule in book.refused.items() if file in names
    )
    if refused:
        states["refused"] = refused.total()
    again = sum(one.repeats for one in standings.values())
    began = min((one.started_at for one in standings.values() if one.started_at), default=0)
    return Reckoning(
        states=dict(sorted(states.items())),
        refused=dict(refused.most_common()),
        reasons={state: dict(codes.most_common()) for state, codes in sorted(reasons.items())},
        sent_again=again - _sent_again_before(day),
        sent_again_so_far=again,
        pace=_pace(books, began),
    )


def _pace(books: Mapping[str, Book], began: int) -> Pace:
    """Return how fast the run was that sent its first payment at *began*; 0 where it sent none."""
    decided: list[int] = []
    expired: list[int] = []
    for book in books.values():
        # The senders' side only: each payment counts once, under the state that its sender knows.
        for id_, (_, state) in book.entries(sent=True).items():
            at = book.ends.get(id_, 0)
            if began and at > began:
                (expired if state == "expired" else decided).append(at)
    return Pace(
        payments=len(decided),
        flow_ns=max(decided, default=began) - began,
        expired=len(expired),
        expiry_ns=max(expired, default=began) - began,
    )


def _sent_again_before(day: Day) -> int:
    """Return how many payments were sent again on all days before."""
    before = day.folder.parent / f"{day.number - 1:04}" / "result.json"
    if not before.exists():
        return 0
    return int(json.loads(before.read_text(encoding="utf-8"))["sent_again_so_far"])


async def compare_with_switch(books: Mapping[str, Book], data: Path, address: str) -> Proof:
    """Prove that the ledger gives every payment in a bank's book the state that the bank noted."""
    wrong: list[str] = []
    compared = 0
    for name, book in books.items():
        noted = book.entries(sent=False) | book.entries(sent=True)
        ids = list(noted)
        async with Bank.connect(address, data / "certificates" / name) as bank:
            for start in range(0, len(ids), CALL_PAYMENTS_MAX):
                for status in await bank.status(ids[start : start + CALL_PAYMENTS_MAX]):
                    told = (status.amount, STATE_NAMES[status.state])
                    if told != noted[status.id]:
                        wrong.append(_differs(name, status.id, noted[status.id], told))
        compared += len(ids)
    return verdict("bank_books_equal_ledger", wrong, f"{compared:,} entries of the banks' books")


def prove_statements(
    books: Mapping[str, Book], statements: Mapping[str, Set[Entry]], span: Span
) -> Proof:
    """Prove that each participant's statement of a window has the entries of its own book."""
    wrong: list[str] = []
    for name, told in statements.items():
        noted = {
            (id_, amount, sent)
            for sent in (True, False)
            for id_, amount in _settled(books[name], span, sent=sent)
        }
        wrong += [
            f"{name}: payment {payment_id_text(id_)} is in its statement or its book, not in both"
            for id_, _, _ in sorted(noted ^ told)
        ]
    entries = sum(map(len, statements.values()))
    seen = f"{entries:,} entries of {len(statements)} statements"
    return verdict("bank_books_equal_statements", wrong, seen)


def prove_window(books: Mapping[str, Book], window: SettlementWindow, span: Span) -> Proof:
    """Prove that each participant's net position is what its own book adds up to."""
    wrong: list[str] = []
    for position in window.positions:
        told = int(position.debits), int(position.credits)
        book = books.get(position.participant)
        noted = (0, 0)
        if book is not None:
            debits, credits = (
                sum(amount for _, amount in _settled(book, span, sent=sent))
                for sent in (True, False)
            )
            noted = debits, credits
        if noted != told:
            wrong.append(
                f"{position.participant} paid {noted[0]:,} and received {noted[1]:,} by its book, "
                f"{told[0]:,} and {told[1]:,} at the switch"
            )
    return verdict("bank_books_equal_window", wrong, f"{len(window.positions):,} net positions")


def _settled(book: Book, span: Span, *, sent: bool) -> Iterator[tuple[bytes, int]]:
    """Yield id and amount of the payments of one side of a book that settled in *span*."""
    for id_, (amount, state) in book.entries(sent=sent).items():
        if state == "settled" and span.holds(book.ends.get(id_, 0)):
            yield id_, amount


async def prove_day(data: Path, books: Mapping[str, Book]) -> list[Proof]:
    """Prove, with the switch stopped, all that `payvand verify` proves, and the banks' books."""

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
