"""The payment service with a task for each call, for a network that carries calls one by one.

The switch's own server gathers requests of all its connections; here each is gathered alone, and
the streams keep the same order and a bound of their own.
"""

import asyncio
from typing import Any, Final

import grpc.aio

from payvand.switch.identity import caller_of
from payvand.switch.payments import PaymentServicer
from payvand.switch.wire.requests import Requests

UNDER_WAY_MAX: Final = 16
Answers = asyncio.Queue[asyncio.Task[bytes] | None]


class PaymentsByCall(PaymentServicer):
    """Serve `Submit` and `SubmitStream` call by call."""

    GATHERED = frozenset()

    async def Submit(self, request: bytes, context: Any) -> bytes:
        """Record the payments of one request."""
        requests = Requests.of([(request, caller_of(context))])
        flushed = asyncio.Event()
        requests.when_flushed = flushed.set
        self.take(requests)
        while (response := requests.responses[0]) is None:
            flushed.clear()
            await flushed.wait()
        if isinstance(response, BaseException):
            raise response
        return bytes(response)

    async def SubmitStream(self, _: object, context: Any) -> None:
        """Record requests as they come, several under way at once, and answer in their order."""
        room = asyncio.Semaphore(UNDER_WAY_MAX)
        answers: Answers = asyncio.Queue()

        async def read() -> None:
            while (request := await context.read()) is not grpc.aio.EOF:
                await room.acquire()
                answers.put_nowait(asyncio.create_task(self.Submit(request, context)))

        reader = asyncio.create_task(read())
        reader.add_done_callback(lambda _: answers.put_nowait(None))
        try:
            while (answer := await answers.get()) is not None:
                response = await answer
                room.release()
                await context.write(response)
            reader.result()
        finally:
            reader.cancel()
            while not answers.empty():
                if (answer := answers.get_nowait()) is not None:
                    answer.cancel()
