"""ApprovalService: proposals over gRPC."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Final

import grpc

from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.approvals import Approvals, ProposalRefused
from payvand.switch.approvals.proposal import ON_CALL, Proposal, ProposalState, canonical
from payvand.switch.identity import caller_of
from payvand.switch.refusing import refuse
from payvand.v1 import approval_service_pb2 as pb

__all__ = ["ApprovalServicer", "due_of", "proposal_told", "refusals_told"]

PROPOSALS_PER_PAGE: Final = 100
PROPOSALS_PER_PAGE_MAX: Final = 1_000
REMARKS: Final = ("reason", "hint", "due_at")
"""What an act tells besides itself, the first that there is."""

_STATES: Final = {
    ProposalState.OPEN: pb.PROPOSAL_STATE_OPEN,
    ProposalState.APPROVED: pb.PROPOSAL_STATE_APPROVED,
    ProposalState.REFUSED: pb.PROPOSAL_STATE_REFUSED,
    ProposalState.WITHDRAWN: pb.PROPOSAL_STATE_WITHDRAWN,
    ProposalState.EXPIRED: pb.PROPOSAL_STATE_EXPIRED,
    ProposalState.CANCELLED: pb.PROPOSAL_STATE_CANCELLED,
    ProposalState.CARRIED_OUT: pb.PROPOSAL_STATE_CARRIED_OUT,
    ProposalState.FAILED: pb.PROPOSAL_STATE_FAILED,
}
_CODES: Final = {
    "proposal.unknown": grpc.StatusCode.NOT_FOUND,
    "proposal.id_reused": grpc.StatusCode.ALREADY_EXISTS,
    "proposal.same_operator": grpc.StatusCode.PERMISSION_DENIED,
    "proposal.state": grpc.StatusCode.FAILED_PRECONDITION,
    "fees.other_agency": grpc.StatusCode.PERMISSION_DENIED,
    "fees.overtaken": grpc.StatusCode.FAILED_PRECONDITION,
    "proposal.unreviewed": grpc.StatusCode.FAILED_PRECONDITION,
    "proposal.elsewhere": grpc.StatusCode.FAILED_PRECONDITION,
    "proposal.not_on_call": grpc.StatusCode.FAILED_PRECONDITION,
    "proposal.digest": grpc.StatusCode.FAILED_PRECONDITION,
    "proposal.count": grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""By the rule that is broken; others are a mistake in the request."""


