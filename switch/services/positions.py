"""PositionService: how participants stand, now and as they move, and the alerts of their limits."""

import asyncio
from collections.abc import AsyncIterator
from itertools import groupby
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.switch.identity import caller_of
from payvand.switch.limits.alerting import Alert, Alerting
from payvand.switch.limits.positions import Position, Positions
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse, refuse_participant
from payvand.switch.routing import Route
from payvand.v1 import position_service_pb2 as pb

__all__ = ["PositionServicer", "route_asked_for"]

INTERVAL_MS: Final = 1_000
INTERVAL_MS_MIN: Final = 100
INTERVAL_MS_MAX: Final = 60_000


async def route_asked_for(context: Any, registry: Registry, participant: str) -> Route:
    """Return whom a call asks about: the caller where it names nobody. Ends the call otherwise."""
    caller = caller_of(context)
    name = participant or ("" if caller.reads_all else caller.name)
    if not caller.speaks_for(name):
        await refuse(
            context,
            grpc.StatusCode.PERMISSION_DENIED,
            "participant.owner",
            f"what concerns {name!r} isn't for the {caller.role} {caller.name!r}",
            field="participant",
        )
    route = registry.routing.by_name.get(name)
    if route is None:
        await refuse_participant(context, name)
    return route


class PositionServicer:
    """Serve `payvand.v1.PositionService`; the contract says what each method promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["PositionService"]

    def __init__(
        self, engine: Engine, registry: Registry, positions: Positions, alerting: Alerting
    ) -> None:
        """Serve *positions* and the alerts of *alerting*."""
        self._engine = engine
        self._registry = registry
        self._positions = positions
        self._alerting = alerting

    async def GetPosition(
        self, request: pb.GetPositionRequest, context: Any
    ) -> pb.GetPositionResponse:
        """Tell how a participant stands."""
        route = await route_asked_for(context, self._registry, request.participant)
        return pb.GetPositionResponse(position=_told(await self._positions.position(route)))

    async def FollowPosition(
        self, request: pb.FollowPositionRequest, context: Any
    ) -> AsyncIterator[pb.FollowPositionResponse]:
        """Tell how a participant stands, again whenever that has moved."""
        route = await route_asked_for(context, self._registry, request.participant)
        interval_ms = request.interval_ms or INTERVAL_MS
        if not INTERVAL_MS_MIN <= interval_ms <= INTERVAL_MS_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "interval.range",
                f"{INTERVAL_MS_MIN} to {INTERVAL_MS_MAX}, not {interval_ms}",
                field="interval_ms",
            )
        await self._check_cursor(context, request.cursor)
        cursor, last = request.cursor, None
        while True:
            moving = asyncio.ensure_future(self._positions.moved(route.number))
            try:
                await asyncio.sleep(0)
                position = await self._positions.position(route)
                alerts = self._alerting.book.after(cursor, route.name)
                told = _told(position)
                compared = pb.Position()
                compared.CopyFrom(told)
                compared.sequence = 0
                if compared != last or alerts:
                    last = compared
                    cursor = alerts[-1].sequence if alerts else cursor
                    yield pb.FollowPositionResponse(
                        cursor=cursor, position=told, alerts=map(_alert, alerts)
                    )
                await asyncio.sleep(interval_ms / 1_000)
                await moving
            finally:
                moving.cancel()

    async def FollowAlerts(
        self, request: pb.FollowAlertsRequest, context: Any
    ) -> AsyncIterator[pb.FollowAlertsResponse]:
        """Tell alerts from a cursor on."""
        caller = caller_of(context)
        name = request.participant
        if name or not caller.reads_all:
            name = (await route_asked_for(context, self._registry, name)).name
        await self._check_cursor(context, request.cursor)
        cursor = request.cursor
        while True:
            told = self._alerting.told
            by_act = groupby(self._alerting.book.after(cursor, name), lambda one: one.sequence)
            for sequence, alerts in by_act:
                cursor = sequence
                yield pb.FollowAlertsResponse(cursor=cursor, alerts=map(_alert, alerts))
            await told.wait()

    async def _check_cursor(self, context: Any, cursor: int) -> None:
        if cursor > self._engine.sequence:
            await refuse(
                context,
                grpc.StatusCode.OUT_OF_RANGE,
                "cursor.ahead",
                f"cursor {cursor} is ahead of the journal, which is at {self._engine.sequence}: "
                "it isn't one that this switch gave out",
                field="cursor",
            )


def _alert(alert: Alert) -> pb.LimitAlert:
    return pb.LimitAlert(
        sequence=alert.sequence,
        at=alert.timestamp,
        participant=alert.participant,
        limit=alert.limit,
        percent=alert.percent,
        used=str(alert.used),
        maximum=str(alert.maximum),
    )


def _told(position: Position) -> pb.Position:
    return pb.Position(
        participant=position.participant,
        unit=position.unit,
        sequence=position.sequence,
        balance=str(position.balance),
        reserved_out=str(position.reserved_out),
        reserved_in=str(position.reserved_in),
        cap=str(position.cap),
        headroom=str(position.headroom),
        settlement_balance=str(position.settlement_balance),
        collateral=str(position.collateral),
        charges=str(position.charges),
        limits=[
            pb.LimitUse(
                limit=one.limit,
                maximum=str(one.maximum),
                used="" if one.used is None else str(one.used),
            )
            for one in position.limits
        ],
    )
