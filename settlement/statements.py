"""Statements of account: what moved an account in a window, from PostgreSQL.

    opening + credits - debits = closing

The opening is what the window before carried; the entries are the postings in the order of the
books, the window's own settlement last; the closing of a closed window is what it carried, and
that of the open window is the account's balance in the ledger.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg

from payvand.settlement.database import Executor
from payvand.settlement.netting import is_position, participant_of

__all__ = [
    "ENTRIES_MAX",
    "Reference",
    "Statement",
    "StatementEntry",
    "StatementPage",
    "read_entries",
    "read_page",
    "render_csv",
    "render_text",
]

ENTRIES_MAX = 10_000
"""The most entries of one page."""


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One posting that moved the account."""

    id: int
    """The payment's id, or the id of a transfer that isn't a payment."""
    counterparty: int
    """The account on the other side."""
    amount: int
    debit: bool
    """True for money out."""
    code: int
    sequence: int
    timestamp: int
    """Of the posting, in nanoseconds since 1970."""
    payload: bytes
    """The payment's message as it was submitted; empty for other transfers."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The totals of an account in a window, in minor units."""

    account: int
    window: int
    opening: int
    debits: int
    credits: int
    entries_total: int
    sequence: int
    """The frame up to which it is complete."""

    @property
    def closing(self) -> int:
        """The balance at the end of the window, or now."""
        return self.opening + self.credits - self.debits


@dataclass(frozen=True, slots=True)
class StatementPage:
    """A statement with some of its entries."""

    statement: Statement
    entries: tuple[StatementEntry, ...]
    next_after: int
    """Give it as *after* for the next page; 0 where this was the last."""


async def read_page(
    connection: Executor, account: int, window: int = 0, *, after: int = 0, limit: int = 1_000
) -> StatementPage:
    """Read a page of a statement, all of it as of one moment.

    Args:
        connection: Not within a transaction.
        account: The account's id in the ledger.
        window: The number of the window; 0 for the open one.
        after: The timestamp of the last entry of the page before; 0 for the first page.
        limit: How many entries at most, 1 to `ENTRIES_MAX`.
    """
    if not 1 <= limit <= ENTRIES_MAX:
        raise ValueError(f"limit is {limit}, not from 1 to {ENTRIES_MAX}")
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        statement = await _read_totals(connection, account, window)
        rows = await connection.fetch(_ENTRIES, account, statement.window, after, limit + 1)
    entries = tuple(_entry_of(row) for row in rows[:limit])
    return StatementPage(statement, entries, entries[-1].timestamp if len(rows) > limit else 0)


async def read_entries(
    connection: Executor, account: int, window: int
) -> AsyncIterator[StatementEntry]:
    """Iterate over all entries of a closed window, which doesn't change while it is read."""
    after = 0
    while True:
        rows = await connection.fetch(_ENTRIES, account, window, after, ENTRIES_MAX)
        for row in rows:
            yield _entry_of(row)
        if len(rows) < ENTRIES_MAX:
            return
        after = rows[-1]["timestamp"]


_TOTALS = """
SELECT
    cursor.sequence,
    chosen.number AS window,
    debit.count + credit.count AS entries,
    debit.sum AS debits,
    credit.sum AS credits
FROM books.cursor
CROSS JOIN LATERAL (SELECT coalesce(nullif($2::integer, 0), cursor.open_window) AS number) chosen
CROSS JOIN LATERAL (
    SELECT count(*), coalesce(sum(amount), 0) AS sum FROM books.transfer
    WHERE debit_account_id = $1 AND window_number = chosen.number AND flags & 10 = 0
) debit
CROSS JOIN LATERAL (
    SELECT count(*), coalesce(sum(amount), 0) AS sum FROM books.transfer
    WHERE credit_account_id = $1 AND window_number = chosen.number AND flags & 10 = 0
) credit
"""

_CARRIED = """
SELECT carried FROM books.net_position WHERE participant = $1 AND window_number = $2 - 1
"""

# For accounts that no window brings back to zero: few entries, or none that is asked for often.
_BALANCE_BEFORE = """
SELECT (
    SELECT coalesce(sum(amount), 0) FROM books.transfer
    WHERE credit_account_id = $1 AND window_number < $2 AND flags & 10 = 0
) - (
    SELECT coalesce(sum(amount), 0) FROM books.transfer
    WHERE debit_account_id = $1 AND window_number < $2 AND flags & 10 = 0
)
"""

