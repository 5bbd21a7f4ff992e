"""ReceiptService: the receipts of bills' payments."""

import asyncio
from typing import Any, Final

from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.number import agency_of, parse_number
from payvand.switch.fees.receipts.issuing import Receipts
from payvand.switch.fees.receipts.printing import printed
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry, route_of
from payvand.switch.services.fee_refusals import refusals_told
from payvand.v1 import receipt_service_pb2 as pb

__all__ = ["ReceiptServicer"]


class ReceiptServicer:
    """Serve `payvand.v1.ReceiptService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ReceiptService"]

    def __init__(self, registry: Registry, receipts: Receipts) -> None:
        """Serve *receipts*."""
        self._registry = registry
        self._receipts = receipts

    async def GetReceipt(
        self, request: pb.GetReceiptRequest, context: Any
    ) -> pb.GetReceiptResponse:
        """Issue a receipt."""
        async with refusals_told(context):
            try:
                key = parse_number(request.number)
            except IdentifierError as error:
                raise BillRefused("number", error.rule, error.hint) from error
            if caller_of(context).agency:
                own = await route_of(context, self._registry)
                if own.number != agency_of(key):
                    raise BillRefused("number", "bill.unknown", "no bill of yours has this number")
            receipt = await self._receipts.issue(key, request.act, with_proof=request.proof)
        pdf = await asyncio.to_thread(printed, receipt) if request.pdf else b""
        return pb.GetReceiptResponse(receipt=receipt.text(), pdf=pdf)
