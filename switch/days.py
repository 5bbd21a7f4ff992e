"""The closing of business days by operators: one at a time, audited before it is done."""

import asyncio
from datetime import date
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.engine import Engine
from payvand.settlement.business_day import ClosedDay
from payvand.settlement.database import Pool, record_audit
from payvand.settlement.day_closing import DayNotNext, close_day
from payvand.v1 import business_day_service_pb2 as pb

__all__ = ["DayNotNext", "Days", "day_told"]


class Days:
    """Close business days on an engine. One for each process."""

    def __init__(self, engine: Engine, journal: Path, key: Ed25519PrivateKey, pool: Pool) -> None:
        """Close days of *engine*, which writes *journal*, and sign them with *key*."""
        self._engine = engine
        self._journal = journal
        self._key = key
        self._pool = pool
        self._turn = asyncio.Lock()

    async def close(self, on: date, *, operator: str) -> ClosedDay:
        """Close the open day under the date *on*; the last day's date returns that day.

        Raises `DayNotNext` where a later day is closed already.
        """
        async with self._turn:
            async with self._pool.acquire() as connection:
                await record_audit(
                    connection, operator=operator, act="day.close", subject=on.isoformat()
                )
            return await close_day(self._engine, self._journal, self._key, on)


def day_told(closed: ClosedDay) -> pb.ClosedDay:
    """Return a closed day as the contract says it."""
    head = closed.head
    return pb.ClosedDay(
        number=head.number,
        date=head.date.isoformat(),
        journal_id=head.journal_id,
        first_sequence=head.first,
        last_sequence=head.last,
        last_digest=head.digest,
        leaves=head.leaves,
        root=head.root,
        public_key=closed.public_key,
        signature=closed.signature,
    )
