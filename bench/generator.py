"""Load on a gRPC service, from a process of its own: `python -m payvand.bench.generator SPEC`.

It makes everything ready, prints a line, and begins when a line comes on standard input. Then it
sends either as fast as a window lets it (how much does the service do?) or at a given rate (how
long does it take?). At a given rate each message has its time, and its latency counts from then
however late it was sent: a service that stalls can't hide it (no coordinated omission).

It ends with one JSON object on standard output: counts, percentiles, the CPU time it took itself.
"""

import asyncio
import json
import sys
import time
from array import array
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from hdrh.histogram import HdrHistogram

from payvand.bench.fast_channel import FastCall, FastChannel
from payvand.bench.in_the_clear import connect
from payvand.bench.percentiles import LATENCY_US_MAX, SIGNIFICANT_DIGITS, percentiles
from payvand.bench.steps import outcomes_of
from payvand.bench.wire import Template, templates
from payvand.client import STATE_NAMES
from payvand.v1.payment_service_pb2 import FollowRequest, SubmitStreamResponse

__all__ = ["GeneratorSpec"]

SERVICE = "/payvand.v1.PaymentService/"
TICK_S = 0.001
"""How often it is looked whose time has come, where that is often."""
SHORT_BYTES = 16
"""Answers that are counted as they are, since there are few different ones."""


@dataclass(frozen=True, slots=True)
class GeneratorSpec:
    """What one generator does."""

    address: str
    certificates: str
    method: str
    """`Submit` or `SubmitStream` of the payment service, or of the echo that stands in for it."""
    messages: int
    batch: int
    """Payments a message."""
    lanes: int
    """Streams, or callers that call one after the other."""
    window: int
    """Messages of a lane under way, where no rate is given."""
    rate: float
    """Messages a second of all lanes; 0: as many as the window lets through."""
    run: int
    """Goes into the ids; no two runs on a switch may share it."""
    debtor_code: str
    creditor_code: str
    creditors: list[str] = field(default_factory=list)
    """The IBANs that are paid in turn, instead of accounts of the creditor's bank."""
    packed: bool = False
    """Records instead of messages."""
    tls: bool = True
    """Otherwise in the clear, and the caller names itself; see `bench.in_the_clear`."""
    echo: bool = False
    """Answers are no answers of a switch, and hold no states."""
    follows: bool = False
    """A payment is over when its outcome comes on the caller's own stream, not when it is
    recorded."""
    cursor: int = 0
    """Where that stream begins."""


@dataclass(slots=True)
class Tally:
    """What a run counted."""

    payments: int = 0
    amount: int = 0
    states: dict[str, int] = field(default_factory=dict)
    elapsed_ns: int = 0
    cpu_ns: int = 0
    latency_us: dict[str, int] = field(default_factory=dict)
    cursor: int = 0


