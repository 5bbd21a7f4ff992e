"""Bills, from either side: an agency issues them, a bank finds and pays them.

async with Bank.connect(address, Path("certificates/tax")) as tax:
    async for reply in tax.bills.issue([bills]): ...

async with Bank.connect(address, Path("certificates/melli")) as melli:
    bills = [bill async for bill in melli.bills.of_payer("0012345679")]
    await melli.bills.pay([payment_of(bills, debtor_iban)])
"""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from typing import Any, Final

import grpc
import grpc.aio

from payvand.client.backoff import Backoff
from payvand.client.faults import fault_of, is_broken_off
from payvand.client.payment_id import new_payment_id
from payvand.client.resuming import resumed
from payvand.v1.bill_pb2 import Bill, BillSubject, NewBill
from payvand.v1.bill_service_pb2 import (
    AmendBillRequest,
    AmendBillResponse,
    AmendedLine,
    BillAct,
    BillChange,
    BillPaymentIds,
    FindBillsRequest,
    FindBillsResponse,
    IssueBillsRequest,
    IssueBillsResponse,
    ListActsRequest,
    ListActsResponse,
    ObjectToBillRequest,
    ObjectToBillResponse,
)
from payvand.v1.bill_service_pb2_grpc import BillServiceStub
from payvand.v1.fee_event_service_pb2 import (
    FollowBillsRequest,
    FollowBillsResponse,
    GetWebhookRequest,
    GetWebhookResponse,
    PutWebhookRequest,
    PutWebhookResponse,
    RemoveWebhookRequest,
    Webhook,
)
from payvand.v1.fee_event_service_pb2_grpc import FeeEventServiceStub
from payvand.v1.fee_payment_service_pb2 import (
    BillPart,
    FeePayment,
    FeePaymentResult,
    PayBillsRequest,
    PayBillsResponse,
)
from payvand.v1.fee_payment_service_pb2_grpc import FeePaymentServiceStub
from payvand.v1.receipt_service_pb2 import GetReceiptRequest, GetReceiptResponse
from payvand.v1.receipt_service_pb2_grpc import ReceiptServiceStub

__all__ = ["MESSAGE_BILLS_MAX", "Bills", "payment_of"]

MESSAGE_BILLS_MAX: Final = 8_190
"""The contract's bound on bills of one message."""

Call = Callable[[Callable[..., Any], object], Awaitable[Any]]
"""`Connection._call`: makes a call, again while no switch answers."""


def payment_of(
    bills: Sequence[Bill], debtor_iban: str, *, payment_id: bytes | None = None, **fields: Any
) -> FeePayment:
    """Return one payment of all that is outstanding of *bills*, whatever agencies they are of.

    Keep the payment before it is sent, and send the same one again where no answer came.
    """
    return FeePayment(
        id=payment_id or new_payment_id(),
        debtor_iban=debtor_iban,
        amount=sum(bill.outstanding for bill in bills),
        bills=[BillPart(number=bill.number, amount=bill.outstanding) for bill in bills],
        **fields,
    )


