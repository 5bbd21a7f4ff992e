"""How fast the books come back: replay of the journal beside the plain C loop replaying its own."""

import asyncio
import os
import statistics
import time
from pathlib import Path

import uvloop

from payvand.bench.driving import drive, open_accounts, prove_books
from payvand.bench.limit.loop import BareFile, Loop, file_bytes, warm
from payvand.bench.load import LEDGER, Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX

__all__ = ["replay"]

ROUNDS = 3
ACCOUNTS = 1_000_000
BATCHES = 1_200
QUICK_ACCOUNTS = 10_000
QUICK_BATCHES = 24
WARM_BYTES_PER_EVENT = 256


def replay(bench: Workbench, name: str) -> Result:
    """Measure opening a folder whose journal holds all of its history.

    The page cache is told to forget the journal's files before, so that they come from the disk as
    the loop's do. The time is that of the whole opening, accounts included; transfers alone are
    counted.
    """
    account_count = QUICK_ACCOUNTS if bench.quick else ACCOUNTS
    batch_count = QUICK_BATCHES if bench.quick else BATCHES
    opened_ns, limit_ns = uvloop.run(_run(bench, name, account_count, batch_count))
    transfers = batch_count * BATCH_EVENTS_MAX
    return Result(
        name,
        statistics.median(transfers * 1e9 / each for each in opened_ns),
        "transfers/s",
        "plain C loop, as many frames",
        statistics.median(transfers * 1e9 / each for each in limit_ns),
        {
            "accounts": account_count,
            "transfers": transfers,
            "rounds": [round(transfers * 1e9 / each) for each in opened_ns],
        },
    )


def _forget(folder: Path) -> None:
    """Have the page cache drop what it holds of the files of a folder."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


async def _run(
    bench: Workbench, name: str, account_count: int, batch_count: int
) -> tuple[list[int], list[int]]:
    load = Load(account_count)
    opened_ns: list[int] = []
    limit_ns: list[int] = []
    transfers = batch_count * BATCH_EVENTS_MAX
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: writing a journal of {transfers} transfers")
        engine = await Engine.open(folder / "journal")
        await open_accounts(engine, account_count)
        events = load.transfers(transfers)
        driven = await drive(engine, batches(events))
        bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
        await engine.close()
        file = BareFile(folder / "limit", file_bytes(transfers, BATCH_EVENTS_MAX))
        Loop(account_count, transfers, LEDGER).run(events, BATCH_EVENTS_MAX, file)
        del events
        for number in range(1 if bench.quick else ROUNDS):
            bench.tell(f"{name}: round {number + 1} of {1 if bench.quick else ROUNDS}")
            loop = Loop(account_count, transfers, LEDGER)
            limit_ns.append(
                await asyncio.to_thread(loop.replay, batch_count, BATCH_EVENTS_MAX, file)
            )
            del loop
            warm(transfers * WARM_BYTES_PER_EVENT)
            _forget(folder / "journal")
            since = time.perf_counter_ns()
            again = await Engine.open(folder / "journal")
            opened_ns.append(time.perf_counter_ns() - since)
            await again.close()
        await prove_books(
            bench,
            name,
            await Engine.open(folder / "journal"),
            folder / "journal",
            account_count=account_count,
            transfer_count=transfers,
            amount_sum=load.amount_sum,
        )
    return opened_ns, limit_ns
