"""BillService: issuing bills and finding them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import grpc
import grpc.aio

from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.switch.approvals.approvals import Approvals
from payvand.switch.fees.bills.amending import Amending, Wish
from payvand.switch.fees.bills.bill import BillLine, BillRefused
from payvand.switch.fees.bills.contract import (
    LINE_KIND_NUMBERS,
    SUBJECT_KIND_NUMBERS,
    SUBJECT_KINDS,
)
from payvand.switch.fees.bills.inquiry import Found, Inquiry
from payvand.switch.fees.bills.issuing import Issuing, day_of, parse_day, parse_payer
from payvand.switch.fees.bills.notice import Notice, What
from payvand.switch.fees.bills.number import agency_of, parse_number
from payvand.switch.fees.bills.standing import Act
from payvand.switch.fees.bills.state import BillState, Standing
from payvand.switch.fees.bills.tariff import TermsOf
from payvand.switch.fees.refunding.excess import excess_refund_id, excess_refunds
from payvand.switch.fees.refunding.holdings import read_holdings
from payvand.switch.fees.refunding.request import REFUND_KIND
from payvand.switch.identifiers import bill as bill_identifiers
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.identity import Caller, caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.services.fee_refusals import refusals_told
from payvand.v1 import bill_pb2
from payvand.v1 import bill_service_pb2 as pb

__all__ = ["CHANGE_NUMBERS", "BillServicer", "bill_told"]

BILLS_PER_PAGE: Final = 100
BILLS_PER_PAGE_MAX: Final = 1_000

_STATES: Final = {
    BillState.OPEN: bill_pb2.BILL_STATE_OPEN,
    BillState.PARTLY_PAID: bill_pb2.BILL_STATE_PARTLY_PAID,
    BillState.PAID: bill_pb2.BILL_STATE_PAID,
    BillState.CANCELLED: bill_pb2.BILL_STATE_CANCELLED,
    BillState.EXPIRED: bill_pb2.BILL_STATE_EXPIRED,
}

_CHANGES: Final = {
    pb.BILL_CHANGE_AMENDED: What.AMENDED,
    pb.BILL_CHANGE_WAIVED: What.WAIVED,
    pb.BILL_CHANGE_EXEMPTED: What.EXEMPTED,
    pb.BILL_CHANGE_DISMISSED: What.DISMISSED,
    pb.BILL_CHANGE_CANCELLED: What.CANCELLED,
    pb.BILL_CHANGE_EXPIRED: What.EXPIRED,
}
"""The changes that people make."""
CHANGE_NUMBERS: Final = {what: number for number, what in _CHANGES.items()} | {
    What.OBJECTED: pb.BILL_CHANGE_OBJECTED,
    What.ACCRUED: pb.BILL_CHANGE_ACCRUED,
    What.REBATED: pb.BILL_CHANGE_REBATED,
}


class BillServicer:
    """Serve `payvand.v1.BillService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["BillService"]

    def __init__(
        self,
        registry: Registry,
        issuing: Issuing,
        inquiry: Inquiry,
        amending: Amending,
        approvals: Approvals,
        engine: Engine,
        terms_of: TermsOf,
        clock: Callable[[], int],
        is_under_way: Callable[[int], bool],
    ) -> None:
        """Serve bills; *is_under_way* tells of a bill by its key whether it is being paid."""
        self._registry = registry
        self._amending = amending
        self._approvals = approvals
        self._engine = engine
        self._terms_of = terms_of
        self._clock = clock
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
        async with refusals_told(context):
            found = await self._find(request, self._agency_of(caller_of(context)))
            today = await self._inquiry.reckoned(
                found.standings,
                self._terms_of,
                self._registry.routing.names,
                day_of(self._clock()),
            )
        return pb.FindBillsResponse(bills=map(self._told, today), next_page=found.next_page)

    async def AmendBill(self, request: pb.AmendBillRequest, context: Any) -> pb.AmendBillResponse:
        """Change what a bill asks, and ask back what was paid beyond it."""
        caller = caller_of(context)
        async with refusals_told(context):
            what = _CHANGES.get(request.change)
            if what is None:
                raise BillRefused("change", "amendment.change", "say what the change does")
            before, after = await self._amending.amend(
                self._own_key(request.number, self._agency_of(caller)),
                Wish(
                    what=what,
                    reason=request.reason,
                    made_by=caller.name,
                    amounts={line.line: line.amount for line in request.lines},
                    due=parse_day("due_date", request.due_date) if request.due_date else None,
                    seen=request.acts if request.HasField("acts") else None,
                ),
            )
            refunds = await self._ask_back(before, after, request.reason, caller.name)
        return pb.AmendBillResponse(bill=self._told(after), refunds=refunds)

    async def ObjectToBill(
        self, request: pb.ObjectToBillRequest, context: Any
    ) -> pb.ObjectToBillResponse:
        """Object to a bill for its payer."""
        async with refusals_told(context):
            _, after = await self._amending.amend(
                self._own_key(request.number, 0),
                Wish(What.OBJECTED, request.reason, caller_of(context).name, {}),
            )
        return pb.ObjectToBillResponse(bill=self._told(after))

    async def ListActs(self, request: pb.ListActsRequest, context: Any) -> pb.ListActsResponse:
        """Tell what happened to a bill."""
        async with refusals_told(context):
            key = self._own_key(request.number, self._agency_of(caller_of(context)))
            standing = (await self._inquiry.of_keys([key])).get(key)
            if standing is None:
                raise BillRefused("number", "bill.unknown", "no bill has this number")
        return pb.ListActsResponse(
            acts=[act_told(act, standing.notices) for act in standing.acts if act.is_ours]
        )

    async def _ask_back(
        self, before: Standing, after: Standing, reason: str, by: str
    ) -> list[bytes]:
        """Propose the refunds of what a change made too much, and return their ids."""
        if after.credit <= before.credit:
            return []
        holdings = await read_holdings(self._engine, after.bill.key, after.acts)
        ids = []
        for wanted in excess_refunds(before, after, holdings):
            ids.append(excess_refund_id(after, wanted))
            await self._approvals.propose(
                id=ids[-1], kind=REFUND_KIND, content=wanted.content(), reason=reason, operator=by
            )
        return ids

    def _own_key(self, number: str, agency: int) -> int:
        """Return the key of a bill of *agency*, or of any for 0."""
        try:
            key = parse_number(number)
        except IdentifierError as error:
            raise BillRefused("number", error.rule, error.hint) from error
        if agency not in (0, agency_of(key)):
            raise BillRefused("number", "bill.unknown", "no bill of yours has this number")
        return key

    def _told(self, standing: Standing) -> bill_pb2.Bill:
        names = self._registry.routing.names
        return bill_told(standing, names, self._is_under_way(standing.bill.key))

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


def act_told(act: Act, notices: Mapping[int, Notice]) -> pb.BillAct:
    """Return something that happened to a bill, as the contract says it."""
    told = pb.BillAct(number=act.number, at=act.timestamp)
    if act.is_payment:
        told.paid = act.amount
    elif act.is_notice:
        notice = notices[act.number]
        told.notice.change = CHANGE_NUMBERS[notice.what]
        told.notice.reason, told.notice.made_by = notice.reason, notice.made_by
        told.notice.lines.extend(map(line_told, notice.lines or ()))
        told.notice.due_date = notice.due.isoformat() if notice.due else ""
    else:
        told.refunded = act.amount
    return told


def line_told(line: BillLine) -> bill_pb2.BillLine:
    """Return a line of a bill as the contract says it."""
    return bill_pb2.BillLine(
        fee=line.fee,
        kind=LINE_KIND_NUMBERS[line.kind],  # type: ignore[arg-type]  # an open enum
        amount=line.amount,
        share_tree=line.share_tree,
    )


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
        lines=map(line_told, standing.lines),
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
