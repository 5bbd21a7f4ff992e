"""What the horizon costs: memory for what is within, time for what is sent again from beyond."""

import time
from itertools import islice

import numpy as np
import uvloop

from payvand.bench.driving import drive, open_accounts
from payvand.bench.history import Numbering, resident_bytes
from payvand.bench.load import Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records
from payvand.core.statuses import TransferStatus

__all__ = ["live_bytes", "old_retries"]

HORIZON = 1 << 22
QUICK_HORIZON = 1 << 18
HORIZONS = 3
"""How many horizons' worth is sent: memory is what it stays at."""
LIVE_BYTES_MAX = 64
ACCOUNTS = 10_000
POOL_BATCHES = 30
RETRIED_BATCHES = 9


def live_bytes(bench: Workbench, name: str) -> Result:
    """Measure what memory a transfer within the horizon takes, all growth of the process counted.

    Tables, buffers and the filters over older ids are among it, so that it is more than the tables
    alone take; the fewer of all transfers are within the horizon, the more.
    """
    horizon = QUICK_HORIZON if bench.quick else HORIZON
    before, after, sent = uvloop.run(_fill(bench, name, horizon))
    value = (after - before) / horizon
    if not bench.quick:
        bench.prove(f"{name}: at most {LIVE_BYTES_MAX}", value <= LIVE_BYTES_MAX)
    return Result(
        name,
        value,
        "bytes/transfer",
        "what is promised at most",
        LIVE_BYTES_MAX,
        {
            "horizon": horizon,
            "transfers": sent,
            "resident_mib_before": before >> 20,
            "resident_mib": after >> 20,
        },
    )


async def _fill(bench: Workbench, name: str, horizon: int) -> tuple[int, int, int]:
    sent = 0
    with bench.scratch(name) as folder:
        async with await Engine.open(folder, horizon=horizon, snapshot_bytes=0) as engine:
            await open_accounts(engine, ACCOUNTS)
            pool = batches(Load(ACCOUNTS).transfers(POOL_BATCHES * BATCH_EVENTS_MAX))
            numbering = Numbering(POOL_BATCHES * BATCH_EVENTS_MAX)
            before = resident_bytes()
            while sent < HORIZONS * horizon:
                driven = await drive(engine, numbering.renumbered(pool, 1))
                bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
                sent += driven.events
            return before, resident_bytes(), sent


def old_retries(bench: Workbench, name: str) -> Result:
    """Measure how long a full batch takes that was sent long ago, beside one that is new."""
    horizon = QUICK_HORIZON if bench.quick else HORIZON
    old, scattered, new = uvloop.run(_retry(bench, name, horizon))
    return Result(
        name,
        _median(old),
        "ms/batch",
        "a new batch, durable",
        _median(new),
        {
            "batch": BATCH_EVENTS_MAX,
            "horizon": horizon,
            "transfers": HORIZONS * horizon,
            "milliseconds": [round(each, 1) for each in old],
            "scattered_first_ms": round(scattered[0], 1),
            "scattered_again_ms": round(min(scattered), 1),
        },
    )


async def _retry(
    bench: Workbench, name: str, horizon: int
) -> tuple[list[float], list[float], list[float]]:
    count = HORIZONS * horizon // BATCH_EVENTS_MAX
    load = Load(ACCOUNTS)
    with bench.scratch(name) as folder:
        async with await Engine.open(folder, horizon=horizon, snapshot_bytes=0) as engine:
            await open_accounts(engine, ACCOUNTS)
            events = load.transfers(count * BATCH_EVENTS_MAX)
            sent = batches(events)
            new = [await _answered(bench, name, engine, each, False) for each in sent[:9]]
            await drive(engine, islice(sent, 9, None))
            oldest = sent[:: count // 2 // RETRIED_BATCHES][:RETRIED_BATCHES]
            old = [await _answered(bench, name, engine, each, True) for each in oldest]
            drawn = np.random.default_rng(5).choice(count // 2 * BATCH_EVENTS_MAX, BATCH_EVENTS_MAX)
            mixed = events[np.unique(drawn)]
            scattered = [await _answered(bench, name, engine, mixed, True) for _ in range(3)]
    return old, scattered, new


async def _answered(
    bench: Workbench, name: str, engine: Engine, batch: Records, is_retry: bool
) -> float:
    """Return how many milliseconds the answer to a batch took, and prove it."""
    since = time.perf_counter_ns()
    answer = await engine.create_transfers(batch)
    elapsed = (time.perf_counter_ns() - since) / 1e6
    expected = TransferStatus.EXISTS if is_retry else TransferStatus.CREATED
    bench.prove(f"{name}: the same answers", bool((answer.results["status"] == expected).all()))
    return elapsed


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
