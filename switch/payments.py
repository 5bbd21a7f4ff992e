"""PaymentService: what banks and government services do with payments, message by message.

Nothing here knows a rule of payments; it knows the caller, the bounds of a call and of a stream,
and which part of the switch does the work.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import grpc.aio

from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.settlement.database import Pool
from payvand.switch.answering import answer
from payvand.switch.availability import Availability
from payvand.switch.following import Divider, Wakings, follow
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.routing import Route
from payvand.switch.standing import statuses
from payvand.switch.submitting import Submitter
from payvand.switch.translate import ReasonBook
from payvand.switch.wire.faults import too_many
from payvand.v1.payment_service_pb2 import DESCRIPTOR as CONTRACT
from payvand.v1.payment_service_pb2 import (
    FollowRequest,
    GetStatusRequest,
    GetStatusResponse,
)

__all__ = ["STREAM_BATCHES_MAX", "PaymentServicer"]

STREAM_BATCHES_MAX: Final = 16
"""Batches of one stream that are under way; then the switch stops reading it."""

Batches = asyncio.Queue[asyncio.Task[bytes] | None]
"""The answers to those of one stream that are under way; None where they end."""


class PaymentServicer:
    """Serve the methods of `payvand.v1.PaymentService`; the contract says what each promises."""

    SERVICE: Final = CONTRACT.services_by_name["PaymentService"]

    def __init__(
        self,
        *,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        submitter: Submitter,
        availability: Availability,
        reasons: ReasonBook,
        metrics: Metrics,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Serve from *engine*; *catch_up* waits until the database is as far as the ledger."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._submitter = submitter
        self._availability = availability
        self._metrics = metrics
        self._catch_up = catch_up
        self._reasons = reasons
        self._wakings = Wakings(engine, Divider(reasons))
        self._streams: set[Batches] = set()
        self._sending: dict[object, float] = {}

    async def Submit(self, request: bytes, context: Any) -> bytes:
        """Record the payments of one request."""
        debtor = await self._caller(context)
        return await self._submit(request, debtor)

    async def SubmitStream(self, _: object, context: Any) -> None:
        """Record batches as they come, several under way at once, and answer in their order."""
        debtor = await self._caller(context)
        room = asyncio.Semaphore(STREAM_BATCHES_MAX)
        batches: Batches = asyncio.Queue()

        async def read() -> None:
            while (request := await context.read()) is not grpc.aio.EOF:
                await room.acquire()
                batches.put_nowait(asyncio.create_task(self._submit(request, debtor)))

        reader = asyncio.create_task(read())
        reader.add_done_callback(lambda _: batches.put_nowait(None))
        self._streams.add(batches)
        async with self._open_stream("SubmitStream"):
            try:
                while (batch := await batches.get()) is not None:
                    reply = await batch
                    room.release()
                    await context.write(reply)
                if reader.done():
                    reader.result()
            finally:
                self._streams.discard(batches)
                reader.cancel()
                _abandon(batches)

    def stop(self) -> None:
        """End the submitting streams once what they have sent is answered."""
        for batches in self._streams:
            batches.put_nowait(None)

    async def _submit(self, request: bytes, debtor: Route) -> bytes:
        # A stream outlives many routings: its bank's route is that of the routing it is used with.
        routing = self._registry.routing
        return await self._submitter.submit(
            request, debtor=routing.by_name[debtor.name], routing=routing
        )

    async def Answer(self, request: bytes, context: Any) -> bytes:
        """Record a creditor bank's answers."""
        creditor = await self._caller(context)
        reply = await answer(self._engine, self._metrics, request, creditor)
        # A state takes a byte each; what comes before them is of no weight in a share.
        self._availability.note_answers(creditor.name, len(reply))
        return reply

    async def Follow(self, request: FollowRequest, context: Any) -> AsyncIterator[bytes]:
        """Send what concerns the caller; the messages are serialised already."""
        caller = await self._caller(context)
        if request.cursor > self._engine.sequence:
            await refuse(
                context,
                grpc.StatusCode.OUT_OF_RANGE,
                "cursor.ahead",
                f"cursor {request.cursor} is ahead of the journal, which is at "
                f"{self._engine.sequence}: it isn't one that this switch gave out",
                field="cursor",
            )
        stream = object()
        async with self._open_stream("Follow"), self._following(caller):
            try:
                async for _, step in follow(self._wakings, caller.number, request.cursor):
                    self._sending[stream] = time.monotonic()
                    yield step
                    del self._sending[stream]
            finally:
                self._sending.pop(stream, None)

    @asynccontextmanager
    async def _following(self, caller: Route) -> AsyncIterator[None]:
        with self._availability.following(caller.name):
            yield

    def oldest_sending_s(self) -> float:
        """Return for how long the slowest follower hasn't taken what was sent; 0 for none."""
        oldest = min(self._sending.values(), default=None)
        return 0.0 if oldest is None else time.monotonic() - oldest

    async def GetStatus(self, request: GetStatusRequest, context: Any) -> GetStatusResponse:
        """Tell where payments stand."""
        caller = await self._caller(context)
        _bound("ids", request.ids)
        return GetStatusResponse(
            statuses=await statuses(
                self._engine, self._pool, request.ids, caller, self._reasons, self._catch_up
            )
        )

    async def _caller(self, context: Any) -> Route:
        """Return the participant that calls, or end the call where it isn't onboarded."""
        return await route_of(context, self._registry)

    @asynccontextmanager
    async def _open_stream(self, method: str) -> AsyncIterator[None]:
        gauge = self._metrics.connected_streams.labels(method)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()


def _abandon(batches: Batches) -> None:
    """Let go of the batches that nobody waits for any more; what was sent may have its effect."""
    while not batches.empty():
        if (batch := batches.get_nowait()) is not None:
            batch.cancel()


def _bound(field: str, items: Sequence[Any]) -> None:
    """Raise RequestMalformed where a request holds more than one batch."""
    if len(items) > BATCH_EVENTS_MAX:
        raise too_many(field, len(items))
