"""Numbering: each payment of a bill gets its agency's next number of the fiscal year.

The numbers follow the order of the books, in the transaction that moves the cursor: there are no
gaps, whatever crashes, and nobody ever draws a number that is not used.
"""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, time

from payvand.settlement.database import Pool
from payvand.switch.fees.bills.accounts import ACT_CODE, fees_account
from payvand.switch.rules.solar_hijri import TEHRAN, YEAR_MAX, YEAR_MIN, first_day, nanoseconds_of

__all__ = ["Numbering"]

_NUMBER = """
WITH payment AS (
    SELECT (credit_account_id / 16)::integer AS agency, id, user_data_128, amount, timestamp
    FROM books.transfer
    WHERE credit_account_id = ANY($1) AND window_number >= $2
        AND timestamp > $3 AND timestamp <= $4 AND flags & 10 = 0 AND code = $5
), dated AS (
    SELECT payment.*, (
        SELECT max(fiscal.year) FROM unnest($6::smallint[], $7::bigint[]) AS fiscal (year, begins)
        WHERE fiscal.begins <= payment.timestamp
    ) AS year
    FROM payment
)
INSERT INTO fees.receipt (agency, year, number, act, cart, amount, paid_at)
SELECT agency, year,
    coalesce((
        SELECT max(number) FROM fees.receipt
        WHERE receipt.agency = dated.agency AND receipt.year = dated.year
    ), 0) + row_number() OVER (PARTITION BY agency, year ORDER BY timestamp),
    id, user_data_128, amount, timestamp
FROM dated
"""


class Numbering:
    """Number what the projection has and nobody numbered yet. One for each process."""

    def __init__(self, pool: Pool) -> None:
        """Number in the database of *pool*."""
        self._pool = pool
        self._turn = asyncio.Lock()
        self._years = {year: _begins(year) for year in range(YEAR_MIN, YEAR_MAX + 1)}

    async def number(self, agencies: Iterable[int]) -> None:
        """Number all payments of bills of *agencies*, all that there are, up to the projection."""
        accounts = [fees_account(agency) for agency in agencies]
        async with self._turn, self._pool.acquire() as connection, connection.transaction():
            begun = await connection.fetchrow(
                "SELECT timestamp, window_number FROM fees.receipt_cursor FOR UPDATE"
            )
            books = await connection.fetchrow("SELECT timestamp, open_window FROM books.cursor")
            assert begun is not None and books is not None, "both cursors have their row"
            if books["timestamp"] <= begun["timestamp"]:
                return
            await connection.execute(
                _NUMBER,
                *(accounts, begun["window_number"], begun["timestamp"], books["timestamp"]),
                *(ACT_CODE, list(self._years), list(self._years.values())),
            )
            await connection.execute(
                "UPDATE fees.receipt_cursor SET timestamp = $1, window_number = $2",
                *(books["timestamp"], books["open_window"]),
            )


def _begins(year: int) -> int:
    """Return when a fiscal year begins by Tehran's clock, in nanoseconds since 1970."""
    return nanoseconds_of(datetime.combine(first_day(year), time(), TEHRAN).astimezone(UTC))