class ApprovalServicer:
    """Serve the methods of `payvand.v1.ApprovalService`; the contract says what each promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ApprovalService"]

    def __init__(
        self, approvals: Approvals, *, elsewhere: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Serve *approvals*; the kinds of *elsewhere* are proposed and decided by other people.

        Its values say where; here they are read, refused and called off alone.
        """
        self._approvals = approvals
        self._elsewhere = elsewhere

    async def Propose(self, request: pb.ProposeRequest, context: Any) -> pb.ProposeResponse:
        """Propose an act of any kind."""
        async with refusals_told(context):
            self._check_here(request.kind)
            proposal = await self._approvals.propose(
                id=request.id,
                kind=request.kind,
                content=_content_of(request.content),
                reason=request.reason,
                operator=caller_of(context).name,
                due_at=due_of(request.due_at, on_call=request.on_call),
                expires_at=request.expires_at,
            )
        return pb.ProposeResponse(proposal=proposal_told(proposal))

    async def Approve(self, request: pb.ApproveRequest, context: Any) -> pb.ApproveResponse:
        """Approve what another proposed."""
        async with refusals_told(context):
            self._check_here(self._approvals.get(request.id).kind)
            proposal = await self._approvals.approve(
                request.id,
                digest=request.digest,
                operator=caller_of(context).name,
                reason=request.remark,
            )
        return pb.ApproveResponse(proposal=proposal_told(proposal))

    async def Refuse(self, request: pb.RefuseRequest, context: Any) -> pb.RefuseResponse:
        """Refuse or withdraw a proposal."""
        async with refusals_told(context):
            proposal = await self._approvals.refuse(
                request.id, operator=caller_of(context).name, reason=request.remark
            )
        return pb.RefuseResponse(proposal=proposal_told(proposal))

    async def Schedule(self, request: pb.ScheduleRequest, context: Any) -> pb.ScheduleResponse:
        """Give something approved its time."""
        async with refusals_told(context):
            self._check_here(self._approvals.get(request.id).kind)
            proposal = await self._approvals.schedule(
                request.id, due_at=request.due_at, operator=caller_of(context).name
            )
        return pb.ScheduleResponse(proposal=proposal_told(proposal))

    async def Cancel(self, request: pb.CancelRequest, context: Any) -> pb.CancelResponse:
        """Call off something approved."""
        async with refusals_told(context):
            proposal = await self._approvals.cancel(
                request.id, operator=caller_of(context).name, reason=request.remark
            )
        return pb.CancelResponse(proposal=proposal_told(proposal))

    def _check_here(self, kind: str) -> None:
        if kind in self._elsewhere:
            raise ProposalRefused("kind", "proposal.elsewhere", self._elsewhere[kind])

    async def GetProposal(
        self, request: pb.GetProposalRequest, context: Any
    ) -> pb.GetProposalResponse:
        """Tell of one proposal."""
        async with refusals_told(context):
            proposal = self._approvals.get(request.id)
        return pb.GetProposalResponse(proposal=proposal_told(proposal))

    async def ListProposals(
        self, request: pb.ListProposalsRequest, context: Any
    ) -> pb.ListProposalsResponse:
        """List proposals, a page at a time."""
        size = request.page_size or PROPOSALS_PER_PAGE
        if size > PROPOSALS_PER_PAGE_MAX or not (request.page or "0").isdecimal():
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {PROPOSALS_PER_PAGE_MAX}, and page is the `next_page` of the one before",
                field="page_size",
            )
        before = int(request.page or 0)
        found: list[Proposal] = []
        for proposal in self._approvals.proposals():
            if before and proposal.acts[0].sequence >= before:
                continue
            if request.state and _STATES[proposal.state] != request.state:
                continue
            if request.kind and proposal.kind != request.kind:
                continue
            if len(found) == size:
                last = found[-1].acts[0].sequence
                return pb.ListProposalsResponse(
                    proposals=map(proposal_told, found), next_page=str(last)
                )
            found.append(proposal)
        return pb.ListProposalsResponse(proposals=map(proposal_told, found))


@asynccontextmanager
async def refusals_told(context: Any) -> AsyncIterator[None]:
    """End the call of *context* with the status of a `ProposalRefused` in the body."""
    try:
        yield
    except ProposalRefused as refused:
        code = _CODES.get(refused.rule, grpc.StatusCode.INVALID_ARGUMENT)
        await refuse(context, code, refused.rule, refused.hint, field=refused.field)


def due_of(due_at: int, *, on_call: bool) -> int:
    """Return when a request wants something carried out; see `Proposal.due_at`."""
    if on_call and due_at:
        raise ProposalRefused("due_at", "proposal.due", "what is on call has no time of its own")
    return ON_CALL if on_call else due_at


def proposal_told(proposal: Proposal) -> pb.Proposal:
    """Return a proposal as the contract says it."""
    return pb.Proposal(
        id=proposal.id,
        kind=proposal.kind,
        content=canonical(proposal.content).decode(),
        digest=proposal.digest,
        reason=proposal.reason,
        proposer=proposal.proposer,
        proposed_at=proposal.proposed_at,
        expires_at=proposal.expires_at,
        due_at=max(proposal.due_at, 0),
        on_call=proposal.due_at == ON_CALL,
        state=_STATES[proposal.state],
        acts=map(_act_told, proposal.acts),
    )


def _act_told(act: OperatorAct) -> pb.ProposalAct:
    remark = next((str(act.details[key]) for key in REMARKS if key in act.details), "")
    return pb.ProposalAct(
        act=act.act,
        operator=act.operator,
        at=act.timestamp,
        sequence=act.sequence,
        remark=remark,
    )


def _content_of(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ProposalRefused("content", "proposal.content", str(error)) from None
    if not isinstance(content, dict):
        raise ProposalRefused("content", "proposal.content", "a JSON object")
    return content
