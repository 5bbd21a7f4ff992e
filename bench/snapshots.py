"""Snapshots: how fast the books come back from one, and what commits feel while one is taken."""

import asyncio
import gc
import mmap
import os
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvloop

from payvand.bench.driving import drive, open_accounts, prove_books
from payvand.bench.limit.loop import warm
from payvand.bench.load import Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records
from payvand.core.snapshots import snapshots

__all__ = ["snapshot_open", "snapshot_p99"]

ROUNDS = 3
ACCOUNTS = 4_000_000
BATCHES = 1_200
QUICK_ACCOUNTS = 10_000
QUICK_BATCHES = 24
READ_BYTES = 1 << 20
READERS = 4
P99_ACCOUNTS = 1_000_000
P99_ROUNDS = 4
P99_BATCHES = 600


def snapshot_open(bench: Workbench, name: str) -> Result:
    """Measure opening a folder from a snapshot that goes up to its journal's end.

    The time is that of the whole opening; the bytes are those of the snapshot's file. The reference
    reads the same file, past the page cache as well, and looks at nothing.
    """
    account_count = QUICK_ACCOUNTS if bench.quick else ACCOUNTS
    batch_count = QUICK_BATCHES if bench.quick else BATCHES
    size, opened_ns, read_ns = uvloop.run(_open(bench, name, account_count, batch_count))
    return Result(
        name,
        statistics.median(size / each for each in opened_ns),
        "GB/s",
        "bare read of the same file",
        statistics.median(size / each for each in read_ns),
        {
            "accounts": account_count,
            "transfers_in_memory": batch_count * BATCH_EVENTS_MAX,
            "bytes": size,
            "rounds_ms": [round(each / 1e6, 1) for each in opened_ns],
            "reference_rounds_ms": [round(each / 1e6, 1) for each in read_ns],
        },
    )


async def _open(
    bench: Workbench, name: str, account_count: int, batch_count: int
) -> tuple[int, list[int], list[int]]:
    load = Load(account_count)
    opened_ns: list[int] = []
    read_ns: list[int] = []
    rounds = 1 if bench.quick else ROUNDS
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: writing a journal and a snapshot")
        engine = await Engine.open(folder, snapshot_bytes=0)
        await open_accounts(engine, account_count)
        for _ in range(4):
            events = load.transfers(batch_count // 4 * BATCH_EVENTS_MAX)
            driven = await drive(engine, batches(events))
            bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
        del events
        await engine.take_snapshot()
        sequence, digest = engine.sequence, engine.ledger.digest()
        await engine.close()
        del engine
        gc.collect()
        (path,) = snapshots(folder)
        size = path.stat().st_size
        for number in range(rounds):
            bench.tell(f"{name}: round {number + 1} of {rounds}")
            read_ns.append(await asyncio.to_thread(_bare_read, path))
            warm(3 * size)
            since = time.perf_counter_ns()
            again = await Engine.open(folder, snapshot_bytes=0)
            opened_ns.append(time.perf_counter_ns() - since)
            bench.prove(f"{name}: it came from the snapshot", again.recovery.snapshot == sequence)
            bench.prove(f"{name}: the books are the same", again.ledger.digest() == digest)
            await again.close()
            del again
            gc.collect()
        await prove_books(
            bench,
            name,
            await Engine.open(folder, snapshot_bytes=0),
            folder,
            account_count=account_count,
            transfer_count=load.count,
            amount_sum=load.amount_sum,
        )
    return size, opened_ns, read_ns


def _bare_read(path: Path) -> int:
    """Read a file once past the page cache, as several threads; return the nanoseconds."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECT", 0))
    size = path.stat().st_size
    starts = iter(range(0, size, READ_BYTES))
    turn = threading.Lock()

    def read() -> None:
        buffer = mmap.mmap(-1, READ_BYTES)
        while True:
            with turn:
                start = next(starts, None)
            if start is None:
                return
            os.preadv(descriptor, [buffer], start)

    since = time.perf_counter_ns()
    threads = [threading.Thread(target=read) for _ in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter_ns() - since
    os.close(descriptor)
    return elapsed


def snapshot_p99(bench: Workbench, name: str) -> Result:
    """Measure the slowest hundredth of commits while snapshots are taken, and without.

    Batches of 8,190 as fast as they are committed, in turns with and without; while one is taken
    only what was answered meanwhile counts.
    """
    during, without, taken = uvloop.run(_p99(bench, name))
    return Result(
        name,
        _p99_of(during) / 1e6,
        "ms, p99 of batches",
        "the same without a snapshot",
        _p99_of(without) / 1e6,
        {
            "accounts": QUICK_ACCOUNTS if bench.quick else P99_ACCOUNTS,
            "batches": len(during),
            "reference_batches": len(without),
            "snapshots_ms": taken,
            "p50_ms": round(statistics.median(during) / 1e6, 3),
            "reference_p50_ms": round(statistics.median(without) / 1e6, 3),
            "longest_ms": round(max(during) / 1e6, 3),
            "reference_longest_ms": round(max(without) / 1e6, 3),
        },
    )


async def _p99(bench: Workbench, name: str) -> tuple[list[int], list[int], list[float]]:
    account_count = QUICK_ACCOUNTS if bench.quick else P99_ACCOUNTS
    batch_count = QUICK_BATCHES if bench.quick else P99_BATCHES
    load = Load(account_count)
    during: list[int] = []
    without: list[int] = []
    taken: list[float] = []
    with bench.scratch(name) as folder:
        engine = await Engine.open(folder, snapshot_bytes=0)
        await open_accounts(engine, account_count)
        await drive(engine, batches(load.transfers(batch_count * BATCH_EVENTS_MAX)))
        for number in range(1 if bench.quick else P99_ROUNDS):
            bench.tell(f"{name}: round {number + 1}")
            events = load.transfers(batch_count * BATCH_EVENTS_MAX)
            without += (await drive(engine, batches(events))).latencies_ns
            events = load.transfers(batch_count * BATCH_EVENTS_MAX)
            since = time.perf_counter_ns()
            snapshot = asyncio.create_task(engine.take_snapshot())
            latencies = (await drive(engine, _until(snapshot, batches(events)))).latencies_ns
            during += latencies
            await snapshot
            taken.append(round((time.perf_counter_ns() - since) / 1e6, 1))
            await drive(engine, batches(events)[len(latencies) :])
        await prove_books(
            bench,
            name,
            engine,
            folder,
            account_count=account_count,
            transfer_count=load.count,
            amount_sum=load.amount_sum,
        )
    return during, without, taken


def _until(snapshot: "asyncio.Task[None]", source: list[Records]) -> Iterator[Records]:
    """Give batches while a snapshot is taken."""
    for batch in source:
        if snapshot.done():
            return
        yield batch


def _p99_of(latencies: list[int]) -> int:
    return sorted(latencies)[len(latencies) * 99 // 100]
