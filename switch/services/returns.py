"""ReturnService: giving payments back, and asking for them."""

from typing import Any, Final

import grpc

from payvand.switch.participants import Registry, route_of
from payvand.switch.refusing import refuse
from payvand.switch.returning import Refused, Returning
from payvand.v1 import return_service_pb2 as pb

__all__ = ["ReturnServicer"]


class ReturnServicer:
    """Serve `payvand.v1.ReturnService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ReturnService"]

    def __init__(self, registry: Registry, returning: Returning) -> None:
        """Make returns and recalls by *returning*."""
        self._registry = registry
        self._returning = returning

    async def CreateReturn(
        self, request: pb.CreateReturnRequest, context: Any
    ) -> pb.CreateReturnResponse:
        """Give back a payment, whole or in part."""
        caller = await route_of(context, self._registry)
        try:
            made = await self._returning.give_back(
                caller,
                original_id=request.original_id,
                number=request.number,
                amount=request.amount,
                reason=request.reason_code,
                debtor_iban=request.debtor_iban,
                creditor_iban=request.creditor_iban,
                remittance=request.remittance,
            )
        except Refused as refused:
            await _end(context, refused)
        return pb.CreateReturnResponse(
            id=made.id,
            state=made.state,  # type: ignore[arg-type]  # an open enum
            reason=made.reason,
            returned=made.returned,
        )

    async def CreateRecall(
        self, request: pb.CreateRecallRequest, context: Any
    ) -> pb.CreateRecallResponse:
        """Ask for a payment back."""
        caller = await route_of(context, self._registry)
        try:
            asked = await self._returning.recall(
                caller,
                original_id=request.original_id,
                reason=request.reason_code,
                remittance=request.remittance,
            )
        except Refused as refused:
            await _end(context, refused)
        return pb.CreateRecallResponse(id=asked.id, state=asked.state)  # type: ignore[arg-type]


async def _end(context: Any, refused: Refused) -> None:
    code = (
        grpc.StatusCode.NOT_FOUND
        if refused.rule == "return.original"
        else grpc.StatusCode.FAILED_PRECONDITION
        if refused.rule in ("return.amount", "payment.id_reused", "return.kind")
        else grpc.StatusCode.INVALID_ARGUMENT
    )
    await refuse(context, code, refused.rule, refused.text, field=refused.field)
