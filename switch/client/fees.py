"""What agencies charge, from the side of those who draft, review, approve and ask."""

from collections.abc import Mapping
from typing import Any

import grpc.aio

from payvand.client.connection import Connection
from payvand.client.payment_id import new_payment_id
from payvand.v1.fee_assessment_service_pb2 import AssessRequest, AssessResponse, FeeFact
from payvand.v1.fee_assessment_service_pb2_grpc import FeeAssessmentServiceStub
from payvand.v1.fee_catalogue_service_pb2 import (
    ApproveScheduleRequest,
    ApproveScheduleResponse,
    CompareScheduleRequest,
    CompareScheduleResponse,
    FeeSchedule,
    GetScheduleRequest,
    GetScheduleResponse,
    ImportScheduleRequest,
    ImportScheduleResponse,
    ListSchedulesRequest,
    ListSchedulesResponse,
    RefuseScheduleRequest,
    RefuseScheduleResponse,
    ReviewScheduleRequest,
    ReviewScheduleResponse,
)
from payvand.v1.fee_catalogue_service_pb2_grpc import FeeCatalogueServiceStub
from payvand.v1.fee_report_service_pb2 import (
    GetDailyReportRequest,
    GetDailyReportResponse,
    GetDailyTotalsRequest,
    GetDailyTotalsResponse,
)
from payvand.v1.fee_report_service_pb2_grpc import FeeReportServiceStub

__all__ = ["FeeOffice"]


class FeeOffice(Connection):
    """The connection of a person of an agency or of the treasury; others may read by it.

    Every method raises `ClientFault` where no answer can be had. Times are nanoseconds since 1970.
    """

    def __init__(self, address: str, channel: grpc.aio.Channel, patience_s: float) -> None:
        """Take over *channel*, which leads to *address*."""
        super().__init__(address, channel, patience_s)
        self._catalogue: Any = FeeCatalogueServiceStub(channel)
        self._assessment: Any = FeeAssessmentServiceStub(channel)
        self._reports: Any = FeeReportServiceStub(channel)

    # --- changing ----------------------------------------------------------------------------

    async def draft(
        self,
        text: str,
        *,
        reason: str,
        due_at: int = 0,
        expires_at: int = 0,
        check_only: bool = False,
        id: bytes | None = None,
    ) -> ImportScheduleResponse:
        """Draft the TOML *text* as one's agency's schedule; the reply tells its faults, if any.

        Args:
            text: the whole schedule.
            reason: for those who review and approve it.
            due_at: when it comes in force once approved; 0 for at once.
            expires_at: until when it can be decided; 0 for 7 days.
            check_only: tell its faults and do nothing else.
            id: 16 bytes, to make the call again later: the same id drafts once.
        """
        reply: ImportScheduleResponse = await self._call(
            self._catalogue.ImportSchedule,
            ImportScheduleRequest(
                id=id or new_payment_id(),
                text=text,
                reason=reason,
                due_at=due_at,
                expires_at=expires_at,
                check_only=check_only,
            ),
        )
        return reply

    async def review(self, number: int, *, digest: str, remark: str = "") -> FeeSchedule:
        """Say as an approver of the agency that the draft *number* may go to the treasury."""
        reply: ReviewScheduleResponse = await self._call(
            self._catalogue.ReviewSchedule,
            ReviewScheduleRequest(number=number, digest=digest, remark=remark),
        )
        return reply.schedule

    async def approve(self, number: int, *, digest: str, remark: str = "") -> FeeSchedule:
        """Approve the reviewed draft *number* as the treasury."""
        reply: ApproveScheduleResponse = await self._call(
            self._catalogue.ApproveSchedule,
            ApproveScheduleRequest(number=number, digest=digest, remark=remark),
        )
        return reply.schedule

    async def refuse(self, number: int, *, remark: str = "") -> FeeSchedule:
        """Refuse the draft *number*, or withdraw it where it is one's own."""
        reply: RefuseScheduleResponse = await self._call(
            self._catalogue.RefuseSchedule, RefuseScheduleRequest(number=number, remark=remark)
        )
        return reply.schedule

    # --- reading -----------------------------------------------------------------------------

    async def compare(self, number: int) -> CompareScheduleResponse:
        """Return what the version *number* changes of what is in force."""
        reply: CompareScheduleResponse = await self._call(
            self._catalogue.CompareSchedule, CompareScheduleRequest(number=number)
        )
        return reply

    async def schedules(
        self, agency: str = "", *, count: int = 100, before: int = 0
    ) -> list[FeeSchedule]:
        """Return up to *count* (at most 1,000) versions, newest first, numbered below *before*."""
        reply: ListSchedulesResponse = await self._call(
            self._catalogue.ListSchedules,
            ListSchedulesRequest(agency=agency, page_size=count, before=before),
        )
        return list(reply.schedules)

    async def schedule(
        self, number: int = 0, *, agency: str = "", at: int = 0
    ) -> GetScheduleResponse:
        """Return a version with its text: *number*, or that of *agency* in force, or then *at*."""
        reply: GetScheduleResponse = await self._call(
            self._catalogue.GetSchedule, GetScheduleRequest(number=number, agency=agency, at=at)
        )
        return reply

    async def daily_report(self, date: str) -> GetDailyReportResponse:
        """Return the public report of the business day that was closed as *date*, YYYY-MM-DD."""
        reply: GetDailyReportResponse = await self._call(
            self._reports.GetDailyReport, GetDailyReportRequest(date=date)
        )
        return reply

    async def daily_totals(
        self, agency: str = "", *, first: str = "", last: str = ""
    ) -> GetDailyTotalsResponse:
        """Return what an agency collected on each day from *first* to *last*, or to yesterday."""
        reply: GetDailyTotalsResponse = await self._call(
            self._reports.GetDailyTotals,
            GetDailyTotalsRequest(agency=agency, first=first, last=last),
        )
        return reply

    async def assess(
        self,
        agency: str,
        service: str,
        facts: Mapping[str, int | str],
        *,
        day: str = "",
        due: str = "",
        paid_on: str = "",
        explain: bool = False,
    ) -> AssessResponse:
        """Return what a case costs by the schedule of *agency* in force; days as `2026-04-01`."""
        told = [
            FeeFact(code=code, number=value)
            if isinstance(value, int)
            else FeeFact(code=code, choice=value)
            for code, value in facts.items()
        ]
        reply: AssessResponse = await self._call(
            self._assessment.Assess,
            AssessRequest(
                agency=agency,
                service=service,
                facts=told,
                day=day,
                due=due,
                paid_on=paid_on,
                explain=explain,
            ),
        )
        return reply