class Clock:
    """When each message is to go out, and how long it took from then."""

    def __init__(self, rate: float, lanes: int) -> None:
        """Spread *rate* messages a second over *lanes*; 0 sets no time."""
        self.interval_ns = lanes * 1e9 / rate if rate else 0.0
        """Between two messages of a lane."""
        self._stagger_ns = 1e9 / rate if rate else 0.0
        self._began = 0
        self._took_ns, self._counts = array("q"), array("q")

    def begin(self) -> None:
        """Start now."""
        self._began = time.perf_counter_ns()

    def due(self, lane: int, turn: int) -> int:
        """Return the time of a lane's message; the present where none is set."""
        if not self.interval_ns:
            return time.perf_counter_ns()
        return self._began + int(turn * self.interval_ns + lane * self._stagger_ns)

    def record(self, due: int, count: int = 1) -> None:
        """Note that *count* messages or payments that were due then are over now."""
        self._took_ns.append(time.perf_counter_ns() - due)
        self._counts.append(count)

    def percentiles(self) -> dict[str, int]:
        """Return the latencies in microseconds."""
        histogram = HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_DIGITS)
        took_us = np.maximum(np.frombuffer(self._took_ns, np.int64) // 1000, 1)
        values, places = np.unique(took_us, return_inverse=True)
        counts = np.bincount(places, np.frombuffer(self._counts, np.int64)).astype(np.int64)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            histogram.record_value(value, count)
        return percentiles(histogram)


class Lane:
    """One stream, or one caller; what it sends and what is under way of it."""

    def __init__(self, generator: "Generator", number: int, made: list[Template]) -> None:
        """Send the messages of *number* and every so many after it."""
        spec = generator.spec
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._generator = generator
        self._number = number
        self._templates = made
        self._count = len(range(number, spec.messages, spec.lanes))
        self._sent = self._answered = 0
        self._streams = spec.method == "SubmitStream"
        self._window = self._count if spec.rate and self._streams else spec.window
        self._due = array("q", bytes(8 * self._count))
        self._call: FastCall | None = None

    def open(self, channel: FastChannel) -> None:
        """Open the stream, where it is one."""
        self._channel = channel
        if self._streams:
            self._call = channel.open(SERVICE + "SubmitStream", self._take, self._end_with)
        if not self._count:
            self._finish()

    def step(self) -> None:
        """Send what may go out now."""
        clock, spec = self._generator.clock, self._generator.spec
        now = time.perf_counter_ns()
        while self._sent < self._count and self._sent - self._answered < self._window:
            due = clock.due(self._number, self._sent)
            if due > now and spec.rate:
                return
            template = self._templates[self._sent % len(self._templates)]
            number = self._number + self._sent * spec.lanes
            self._generator.expect(number, template, due)
            self._due[self._sent] = due
            self._sent += 1
            message = template.wire(number * spec.batch)
            if self._call is not None:
                self._call.send(message)
            else:
                self._channel.call(SERVICE + "Submit", message, self._take, self._end_call)

    def next_due(self) -> int | None:
        """Return when the next message that nothing holds up is due."""
        if self._sent == self._count or self._sent - self._answered >= self._window:
            return None
        return self._generator.clock.due(self._number, self._sent)

    def _take(self, reply: bytes) -> None:
        self._generator.take(reply, self._due[self._answered])
        self._answered += 1
        if self._streams:
            self.step()
        if self._answered == self._count:
            self._finish()

    def _end_call(self, fault: Exception | None) -> None:
        if fault is not None:
            self._end_with(fault)
        else:
            self.step()

    def _end_with(self, fault: Exception | None) -> None:
        if not self.over.done():
            left = self._count - self._answered
            self.over.set_exception(fault or AssertionError(f"{left} messages unanswered"))

    def _finish(self) -> None:
        if not self.over.done():
            self.over.set_result(None)
        if self._call is not None:
            self._call.end()


class Generator:
    """Send the messages of a specification and count what comes back."""

    def __init__(self, spec: GeneratorSpec) -> None:
        """Make all templates, before any clock starts."""
        self.spec = spec
        self.clock = Clock(spec.rate, spec.lanes)
        self.tally = Tally()
        self._lanes = [Lane(self, number, self._templates(number)) for number in range(spec.lanes)]
        self._due: dict[int, int] = {}
        """When each message was due, by its number; kept where outcomes are followed."""
        self._short: Counter[bytes] = Counter()
        """How often each short answer came."""
        self._left = spec.messages * spec.batch
        """Payments whose outcomes haven't come, where these are followed."""
        self._settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def _templates(self, lane: int) -> list[Template]:
        spec = self.spec
        return templates(
            spec.batch,
            run=spec.run,
            lane=lane,
            debtor_code=spec.debtor_code,
            creditor_code=spec.creditor_code,
            packed=spec.packed,
            creditors=spec.creditors,
        )

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Connect, tell that all is ready, then send all messages and wait for their end."""
        spec = self.spec
        channel = await connect(spec.address, Path(spec.certificates), tls=spec.tls)
        await ready()
        worked = time.process_time_ns()
        if spec.follows:
            request = FollowRequest(cursor=spec.cursor).SerializeToString()
            follow = channel.call(SERVICE + "Follow", request, self._follow, self._end_following)
        self.clock.begin()
        began = time.perf_counter_ns()
        for lane in self._lanes:
            lane.open(channel)
            lane.step()
        if spec.rate:
            await self._keep_time()
        await asyncio.gather(*(lane.over for lane in self._lanes))
        if spec.follows:
            await self._settled
            follow.cancel()
        self.tally.elapsed_ns = time.perf_counter_ns() - began
        self.tally.cpu_ns = time.process_time_ns() - worked
        self.tally.latency_us = self.clock.percentiles()
        for reply, count in self._short.items():
            self._count(SubmitStreamResponse.FromString(reply).states, count)
        channel.close()

    async def _keep_time(self) -> None:
        """Let messages go out when they are due; those that are held up go with the answers."""
        while not all(lane.over.done() for lane in self._lanes):
            dues = [due for lane in self._lanes if (due := lane.next_due()) is not None]
            early = min(dues, default=0) - time.perf_counter_ns()
            await asyncio.sleep(max(early / 1e9, TICK_S))
            for lane in self._lanes:
                lane.step()

    def expect(self, number: int, template: Template, due: int) -> None:
        """Count a message that goes out."""
        self.tally.payments += template.count
        self.tally.amount += template.amount
        if self.spec.follows:
            self._due[number] = due

    def take(self, reply: bytes, due: int) -> None:
        """Note an answer; where outcomes are followed they are what counts."""
        if self.spec.follows:
            return
        self.clock.record(due)
        if self.spec.echo:
            return
        if len(reply) <= SHORT_BYTES:
            self._short[reply] += 1
        else:
            self._count(SubmitStreamResponse.FromString(reply).states)

    def _count(self, states: Any, times: int = 1) -> None:
        for state, count in Counter(states).items():
            name = STATE_NAMES[state]
            self.tally.states[name] = self.tally.states.get(name, 0) + count * times

    def _follow(self, step: bytes) -> None:
        """Take the outcomes of the own payments; each ends one."""
        self.tally.cursor, outcomes = outcomes_of(step)
        own = outcomes[outcomes["run"] == self.spec.run]
        self._left -= len(own)
        self._count(own["state"].tolist())
        numbers, counts = np.unique(own["number"] // self.spec.batch, return_counts=True)
        for message, count in zip(numbers.tolist(), counts.tolist(), strict=True):
            self.clock.record(self._due[message], count)
        if not self._left and not self._settled.done():
            self._settled.set_result(None)

    def _end_following(self, fault: Exception | None) -> None:
        if not self._settled.done():
            self._settled.set_exception(
                fault or AssertionError("the stream ended before the payments")
            )


async def _main(spec: GeneratorSpec) -> None:
    generator = Generator(spec)

    async def ready() -> None:
        print(flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    await generator.run(ready)
    print(json.dumps(asdict(generator.tally)), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(GeneratorSpec(**json.loads(sys.argv[1]))))
