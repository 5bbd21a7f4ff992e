"""FeePaymentService: paying bills."""

from typing import Any, Final

import grpc

from payvand.switch.fees.bills.number import bill_number
from payvand.switch.fees.paying.paying import Outcome, Paying
from payvand.switch.metrics import Metrics
from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.translate import state_name
from payvand.v1 import fee_payment_service_pb2 as pb
from payvand.v1.payment_pb2 import Refusal

__all__ = ["PAYMENTS_MAX", "FeePaymentServicer"]

PAYMENTS_MAX: Final = 1_000
"""Payments of one call."""


class FeePaymentServicer:
    """Serve `payvand.v1.FeePaymentService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeePaymentService"]

    def __init__(self, registry: Registry, paying: Paying, metrics: Metrics) -> None:
        """Pay by *paying*; count into *metrics*."""
        self._registry = registry
        self._paying = paying
        self._metrics = metrics

    async def PayBills(self, request: pb.PayBillsRequest, context: Any) -> pb.PayBillsResponse:
        """Pay bills of the calling bank's customers."""
        debtor = await route_of(context, self._registry)
        if len(request.payments) > PAYMENTS_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "batch.size",
                f"at most {PAYMENTS_MAX:,} payments in a call",
                field="payments",
            )
        outcomes = await self._paying.pay(debtor, request.payments)
        for outcome in outcomes:
            rule = outcome.refused.rule if outcome.refused else ""
            reason = outcome.reason.code if outcome.reason else rule
            self._metrics.count_payments(state_name(outcome.state), reason=reason)
        return pb.PayBillsResponse(results=map(_told, range(len(outcomes)), outcomes))


def _told(place: int, outcome: Outcome) -> pb.FeePaymentResult:
    refused = outcome.refused
    return pb.FeePaymentResult(
        state=outcome.state,  # type: ignore[arg-type]  # an open enum
        reason=outcome.reason,
        refusal=None
        if refused is None
        else Refusal(index=place, field=refused.field, rule=refused.rule, hint=refused.hint),
        bills=[
            pb.PaidBill(
                number=bill_number(part.key),
                act=part.act,
                amount=part.amount,
                paid_at=part.paid_at,
            )
            for part in outcome.parts
        ],
    )
