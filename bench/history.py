"""Whether speed and memory stay as they are while history grows: the run by tenths."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import uvloop

from payvand.bench.driving import Driven, drive, open_accounts, prove_books
from payvand.bench.limit.loop import file_bytes
from payvand.bench.load import Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import BenchUnusable, Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX, SEGMENT_BYTES
from payvand.core.records import Records

__all__ = ["Numbering", "Tenth", "flat", "resident_bytes", "run_tenths"]

TENTHS = 10
TRANSFERS = 200_000_000
QUICK_TRANSFERS = 400_000
ACCOUNTS = 1_000_000
QUICK_ACCOUNTS = 10_000
POOL_BATCHES = 400
"""Batches drawn before; they are sent again and again under new ids."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """What a tenth of the run took."""

    driven: Driven
    renumbering_ns: int
    """Time that giving new ids to batches took, which is the generator's."""
    resident_bytes: int
    """Of this process, at its end."""


def flat(bench: Workbench, name: str) -> Result:
    """Measure the last tenth of a long run beside its first."""
    transfers = QUICK_TRANSFERS if bench.quick else TRANSFERS
    account_count = QUICK_ACCOUNTS if bench.quick else ACCOUNTS
    tenths = uvloop.run(run_tenths(bench, name, account_count, transfers))
    return Result(
        name,
        tenths[-1].driven.per_second,
        "transfers/s",
        "the first tenth of the same run",
        tenths[0].driven.per_second,
        {
            "accounts": account_count,
            "transfers": sum(tenth.driven.events for tenth in tenths),
            "tenths": [round(tenth.driven.per_second) for tenth in tenths],
            "cpu_ns_per_event": [
                round(tenth.driven.cpu_ns / tenth.driven.events) for tenth in tenths
            ],
            "resident_mib": [tenth.resident_bytes >> 20 for tenth in tenths],
            "renumbering_share": round(
                sum(tenth.renumbering_ns for tenth in tenths)
                / sum(tenth.driven.elapsed_ns for tenth in tenths),
                3,
            ),
        },
    )


async def run_tenths(
    bench: Workbench, name: str, account_count: int, transfers: int
) -> list[Tenth]:
    """Send so many transfers, or a few less, and prove the books."""
    tenth_batches = transfers // TENTHS // BATCH_EVENTS_MAX
    pool_batches = min(POOL_BATCHES, tenth_batches)
    cycles = tenth_batches // pool_batches
    tenths: list[Tenth] = []
    with bench.scratch(name) as folder:
        _check_room(folder, TENTHS * cycles * pool_batches)
        engine = await Engine.open(folder)
        await open_accounts(engine, account_count)
        load = Load(account_count)
        pool = batches(load.transfers(pool_batches * BATCH_EVENTS_MAX))
        numbering = Numbering(len(pool) * BATCH_EVENTS_MAX)
        for number in range(TENTHS):
            bench.tell(f"{name}: tenth {number + 1} of {TENTHS}")
            before = numbering.elapsed_ns
            driven = await drive(engine, numbering.renumbered(pool, cycles))
            bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
            tenths.append(Tenth(driven, numbering.elapsed_ns - before, resident_bytes()))
        await prove_books(
            bench,
            name,
            engine,
            folder,
            account_count=account_count,
            transfer_count=sum(tenth.driven.events for tenth in tenths),
            amount_sum=load.amount_sum * cycles * TENTHS,
        )
    return tenths


class Numbering:
    """Gives batches new ids each time they are sent."""

    def __init__(self, step: int) -> None:
        """Count on by *step*, the length of the pool."""
        self._step = np.uint64(step)
        self._fresh = True
        self.elapsed_ns = 0

    def renumbered(self, pool: list[Records], cycles: int) -> Iterator[Records]:
        """Yield the pool's batches so many times, never twice under the same ids.

        A batch that comes round again was answered long ago: there are more than are in flight.
        """
        for _ in range(cycles):
            for batch in pool:
                since = time.perf_counter_ns()
                if not self._fresh:
                    batch["id"]["lo"] += self._step
                self.elapsed_ns += time.perf_counter_ns() - since
                yield batch
            self._fresh = False


def _check_room(folder: Path, batch_count: int) -> None:
    """Raise where the disk can't take the journal."""
    wanted = batch_count * file_bytes(BATCH_EVENTS_MAX, BATCH_EVENTS_MAX) * 5 // 4 + SEGMENT_BYTES
    free = shutil.disk_usage(folder).free
    if free < wanted:
        raise BenchUnusable(
            f"the run writes {wanted >> 30} GiB, and {folder} has room for {free >> 30} GiB",
            hint="name a folder with more room with --folder",
        )


def resident_bytes() -> int:
    """Return how much memory this process has."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
