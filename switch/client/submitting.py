"""A submitting stream: batches go out in a window, answers come back in order, breaks are mended.

    source ──feed──► unanswered (at most `window` batches) ──send──► call ──► answers
                          ▲                                            │
                          └───────── sent again on a new call ◄────────┘ broken

The batches not yet answered are kept. When the connection breaks they are sent again, in order,
on a new call: their payments carry their ids, so those that had been recorded get the outcome of
the first time. Answers therefore come exactly once for each batch, in the order of the batches.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import grpc
import grpc.aio

from payvand.client.backoff import Backoff
from payvand.client.faults import ended_early, fault_of, is_broken_off
from payvand.client.packing import PackedBatch
from payvand.v1.payment_pb2 import Payment
from payvand.v1.payment_service_pb2 import SubmitStreamRequest, SubmitStreamResponse

__all__ = ["WINDOW_BATCHES", "Batch", "Batches", "submitting"]

Batch = Sequence[Payment] | PackedBatch
Batches = Iterable[Batch] | AsyncIterable[Batch]

WINDOW_BATCHES: Final = 8
"""Batches under way at once: half of what the switch reads before it pushes back."""


class _Outgoing:
    """The batches taken from the source and not answered yet, with who waits for a change."""

    def __init__(self, window: int) -> None:
        self.unanswered: deque[tuple[Batch, SubmitStreamRequest]] = deque()
        self.answered = 0
        self.exhausted = False
        self.fault: BaseException | None = None
        self.changed = asyncio.Event()
        self.room = asyncio.Semaphore(window)

    async def feed(self, batches: Batches) -> None:
        """Take batches from the source while there is room; keep its fault for the consumer."""
        try:
            async for batch in _in_turn(batches):
                await self.room.acquire()
                self.unanswered.append((batch, _request(batch)))
                self.changed.set()
        except Exception as fault:
            self.fault = fault
        self.exhausted = True
        self.changed.set()

    async def send(self, call: Any) -> None:
        """Write everything unanswered to *call*, then what comes; end when the source has."""
        sent = self.answered
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):  # The reader sees it too.
            while True:
                self.changed.clear()
                while sent < self.answered + len(self.unanswered):
                    await call.write(self.unanswered[sent - self.answered][1])
                    sent += 1
                if self.exhausted:
                    await call.done_writing()
                    return
                await self.changed.wait()

    def answer(self) -> Batch:
        """Drop the oldest batch, now answered, and return it."""
        batch, _ = self.unanswered.popleft()
        self.answered += 1
        self.room.release()
        return batch


async def submitting(
    open_call: Callable[[], Any],
    batches: Batches,
    *,
    address: str,
    patience_s: float,
    window: int = WINDOW_BATCHES,
) -> AsyncIterator[tuple[Batch, SubmitStreamResponse]]:
    """Yield each batch with its answer, in order, over as many calls as that needs.

    Raises:
        ClientFault: no switch answered for *patience_s* seconds, or it ended the call.
        Exception: what the source of *batches* raised, after what came before it was answered.
    """
    outgoing = _Outgoing(window)
    backoff = Backoff(patience_s)
    feeder = asyncio.create_task(outgoing.feed(batches))
    try:
        while True:
            call = open_call()
            sender = asyncio.create_task(outgoing.send(call))
            try:
                # grpc.aio.EOF is a value: it ends the call in order, or early by a restart.
                while (response := await call.read()) is not grpc.aio.EOF:
                    backoff.progress()
                    yield outgoing.answer(), response
                if outgoing.exhausted and not outgoing.unanswered:
                    break
                if not await backoff.wait():
                    raise ended_early(address)
            except grpc.aio.AioRpcError as error:
                if not is_broken_off(error) or not await backoff.wait():
                    raise fault_of(error, address) from error
            finally:
                await _stop(sender)
                call.cancel()
    finally:
        await _stop(feeder)
    if outgoing.fault is not None:
        raise outgoing.fault


def _request(batch: Batch) -> SubmitStreamRequest:
    if isinstance(batch, PackedBatch):
        return SubmitStreamRequest(packed=batch.records.tobytes(), packed_texts=batch.texts)
    return SubmitStreamRequest(payments=batch)


async def _in_turn(batches: Batches) -> AsyncIterator[Batch]:
    """Yield from a source of either kind; let others run between the batches of a plain one."""
    if isinstance(batches, AsyncIterable):
        async for batch in batches:
            yield batch
        return
    for batch in batches:
        yield batch
        await asyncio.sleep(0)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
