"""Many banks that follow their streams, each over a connection of its own.

`python -m payvand.bench.followers SPEC` prints a line once all of them are connected. At every line
on standard input it prints one JSON object: how long the outcomes since the last one took from the
books into the banks' hands. It ends with its standard input.
"""

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import uvloop
from hdrh.histogram import HdrHistogram

from payvand.bench.in_the_clear import connect
from payvand.bench.percentiles import LATENCY_US_MAX, SIGNIFICANT_DIGITS, percentiles
from payvand.v1.payment_service_pb2 import FollowRequest, FollowResponse

__all__ = ["FollowersSpec"]

CONNECTING_MAX = 32
"""Connections that are being made at once."""


@dataclass(frozen=True, slots=True)
class FollowersSpec:
    """Who follows."""

    address: str
    certificates: str
    """The folder of the banks' folders."""
    names: list[str]
    cursor: int
    """Where the streams begin."""
    tls: bool


class Followers:
    """The streams of one process, and how soon they are told."""

    def __init__(self, spec: FollowersSpec) -> None:
        """Connect nobody yet."""
        self._spec = spec
        self._room = asyncio.Semaphore(CONNECTING_MAX)
        self._connected = 0
        self.all_connected = asyncio.Event()
        self.histogram = HdrHistogram(1, LATENCY_US_MAX, SIGNIFICANT_DIGITS)

    async def follow(self, name: str) -> None:
        """Follow as the bank *name*, until the connection ends."""
        spec = self._spec
        async with self._room:
            channel = await connect(
                spec.address, Path(spec.certificates) / name, tls=spec.tls, role="agency"
            )
        request = FollowRequest(cursor=spec.cursor).SerializeToString()
        over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
        channel.call("/payvand.v1.PaymentService/Follow", request, self._take, over.set_result)
        self._connected += 1
        if self._connected == len(spec.names):
            self.all_connected.set()
        try:
            if fault := await over:
                raise fault
        finally:
            channel.close()

    def _take(self, step: bytes) -> None:
        now = time.time_ns()
        for outcome in FollowResponse.FromString(step).outcomes:
            self.histogram.record_value(max((now - outcome.timestamp) // 1000, 1))


async def _main(spec: FollowersSpec) -> None:
    followers = Followers(spec)
    tasks = [asyncio.create_task(followers.follow(name)) for name in spec.names]
    await followers.all_connected.wait()
    print(flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        told = {
            "count": followers.histogram.get_total_count(),
            "latency_us": percentiles(followers.histogram),
        }
        print(json.dumps(told), flush=True)
        followers.histogram.reset()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(_main(FollowersSpec(**json.loads(sys.argv[1]))))
