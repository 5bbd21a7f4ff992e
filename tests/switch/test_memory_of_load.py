"""An hour of load leaves the switch's memory where it was, but for what the books say they keep.

A switch of its own process, under mutual TLS, takes batches, single payments on streams, calls of
one and packed records in turn, at a steady rate. Of every transfer the books keep 64 bytes in
memory up to their horizon; nothing else may grow.

PAYVAND_LOAD_SECONDS makes the hour shorter or longer.
"""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from payvand.bench.processes import Part
from payvand.bench.switch import BATCH_PACKED, BATCH_PROTOBUF, STREAM_SINGLE, UNARY
from payvand.bench.switch_run import Running, open_switch
from payvand.bench.workbench import Workbench
from tests.support import progress
from tests.support.memory import resident_bytes

SECONDS = float(os.environ.get("PAYVAND_LOAD_SECONDS", "3600"))
WARM_SHARE = 0.2
"""Of the time, before memory is looked at: buffers come to their size, caches fill."""
ROUND_S = 5.0
PAYMENTS_PER_SECOND = 2_000
TRANSFER_BYTES = 64
GROWTH_BYTES_MAX = 96 << 20
"""Beside the transfers: what allocators keep between one load and another."""


async def _round(running: Running, number: int) -> None:
    traffic = (BATCH_PROTOBUF, STREAM_SINGLE, UNARY, BATCH_PACKED)[number % 4]
    batch = min(traffic.batch, 500)
    chosen: dict[str, Any] = traffic.chosen() | {"batch": batch}
    rate = PAYMENTS_PER_SECOND / batch
    await running.load(messages=max(int(rate * ROUND_S), traffic.lanes), rate=rate, **chosen)


async def _load(bench: Workbench, folder: Path) -> None:
    async with open_switch(bench, "load", folder, auto_accept=True) as running:
        part: Part = running.part
        began = time.monotonic()
        warm: tuple[int, int] | None = None
        number = 0
        while (elapsed := time.monotonic() - began) < SECONDS:
            await _round(running, number)
            number += 1
            memory = resident_bytes(part.pid)
            if warm is None and elapsed > WARM_SHARE * SECONDS:
                warm = memory, running.payments
            progress.say(f"{elapsed:,.0f} s, {running.payments:,} payments, {memory >> 20} MiB")
        assert warm is not None, "it was loaded for too short a time to tell"
        kept = TRANSFER_BYTES * (running.payments - warm[1])
        grown = resident_bytes(part.pid) - warm[0]
        assert grown < kept + GROWTH_BYTES_MAX, f"{grown:,} bytes more, of which {kept:,} are due"


@pytest.mark.soak
@pytest.mark.timeout(14_400)
def test_memory_stays_where_it_is_under_an_hour_of_load(data: Path) -> None:
    bench = Workbench(data, quick=False, tell=progress.say)
    asyncio.run(_load(bench, data))
    assert all(bench.proofs.values()), bench.proofs
