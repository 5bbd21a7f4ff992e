"""ReportService: saved queries over the documented views, over gRPC."""

from typing import Any, Final

import grpc

from payvand.settlement.reporting.report import ReportMalformed
from payvand.settlement.reporting.running import Cell, ReaderMissing
from payvand.switch.identity import caller_of
from payvand.switch.refusing import refuse
from payvand.switch.reporting import ReportRefused, Reports, StoredReport
from payvand.v1 import report_service_pb2 as pb

__all__ = ["ReportServicer"]


class ReportServicer:
    """Serve the methods of `payvand.v1.ReportService`; the contract says what each promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["ReportService"]

    def __init__(self, reports: Reports) -> None:
        """Serve *reports*."""
        self._reports = reports

    async def ListReports(
        self, request: pb.ListReportsRequest, context: Any
    ) -> pb.ListReportsResponse:
        """List the reports by name."""
        return pb.ListReportsResponse(reports=map(_told, await self._reports.all()))

    async def RunReport(self, request: pb.RunReportRequest, context: Any) -> pb.RunReportResponse:
        """Run a report."""
        try:
            stored, found = await self._reports.run(
                request.name,
                day=request.day,
                window=request.window,
                participant=request.participant,
            )
        except (ReportRefused, ReportMalformed, ReaderMissing) as fault:
            await _refuse(context, fault)
        return pb.RunReportResponse(
            report=_told(stored),
            day=found.asked.day.isoformat() if found.asked.day else "",
            window=found.asked.window,
            participant=found.asked.participant,
            sequence=found.sequence,
            stands_at=found.stands_at,
            rows=(pb.ReportRow(cells=map(_cell_told, row)) for row in found.rows),
            truncated=found.truncated,
        )

    async def SaveReport(
        self, request: pb.SaveReportRequest, context: Any
    ) -> pb.SaveReportResponse:
        """Save a report."""
        try:
            stored = await self._reports.save(
                request.name, request.definition, operator=caller_of(context).name
            )
        except (ReportRefused, ReportMalformed, ReaderMissing) as fault:
            await _refuse(context, fault)
        return pb.SaveReportResponse(report=_told(stored))

    async def RemoveReport(
        self, request: pb.RemoveReportRequest, context: Any
    ) -> pb.RemoveReportResponse:
        """Remove a saved report."""
        try:
            await self._reports.remove(request.name, operator=caller_of(context).name)
        except ReportRefused as fault:
            await _refuse(context, fault)
        return pb.RemoveReportResponse()

    async def ScheduleReport(
        self, request: pb.ScheduleReportRequest, context: Any
    ) -> pb.ScheduleReportResponse:
        """Have a report written each day."""
        try:
            stored = await self._reports.schedule(
                request.name, request.written_at, operator=caller_of(context).name
            )
        except ReportRefused as fault:
            await _refuse(context, fault)
        return pb.ScheduleReportResponse(report=_told(stored))


async def _refuse(context: Any, fault: ReportRefused | ReportMalformed | ReaderMissing) -> None:
    if isinstance(fault, ReaderMissing):
        await refuse(
            context,
            grpc.StatusCode.FAILED_PRECONDITION,
            "report.reader",
            f"{fault}; {fault.hint}",
        )
    code = (
        grpc.StatusCode.NOT_FOUND
        if fault.rule in ("report.unknown", "participant.unknown")
        else grpc.StatusCode.INVALID_ARGUMENT
    )
    await refuse(context, code, fault.rule, str(fault), field=fault.field)


def _told(stored: StoredReport) -> pb.Report:
    return pb.Report(
        name=stored.report.name,
        definition=stored.report.definition,
        saved_by=stored.saved_by,
        written_at=stored.written_at,
    )


def _cell_told(cell: Cell) -> pb.ReportCell:
    return pb.ReportCell() if cell is None else pb.ReportCell(value=str(cell))
