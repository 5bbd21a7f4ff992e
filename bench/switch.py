"""What is measured about the switch: payments over gRPC, durable, to their end.

Switch, generators and the bare echo beside it share the machine. First the service is loaded as
fast as a window lets it, in turns with the echo: that gives the rate. Then it is loaded at half
that rate on a schedule: that gives latencies free of coordinated omission.
"""

import os
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import uvloop

from payvand.bench.generator import Tally
from payvand.bench.many_banks import many_banks
from payvand.bench.processes import Part
from payvand.bench.result import Result
from payvand.bench.switch_run import Running, open_switch
from payvand.bench.workbench import Measure, Subject, Workbench

__all__ = ["SWITCH"]

ROUNDS = 3
ROUND_S = 4.0
LATENCY_S = 8.0
QUICK_S = 0.5


@dataclass(frozen=True, slots=True)
class Traffic:
    """How payments are sent."""

    method: str
    batch: int
    lanes: int
    window: int
    pilot_messages: int
    """Sent first, to learn how many make a round, and to warm every path."""
    three_legs: bool = False
    packed: bool = False
    round_s: float = ROUND_S

    def chosen(self) -> dict[str, Any]:
        """Return what a generator is told of it."""
        return {
            "method": self.method,
            "batch": self.batch,
            "lanes": self.lanes,
            "window": self.window,
            "packed": self.packed,
        }


BATCH_PROTOBUF = Traffic("SubmitStream", batch=2_000, lanes=4, window=4, pilot_messages=16)
BATCH_PACKED = Traffic(
    "SubmitStream", batch=8_000, lanes=2, window=4, pilot_messages=16, packed=True, round_s=2.0
)
STREAM_SINGLE = Traffic("SubmitStream", batch=1, lanes=16, window=64, pilot_messages=4_000)
UNARY = Traffic("Submit", batch=1, lanes=64, window=1, pilot_messages=2_000)
THREE_LEG = Traffic(
    "SubmitStream", batch=500, lanes=4, window=4, pilot_messages=32, three_legs=True
)


@dataclass(slots=True)
class Rounds:
    """What was measured of one kind of traffic."""

    switch: list[Tally]
    echo: list[Tally]
    scheduled: Tally
    """At half the rate."""
    scheduled_rate: float
    switch_cpu_ns: int
    """Of the switch process, in the rounds."""
    answerer_cpu_ns: int


def _measure(traffic: Traffic, reference: str) -> Measure:
    def measure(bench: Workbench, name: str) -> Result:
        rounds = uvloop.run(_run(bench, name, traffic))
        rates = [_rate(tally) for tally in rounds.switch]
        echo_rates = [_rate(tally) for tally in rounds.echo]
        return Result(
            name,
            statistics.median(rates),
            "payments/s",
            reference,
            statistics.median(echo_rates),
            _detail(traffic, rounds, rates, echo_rates, tls=bench.tls),
        )

    return measure


def _rate(tally: Tally) -> float:
    return tally.payments * 1e9 / tally.elapsed_ns


def _detail(
    traffic: Traffic,
    rounds: Rounds,
    rates: list[float],
    echo_rates: list[float],
    *,
    tls: bool,
) -> dict[str, Any]:
    elapsed_ns = sum(tally.elapsed_ns for tally in rounds.switch)
    payments = sum(tally.payments for tally in rounds.switch)
    cores = len(os.sched_getaffinity(0))
    generators_ns = sum(tally.cpu_ns for tally in rounds.switch) + rounds.answerer_cpu_ns
    scheduled = rounds.scheduled
    return {
        "mutual_tls": tls,
        "payments_per_message": traffic.batch,
        "streams_or_callers": traffic.lanes,
        "window": traffic.window,
        "payments": payments,
        "rounds": [round(rate) for rate in rates],
        "reference_rounds": [round(rate) for rate in echo_rates],
        "generators_cpu_share": round(generators_ns / elapsed_ns / cores, 2),
        "switch_cpu_us_per_payment": round(rounds.switch_cpu_ns / payments / 1e3, 2),
        "at_half_load": {
            "payments_per_second": round(rounds.scheduled_rate * traffic.batch),
            "achieved": round(_rate(scheduled)),
            "latency_ms": {
                name: round(figure / 1000, 2) for name, figure in scheduled.latency_us.items()
            },
        },
    }


async def _run(bench: Workbench, name: str, traffic: Traffic) -> Rounds:
    with bench.scratch(name) as folder:
        async with open_switch(bench, name, folder, auto_accept=not traffic.three_legs) as running:
            if not traffic.three_legs:
                return await _load(bench, name, traffic, running)
            async with running.answering() as answerer:
                return await _load(bench, name, traffic, running, answerer)


async def _load(
    bench: Workbench,
    name: str,
    traffic: Traffic,
    running: Running,
    answerer: Part | None = None,
) -> Rounds:
    """Pilot, rounds in turns, then the schedule at half the rate."""
    round_s = QUICK_S if bench.quick else traffic.round_s
    count = 1 if bench.quick else ROUNDS
    chosen = traffic.chosen()
    follows = {"follows": traffic.three_legs}
    bench.tell(f"{name}: pilot")
    messages = await _messages_for(traffic, round_s, running.load, chosen | follows)
    echo_messages = await _messages_for(traffic, round_s, running.load_echo, chosen)
    switch: list[Tally] = []
    echo: list[Tally] = []
    worked = running.part.cpu_ns()
    answered = answerer.cpu_ns() if answerer else 0
    for number in range(count):
        bench.tell(f"{name}: round {number + 1} of {count}")
        switch.append(await running.load(messages=messages, rate=0.0, **chosen, **follows))
        echo.append(await running.load_echo(messages=echo_messages, rate=0.0, **chosen))
    worked = running.part.cpu_ns() - worked
    answered = answerer.cpu_ns() - answered if answerer else 0
    rate = statistics.median(_rate(tally) for tally in switch) / traffic.batch / 2
    bench.tell(f"{name}: at half that rate")
    scheduled = await running.load(
        messages=max(int(rate * (QUICK_S if bench.quick else LATENCY_S)), traffic.lanes),
        rate=rate,
        **chosen,
        **follows,
    )
    return Rounds(switch, echo, scheduled, rate, worked, answered)


async def _messages_for(
    traffic: Traffic,
    seconds: float,
    load: Callable[..., Awaitable[Tally]],
    chosen: dict[str, Any],
) -> int:
    """Return how many messages take so long, after a pilot of some."""
    pilot = await load(messages=traffic.pilot_messages, rate=0.0, **chosen)
    rate = _rate(pilot) / traffic.batch
    return max(int(rate * seconds), traffic.lanes)


SWITCH = Subject(
    "switch",
    "Measure the switch over gRPC, beside a bare grpc.aio echo.",
    {
        "batch_protobuf": _measure(BATCH_PROTOBUF, "bare grpc.aio stream, same messages unread"),
        "batch_packed": _measure(BATCH_PACKED, "bare grpc.aio stream, same messages unread"),
        "stream_single": _measure(STREAM_SINGLE, "bare grpc.aio stream echo"),
        "unary": _measure(UNARY, "bare grpc.aio unary echo"),
        "three_leg": _measure(THREE_LEG, "bare grpc.aio stream, the first leg's messages unread"),
        "many_banks": many_banks,
    },
    over_grpc=True,
)
