"""How a participant stands, and what its limits tell: streams that go on by themselves."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import grpc
import grpc.aio

from payvand.client.resuming import resumed
from payvand.v1.position_service_pb2 import (
    FollowAlertsRequest,
    FollowAlertsResponse,
    FollowPositionRequest,
    FollowPositionResponse,
    GetPositionRequest,
    GetPositionResponse,
    Position,
)
from payvand.v1.position_service_pb2_grpc import PositionServiceStub
from payvand.v1.quote_service_pb2 import Quote, QuotedPayment, QuoteRequest, QuoteResponse
from payvand.v1.quote_service_pb2_grpc import QuoteServiceStub
from payvand.v1.statement_service_pb2 import FollowStatementRequest, FollowStatementResponse
from payvand.v1.statement_service_pb2_grpc import StatementServiceStub

__all__ = ["Positions"]


class Positions:
    """Positions, alerts, entries and quotes; from `Connection.positions`.

    Streams go on after a lost connection from the last message that was yielded.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        call: Callable[[Callable[..., Any], object], Awaitable[Any]],
        address: str,
        patience_s: float,
    ) -> None:
        """Ask over *channel* by *call*; wait for a switch as long as the connection does."""
        self._positions: Any = PositionServiceStub(channel)
        self._statements: Any = StatementServiceStub(channel)
        self._quotes: Any = QuoteServiceStub(channel)
        self._call = call
        self._address = address
        self._patience_s = patience_s

    async def now(self, participant: str = "") -> Position:
        """Return how *participant* stands; a bank leaves it empty for itself."""
        reply: GetPositionResponse = await self._call(
            self._positions.GetPosition, GetPositionRequest(participant=participant)
        )
        return reply.position

    async def quote(self, payments: Sequence[QuotedPayment]) -> list[Quote]:
        """Return what *payments*, at most 1,000, would cost if they were sent now."""
        reply: QuoteResponse = await self._call(self._quotes.Quote, QuoteRequest(payments=payments))
        return list(reply.quotes)

    def follow(
        self, participant: str = "", *, cursor: int = 0, interval_ms: int = 1_000
    ) -> AsyncGenerator[FollowPositionResponse]:
        """Yield how *participant* stands, now and whenever that has moved, for ever.

        Args:
            participant: the short name; a bank leaves it empty for itself.
            cursor: alerts behind it come along; keep that of the last message.
            interval_ms: at least so long between two messages, 100 to 60,000.
        """
        request = FollowPositionRequest(
            participant=participant, cursor=cursor, interval_ms=interval_ms
        )
        return self._resumed(self._positions.FollowPosition, request)

    def alerts(
        self, participant: str = "", *, cursor: int = 0
    ) -> AsyncGenerator[FollowAlertsResponse]:
        """Yield the alerts of *participant*, or of all, behind *cursor* and those to come."""
        request = FollowAlertsRequest(participant=participant, cursor=cursor)
        return self._resumed(self._positions.FollowAlerts, request)

    def entries(
        self, participant: str = "", *, account: str = "", cursor: int = 0
    ) -> AsyncGenerator[FollowStatementResponse]:
        """Yield the entries of an account as they are posted, behind *cursor*, for ever.

        *account*: `position`, `settlement`, `charges` or `collateral`; empty for the position.
        """
        request = FollowStatementRequest(participant=participant, account=account, cursor=cursor)
        return self._resumed(self._statements.FollowStatement, request)

    def _resumed(self, method: Any, request: Any) -> AsyncGenerator[Any]:
        return resumed(method, request, address=self._address, patience_s=self._patience_s)
