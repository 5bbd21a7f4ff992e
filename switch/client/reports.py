"""Reports, from the operator's side: run, save, schedule and remove them."""

from typing import Any

import grpc.aio

from payvand.client.approvals import Call
from payvand.v1.report_service_pb2 import (
    ListReportsRequest,
    ListReportsResponse,
    RemoveReportRequest,
    Report,
    RunReportRequest,
    RunReportResponse,
    SaveReportRequest,
    SaveReportResponse,
    ScheduleReportRequest,
    ScheduleReportResponse,
)
from payvand.v1.report_service_pb2_grpc import ReportServiceStub

__all__ = ["Reports"]


class Reports:
    """The reports of a switch; from `Operator.reports`."""

    def __init__(self, channel: grpc.aio.Channel, call: Call) -> None:
        """Ask over *channel* by *call*."""
        self._service: Any = ReportServiceStub(channel)
        self._call = call

    async def all(self) -> list[Report]:
        """Return the reports by name."""
        reply: ListReportsResponse = await self._call(
            self._service.ListReports, ListReportsRequest()
        )
        return list(reply.reports)

    async def run(
        self, name: str, *, day: str = "", window: int = 0, participant: str = ""
    ) -> RunReportResponse:
        """Run a report: of today, of the last closed window, where nothing else is asked."""
        request = RunReportRequest(name=name, day=day, window=window, participant=participant)
        reply: RunReportResponse = await self._call(self._service.RunReport, request)
        return reply

    async def save(self, name: str, definition: str) -> Report:
        """Save the TOML *definition* under *name*."""
        reply: SaveReportResponse = await self._call(
            self._service.SaveReport, SaveReportRequest(name=name, definition=definition)
        )
        return reply.report

    async def remove(self, name: str) -> None:
        """Remove a saved report."""
        await self._call(self._service.RemoveReport, RemoveReportRequest(name=name))

    async def schedule(self, name: str, written_at: str) -> Report:
        """Have a report written each day at an hour, `18:30` by local time; empty for no longer."""
        reply: ScheduleReportResponse = await self._call(
            self._service.ScheduleReport, ScheduleReportRequest(name=name, written_at=written_at)
        )
        return reply.report
