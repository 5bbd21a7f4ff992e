"""Four eyes, from the operator's side: propose, approve, refuse, schedule, and read."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from payvand.client.payment_id import new_payment_id
from payvand.v1.approval_service_pb2 import (
    ApproveRequest,
    ApproveResponse,
    CancelRequest,
    CancelResponse,
    GetProposalRequest,
    GetProposalResponse,
    ListProposalsRequest,
    ListProposalsResponse,
    Proposal,
    ProposalState,
    ProposeRequest,
    ProposeResponse,
    RefuseRequest,
    RefuseResponse,
    ScheduleRequest,
    ScheduleResponse,
)
from payvand.v1.approval_service_pb2_grpc import ApprovalServiceStub

__all__ = ["Approvals"]

Call = Callable[[Callable[..., Any], object], Awaitable[Any]]
"""`Connection._call`: makes a call, again while no switch answers."""


class Approvals:
    """The proposals of a switch; from `Operator.approvals`."""

    def __init__(self, channel: grpc.aio.Channel, call: Call) -> None:
        """Ask over *channel* by *call*."""
        self._service = ApprovalServiceStub(channel)
        self._call = call

    async def propose(
        self,
        kind: str,
        content: str,
        *,
        reason: str,
        due_at: int = 0,
        on_call: bool = False,
        expires_at: int = 0,
        id: bytes | None = None,
    ) -> Proposal:
        """Propose an act of *kind* with *content*, a JSON object; times in ns since 1970.

        Give *id* (16 bytes) to make the call again later: the same id proposes once.
        """
        request = ProposeRequest(
            id=id or new_payment_id(),
            kind=kind,
            content=content,
            reason=reason,
            due_at=due_at,
            on_call=on_call,
            expires_at=expires_at,
        )
        reply: ProposeResponse = await self._call(self._service.Propose, request)
        return reply.proposal

    async def approve(self, id: bytes, *, digest: str, remark: str = "") -> Proposal:
        """Approve the proposal *id* of another operator, whose content has *digest*."""
        request = ApproveRequest(id=id, digest=digest, remark=remark)
        reply: ApproveResponse = await self._call(self._service.Approve, request)
        return reply.proposal

    async def refuse(self, id: bytes, *, remark: str = "") -> Proposal:
        """Refuse a proposal, or withdraw it where it is one's own."""
        reply: RefuseResponse = await self._call(
            self._service.Refuse, RefuseRequest(id=id, remark=remark)
        )
        return reply.proposal

    async def schedule(self, id: bytes, *, due_at: int = 0) -> Proposal:
        """Have an approved proposal that waits for it carried out at *due_at*; 0 for at once."""
        reply: ScheduleResponse = await self._call(
            self._service.Schedule, ScheduleRequest(id=id, due_at=due_at)
        )
        return reply.proposal

    async def cancel(self, id: bytes, *, remark: str = "") -> Proposal:
        """Call off an approved proposal before it is carried out."""
        reply: CancelResponse = await self._call(
            self._service.Cancel, CancelRequest(id=id, remark=remark)
        )
        return reply.proposal

    async def get(self, id: bytes) -> Proposal:
        """Return one proposal."""
        reply: GetProposalResponse = await self._call(
            self._service.GetProposal, GetProposalRequest(id=id)
        )
        return reply.proposal

    async def proposals(
        self,
        *,
        state: ProposalState = ProposalState.PROPOSAL_STATE_UNSPECIFIED,
        kind: str = "",
        page_size: int = 100,
    ) -> AsyncIterator[Proposal]:
        """Yield the proposals, newest first; all, or those of a *state* or a *kind*."""
        request = ListProposalsRequest(state=state, kind=kind, page_size=page_size)
        while True:
            page: ListProposalsResponse = await self._call(self._service.ListProposals, request)
            for proposal in page.proposals:
                yield proposal
            if not page.next_page:
                return
            request.page = page.next_page