class Bills:
    """The bills of a switch; from `Bank.bills`."""

    def __init__(
        self, channel: grpc.aio.Channel, call: Call, address: str, patience_s: float
    ) -> None:
        """Ask over *channel* by *call*."""
        self._bills = BillServiceStub(channel)
        self._payments = FeePaymentServiceStub(channel)
        self._events = FeeEventServiceStub(channel)
        self._receipts = ReceiptServiceStub(channel)
        self._call = call
        self._address = address
        self._patience_s = patience_s

    async def issue(
        self, batches: Iterable[Sequence[NewBill]]
    ) -> AsyncIterator[IssueBillsResponse]:
        """Issue batches of up to 8,190 bills; yield what became of each, in order, once durable.

        After a break the unanswered batches are sent again: a bill issued twice is one.

        Raises:
            ClientFault: no switch answered in time, or it refused the call as a whole.
        """
        waiting = list(batches)
        backoff = Backoff(self._patience_s)
        while waiting:
            call = self._bills.IssueBills()
            try:
                for batch in list(waiting):
                    await call.write(IssueBillsRequest(bills=batch))
                    reply = await call.read()
                    if not isinstance(reply, IssueBillsResponse):
                        await call.code()
                        break
                    backoff.progress()
                    del waiting[0]
                    yield reply
                await call.done_writing()
            except grpc.aio.AioRpcError as error:
                if not is_broken_off(error) or not await backoff.wait():
                    raise fault_of(error, self._address) from error
            finally:
                call.cancel()

    async def find(self, number: str) -> Bill | None:
        """Return the bill of thirty digits, or None where there is none."""
        return await self._one(FindBillsRequest(number=number))

    async def of_ids(self, bill_id: str, payment_id: str) -> Bill | None:
        """Return the bill of a bill id and a payment id of the scheme of 1385, or None."""
        ids = BillPaymentIds(bill_id=bill_id, payment_id=payment_id)
        return await self._one(FindBillsRequest(ids=ids))

    def of_payer(self, payer_id: str, *, settled: bool = False) -> AsyncIterator[Bill]:
        """Yield what a payer owes to all agencies, the newest first; with *settled* all bills."""
        return self._pages(FindBillsRequest(payer_id=payer_id, settled=settled))

    def of_subject(self, subject: BillSubject, *, settled: bool = False) -> AsyncIterator[Bill]:
        """Yield what is owed for a plate, a case, a file …, the newest first."""
        return self._pages(FindBillsRequest(subject=subject, settled=settled))

    async def pay(self, payments: Sequence[FeePayment]) -> list[FeePaymentResult]:
        """Pay up to 1,000 carts; what is settled is on stable storage. Retry with the same ids."""
        reply: PayBillsResponse = await self._call(
            self._payments.PayBills, PayBillsRequest(payments=payments)
        )
        return list(reply.results)

    async def amend(
        self,
        number: str,
        change: BillChange,
        *,
        reason: str,
        lines: Mapping[int, int] | None = None,
        due_date: str = "",
        acts: int | None = None,
    ) -> AmendBillResponse:
        """Change what a bill of the caller asks.

        Args:
            number: the bill's thirty digits.
            change: what it does, for example `BILL_CHANGE_WAIVED`.
            reason: for the payer, and for those who look later.
            lines: by the place of a line what it asks from now on.
            due_date: the last day to pay from now on, YYYY-MM-DD.
            acts: `Bill.acts` as the change was decided; the change is refused where there are more.
        """
        request = AmendBillRequest(
            number=number,
            change=change,
            lines=[AmendedLine(line=line, amount=part) for line, part in (lines or {}).items()],
            due_date=due_date,
            reason=reason,
            acts=acts,
        )
        reply: AmendBillResponse = await self._call(self._bills.AmendBill, request)
        return reply

    async def object(self, number: str, *, reason: str) -> Bill:
        """Object to a bill for its payer."""
        request = ObjectToBillRequest(number=number, reason=reason)
        reply: ObjectToBillResponse = await self._call(self._bills.ObjectToBill, request)
        return reply.bill

    async def acts(self, number: str) -> list[BillAct]:
        """Return what happened to a bill, the first act first."""
        reply: ListActsResponse = await self._call(
            self._bills.ListActs, ListActsRequest(number=number)
        )
        return list(reply.acts)

    async def receipt(
        self, number: str, act: int, *, pdf: bool = False, proof: bool = False
    ) -> GetReceiptResponse:
        """Return the receipt of a payment of a bill, as `PaidBill` names it.

        Args:
            number: the bill's thirty digits.
            act: which of its acts the payment is.
            pdf: whether to print it.
            proof: whether it is to hold a proof of inclusion, once the business day is closed.
        """
        request = GetReceiptRequest(number=number, act=act, pdf=pdf, proof=proof)
        reply: GetReceiptResponse = await self._call(self._receipts.GetReceipt, request)
        return reply

    def follow(self, cursor: int = 0) -> AsyncGenerator[FollowBillsResponse]:
        """Yield what happens to the caller's bills after *cursor*, then live, for ever.

        Keep a step's cursor together with what you did about it. After a break the stream resumes
        from the last step yielded.

        Raises:
            ClientFault: no switch answered in time, or it refused the call.
        """
        return resumed(
            self._events.FollowBills,
            FollowBillsRequest(cursor=cursor),
            address=self._address,
            patience_s=self._patience_s,
        )

    async def put_webhook(self, url: str) -> Webhook:
        """Have the caller's events sent to *url* by POST, from now on or from where it stopped."""
        reply: PutWebhookResponse = await self._call(
            self._events.PutWebhook, PutWebhookRequest(url=url)
        )
        return reply.webhook

    async def webhook(self) -> Webhook | None:
        """Return how the caller's webhook stands, or None."""
        reply: GetWebhookResponse = await self._call(self._events.GetWebhook, GetWebhookRequest())
        return reply.webhook if reply.HasField("webhook") else None

    async def remove_webhook(self) -> None:
        """Have no more events sent."""
        await self._call(self._events.RemoveWebhook, RemoveWebhookRequest())

    async def _one(self, request: FindBillsRequest) -> Bill | None:
        reply: FindBillsResponse = await self._call(self._bills.FindBills, request)
        return reply.bills[0] if reply.bills else None

    async def _pages(self, request: FindBillsRequest) -> AsyncIterator[Bill]:
        while True:
            reply: FindBillsResponse = await self._call(self._bills.FindBills, request)
            for bill in reply.bills:
                yield bill
            if not reply.next_page:
                return
            request.page = reply.next_page
