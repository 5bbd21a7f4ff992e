"""AvailabilityService: who can be paid now, told to everybody who listens."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, Final

import grpc

from payvand.switch.availability import Availability, Level, Standing
from payvand.switch.identity import Role, caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse, refuse_participant
from payvand.v1 import availability_service_pb2 as pb

__all__ = ["AvailabilityServicer"]

REMARK_LENGTH_MAX: Final = 400
_NUMBERS: Final = {
    Level.UP: pb.AVAILABILITY_UP,
    Level.DEGRADED: pb.AVAILABILITY_DEGRADED,
    Level.DRAINING: pb.AVAILABILITY_DRAINING,
    Level.DOWN: pb.AVAILABILITY_DOWN,
}


class AvailabilityServicer:
    """Serve `payvand.v1.AvailabilityService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["AvailabilityService"]

    def __init__(self, availability: Availability, registry: Registry) -> None:
        """Serve *availability* of the participants of *registry*."""
        self._availability = availability
        self._registry = registry

    async def WatchAvailability(
        self, _: pb.WatchAvailabilityRequest, context: Any
    ) -> AsyncIterator[pb.WatchAvailabilityResponse]:
        """Send how available everybody is, then what changes."""
        async with aclosing(self._availability.watch()) as changes:
            async for standings in changes:
                yield _told(standings)

    async def SayAvailability(
        self, request: pb.SayAvailabilityRequest, context: Any
    ) -> pb.SayAvailabilityResponse:
        """Write down what the caller says of itself, or an operator of anybody."""
        caller = caller_of(context)
        name = request.participant or caller.name
        if not caller.speaks_for(name):
            await refuse(
                context,
                grpc.StatusCode.PERMISSION_DENIED,
                "availability.owner",
                f"{caller.role} {caller.name!r} speaks for itself alone",
                field="participant",
            )
        if name not in self._registry.routing.by_name:
            await refuse_participant(context, name)
        if request.availability not in {int(level) for level in Level}:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "availability.unknown",
                "say up, degraded, draining or down",
                field="availability",
            )
        if len(request.remark) > REMARK_LENGTH_MAX or not request.remark.isprintable():
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "availability.remark",
                f"at most {REMARK_LENGTH_MAX} characters on one line",
                field="remark",
            )
        standing = await self._availability.say(
            name,
            Level(request.availability),
            caller=caller.name,
            is_operator=caller.role is Role.OPERATOR,
            remark=request.remark,
        )
        return pb.SayAvailabilityResponse(participant=_one(standing))


def _told(standings: Sequence[Standing]) -> pb.WatchAvailabilityResponse:
    return pb.WatchAvailabilityResponse(participants=map(_one, standings))


def _one(standing: Standing) -> pb.ParticipantAvailability:
    return pb.ParticipantAvailability(
        participant=standing.participant,
        availability=_number(standing.level),
        since=standing.since,
        said_by_participant=_number(standing.said_by_participant),
        said_by_operator=_number(standing.said_by_operator),
        followers=standing.followers,
        time_outs=standing.time_outs,
        remark=standing.remark,
    )


def _number(level: Level | None) -> pb.Availability:
    return _NUMBERS[level] if level else pb.AVAILABILITY_UNSPECIFIED
