"""What operators ask the projection: the windows and the totals."""

from dataclasses import dataclass

from payvand.settlement.database import Executor
from payvand.settlement.windows import ClosedWindow

__all__ = ["WINDOWS_MAX", "StateCount", "Totals", "read_totals", "read_window", "read_windows"]

WINDOWS_MAX = 1_000
"""The most windows of one page."""


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many payments are in a state."""

    count: int
    amount: int
    """The sum of their amounts, in minor units."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Totals over all accounts of a ledger, as the database has them."""

    sequence: int
    """The frame that they stand at."""
    payments: dict[str, StateCount]
    """By state: reserved, settled, rejected, expired, declined."""
    debits_posted: int
    credits_posted: int
    debits_pending: int
    credits_pending: int


async def read_windows(
    connection: Executor, *, before: int = 0, limit: int = 100
) -> list[ClosedWindow]:
    """Return closed windows, newest first.

    Args:
        connection: Any.
        before: Only windows with a lower number; 0 for all.
        limit: How many at most, 1 to `WINDOWS_MAX`.
    """
    if not 1 <= limit <= WINDOWS_MAX:
        raise ValueError(f"limit is {limit}, not from 1 to {WINDOWS_MAX}")
    rows = await connection.fetch(
        """
        SELECT closed_sequence, closed_at, note FROM books.settlement_window
        WHERE number < $1 OR $1 = 0 ORDER BY number DESC LIMIT $2
        """,
        *(before, limit),
    )
    return [
        ClosedWindow.from_note(
            row["note"].encode(), sequence=row["closed_sequence"], timestamp=row["closed_at"]
        )
        for row in rows
    ]


async def read_window(connection: Executor, number: int) -> ClosedWindow | None:
    """Return a closed window, or None where none with this number is closed."""
    for window in await read_windows(connection, before=number + 1, limit=1):
        if window.number == number:
            return window
    return None


async def read_totals(connection: Executor, ledger: int) -> Totals:
    """Add up the projection's rows of one ledger, all as of one moment.

    It reads every transfer: seconds for a million of them.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        sequence = await connection.fetchval("SELECT sequence FROM books.cursor")
        states = await connection.fetch(
            "SELECT state, count(*), sum(amount) FROM books.payment WHERE ledger = $1 GROUP BY 1",
            ledger,
        )
        posted = await connection.fetchval(
            "SELECT coalesce(sum(amount), 0) FROM books.transfer "
            "WHERE ledger = $1 AND flags & 10 = 0",
            ledger,
        )
        pending = await connection.fetchval(
            """
            SELECT coalesce(sum(amount), 0) FROM books.transfer reservation
            WHERE ledger = $1 AND flags & 2 <> 0
                AND NOT EXISTS (SELECT FROM books.transfer WHERE pending_id = reservation.id)
                AND NOT EXISTS (SELECT FROM books.expiry WHERE pending_id = reservation.id)
            """,
            ledger,
        )
    payments = {row["state"]: StateCount(row["count"], int(row["sum"])) for row in states}
    # A transfer debits and credits the same amount: one sum serves both sides.
    return Totals(sequence, payments, int(posted), int(posted), int(pending), int(pending))
