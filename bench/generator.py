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
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np
import uvloop
from hdrh.histogram import HdrHistogram

from payvand.bench.in_the_clear import open_bench_channel
from payvand.bench.percentiles import LATENCY_US_MAX, SIGNIFICANT_DIGITS, percentiles
from payvand.bench.steps import outcomes_of
from payvand.bench.wire import Template, templates
from payvand.client import STATE_NAMES
from payvand.v1.payment_service_pb2 import FollowRequest, SubmitStreamResponse

__all__ = ["GeneratorSpec"]


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
        """Spread *rate* messages a second over *lanes*."""
        self._interval_ns = lanes * 1e9 / rate if rate else 0.0
        self._stagger_ns = 1e9 / rate if rate else 0.0
        self._began = 0
        self.histogram = HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_DIGITS)

    def begin(self) -> None:
        """Start now."""
        self._began = time.perf_counter_ns()

    async def await_turn(self, lane: int, index: int) -> int:
        """Wait for the time of a lane's message; return it, or the present where none is set."""
        if not self._interval_ns:
            return time.perf_counter_ns()
        due = self._began + int(index * self._interval_ns + lane * self._stagger_ns)
        if (early := due - time.perf_counter_ns()) > 0:
            await asyncio.sleep(early / 1e9)
        # A timer that woke us early must not shorten the latency.
        return min(due, time.perf_counter_ns())

    def record(self, due: int, count: int = 1) -> None:
        """Note that *count* messages or payments that were due then are over now."""
        self.histogram.record_value(max((time.perf_counter_ns() - due) // 1000, 1), count)

    def percentiles(self) -> dict[str, int]:
        """Return the latencies in microseconds."""
        return percentiles(self.histogram)


class Generator:
    """Send the messages of a specification and count what comes back."""

    def __init__(self, spec: GeneratorSpec) -> None:
        """Make all templates, before any clock starts."""
        self._spec = spec
        self._channel = open_bench_channel(spec.address, Path(spec.certificates), tls=spec.tls)
        self._lanes = [
            templates(
                spec.batch,
                run=spec.run,
                lane=lane,
                debtor_code=spec.debtor_code,
                creditor_code=spec.creditor_code,
                packed=spec.packed,
                creditors=spec.creditors,
            )
            for lane in range(spec.lanes)
        ]
        self._clock = Clock(spec.rate, spec.lanes)
        self._due: dict[int, int] = {}
        """When each message was due, by its number; kept where outcomes are followed."""
        self.tally = Tally()

    async def run(self, ready: Callable[[], Awaitable[None]]) -> None:
        """Connect, tell that all is ready, then send all messages and wait for their end."""
        await self._channel.channel_ready()
        follower = asyncio.create_task(self._follow()) if self._spec.follows else None
        await ready()
        worked = time.process_time_ns()
        self._clock.begin()
        began = time.perf_counter_ns()
        carry = self._stream if self._spec.method == "SubmitStream" else self._call
        async with asyncio.TaskGroup() as group:
            for lane in range(self._spec.lanes):
                group.create_task(carry(lane))
        if follower is not None:
            await follower
        self.tally.elapsed_ns = time.perf_counter_ns() - began
        self.tally.cpu_ns = time.process_time_ns() - worked
        self.tally.latency_us = self._clock.percentiles()
        await self._channel.close()

    def _messages(self, lane: int) -> Iterator[tuple[int, Template, int]]:
        """Yield a lane's messages as (index, template, number of the first payment)."""
        spec = self._spec
        for index in range(lane, spec.messages, spec.lanes):
            turn = index // spec.lanes
            yield turn, self._lanes[lane][turn % len(self._lanes[lane])], index * spec.batch

    async def _stream(self, lane: int) -> None:
        call: Any = self._channel.stream_stream("/payvand.v1.PaymentService/SubmitStream")()
        room = asyncio.Semaphore(self._spec.window)
        under_way: list[tuple[int, int]] = []

        async def send() -> None:
            for turn, template, first in self._messages(lane):
                if not self._spec.rate:
                    await room.acquire()
                due = await self._clock.await_turn(lane, turn)
                self._expect(first, template, due)
                under_way.append((due, template.count))
                await call.write(template.wire(first))
            await call.done_writing()

        sender = asyncio.create_task(send())
        answered = 0
        while (reply := await call.read()) is not grpc.aio.EOF:
            room.release()
            due, _ = under_way[answered]
            answered += 1
            self._take(reply, due)
        await sender
        assert answered == len(under_way), f"{len(under_way) - answered} messages unanswered"

    async def _call(self, lane: int) -> None:
        call: Any = self._channel.unary_unary("/payvand.v1.PaymentService/Submit")
        for turn, template, first in self._messages(lane):
            due = await self._clock.await_turn(lane, turn)
            self._expect(first, template, due)
            self._take(await call(template.wire(first)), due)

    def _expect(self, first: int, template: Template, due: int) -> None:
        self.tally.payments += template.count
        self.tally.amount += template.amount
        if self._spec.follows:
            self._due[first // self._spec.batch] = due

    def _take(self, reply: bytes, due: int) -> None:
        """Note an answer; where outcomes are followed they are what counts."""
        if self._spec.follows:
            return
        self._clock.record(due)
        if not self._spec.echo:
            self._count(SubmitStreamResponse.FromString(reply).states)

    def _count(self, states: Iterable[Any]) -> None:
        for state, count in Counter(states).items():
            name = STATE_NAMES[state]
            self.tally.states[name] = self.tally.states.get(name, 0) + count

    async def _follow(self) -> None:
        """Take the outcomes of the own payments; each ends one."""
        request = FollowRequest(cursor=self._spec.cursor).SerializeToString()
        follow: Any = self._channel.unary_stream("/payvand.v1.PaymentService/Follow")
        call = follow(request)
        head, batch = self._spec.run, self._spec.batch
        left = self._spec.messages * batch
        while left:
            reply = await call.read()
            assert reply is not grpc.aio.EOF, "the stream ended before the payments"
            self.tally.cursor, outcomes = outcomes_of(reply)
            own = outcomes[outcomes["run"] == head]
            left -= len(own)
            self._count(own["state"].tolist())
            numbers, counts = np.unique(own["number"] // batch, return_counts=True)
            for message, count in zip(numbers.tolist(), counts.tolist(), strict=True):
                self._clock.record(self._due[message], count)
        call.cancel()


async def _main(spec: GeneratorSpec) -> None:
    generator = Generator(spec)

    async def ready() -> None:
        print(flush=True)
        await asyncio.to_thread(sys.stdin.readline)

    await generator.run(ready)
    print(json.dumps(asdict(generator.tally)), flush=True)


if __name__ == "__main__":
    uvloop.run(_main(GeneratorSpec(**json.loads(sys.argv[1]))))
