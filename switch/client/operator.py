"""The operator's side of the switch: onboard, fund, settle, compare."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import grpc.aio

from payvand.client.approvals import Approvals
from payvand.client.connection import Connection
from payvand.client.payment_id import new_payment_id
from payvand.client.reports import Reports
from payvand.client.rule_tables import RuleTables
from payvand.v1.approval_service_pb2 import Proposal, ProposalState
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
        self.reports = Reports(channel, self._call)
        """Figures of the books, and queries of one's own."""

    async def put_participants(
        self,
        participants: Sequence[Participant],
        *,
        reason: str = "onboarding",
        due_at: int = 0,
        id: bytes | None = None,
    ) -> PutParticipantsResponse:
        """Propose to onboard up to 1,000 participants or to bring known ones up to date.

        The reply has no proposal where all is so already. Another operator approves it by
        `approve`. Give *id* (16 bytes) to make the call again
        later: the same id proposes once.
        """
        reply: PutParticipantsResponse = await self._call(
            self._participants.PutParticipants,
            PutParticipantsRequest(
                participants=participants,
                id=id or new_payment_id(),
                reason=reason,
                due_at=due_at,
            ),
        )
        return reply

    async def change_participant(
        self,
        name: str,
        traits: Mapping[str, Any],
        *,
        reason: str,
        due_at: int = 0,
        id: bytes | None = None,
    ) -> Proposal:
        """Propose to change single traits of a participant, by their names.

            await operator.change_participant("melli", {"sending": "suspended"}, reason="…")

        What the traits are called is what `participant_versions` tells; certificates and signing
        keys are taken away by `revoke_certificates` and `revoke_signing_keys`.
        """
        content = json.dumps({"participants": [{"name": name, **traits}]}, ensure_ascii=False)
        return await self.approvals.propose(
            "participants.change", content, reason=reason, due_at=due_at, id=id
        )

    async def fund(
        self,
        participant: str,
        amount: int,
        *,
        funding_id: bytes | None = None,
        reason: str = "",
        due_at: int = 0,
    ) -> FundParticipantResponse:
        """Propose to record that *participant* paid in *amount* minor units.

        Give *funding_id* (16 bytes, as a payment's) to make the call again later: the same id
        funds once.
        """
        request = FundParticipantRequest(
            id=funding_id or new_payment_id(),
            participant=participant,
            amount=amount,
            reason=reason,
            due_at=due_at,
        )
        reply: FundParticipantResponse = await self._call(
            self._participants.FundParticipant, request
        )
        return reply

    async def approve(self, proposal: Proposal) -> Proposal:
        """Approve what another operator proposed, as it was read; decided ones stay as they are."""
        if proposal.state != ProposalState.PROPOSAL_STATE_OPEN:
            return proposal
        return await self.approvals.approve(proposal.id, digest=proposal.digest)

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
