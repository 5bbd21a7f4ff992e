"""Breaks in people's hands: listed, aged, assigned, noted, closed and opened again.

Every act is kept with who did it and why, in order, and never changed. Nothing here moves money.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from payvand.settlement.database import Executor
from payvand.settlement.errors import SettlementFault
from payvand.settlement.reconciliation.matching import Kind, Rule

__all__ = [
    "AGES",
    "BREAKS_MAX",
    "ActRefused",
    "BreakEvent",
    "OpenBreak",
    "Trace",
    "act_on_break",
    "age_breaks",
    "list_breaks",
    "read_events",
    "trace_payment",
]

BREAKS_MAX = 1_000
"""The most breaks of one page."""

AGES = ((1, "up to 1 day"), (3, "2 to 3 days"), (7, "4 to 7 days"), (30, "8 to 30 days"))
"""Upper bounds of the ageing buckets in whole days; older ones are `over 30 days`."""

OLDEST = "over 30 days"

Act = Literal["assign", "note", "close", "reopen"]


class ActRefused(SettlementFault):
    """An act on a break doesn't fit how it stands."""


@dataclass(frozen=True, slots=True)
class OpenBreak:
    """A break as it stands."""

    id: int
    participant: int
    window: int
    kind: Kind
    payments: tuple[int, ...]
    """Ids of the payments that it is about."""
    rows: tuple[int, ...]
    """Numbers of the rows in the file."""
    expected: int | None
    found: int | None
    detail: str
    state: str
    owner: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class BreakEvent:
    """One thing that happened to a break."""

    at: datetime
    operator: str
    act: str
    note: str


@dataclass(frozen=True, slots=True)
class Trace:
    """A row of a bank's file that is about a payment."""

    file: int
    name: str
    revision: int
    window: int
    number: int
    rule: Rule
    amount: int


async def list_breaks(
    connection: Executor,
    *,
    participant: int = 0,
    window: int = 0,
    state: str = "open",
    after: int = 0,
    limit: int = 100,
) -> list[OpenBreak]:
    """Return breaks in the order in which they were found.

    Args:
        connection: Any.
        participant: Only of this one; 0 for all.
        window: Only those found with this window's files; 0 for all.
        state: `open` or `closed`.
        after: The id of the last one of the page before.
        limit: How many at most, 1 to `BREAKS_MAX`.
    """
    if not 1 <= limit <= BREAKS_MAX:
        raise ValueError(f"limit is {limit}, not from 1 to {BREAKS_MAX}")
    rows = await connection.fetch(
        """
        SELECT * FROM reference.reconciliation_break
        WHERE ($1 = 0 OR participant = $1) AND ($2 = 0 OR window_number = $2)
            AND state = $3 AND id > $4
        ORDER BY id LIMIT $5
        """,
        *(participant, window, state, after, limit),
    )
    return [
        OpenBreak(
            row["id"],
            row["participant"],
            row["window_number"],
            Kind(row["kind"]),
            tuple(payment.int for payment in row["payments"]),
            tuple(row["rows"]),
            row["expected"],
            row["found"],
            row["detail"],
            row["state"],
            row["owner"],
            row["opened_at"],
        )
        for row in rows
    ]


async def age_breaks(connection: Executor, *, now: datetime) -> dict[str, dict[str, int]]:
    """Return how many open breaks there are of each age and kind, as of *now*."""
    rows = await connection.fetch(
        "SELECT kind, extract(epoch FROM $1::timestamptz - opened_at)::bigint AS seconds, count(*) "
        "FROM reference.reconciliation_break WHERE state = 'open' GROUP BY 1, 2",
        now,
    )
    aged: dict[str, dict[str, int]] = {name: {} for name in (*(n for _, n in AGES), OLDEST)}
    for row in rows:
        days = row["seconds"] / 86_400
        bucket = next((name for bound, name in AGES if days <= bound), OLDEST)
        kind = Kind(row["kind"]).name.lower()
        aged[bucket][kind] = aged[bucket].get(kind, 0) + row["count"]
    return aged


async def act_on_break(
    connection: Executor,
    number: int,
    act: Act,
    *,
    operator: str,
    note: str,
    owner: str = "",
) -> None:
    """Do something to a break, and keep who did it and why.

    Args:
        connection: Not within a transaction.
        number: The break's id.
        act: `assign` gives it to *owner*; `note` adds a note; `close` and `reopen` do that.
        operator: Who acts.
        note: Why; never empty.
        owner: For `assign`.

    Raises `ActRefused` where there is no such break or it doesn't stand so.
    """
    if not note.strip():
        raise ActRefused(f"break {number}: a reason is missing", hint="say why in the note")
    async with connection.transaction():
        state = await connection.fetchval(
            "SELECT state FROM reference.reconciliation_break WHERE id = $1 FOR UPDATE", number
        )
        if state is None:
            raise ActRefused(f"there is no break {number}", hint="list the breaks")
        if (act == "reopen") != (state == "closed"):
            raise ActRefused(f"break {number} is {state}", hint="look at its events")
        if act == "assign":
            await connection.execute(
                "UPDATE reference.reconciliation_break SET owner = $2 WHERE id = $1",
                *(number, owner),
            )
        elif act in ("close", "reopen"):
            await connection.execute(
                "UPDATE reference.reconciliation_break SET state = $2, "
                "closed_at = CASE WHEN $2 = 'closed' THEN now() END WHERE id = $1",
                *(number, "closed" if act == "close" else "open"),
            )
        await connection.execute(
            "INSERT INTO reference.break_event (break_id, operator, act, note) "
            "VALUES ($1, $2, $3, $4)",
            *(number, operator, act, note),
        )


async def read_events(connection: Executor, number: int) -> list[BreakEvent]:
    """Return what happened to a break, in order."""
    rows = await connection.fetch(
        "SELECT at, operator, act, note FROM reference.break_event WHERE break_id = $1 ORDER BY id",
        number,
    )
    return [BreakEvent(*row) for row in rows]


async def trace_payment(connection: Executor, payment: int) -> list[Trace]:
    """Return the rows of banks' files that are about a payment."""
    rows = await connection.fetch(
        """
        SELECT file.id, file.name, file.revision, file.window_number, line.number, line.rule,
            line.amount
        FROM reference.bank_row AS line JOIN reference.bank_file AS file ON file.id = line.file
        WHERE line.payment = $1 ORDER BY file.id, line.number
        """,
        f"{payment:032x}",
    )
    return [
        Trace(
            row["id"],
            row["name"],
            row["revision"],
            row["window_number"],
            row["number"],
            Rule(row["rule"]),
            row["amount"],
        )
        for row in rows
    ]
