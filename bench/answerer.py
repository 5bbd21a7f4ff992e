"""A creditor's bank that accepts whatever it is offered: `python -m payvand.bench.answerer SPEC`.

It follows its stream from a cursor, answers each step in one call, and prints a line once it
follows. When standard input ends it prints one JSON object: what it answered, and the CPU time that
took, and ends.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np
import numpy.typing as npt
import uvloop

from payvand.bench.in_the_clear import open_bench_channel
from payvand.bench.steps import offered_ids
from payvand.v1.payment_service_pb2 import FollowRequest

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


async def _accept_all(address: str, certificates: Path, cursor: int, *, tls: bool) -> int:
    """Accept offers until cancelled; return how many."""
    answered = 0
    async with (
        open_bench_channel(address, certificates, tls=tls) as channel,
        asyncio.TaskGroup() as calls,
    ):
        await channel.channel_ready()
        call: Any = channel.unary_unary("/payvand.v1.PaymentService/Answer")
        room = asyncio.Semaphore(CALLS_MAX)

        async def answer(ids: npt.NDArray[np.uint8]) -> None:
            nonlocal answered
            try:
                await call(answers_to(ids))
            finally:
                room.release()
            answered += len(ids)

        request = FollowRequest(cursor=cursor).SerializeToString()
        open_follow: Any = channel.unary_stream("/payvand.v1.PaymentService/Follow")
        follow = open_follow(request)
        print(flush=True)
        over = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
        over.add_done_callback(lambda _: follow.cancel())
        try:
            while (reply := await follow.read()) is not grpc.aio.EOF:
                ids = offered_ids(reply)
                for start in range(0, len(ids), ANSWERS_MAX):
                    await room.acquire()
                    calls.create_task(answer(ids[start : start + ANSWERS_MAX]))
        except asyncio.CancelledError:
            if not over.done():
                raise
    return answered


def main() -> None:
    """Answer until standard input ends."""
    spec = json.loads(sys.argv[1])
    answered = uvloop.run(
        _accept_all(spec["address"], Path(spec["certificates"]), spec["cursor"], tls=spec["tls"])
    )
    print(json.dumps({"answered": answered, "cpu_ns": time.process_time_ns()}), flush=True)


if __name__ == "__main__":
    main()
