"""The treasury's side of the switch: windows swept, postings acknowledged."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

from payvand.v1.treasury_service_pb2 import (
    AcknowledgePostingRequest,
    AcknowledgePostingResponse,
    ListPostingsRequest,
    ListPostingsResponse,
    Posting,
    SweepWindowRequest,
    SweepWindowResponse,
)
from payvand.v1.treasury_service_pb2_grpc import TreasuryServiceStub

__all__ = ["Treasury"]

Call = Callable[[Callable[..., Any], object], Awaitable[Any]]
"""`Connection._call`: makes a call, again while no switch answers."""


class Treasury:
    """What agencies collected, on its way to the treasury; from `Bank.treasury`."""

    def __init__(self, channel: grpc.aio.Channel, call: Call) -> None:
        """Ask over *channel* by *call*."""
        self._service = TreasuryServiceStub(channel)
        self._call = call

    async def sweep(self, window: int) -> Posting:
        """Sweep a closed settlement window, once however often it is called."""
        reply: SweepWindowResponse = await self._call(
            self._service.SweepWindow, SweepWindowRequest(window=window)
        )
        return reply.posting

    async def acknowledge(self, posting: Posting, *, refused_because: str = "") -> Posting:
        """Acknowledge a posting as it was read: entered, or refused with a reason."""
        request = AcknowledgePostingRequest(
            window=posting.window, digest=posting.digest, refused_because=refused_because
        )
        reply: AcknowledgePostingResponse = await self._call(
            self._service.AcknowledgePosting, request
        )
        return reply.posting

    async def postings(self, *, open: bool = False, count: int = 100) -> list[Posting]:
        """Return up to *count* postings, the newest first; with *open* the unacknowledged alone."""
        reply: ListPostingsResponse = await self._call(
            self._service.ListPostings, ListPostingsRequest(open=open, page_size=count)
        )
        return list(reply.postings)
