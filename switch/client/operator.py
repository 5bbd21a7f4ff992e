"""The operator's side of the switch: onboard, fund, settle, compare."""

from collections.abc import Sequence
from datetime import date

import grpc.aio

from payvand.client.approvals import Approvals
from payvand.client.connection import Connection
from payvand.client.payment_id import new_payment_id
from payvand.client.rule_tables import RuleTables
from payvand.v1.book_service_pb2 import GetTotalsRequest, GetTotalsResponse
from payvand.v1.book_service_pb2_grpc import BookServiceStub
from payvand.v1.business_day_service_pb2 import CloseDayRequest, CloseDayResponse, ClosedDay
from payvand.v1.business_day_service_pb2_grpc import BusinessDayServiceStub
from payvand.v1.participant_service_pb2 import (
    FundParticipantRequest,
    FundParticipantResponse,
    Participant,
    PutParticipantsRequest,
    PutParticipantsResponse,
)
from payvand.v1.settlement_service_pb2 import (
    CloseWindowRequest,
    CloseWindowResponse,
    ListWindowsRequest,
    ListWindowsResponse,
    SettlementWindow,
)
from payvand.v1.settlement_service_pb2_grpc import SettlementServiceStub

__all__ = ["Operator"]


class Operator(Connection):
    """An operator's connection. Every method raises `ClientFault` where no answer can be had."""

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        super().__init__(address, channel, patience_s)
        self._settlement = SettlementServiceStub(channel)
        self._days = BusinessDayServiceStub(channel)
        self._books = BookServiceStub(channel)
        self.approvals = Approvals(channel, self._call)
        """What operators propose to each other."""
        self.rule_tables = RuleTables(channel, self._call)
        """The tables that a circular can change."""

    async def put_participants(self, participants: Sequence[Participant]) -> list[Participant]:
        """Onboard up to 1,000 participants or bring known ones up to date; return them numbered."""
        reply: PutParticipantsResponse = await self._call(
            self._participants.PutParticipants, PutParticipantsRequest(participants=participants)
        )
        return list(reply.participants)

    async def fund(self, participant: str, amount: int, *, funding_id: bytes | None = None) -> int:
        """Record that *participant* paid in *amount* minor units; return its settlement balance.

        Give *funding_id* (16 bytes, as a payment's) to make the call again later: the same id
        funds once.
        """
        request = FundParticipantRequest(
            id=funding_id or new_payment_id(), participant=participant, amount=amount
        )
        reply: FundParticipantResponse = await self._call(
            self._participants.FundParticipant, request
        )
        return reply.settlement_balance

    async def close_window(self, number: int = 0) -> SettlementWindow:
        """Close the settlement window *number*, or the open one, and return its net positions.

        The open one is asked for by its number first, so that a retry can't close the next.
        """
        if number == 0:
            number = next(
                (window.number for window in await self.windows(1) if not window.closed_sequence),
                0,
            )
        reply: CloseWindowResponse = await self._call(
            self._settlement.CloseWindow, CloseWindowRequest(window=number)
        )
        return reply.window

    async def close_day(self, on: date) -> ClosedDay:
        """Close the business day under the date *on*; the same date again returns the same day."""
        reply: CloseDayResponse = await self._call(
            self._days.CloseDay, CloseDayRequest(date=on.isoformat())
        )
        return reply.day

    async def windows(self, count: int = 100, *, before: int = 0) -> list[SettlementWindow]:
        """Return up to *count* (at most 1,000) windows, newest first, numbered below *before*."""
        reply: ListWindowsResponse = await self._call(
            self._settlement.ListWindows, ListWindowsRequest(page_size=count, before=before)
        )
        return list(reply.windows)

    async def totals(self) -> GetTotalsResponse:
        """Return the totals of the ledger and of the database, at the same sequence."""
        reply: GetTotalsResponse = await self._call(self._books.GetTotals, GetTotalsRequest())
        return reply
