"""Refunds: one person of an agency asks for them, another approves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc.aio

from payvand.client.payment_id import new_payment_id
from payvand.v1.refund_service_pb2 import (
    ApproveRefundRequest,
    ApproveRefundResponse,
    ListRefundsRequest,
    ListRefundsResponse,
    Refund,
    RefundLine,
    RefuseRefundRequest,
    RefuseRefundResponse,
    RequestRefundRequest,
    RequestRefundResponse,
)
from payvand.v1.refund_service_pb2_grpc import RefundServiceStub

__all__ = ["Refunds"]

Call = Callable[[Callable[..., Any], object], Awaitable[Any]]
"""`Connection._call`: makes a call, again while no switch answers."""


class Refunds:
    """The refunds of a switch; from `Bank.refunds`."""

    def __init__(self, channel: grpc.aio.Channel, call: Call) -> None:
        """Ask over *channel* by *call*."""
        self._service = RefundServiceStub(channel)
        self._call = call

    async def request(
        self,
        number: str,
        amount: int,
        *,
        act: int,
        reason: str,
        reason_code: str = "CUST",
        lines: Mapping[int, int] | None = None,
        id: bytes | None = None,
    ) -> Refund:
        """Ask for *amount* minor units of a bill's payment to go back.

        Args:
            number: the bill's thirty digits.
            amount: no more than is left of the payment.
            act: which of the bill's acts is the payment.
            reason: for whoever approves it, and for the payer.
            reason_code: an ISO 20022 return reason code, for the payer's bank.
            lines: how much of which line goes back; without it all give back in proportion.
            id: 16 bytes, to make the call again later: the same id asks once.
        """
        request = RequestRefundRequest(
            id=id or new_payment_id(),
            number=number,
            act=act,
            amount=amount,
            lines=[RefundLine(line=line, amount=part) for line, part in (lines or {}).items()],
            reason_code=reason_code,
            reason=reason,
        )
        reply: RequestRefundResponse = await self._call(self._service.RequestRefund, request)
        return reply.refund

    async def approve(self, refund: Refund, *, remark: str = "") -> Refund:
        """Approve what another person asked for, as it was read."""
        request = ApproveRefundRequest(id=refund.id, digest=refund.digest, remark=remark)
        reply: ApproveRefundResponse = await self._call(self._service.ApproveRefund, request)
        return reply.refund

    async def refuse(self, id: bytes, *, remark: str = "") -> Refund:
        """Refuse a refund, or withdraw one's own."""
        request = RefuseRefundRequest(id=id, remark=remark)
        reply: RefuseRefundResponse = await self._call(self._service.RefuseRefund, request)
        return reply.refund

    async def of_bill(self, number: str) -> list[Refund]:
        """Return the refunds of a bill, the newest first."""
        request = ListRefundsRequest(number=number)
        reply: ListRefundsResponse = await self._call(self._service.ListRefunds, request)
        return list(reply.refunds)
