"""What is measured about the projection: how fast it catches up, and how far behind it is."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import uvloop

from payvand.bench.banks import BANKS, PaymentLoad, commit_all, open_banks
from payvand.bench.result import Result
from payvand.bench.workbench import Subject, Workbench
from payvand.core.engine import Engine
from payvand.core.segments import read_frames
from payvand.settlement.database import connect, create_books
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.projection import Projection
from payvand.settlement.projector import ROWS_MAX, Projector, follow_files
from payvand.settlement.proofs import prove_all

__all__ = ["PROJECT"]

CATCH_UP_PAYMENTS = 2_000_000
QUICK_PAYMENTS = 60_000
LIMIT_ROWS = 500_000
RATE = 20_000
"""Payments a second while the lag is measured."""
TICK_S = 0.01
LAG_S = 20
QUICK_LAG_S = 2
SAMPLE_S = 0.02
SINGLES = 20


def catch_up(bench: Workbench, name: str) -> Result:
    """Measure filling an empty projection from the journal, indexes included."""
    payments = QUICK_PAYMENTS if bench.quick else CATCH_UP_PAYMENTS
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: {payments:,} payments among {BANKS} banks")
        uvloop.run(_write(folder / "journal", payments))
        with EmbeddedPostgres(folder / "database") as server:
            bench.tell(f"{name}: projecting")
            elapsed_ns = uvloop.run(_fill(folder / "journal", server.dsn))
            bench.tell(f"{name}: proving")
            uvloop.run(_prove(bench, name, folder / "journal", server.dsn))
            bench.tell(f"{name}: bare COPY of ready rows")
            rows = QUICK_PAYMENTS if bench.quick else LIMIT_ROWS
            limit_ns = uvloop.run(_bare_copy(folder / "journal", server.dsn, rows))
    return Result(
        name,
        payments * 1e9 / elapsed_ns,
        "payments/s",
        "COPY of ready rows into a table without keys",
        rows * 1e9 / limit_ns,
        {"payments": payments, "rows_per_transaction": ROWS_MAX},
    )


async def _write(folder: Path, payments: int) -> None:
    async with await Engine.open(folder) as engine:
        await open_banks(engine)
        await commit_all(engine, PaymentLoad().batches(payments))


async def _fill(journal: Path, dsn: str) -> int:
    pool = await connect(dsn)
    since = time.perf_counter_ns()
    await Projector(pool, follow_files(journal)).run()
    elapsed = time.perf_counter_ns() - since
    await pool.close()
    return elapsed


async def _prove(bench: Workbench, name: str, journal: Path, dsn: str) -> None:
    pool = await connect(dsn)
    for proof in await prove_all(journal, pool):
        bench.prove(f"{name}: {proof.name}", proof.holds)
    await pool.close()


async def _bare_copy(journal: Path, dsn: str, rows: int) -> int:
    """Copy rows made beforehand, as many as a transaction has each time."""
    projection = Projection(sequence=0, open_window=1)
    for frame in read_frames(journal):
        if projection.rows >= ROWS_MAX:
            break
        projection.add(frame)
    chunks = dict(projection.tables())["transfer"]

    async def stream() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE bare (LIKE books.transfer)")
    await connection.execute("SET synchronous_commit = off")
    copied = 0
    since = time.perf_counter_ns()
    while copied < rows:
        done = await connection.copy_to_table("bare", source=stream(), format="binary")
        copied += int(done.split()[1])
    elapsed = time.perf_counter_ns() - since
    await connection.close()
    return elapsed * rows // copied


def lag(bench: Workbench, name: str) -> Result:
    """Measure how old the oldest frame is that isn't projected yet, at a steady rate."""
    seconds = QUICK_LAG_S if bench.quick else LAG_S
    with bench.scratch(name) as folder, EmbeddedPostgres(folder / "database") as server:
        bench.tell(f"{name}: {RATE:,} payments/s for {seconds} s")
        ages, single_ns = uvloop.run(_lag(bench, name, folder / "journal", server.dsn, seconds))
        uvloop.run(_prove(bench, name, folder / "journal", server.dsn))
    ages.sort()
    return Result(
        name,
        ages[len(ages) * 99 // 100] / 1e6,
        "ms",
        "a durable commit of one row by the same PostgreSQL",
        single_ns / 1e6,
        {
            "payments_per_s": RATE,
            "seconds": seconds,
            "p50_ms": round(ages[len(ages) // 2] / 1e6, 2),
            "max_ms": round(ages[-1] / 1e6, 2),
        },
    )


async def _lag(
    bench: Workbench, name: str, journal: Path, dsn: str, seconds: int
) -> tuple[list[int], int]:
    """Return samples of the age, and how long one row's commit takes beside the same load."""
    pool = await connect(dsn)
    async with pool.acquire() as connection:
        await create_books(connection)
        await connection.execute("CREATE TABLE single (number bigint)")
    ages: list[int] = []
    singles: list[int] = []
    async with await Engine.open(journal) as engine:
        await open_banks(engine)
        projector = Projector(pool, engine.follow)
        projecting = asyncio.create_task(projector.run())
        pressing = asyncio.create_task(_press(engine, seconds))
        while not pressing.done():
            oldest = projector.statistics().oldest_timestamp
            ages.append(max(time.time_ns() - oldest, 0) if oldest else 0)
            if len(singles) < SINGLES and len(ages) % 5 == 0:
                since = time.perf_counter_ns()
                await pool.execute("INSERT INTO single VALUES (1)")
                singles.append(time.perf_counter_ns() - since)
            await asyncio.sleep(SAMPLE_S)
        bench.prove(f"{name}: every payment took effect", await pressing == 0)
        await projector.wait_for(engine.sequence)
        projecting.cancel()
        await asyncio.wait([projecting])
    await pool.close()
    return ages, round(statistics.median(singles))


async def _press(engine: Engine, seconds: int) -> int:
    """Submit payments at the rate, whatever becomes of earlier ones; return how many failed."""
    load = PaymentLoad()
    size = round(RATE * TICK_S)
    started = time.perf_counter()
    commits = set()
    refused = 0
    for tick in range(round(seconds / TICK_S)):
        await asyncio.sleep(max(0.0, started + tick * TICK_S - time.perf_counter()))
        batch = load.batch(size)
        commits.add(asyncio.create_task(commit_all(engine, iter([batch]))))
        done = {commit for commit in commits if commit.done()}
        refused += sum(commit.result() for commit in done)
        commits -= done
    return refused + sum(await asyncio.gather(*commits))


PROJECT = Subject(
    "project",
    "Measure the projection of the journal to PostgreSQL.",
    {"projection_catch_up": catch_up, "projection_lag": lag},
)
