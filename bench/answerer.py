"""A creditor's bank that accepts whatever it is offered: `python -m payvand.bench.answerer SPEC`.

It follows its stream from a cursor, answers each step in one call, and prints a line once it
follows. When standard input ends it prints one JSON object: what it answered, and the CPU time that
took, and ends.
"""

import asyncio
import json
import sys
import time
from collections import deque
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import uvloop

from payvand.bench.fast_channel import FastChannel
from payvand.bench.in_the_clear import connect
from payvand.bench.steps import offered_ids
from payvand.v1.payment_service_pb2 import FollowRequest

SERVICE = "/payvand.v1.PaymentService/"
ANSWERS_MAX = 8_190
CALLS_MAX = 8
"""Calls under way; more steps than that wait on the stream."""

_ANSWER_BYTES = 22
"""An accepted answer on the wire: │ 0a 14 │ 0a 10 │ id, 16 bytes │ 10 01 │."""


def answers_to(ids: npt.NDArray[np.uint8]) -> bytes:
    """Return an AnswerRequest that accepts the payments of *ids*, u1[n, 16]."""
    rows = np.zeros((len(ids), _ANSWER_BYTES), np.uint8)
    rows[:, :4] = (0x0A, 0x14, 0x0A, 0x10)
    rows[:, 4:20] = ids
    rows[:, 20:] = (0x10, 0x01)
    return rows.tobytes()


class Answerer:
    """Accepts what is offered, step by step."""

    def __init__(self, channel: FastChannel) -> None:
        """Answer over *channel*."""
        self.answered = 0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._channel = channel
        self._under_way = 0
        self._waiting: deque[npt.NDArray[np.uint8]] = deque()

    def take(self, step: bytes) -> None:
        """Answer what a step offers."""
        ids = offered_ids(step)
        for start in range(0, len(ids), ANSWERS_MAX):
            self._waiting.append(ids[start : start + ANSWERS_MAX])
        self._go_on()

    def _go_on(self) -> None:
        while self._waiting and self._under_way < CALLS_MAX:
            ids = self._waiting.popleft()
            self._under_way += 1
            self._channel.call(
                SERVICE + "Answer", answers_to(ids), lambda _: None, partial(self._end, len(ids))
            )

    def _end(self, count: int, fault: Exception | None) -> None:
        self._under_way -= 1
        if fault is not None:
            self.end_with(fault)
            return
        self.answered += count
        self._go_on()

    def end_with(self, fault: Exception | None) -> None:
        """End, by a fault or because the stream has ended."""
        if not self.over.done():
            self.over.set_exception(fault or AssertionError("the stream ended"))


async def _accept_all(address: str, certificates: Path, cursor: int, *, tls: bool) -> int:
    """Accept offers until standard input ends; return how many."""
    channel = await connect(address, certificates, tls=tls)
    answerer = Answerer(channel)
    request = FollowRequest(cursor=cursor).SerializeToString()
    channel.call(SERVICE + "Follow", request, answerer.take, answerer.end_with)
    print(flush=True)
    over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait({over, answerer.over}, return_when=asyncio.FIRST_COMPLETED)
    if answerer.over.done():
        answerer.over.result()
    answerer.over.cancel()
    channel.close()
    return answerer.answered


def main() -> None:
    """Answer until standard input ends."""
    spec = json.loads(sys.argv[1])
    answered = uvloop.run(
        _accept_all(spec["address"], Path(spec["certificates"]), spec["cursor"], tls=spec["tls"])
    )
    print(json.dumps({"answered": answered, "cpu_ns": time.process_time_ns()}), flush=True)


if __name__ == "__main__":
    main()
