"""An engine with traffic, a database, and the projector between them: settlement as it runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from payvand.core.engine import Engine
from payvand.settlement.database import Pool, connect, create_books, migrate
from payvand.settlement.projector import Projector
from payvand.settlement.proofs import prove_all
from tests.support.traffic import Clock, Traffic

SEGMENT_BYTES = 1 << 20
WAIT_S_MAX = 60.0


@dataclass
class Projected:
    """What a test gets: everything is open, and the projector's own task is up to the test."""

    folder: Path
    pool: Pool
    engine: Engine
    traffic: Traffic
    projector: Projector
    task: "asyncio.Task[None] | None" = None

    @asynccontextmanager
    async def projecting(self) -> AsyncIterator["asyncio.Task[None]"]:
        """Let the projector run for the time of the body."""
        self.task = asyncio.create_task(self.projector.run())
        try:
            yield self.task
        finally:
            self.task.cancel()
            await asyncio.wait([self.task])

    async def catch_up(self) -> None:
        """Wait until all that is durable is in the database."""
        assert self.task is not None, "nothing projects"
        arrived = asyncio.create_task(self.projector.wait_for(self.engine.sequence))
        await asyncio.wait(
            [arrived, self.task], timeout=WAIT_S_MAX, return_when=asyncio.FIRST_COMPLETED
        )
        if self.task.done():
            await self.task
        assert arrived.done(), self.projector.statistics()

    async def assert_all_proved(self) -> None:
        """Close the engine, then hold journal, ledger and database against each other."""
        await self.engine.close()
        wrong = [proof for proof in await prove_all(self.folder, self.pool) if not proof.holds]
        assert not wrong, wrong


@asynccontextmanager
async def open_projected(folder: Path, database: str, *, seed: int = 0) -> AsyncIterator[Projected]:
    """Open an engine in *folder* with funded banks, and a migrated *database*."""
    clock = Clock()
    pool = await connect(database)
    try:
        async with pool.acquire() as connection:
            await migrate(connection)
            await create_books(connection)
        async with await Engine.open(folder, clock=clock, segment_bytes=SEGMENT_BYTES) as engine:
            traffic = Traffic(engine, clock, seed=seed)
            await traffic.open()
            yield Projected(folder, pool, engine, traffic, Projector(pool, engine.follow))
    finally:
        await asyncio.wait_for(pool.close(), WAIT_S_MAX)
