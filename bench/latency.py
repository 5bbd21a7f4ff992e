"""What one transfer alone waits for: the engine's commit beside a bare durable append."""

import asyncio
import statistics
import time

import uvloop

from payvand.bench.driving import open_accounts, prove_books
from payvand.bench.limit.loop import BareFile, file_bytes
from payvand.bench.load import Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine

__all__ = ["single_durable"]

TURNS = 40
TURN_COMMITS = 100
QUICK_TURNS = 4
ACCOUNTS = 10_000
FILE_BYTES = 64 << 20


def single_durable(bench: Workbench, name: str) -> Result:
    """Measure commits of one transfer, each waited for, beside appends of the same size."""
    turns = QUICK_TURNS if bench.quick else TURNS
    commits, appends = uvloop.run(_run(bench, name, turns))
    return Result(
        name,
        statistics.median(commits) / 1e3,
        "µs, p50",
        "bare write + fdatasync of as many bytes",
        statistics.median(appends) / 1e3,
        {
            "commits": len(commits),
            "bytes": file_bytes(1, 1),
            "p99_us": round(statistics.quantiles(commits, n=100)[98] / 1e3, 1),
            "reference_p99_us": round(statistics.quantiles(appends, n=100)[98] / 1e3, 1),
        },
    )


async def _run(bench: Workbench, name: str, turns: int) -> tuple[list[int], list[int]]:
    """Take turns of a hundred each, so that the disk's moods meet both alike."""
    load = Load(ACCOUNTS)
    commits: list[int] = []
    appends: list[int] = []
    with bench.scratch(name) as folder:
        file = BareFile(folder / "bare", FILE_BYTES)
        engine = await Engine.open(folder / "journal")
        await open_accounts(engine, ACCOUNTS)
        for turn in range(turns):
            bench.tell(f"{name}: turn {turn + 1} of {turns}")
            for batch in batches(load.transfers(TURN_COMMITS), 1):
                since = time.perf_counter_ns()
                await engine.create_transfers(batch)
                commits.append(time.perf_counter_ns() - since)
            appends += await asyncio.to_thread(_append, file)
        await prove_books(
            bench,
            name,
            engine,
            folder / "journal",
            account_count=ACCOUNTS,
            transfer_count=load.count,
            amount_sum=load.amount_sum,
        )
    return commits, appends


def _append(file: BareFile) -> list[int]:
    """Append as often as a turn has commits; the engine's writer has a thread of its own too."""
    return [file.append(file_bytes(1, 1)) for _ in range(TURN_COMMITS)]
