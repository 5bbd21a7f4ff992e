"""Driving an engine with batches made beforehand, and proving its books afterwards."""

import asyncio
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from payvand.bench.load import accounts, batches
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine
from payvand.core.records import Records
from payvand.core.statuses import TransferStatus

__all__ = ["IN_FLIGHT", "Driven", "drive", "open_accounts", "percentiles_ms", "prove_books"]

IN_FLIGHT = 6
"""Batches submitted and not answered: enough that every stage of the pipeline has one."""


@dataclass(frozen=True, slots=True)
class Driven:
    """What one drive took."""

    events: int
    elapsed_ns: int
    latencies_ns: list[int]
    """Of each batch, from submission to the answer that it is durable."""
    refused: int
    """Events that did not take effect."""
    cpu_ns: int
    """Of this process, all its threads together."""

    @property
    def per_second(self) -> float:
        """Events a second."""
        return self.events * 1e9 / self.elapsed_ns

    def percentiles(self) -> dict[str, float]:
        """Return how long a batch took, in milliseconds."""
        return percentiles_ms(self.latencies_ns)


def percentiles_ms(latencies_ns: list[int]) -> dict[str, float]:
    """Return the median and the 99th percentile of batches, in milliseconds."""
    ranked = sorted(latencies_ns)
    return {
        f"batch_p{percent}_ms": round(ranked[len(ranked) * percent // 100] / 1e6, 3)
        for percent in (50, 99)
    }


async def open_accounts(engine: Engine, count: int) -> None:
    """Open accounts 1 to *count*."""
    for batch in batches(accounts(count)):
        await engine.create_accounts(batch)


async def drive(engine: Engine, work: Iterable[Records], in_flight: int = IN_FLIGHT) -> Driven:
    """Submit batches in their order, *in_flight* at a time, until all are answered."""
    latencies: list[int] = []
    counts = [0, 0]

    async def carry(source: Iterator[Records]) -> None:
        for batch in source:
            since = time.perf_counter_ns()
            committed = await engine.create_transfers(batch)
            latencies.append(time.perf_counter_ns() - since)
            counts[0] += len(batch)
            created = np.count_nonzero(committed.results["status"] == TransferStatus.CREATED)
            counts[1] += len(batch) - int(created)

    source = iter(work)
    started, worked = time.perf_counter_ns(), time.process_time_ns()
    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(carry(source))
    elapsed = time.perf_counter_ns() - started
    return Driven(counts[0], elapsed, latencies, counts[1], cpu_ns=time.process_time_ns() - worked)


async def prove_books(
    bench: Workbench,
    name: str,
    engine: Engine,
    folder: Path,
    *,
    account_count: int,
    transfer_count: int,
    amount_sum: int,
) -> None:
    """Close an engine and prove that its books hold what was sent, before and after recovery."""
    bench.tell(f"{name}: proving the books")
    debits, credits = await _sums(engine, account_count)
    bench.prove(f"{name}: debits equal credits", debits == credits)
    bench.prove(f"{name}: every amount moved once", debits == amount_sum)
    bench.prove(f"{name}: every transfer is there", engine.ledger.transfers_count == transfer_count)
    before = engine.ledger.digest()
    await engine.close()
    async with await Engine.open(folder) as again:
        bench.prove(f"{name}: recovery gives the same state", again.ledger.digest() == before)


async def _sums(engine: Engine, account_count: int) -> tuple[int, int]:
    """Return the sums of all debits and of all credits posted."""
    debits = credits = 0
    for batch in batches(accounts(account_count)):
        found = await engine.lookup_accounts(batch["id"].copy())
        assert len(found) == len(batch), "an account is missing"
        for side in ("debits_posted", "credits_posted"):
            assert not found[side]["hi"].any(), "the load is too small for that"
        debits += int(found["debits_posted"]["lo"].sum())
        credits += int(found["credits_posted"]["lo"].sum())
    return debits, credits