_ENTRIES = """
SELECT coalesce(moved.pending_id, moved.id) AS id, moved.counterparty, moved.amount, moved.debit,
    moved.code, moved.sequence, moved.timestamp,
    coalesce(moved.payload, reservation.payload, '') AS payload
FROM (
    (
        SELECT id, pending_id, credit_account_id AS counterparty, amount, true AS debit, code,
            sequence, timestamp, payload
        FROM books.transfer
        WHERE debit_account_id = $1 AND window_number = $2 AND timestamp > $3 AND flags & 10 = 0
        ORDER BY timestamp LIMIT $4
    ) UNION ALL (
        SELECT id, pending_id, debit_account_id, amount, false, code, sequence, timestamp, payload
        FROM books.transfer
        WHERE credit_account_id = $1 AND window_number = $2 AND timestamp > $3 AND flags & 10 = 0
        ORDER BY timestamp LIMIT $4
    )
    ORDER BY timestamp LIMIT $4
) moved
LEFT JOIN books.transfer reservation ON reservation.id = moved.pending_id
ORDER BY moved.timestamp
"""


async def _read_totals(connection: Executor, account: int, window: int) -> Statement:
    row = await connection.fetchrow(_TOTALS, account, window)
    assert row is not None, "the projection has a cursor"
    if is_position(account):
        opening = await connection.fetchval(_CARRIED, participant_of(account), row["window"])
    else:
        opening = await connection.fetchval(_BALANCE_BEFORE, account, row["window"])
    return Statement(
        account,
        row["window"],
        int(opening or 0),
        int(row["debits"]),
        int(row["credits"]),
        row["entries"],
        row["sequence"],
    )


def _entry_of(row: asyncpg.Record) -> StatementEntry:
    return StatementEntry(
        row["id"].int,
        int(row["counterparty"]),
        int(row["amount"]),
        row["debit"],
        row["code"],
        row["sequence"],
        row["timestamp"],
        row["payload"],
    )


Reference = Callable[[StatementEntry], str]
"""Finds in an entry's payload the reference to print."""


def _no_reference(_: StatementEntry) -> str:
    return ""


def render_csv(
    statement: Statement,
    entries: Iterable[StatementEntry],
    *,
    reference: Reference = _no_reference,
) -> str:
    """Return entries as CSV with a heading, between lines of the opening and the closing."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("line", "posted_at", "id", "counterparty", "code", "debit", "credit", "ref"))
    writer.writerow(("opening", *_blank(4), *_sides(-statement.opening), ""))
    for entry in entries:
        signed = entry.amount if entry.debit else -entry.amount
        posted_at, identity = _moment(entry.timestamp), f"{entry.id:032x}"
        about = (posted_at, identity, entry.counterparty, entry.code)
        writer.writerow(("entry", *about, *_sides(signed), reference(entry)))
    writer.writerow(("closing", *_blank(4), *_sides(-statement.closing), ""))
    return text.getvalue()


def render_text(
    statement: Statement,
    entries: Iterable[StatementEntry],
    *,
    name: str,
    reference: Reference = _no_reference,
) -> str:
    """Return entries as lines for people, under the heading *name*."""
    lines = [
        f"{name}, window {statement.window}, {statement.entries_total:,} entries",
        f"{'opening':<62}{statement.opening:>24,}",
    ]
    for entry in entries:
        signed = -entry.amount if entry.debit else entry.amount
        about = f"{_moment(entry.timestamp)}  {entry.id:032x}"
        lines.append(f"{about:<62}{signed:>24,}  {reference(entry)}".rstrip())
    lines += [
        f"{'debits':<62}{-statement.debits:>24,}",
        f"{'credits':<62}{statement.credits:>24,}",
        f"{'closing':<62}{statement.closing:>24,}",
    ]
    return "\n".join(lines) + "\n"


def _moment(nanoseconds: int) -> str:
    """Return a time in UTC to the microsecond, without going through a float."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1_000:06d}Z"


def _sides(signed: int) -> tuple[Any, Any]:
    """Return an amount in the debit or in the credit column; below zero is a credit."""
    return (signed, "") if signed > 0 else ("", -signed)


def _blank(count: int) -> tuple[str, ...]:
    return ("",) * count
