"""What is measured about settlement: closing a window, and netting one again from the journal."""

import asyncio
import statistics
import time
from pathlib import Path

import numpy as np
import uvloop

from payvand.bench.banks import BANKS, PaymentLoad, commit_all, open_banks
from payvand.bench.load import LEDGER
from payvand.bench.result import Result
from payvand.bench.workbench import Subject, Workbench
from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, Records
from payvand.settlement.closing import close_window
from payvand.settlement.database import Pool, connect
from payvand.settlement.netting import settlement_account
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.projector import Projector, follow_files
from payvand.settlement.recount import WindowRecount, recount_journal
from payvand.settlement.windows import WindowBook

__all__ = ["SETTLE"]

CLOSE_PAYMENTS = 10_000_000
JOURNAL_PAYMENTS = 4_000_000
SQL_PAYMENTS = 1_000_000
QUICK_PAYMENTS = 60_000
ROUNDS = 5
WORKERS = 2

NET_BY_SQL = """
SELECT account, sum(debit), sum(credit) FROM (
    SELECT debit_account_id AS account, amount AS debit, 0 AS credit
    FROM books.transfer WHERE flags & 10 = 0
    UNION ALL
    SELECT credit_account_id, 0, amount FROM books.transfer WHERE flags & 10 = 0
) posting GROUP BY account
"""


def net_close(bench: Workbench, name: str) -> Result:
    """Measure closing a window: net it from the ledger's balances, settle it, durable."""
    payments = QUICK_PAYMENTS if bench.quick else CLOSE_PAYMENTS
    with bench.scratch(name) as folder:
        close_ns, frame_ns = uvloop.run(_close(bench, name, folder, payments))
    return Result(
        name,
        close_ns / 1e6,
        "ms",
        "a durable frame of as many transfers, by the same engine",
        frame_ns / 1e6,
        {"payments": payments, "banks": BANKS},
    )


async def _close(bench: Workbench, name: str, folder: Path, payments: int) -> tuple[int, int]:
    load = PaymentLoad(payload_bytes=0)
    async with await Engine.open(folder) as engine:
        await open_banks(engine)
        bench.tell(f"{name}: {payments:,} payments among {BANKS} banks")
        refused = await commit_all(engine, load.batches(payments))
        bench.prove(f"{name}: every payment took effect", refused == 0)
        frames = [await _frame(engine, number) for number in range(ROUNDS)]
        bench.tell(f"{name}: closing")
        book = WindowBook()
        since = time.perf_counter_ns()
        closing = await close_window(engine, book, range(1, BANKS + 1))
        close_ns = time.perf_counter_ns() - since
    recount = await asyncio.to_thread(recount_journal, folder)
    _prove_recount(bench, name, recount, load)
    closed = [each.closed for each in recount.recounts]
    bench.prove(f"{name}: the journal has this closing", closed == [closing.closed])
    return close_ns, round(statistics.median(frames))


async def _frame(engine: Engine, number: int) -> int:
    """Commit a frame of as many transfers as a closing has, moving nothing in the end."""
    outside = [settlement_account(bank) for bank in range(1, BANKS + 1)]
    rows: Records = np.zeros(BANKS, TRANSFER)
    rows["id"]["lo"] = np.arange(1, BANKS + 1) + number * BANKS
    rows["id"]["hi"] = 3 << 62
    rows["debit_account_id"]["lo"] = outside
    rows["credit_account_id"]["lo"] = outside[1:] + outside[:1]
    rows["amount"]["lo"], rows["ledger"], rows["code"] = 1, LEDGER, 12
    since = time.perf_counter_ns()
    await engine.create_transfers(rows)
    return time.perf_counter_ns() - since


def _prove_recount(bench: Workbench, name: str, recount: WindowRecount, load: PaymentLoad) -> None:
    """Hold a recount of all payments, in one window, against what was drawn."""
    positions = recount.recounts[0].positions if recount.recounts else recount.open_positions
    bench.prove(f"{name}: nets add up to zero", sum(p.net for p in positions) == 0)
    total = sum(position.debits for position in positions)
    bench.prove(f"{name}: every amount is counted once", total == load.amount_sum)
    if recount.recounts:
        bench.prove(f"{name}: the note equals the recount", recount.recounts[0].agrees)


def net_journal(bench: Workbench, name: str) -> Result:
    """Measure netting from the journal's files, beside PostgreSQL netting its rows."""
    payments = QUICK_PAYMENTS if bench.quick else JOURNAL_PAYMENTS
    rows = QUICK_PAYMENTS if bench.quick else SQL_PAYMENTS
    with bench.scratch(name) as folder:
        load = PaymentLoad()
        bench.tell(f"{name}: {payments:,} payments among {BANKS} banks")
        uvloop.run(_write(folder / "journal", load, payments))
        elapsed = []
        for number in range(ROUNDS):
            bench.tell(f"{name}: round {number + 1} of {ROUNDS}")
            since = time.perf_counter_ns()
            recount = recount_journal(folder / "journal", workers=WORKERS)
            positions = recount.open_positions
            elapsed.append(time.perf_counter_ns() - since)
            _prove_recount(bench, name, recount, load)
        bench.tell(f"{name}: {rows:,} rows in PostgreSQL")
        uvloop.run(_write(folder / "less", PaymentLoad(), rows))
        with EmbeddedPostgres(folder / "database") as server:
            sql_ns = uvloop.run(_net_by_sql(folder / "less", server.dsn))
    return Result(
        name,
        payments * 1e9 / statistics.median(elapsed),
        "payments/s",
        "PostgreSQL adding up the same payments' rows",
        rows * 1e9 / sql_ns,
        {"payments": payments, "banks": len(positions), "workers": WORKERS, "rows": rows},
    )


async def _write(folder: Path, load: PaymentLoad, payments: int) -> None:
    async with await Engine.open(folder) as engine:
        await open_banks(engine)
        await commit_all(engine, load.batches(payments))


async def _net_by_sql(journal: Path, dsn: str) -> int:
    pool: Pool = await connect(dsn)
    await Projector(pool, follow_files(journal)).run()
    elapsed = []
    for _ in range(ROUNDS):
        since = time.perf_counter_ns()
        await pool.fetch(NET_BY_SQL)
        elapsed.append(time.perf_counter_ns() - since)
    await pool.close()
    return round(statistics.median(elapsed))


SETTLE = Subject(
    "settle",
    "Measure the closing of a settlement window and netting from the journal.",
    {"net_close": net_close, "net_journal": net_journal},
)
