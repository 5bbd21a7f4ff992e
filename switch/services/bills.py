"""BillService: issuing bills and finding them."""

from collections.abc import Callable
from typing import Any, Final

import grpc
import grpc.aio

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.contract import (
    LINE_KIND_NUMBERS,
    SUBJECT_KIND_NUMBERS,
    SUBJECT_KINDS,
)
from payvand.switch.fees.bills.inquiry import Found, Inquiry
from payvand.switch.fees.bills.issuing import Issuing, parse_payer
from payvand.switch.fees.bills.state import BillState, Standing
from payvand.switch.identifiers import bill as bill_identifiers
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.identity import Caller, caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.v1 import bill_pb2
from payvand.v1 import bill_service_pb2 as pb

__all__ = ["BillServicer", "bill_told"]

BILLS_PER_PAGE: Final = 100
BILLS_PER_PAGE_MAX: Final = 1_000

_STATES: Final = {
    BillState.OPEN: bill_pb2.BILL_STATE_OPEN,
    BillState.PARTLY_PAID: bill_pb2.BILL_STATE_PARTLY_PAID,
    BillState.PAID: bill_pb2.BILL_STATE_PAID,
    BillState.CANCELLED: bill_pb2.BILL_STATE_CANCELLED,
    BillState.EXPIRED: bill_pb2.BILL_STATE_EXPIRED,
}


class BillServicer:
    """Serve `payvand.v1.BillService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["BillService"]

    def __init__(
        self,
        registry: Registry,
        issuing: Issuing,
        inquiry: Inquiry,
        is_under_way: Callable[[int], bool],
    ) -> None:
        """Serve bills; *is_under_way* tells of a bill by its key whether it is being paid."""
        self._registry = registry
        self._issuing = issuing
        self._inquiry = inquiry
        self._is_under_way = is_under_way

    async def IssueBills(self, _: object, context: Any) -> None:
        """Issue the bills of each message, and answer it."""
        agency = await route_of(context, self._registry)
        while (request := await context.read()) is not grpc.aio.EOF:
            if len(request.bills) > BATCH_EVENTS_MAX:
                await refuse(
                    context,
                    grpc.StatusCode.INVALID_ARGUMENT,
                    "batch.size",
                    f"at most {BATCH_EVENTS_MAX:,} bills in a message",
                    field="bills",
                )
            issued, refusals = await self._issuing.issue(agency, request.bills)
            await context.write(pb.IssueBillsResponse(bills=issued, refusals=refusals))

    async def FindBills(self, request: pb.FindBillsRequest, context: Any) -> pb.FindBillsResponse:
        """Find bills and tell how they stand."""
        caller = caller_of(context)
        try:
            found = await self._find(request, self._agency_of(caller))
        except BillRefused as refused:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                refused.rule,
                refused.hint,
                field=refused.field,
            )
        names = self._registry.routing.names
        return pb.FindBillsResponse(
            bills=[
                bill_told(one, names, self._is_under_way(one.bill.key)) for one in found.standings
            ],
            next_page=found.next_page,
        )

    def _agency_of(self, caller: Caller) -> int:
        """Return the agency whose bills alone a caller sees; 0 where it sees all."""
        if not caller.agency:
            return 0
        route = self._registry.routing.by_name.get(caller.agency)
        return route.number if route is not None else -1

    async def _find(self, request: pb.FindBillsRequest, agency: int) -> Found:
        limit = request.page_size or BILLS_PER_PAGE
        if limit > BILLS_PER_PAGE_MAX:
            raise BillRefused("page_size", "page.size", f"at most {BILLS_PER_PAGE_MAX}")
        options: dict[str, Any] = {
            "agency": agency,
            "settled": request.settled,
            "page": request.page,
            "limit": limit,
        }
        match request.WhichOneof("by"):
            case "payer_id":
                payer = parse_payer("payer_id", request.payer_id)
                return await self._inquiry.of_payer(payer, **options)
            case "subject":
                kind = SUBJECT_KINDS.get(request.subject.kind, "")
                return await self._inquiry.of_subject(kind, request.subject.value, **options)
            case "number":
                found = await self._inquiry.of_number(request.number)
            case "ids":
                found = await self._of_ids(request.ids.bill_id, request.ids.payment_id)
            case "barcode":
                try:
                    both = bill_identifiers.parse_barcode(request.barcode)
                except IdentifierError as error:
                    raise BillRefused("barcode", error.rule, error.hint) from error
                found = await self._of_ids(both.bill_id.number, both.payment_id.number)
            case _:
                raise BillRefused("by", "bill.by", "say by what to find them")
        return Found([one for one in found if agency in (0, one.bill.agency)], "")

    async def _of_ids(self, bill_id: str, payment_id: str) -> list[Standing]:
        try:
            both = bill_identifiers.parse_pair(bill_id, payment_id)
        except IdentifierError as error:
            raise BillRefused("ids", error.rule, error.hint) from error
        return await self._inquiry.of_ids(int(both.bill_id.number), int(both.payment_id.number))


def bill_told(standing: Standing, names: dict[int, str], under_way: bool) -> bill_pb2.Bill:
    """Return a bill and how it stands, as the contract says it."""
    bill, outstanding = standing.bill, standing.outstanding
    return bill_pb2.Bill(
        number=bill.number,
        agency=names.get(bill.agency, ""),
        service=bill.service,
        reference=bill.reference,
        payer_id=bill.payer,
        subject=bill_pb2.BillSubject(
            kind=SUBJECT_KIND_NUMBERS[bill.subject_kind],  # type: ignore[arg-type]
            value=bill.subject,
        ),
        lines=[
            bill_pb2.BillLine(
                fee=line.fee,
                kind=LINE_KIND_NUMBERS[line.kind],  # type: ignore[arg-type]  # an open enum
                amount=line.amount,
                share_tree=line.share_tree,
            )
            for line in standing.lines
        ],
        amount=standing.amount,
        paid=standing.paid,
        refunded=standing.refunded,
        outstanding=outstanding,
        credit=standing.credit,
        state=_STATES[standing.state],
        payable=outstanding > 0 and not under_way,
        payment_under_way=under_way,
        due_date=standing.due.isoformat(),
        objection_until=bill.objection_until.isoformat() if bill.objection_until else "",
        allows_partial=bill.allows_partial,
        instalments=[
            bill_pb2.BillInstalment(amount=part.amount, due_date=part.due.isoformat())
            for part in bill.instalments
        ],
        bill_id=str(bill.bill_id or ""),
        payment_id=str(bill.payment_id or ""),
        treasury_id=bill.treasury_id,
        schedule_version=bill.schedule_version,
        issued_at=bill.issued_at,
        acts=len(standing.acts),
    )
