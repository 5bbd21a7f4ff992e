"""PaymentService: what banks and government services do with payments, message by message.

Nothing here knows a rule of payments; it knows the caller, the bounds of a call and of a stream,
and which part of the switch does the work.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.settlement.database import Pool
from payvand.switch.answering import answer
from payvand.switch.availability import Availability
from payvand.switch.following import Divider, Wakings, follow
from payvand.switch.identity import Caller
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry, route_in, route_of
from payvand.switch.rates import Rates
from payvand.switch.refusing import Refusal, refuse
from payvand.switch.routing import Route, Routing
from payvand.switch.standing import statuses
from payvand.switch.submitting import Submitter
from payvand.switch.translate import ReasonBook
from payvand.switch.wire.faults import too_many
from payvand.switch.wire.requests import Requests
from payvand.v1.payment_service_pb2 import DESCRIPTOR as CONTRACT
from payvand.v1.payment_service_pb2 import (
    FollowRequest,
    GetStatusRequest,
    GetStatusResponse,
)

__all__ = ["PaymentServicer", "check_rate"]


class PaymentServicer:
    """Serve the methods of `payvand.v1.PaymentService`; the contract says what each promises."""

    SERVICE: Final = CONTRACT.services_by_name["PaymentService"]
    GATHERED: Final = frozenset({"Submit", "SubmitStream"})
    """Methods whose messages are taken together, from all callers: `take`."""

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
        self._sending: dict[object, float] = {}

    def take(self, requests: Requests) -> None:
        """Record the payments of requests that came together; `requests.debtors` are callers."""
        routing = self._registry.routing
        rates = self._submitter.rates
        requests.lead(routing, [_route(caller, routing, rates) for caller in requests.debtors])
        if requests.count:
            self._submitter.take(requests)

    def open_stream(self, path: str) -> Callable[[], None]:
        """Count a stream of requests; return what is called where it ends."""
        gauge = self._metrics.connected_streams.labels(path.rpartition("/")[2])
        gauge.inc()
        return gauge.dec

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


def _route(caller: Caller, routing: Routing, rates: Rates) -> Route | Refusal:
    """Return the route of a debtor, or why it has none or may not submit now."""
    try:
        route = route_in(routing, caller)
        check_rate(route, rates)
    except Refusal as refusal:
        return refusal
    return route


def check_rate(route: Route, rates: Rates) -> None:
    """Raise `Refusal` where a participant has submitted as much as it may for now."""
    if wait_ms := rates.wait_ms(route):
        raise Refusal(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "payments.rate",
            f"{route.name} may submit {route.payments_per_second} payments a second: try again "
            f"in {wait_ms} ms, with the same ids",
            retry_after_ms=wait_ms,
        )


def _bound(field: str, items: Sequence[Any]) -> None:
    """Raise RequestMalformed where a request holds more than one batch."""
    if len(items) > BATCH_EVENTS_MAX:
        raise too_many(field, len(items))
