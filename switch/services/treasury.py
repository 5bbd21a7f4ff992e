"""TreasuryService: sweeping windows, and the treasury's word on what it was told."""

from typing import Any, Final

from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.treasury.sweeping import Posting, Sweeping
from payvand.switch.identity import caller_of
from payvand.switch.services.fee_refusals import refusals_told
from payvand.v1 import treasury_service_pb2 as pb

__all__ = ["TreasuryServicer"]

POSTINGS_PER_PAGE: Final = 100
POSTINGS_PER_PAGE_MAX: Final = 1_000


class TreasuryServicer:
    """Serve `payvand.v1.TreasuryService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["TreasuryService"]

    def __init__(self, sweeping: Sweeping) -> None:
        """Sweep by *sweeping*."""
        self._sweeping = sweeping

    async def SweepWindow(
        self, request: pb.SweepWindowRequest, context: Any
    ) -> pb.SweepWindowResponse:
        """Sweep a closed window."""
        async with refusals_told(context):
            posting = await self._sweeping.sweep(request.window, by=caller_of(context).name)
        return pb.SweepWindowResponse(posting=_told(posting))

    async def AcknowledgePosting(
        self, request: pb.AcknowledgePostingRequest, context: Any
    ) -> pb.AcknowledgePostingResponse:
        """Take the treasury's word."""
        async with refusals_told(context):
            posting = await self._sweeping.acknowledge(
                request.window,
                request.digest,
                refused_because=request.refused_because,
                by=caller_of(context).name,
            )
        return pb.AcknowledgePostingResponse(posting=_told(posting))

    async def ListPostings(
        self, request: pb.ListPostingsRequest, context: Any
    ) -> pb.ListPostingsResponse:
        """List postings."""
        limit = request.page_size or POSTINGS_PER_PAGE
        async with refusals_told(context):
            if limit > POSTINGS_PER_PAGE_MAX:
                raise BillRefused("page_size", "page.size", f"at most {POSTINGS_PER_PAGE_MAX}")
        found = await self._sweeping.postings(is_open=request.open, limit=limit)
        return pb.ListPostingsResponse(postings=map(_told, found))


def _told(posting: Posting) -> pb.Posting:
    return pb.Posting(
        window=posting.window,
        text=posting.text,
        digest=posting.digest,
        swept=str(posting.swept),
        made_at=posting.made_at,
        acknowledged_by=posting.acknowledged_by,
        acknowledged_at=posting.acknowledged_at,
        refused_because=posting.refused_because,
    )
