"""How many transfers a second the engine commits durably, beside the plain C loop.

Both get the same batches, made before the clock starts, and take turns round by round in one
process, so that what else the machine does meets both alike; each round's median counts.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import uvloop

from payvand.bench.driving import (
    IN_FLIGHT,
    Driven,
    drive,
    open_accounts,
    percentiles_ms,
    prove_books,
)
from payvand.bench.limit.loop import BareFile, Loop, file_bytes, warm
from payvand.bench.load import CHAIN, LEDGER, Load, batches, posts_of
from payvand.bench.result import Result
from payvand.bench.workbench import Measure, Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records

__all__ = ["hot_account", "in_batches", "linked", "two_phase", "uniform"]

ROUNDS = 3
ROUND_BATCHES = 400
QUICK_BATCHES = 24
QUICK_ACCOUNTS_MAX = 100_000
WARM_BATCHES = 12
WARM_BYTES = 64 << 20
WARM_BYTES_PER_EVENT = 256


@dataclass(frozen=True, slots=True)
class Workload:
    """What is sent, round by round."""

    draw: Callable[[Load, int, int], Records]
    """Draw so many batches of such a size."""
    account_count: int
    batch: int = BATCH_EVENTS_MAX
    events_per_unit: int = 1
    """A payment in two phases takes two."""
    unit: str = "transfers/s"
    rounds: int = ROUNDS
    round_batches: int = ROUND_BATCHES


@dataclass(slots=True)
class Rounds:
    """What the rounds of one workload took."""

    engine: list[Driven]
    limit_ns: list[int]
    limit_cpu_ns: int
    drawn_ns: int


def _single(load: Load, count: int, batch: int) -> Records:
    return load.transfers(count * batch)


def _hot(load: Load, count: int, batch: int) -> Records:
    return load.hot(count * batch)


def _linked(load: Load, count: int, batch: int) -> Records:
    return load.linked(count * batch)


def _two_phase(load: Load, count: int, batch: int) -> Records:
    """Draw batches in pairs: one that reserves, and one that posts all of it."""
    pending = load.pending(count // 2 * batch)
    pairs = [(rows, posts_of(rows)) for rows in batches(pending, batch)]
    return np.concatenate([rows for pair in pairs for rows in pair])


def uniform(account_count: int) -> Measure:
    """Measure single transfers between accounts drawn uniformly."""
    return _beside_loop(Workload(_single, account_count))


def in_batches(account_count: int, batch: int, round_batches: int = ROUND_BATCHES) -> Measure:
    """Measure one round of uniform transfers in batches of a size: a point of a curve."""
    return _beside_loop(
        Workload(_single, account_count, batch=batch, rounds=1, round_batches=round_batches)
    )


def two_phase(account_count: int) -> Measure:
    """Measure payments that are reserved by one transfer and posted by another."""
    return _beside_loop(Workload(_two_phase, account_count, events_per_unit=2, unit="payments/s"))


def linked(account_count: int) -> Measure:
    """Measure transfers in chains of four that succeed or fail together."""
    return _beside_loop(Workload(_linked, account_count, batch=BATCH_EVENTS_MAX // CHAIN * CHAIN))


def _beside_loop(workload: Workload) -> Measure:
    """Make a measure of a workload beside the C loop doing the same."""

    def measure(bench: Workbench, name: str) -> Result:
        plan = _Plan.of(bench, workload)
        rounds = uvloop.run(_run_beside_loop(bench, name, workload, plan))
        return Result(
            name,
            statistics.median(plan.units * 1e9 / each.elapsed_ns for each in rounds.engine),
            workload.unit,
            "plain C loop, same batches and bytes",
            statistics.median(plan.units * 1e9 / elapsed_ns for elapsed_ns in rounds.limit_ns),
            plan.detail(rounds.engine, rounds.drawn_ns)
            | {
                "reference_rounds": [round(plan.units * 1e9 / each) for each in rounds.limit_ns],
                "reference_cpu_ns_per_event": round(rounds.limit_cpu_ns / plan.events_max),
            },
        )

    return measure


@dataclass(frozen=True, slots=True)
class _Plan:
    """How much of a workload one run sends."""

    rounds: int
    round_batches: int
    account_count: int
    workload: Workload

    @classmethod
    def of(cls, bench: Workbench, workload: Workload) -> Self:
        if not bench.quick:
            return cls(workload.rounds, workload.round_batches, workload.account_count, workload)
        accounts = min(workload.account_count, QUICK_ACCOUNTS_MAX)
        return cls(1, QUICK_BATCHES, accounts, workload)

    @property
    def events(self) -> int:
        """Of one round."""
        return self.round_batches * self.workload.batch

    @property
    def units(self) -> float:
        """Of one round: transfers, or payments of two each."""
        return self.events / self.workload.events_per_unit

    @property
    def events_max(self) -> int:
        """Of all rounds and the warming."""
        return (self.rounds * self.round_batches + WARM_BATCHES) * self.workload.batch

    @property
    def warm_bytes(self) -> int:
        """Of memory that the host of a virtual machine must have at hand before a round.

        More than an engine takes for a round, whichever of its tables grows in it.
        """
        return WARM_BYTES + self.events * WARM_BYTES_PER_EVENT

    def detail(self, drives: list[Driven], drawn_ns: int) -> dict[str, Any]:
        """Describe what was run, for the report."""
        return {
            "accounts": self.account_count,
            "events": self.events * self.rounds,
            "rounds": [round(self.units * 1e9 / drive.elapsed_ns) for drive in drives],
            "batch": self.workload.batch,
            "batches_in_flight": IN_FLIGHT,
            **percentiles_ms([each for drive in drives for each in drive.latencies_ns]),
            "cpu_ns_per_event": round(
                sum(drive.cpu_ns for drive in drives) / (self.events * self.rounds)
            ),
            "drawing_ns_per_event": round(drawn_ns / self.events_max),
        }


async def _run_beside_loop(bench: Workbench, name: str, workload: Workload, plan: _Plan) -> Rounds:
    load = Load(plan.account_count)
    rounds = Rounds([], [], 0, 0)
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: opening {plan.account_count} accounts")
        loop = Loop(plan.account_count, plan.events_max, LEDGER)
        file = BareFile(folder / "limit", file_bytes(plan.events, workload.batch))
        engine = await Engine.open(folder / "journal")
        await open_accounts(engine, plan.account_count)
        for number in range(plan.rounds + 1):
            bench.tell(f"{name}: round {number} of {plan.rounds}")
            count = plan.round_batches if number else WARM_BATCHES
            since = time.perf_counter_ns()
            events = workload.draw(load, count, workload.batch)
            rounds.drawn_ns += time.perf_counter_ns() - since
            worked = time.process_time_ns()
            limit_ns = loop.run(events, workload.batch, file)
            rounds.limit_cpu_ns += time.process_time_ns() - worked
            warm(plan.warm_bytes)
            driven = await drive(engine, batches(events, workload.batch))
            bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
            if number:
                rounds.engine.append(driven)
                rounds.limit_ns.append(limit_ns)
        await prove_books(
            bench,
            name,
            engine,
            folder / "journal",
            account_count=plan.account_count,
            transfer_count=plan.events_max,
            amount_sum=load.amount_sum,
        )
    return rounds


def hot_account(account_count: int) -> Measure:
    """Measure transfers with one account on a side of every one, beside uniform ones.

    Both go through one engine and take turns.
    """

    def measure(bench: Workbench, name: str) -> Result:
        plan = _Plan.of(bench, Workload(_hot, account_count))
        hot, even, drawn_ns = uvloop.run(_run_hot(bench, name, plan))
        return Result(
            name,
            statistics.median(each.per_second for each in hot),
            plan.workload.unit,
            "the same engine, accounts drawn uniformly",
            statistics.median(each.per_second for each in even),
            plan.detail(hot, drawn_ns),
        )

    return measure


async def _run_hot(
    bench: Workbench, name: str, plan: _Plan
) -> tuple[list[Driven], list[Driven], int]:
    load = Load(plan.account_count)
    hot: list[Driven] = []
    even: list[Driven] = []
    drawn_ns = 0
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: opening {plan.account_count} accounts")
        engine = await Engine.open(folder)
        await open_accounts(engine, plan.account_count)
        for number in range(plan.rounds + 1):
            bench.tell(f"{name}: round {number} of {plan.rounds}")
            count = plan.round_batches if number else WARM_BATCHES
            for draw, drives in ((_single, even), (_hot, hot)):
                since = time.perf_counter_ns()
                events = draw(load, count, plan.workload.batch)
                drawn_ns += time.perf_counter_ns() - since
                warm(plan.warm_bytes)
                driven = await drive(engine, batches(events, plan.workload.batch))
                bench.prove(f"{name}: every transfer took effect", driven.refused == 0)
                if number:
                    drives.append(driven)
        await prove_books(
            bench,
            name,
            engine,
            folder,
            account_count=plan.account_count,
            transfer_count=2 * plan.events_max,
            amount_sum=load.amount_sum,
        )
    return hot, even, drawn_ns
