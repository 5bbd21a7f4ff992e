"""RefundService: asking for refunds, approving them, and telling how they stand."""

from typing import Any, Final

from payvand.switch.approvals.approvals import Approvals, ProposalRefused
from payvand.switch.approvals.proposal import Act, Proposal, ProposalState
from payvand.switch.fees.bills.number import agency_of, bill_number, parse_number
from payvand.switch.fees.refunding.refund_book import RefundBook
from payvand.switch.fees.refunding.refunding import refund_payment_id
from payvand.switch.fees.refunding.request import REFUND_KIND, RefundRequest
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.services.approvals import refusals_told
from payvand.v1 import refund_service_pb2 as pb

__all__ = ["RefundServicer"]

_STATES: Final = {
    ProposalState.OPEN: pb.REFUND_STATE_REQUESTED,
    ProposalState.APPROVED: pb.REFUND_STATE_WAITING,
    ProposalState.CARRIED_OUT: pb.REFUND_STATE_PAID,
    ProposalState.REFUSED: pb.REFUND_STATE_REFUSED,
    ProposalState.WITHDRAWN: pb.REFUND_STATE_WITHDRAWN,
    ProposalState.EXPIRED: pb.REFUND_STATE_EXPIRED,
    ProposalState.FAILED: pb.REFUND_STATE_FAILED,
    ProposalState.CANCELLED: pb.REFUND_STATE_WITHDRAWN,
}


class RefundServicer:
    """Serve `payvand.v1.RefundService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["RefundService"]

    def __init__(self, registry: Registry, approvals: Approvals, book: RefundBook) -> None:
        """Let refunds be decided as *approvals*; *book* tells which bill they are of."""
        self._registry = registry
        self._approvals = approvals
        self._book = book

    async def RequestRefund(
        self, request: pb.RequestRefundRequest, context: Any
    ) -> pb.RequestRefundResponse:
        """Take a clerk's wish."""
        agency = await route_of(context, self._registry)
        async with refusals_told(context):
            lines: dict[int, int] = {}
            for one in request.lines:
                lines[one.line] = lines.get(one.line, 0) + one.amount
            wanted = RefundRequest(
                _key(request.number), request.act, request.amount, lines, request.reason_code
            )
            self._see_owner(wanted.key, agency.number)
            proposal = await self._approvals.propose(
                id=request.id,
                kind=REFUND_KIND,
                content=wanted.content(),
                reason=request.reason,
                operator=caller_of(context).name,
            )
        return pb.RequestRefundResponse(refund=refund_told(proposal))

    async def ApproveRefund(
        self, request: pb.ApproveRefundRequest, context: Any
    ) -> pb.ApproveRefundResponse:
        """Take another person's yes."""
        agency = await route_of(context, self._registry)
        async with refusals_told(context):
            self._refund(request.id, agency.number)
            proposal = await self._approvals.approve(
                request.id,
                digest=request.digest,
                operator=caller_of(context).name,
                reason=request.remark,
            )
        return pb.ApproveRefundResponse(refund=refund_told(proposal))

    async def RefuseRefund(
        self, request: pb.RefuseRefundRequest, context: Any
    ) -> pb.RefuseRefundResponse:
        """Take a no."""
        agency = await route_of(context, self._registry)
        async with refusals_told(context):
            self._refund(request.id, agency.number)
            proposal = await self._approvals.refuse(
                request.id, operator=caller_of(context).name, reason=request.remark
            )
        return pb.RefuseRefundResponse(refund=refund_told(proposal))

    async def ListRefunds(
        self, request: pb.ListRefundsRequest, context: Any
    ) -> pb.ListRefundsResponse:
        """Tell of the refunds of a bill."""
        caller = caller_of(context)
        async with refusals_told(context):
            key = _key(request.number)
            if caller.agency:
                self._see_owner(key, (await route_of(context, self._registry)).number)
            refunds = [self._approvals.get(id) for id in self._book.of_bill(key)]
        return pb.ListRefundsResponse(refunds=map(refund_told, refunds))

    def _refund(self, id: bytes, agency: int) -> None:
        """See that a proposal is a refund of the agency's own bill."""
        proposal = self._approvals.get(id)
        if proposal.kind != REFUND_KIND:
            raise ProposalRefused("id", "proposal.unknown", f"no refund has the id {id.hex()}")
        self._see_owner(RefundRequest.of(proposal.content).key, agency)

    def _see_owner(self, key: int, agency: int) -> None:
        if agency_of(key) != agency:
            raise ProposalRefused("number", "bill.unknown", "no bill of yours has this number")


def refund_told(proposal: Proposal) -> pb.Refund:
    """Return a refund as the contract says it."""
    request = RefundRequest.of(proposal.content)
    decided = proposal.done_by(Act.APPROVED) or proposal.done_by(Act.REFUSED)
    return pb.Refund(
        id=proposal.id,
        number=bill_number(request.key),
        act=request.act,
        amount=request.amount,
        lines=[pb.RefundLine(line=line, amount=part) for line, part in request.lines.items()],
        reason_code=request.reason_code,
        reason=proposal.reason,
        state=_STATES[proposal.state],
        digest=proposal.digest,
        requested_by=proposal.proposer,
        requested_at=proposal.proposed_at,
        decided_by=decided.operator if decided else "",
        payment_id=refund_payment_id(proposal.id),
    )


def _key(number: str) -> int:
    try:
        return parse_number(number)
    except IdentifierError as error:
        raise ProposalRefused("number", error.rule, error.hint) from error
