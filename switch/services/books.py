"""BookService: everything added up, in the ledger and in the database."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from payvand.core.engine import Engine
from payvand.settlement import reports
from payvand.settlement.database import Pool
from payvand.switch.units import IRR
from payvand.v1 import book_service_pb2 as pb

__all__ = ["BookServicer"]

ATTEMPTS_MAX: Final = 3
"""How often totals are read again where the books moved meanwhile."""


class BookServicer:
    """Serve `payvand.v1.BookService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["BookService"]

    def __init__(self, engine: Engine, pool: Pool, catch_up: Callable[[], Awaitable[None]]) -> None:
        """Serve from *engine*; *catch_up* waits until the database is as far as the ledger."""
        self._engine = engine
        self._pool = pool
        self._catch_up = catch_up

    async def GetTotals(self, request: pb.GetTotalsRequest, context: Any) -> pb.GetTotalsResponse:
        """Add everything up in the ledger and in the database, at one sequence if it can be."""
        for _ in range(ATTEMPTS_MAX):
            sequence, sums = await self._engine.totals(IRR.ledger)
            await self._catch_up()
            async with self._pool.acquire() as connection:
                rows = await reports.read_totals(connection, IRR.ledger)
            if rows.sequence == sequence:
                break
        ledger = pb.Totals(
            sequence=sequence,
            debits_posted=str(sums["debits_posted"]),
            credits_posted=str(sums["credits_posted"]),
            debits_pending=str(sums["debits_pending"]),
            credits_pending=str(sums["credits_pending"]),
        )
        database = pb.Totals(
            sequence=rows.sequence,
            payments=[
                pb.StateCount(state=state, count=counted.count, amount=str(counted.amount))
                for state, counted in sorted(rows.payments.items())
            ],
            debits_posted=str(rows.debits_posted),
            credits_posted=str(rows.credits_posted),
            debits_pending=str(rows.debits_pending),
            credits_pending=str(rows.credits_pending),
        )
        return pb.GetTotalsResponse(ledger=ledger, database=database)
