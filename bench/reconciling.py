"""What is measured about reconciliation: a million rows on disk against a million payments."""

import asyncio
import csv
import resource
import statistics
import time
from pathlib import Path

import asyncpg
import numpy as np
import uvloop

from payvand.bench.banks import open_banks
from payvand.bench.load import LEDGER, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Subject, Workbench
from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, Records, u128_list
from payvand.settlement.closing import close_window
from payvand.settlement.database import connect, migrate
from payvand.settlement.netting import position_account
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.projector import Projector, follow_files
from payvand.settlement.reconciliation.matching import Kind
from payvand.settlement.reconciliation.profile import Profile
from payvand.settlement.reconciliation.reconciling import Reconciled, reconcile_file
from payvand.settlement.windows import WindowBook

__all__ = ["RECONCILE"]

PAYMENTS = 1_000_000
QUICK_PAYMENTS = 20_000
FAULTS_PER_MILLION = 200
"""Of each kind."""
BANK = 1
SEED = 7
MOMENT, DAY = 1_767_225_600_000_000_000, "2026-01-01"
"""When the payments were, as the books and as the file have it."""
ROUNDS = 3

PROFILE = """
name = "bench"
form = "csv"
[columns]
reference = "reference"
amount = "amount"
day = "day"
"""

MATCH_BY_SQL = """
SELECT count(*) FROM books.transfer JOIN bare ON bare.reference = transfer.id
WHERE bare.amount = CASE WHEN debit_account_id = 17 THEN -transfer.amount ELSE transfer.amount END
"""


def reconcile(bench: Workbench, name: str) -> Result:
    """Measure a file from disk to breaks in PostgreSQL, beside a bare COPY and join in it."""
    payments = QUICK_PAYMENTS if bench.quick else PAYMENTS
    with bench.scratch(name) as folder:
        rows = _draw(payments)
        bench.tell(f"{name}: {payments:,} payments")
        uvloop.run(_write_journal(folder / "journal", rows))
        expected = _write_file(folder / "bank.csv", rows)
        with EmbeddedPostgres(folder / "database") as server:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            done, elapsed_ns, bare_ns = uvloop.run(_run(bench, name, folder, server.dsn))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bench.prove(f"{name}: every fault is found once and none is invented", done.breaks == expected)
    return Result(
        name,
        elapsed_ns / 1e9,
        "s",
        "PostgreSQL copying the same rows and joining them by id and amount",
        bare_ns / 1e9,
        {
            "payments": payments,
            "rows": done.rows,
            "breaks": done.breaks,
            "rows_per_s": round(done.rows * 1e9 / elapsed_ns),
            "memory_before_mib": before >> 10,
            "memory_peak_mib": peak >> 10,
        },
    )


def _draw(count: int) -> Records:
    """Draw payments between the bank and its neighbour, in either direction."""
    random = np.random.default_rng(SEED)
    rows: Records = np.zeros(count, TRANSFER)
    rows["id"]["lo"] = random.integers(1, 1 << 63, count, np.uint64)
    rows["id"]["hi"] = random.integers(1, 1 << 62, count, np.uint64)
    out = random.integers(0, 2, count) == 1
    rows["debit_account_id"]["lo"] = np.where(out, position_account(BANK), position_account(2))
    rows["credit_account_id"]["lo"] = np.where(out, position_account(2), position_account(BANK))
    rows["amount"]["lo"] = random.integers(10**6, 10**9, count, np.uint64)
    rows["ledger"], rows["code"] = LEDGER, 1
    return rows


async def _write_journal(folder: Path, rows: Records) -> None:
    async with await Engine.open(folder, clock=lambda: MOMENT) as engine:
        await open_banks(engine)
        for batch in batches(rows):
            await engine.create_transfers(batch)
        await close_window(engine, WindowBook(), range(1, 41))


def _write_file(path: Path, payments: Records) -> dict[str, int]:
    """Write the bank's file, with faults of six kinds; return how many breaks it has of each."""
    out = payments["debit_account_id"]["lo"] == position_account(BANK)
    amounts = np.where(out, -1, 1) * payments["amount"]["lo"].astype(np.int64)
    columns = zip(u128_list(payments["id"]), amounts.tolist(), strict=True)
    rows = [(f"{identity:032x}", amount, DAY) for identity, amount in columns]
    count = max(len(rows) * FAULTS_PER_MILLION // 1_000_000, 4)
    picked = np.random.default_rng(SEED).permutation(len(rows))[: 6 * count].tolist()
    lost, doubled, split, wrong, turned, late = (picked[n::6] for n in range(6))
    for place in wrong:
        rows[place] = (rows[place][0], rows[place][1] + 1, DAY)
    for place in turned:
        rows[place] = (rows[place][0], -rows[place][1], DAY)
    for place in late:
        rows[place] = (*rows[place][:2], "2020-01-01")
    more = [rows[place] for place in doubled]
    for place in split:
        reference, amount, _ = rows[place]
        rows[place] = (reference, amount - amount // 3, DAY)
        more.append((reference, amount // 3, DAY))
    gone = set(lost)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("reference", "amount", "day"))
        writer.writerows(row for place, row in enumerate(rows) if place not in gone)
        writer.writerows(more)
    kinds = (
        *(Kind.MISSING_AT_BANK, Kind.DUPLICATE_AT_BANK, Kind.SPLIT_AT_BANK),
        *(Kind.AMOUNT_DIFFERS, Kind.SIDE_DIFFERS, Kind.DAY_DIFFERS),
    )
    return {kind.name.lower(): count for kind in sorted(kinds)}


async def _run(bench: Workbench, name: str, folder: Path, dsn: str) -> tuple[Reconciled, int, int]:
    pool = await connect(dsn)
    bench.tell(f"{name}: projecting")
    await Projector(pool, follow_files(folder / "journal")).run()
    async with pool.acquire() as connection:
        await migrate(connection)
        bench.tell(f"{name}: reconciling")
        since = time.perf_counter_ns()
        done = await reconcile_file(
            connection,
            folder / "bank.csv",
            Profile.parse(PROFILE),
            participant=BANK,
            window=1,
            operator="bench",
        )
        elapsed = time.perf_counter_ns() - since
        bench.tell(f"{name}: bare COPY and join")
        bare = [await _bare(connection, folder / "bank.csv") for _ in range(ROUNDS)]
    await pool.close()
    return done, elapsed, round(statistics.median(bare))


async def _bare(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", path: Path) -> int:
    """Do what SQL alone can: take the rows in and count those that agree."""
    since = time.perf_counter_ns()
    await connection.execute(
        "CREATE TEMPORARY TABLE bare (reference uuid, amount bigint, day date)"
    )
    source = await asyncio.to_thread(path.open, "rb")
    with source:
        await connection.copy_to_table("bare", source=source, format="csv", header=True)
    await connection.fetchval(MATCH_BY_SQL)
    await connection.execute("DROP TABLE bare")
    return time.perf_counter_ns() - since


RECONCILE = Subject(
    "reconcile",
    "Measure holding a bank's file against the books.",
    {"reconcile": reconcile},
)
