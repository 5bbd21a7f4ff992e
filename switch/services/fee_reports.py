"""FeeReportService: the public report of a closed day."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.segments import read_frames
from payvand.settlement.business_day import EVENT_DAY_CLOSED, ClosedDay
from payvand.settlement.database import Pool
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.openness.day_totals import totals_of_day
from payvand.switch.fees.openness.report import canonical, csv_text, make, sign
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.v1 import fee_report_service_pb2 as pb

__all__ = ["FeeReportServicer"]

UNIT: Final = "IRR"


class FeeReportServicer:
    """Serve `payvand.v1.FeeReportService`; the contract says what it promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeeReportService"]

    def __init__(
        self,
        *,
        journal: Path,
        pool: Pool,
        registry: Registry,
        catalogue: CatalogueInForce,
        key: Ed25519PrivateKey,
    ) -> None:
        """Tell of days that *journal* holds, signed with the *key* of business days."""
        self._journal = journal
        self._pool = pool
        self._registry = registry
        self._catalogue = catalogue
        self._key = key
        self._turn = asyncio.Lock()
        """One report is made at a time: it reads a day of the journal."""

    async def GetDailyReport(
        self, request: pb.GetDailyReportRequest, context: Any
    ) -> pb.GetDailyReportResponse:
        """Return the report of a closed day."""
        try:
            on = date.fromisoformat(request.date)
        except ValueError:
            code = grpc.StatusCode.INVALID_ARGUMENT
            await refuse(context, code, "date.form", "write YYYY-MM-DD", field="date")
        async with self._turn:
            day = await self._closed_day(on)
            if day is None:
                hint = f"no day was closed as {on}; close it first, or wait for the database"
                code = grpc.StatusCode.NOT_FOUND
                await refuse(context, code, "day.unknown", hint, field="date")
            totals = await asyncio.to_thread(totals_of_day, self._journal, day)
        report = make(
            day,
            totals,
            names=self._registry.routing.names,
            sectors={one.agency: one.sector for one in self._catalogue.catalogue},
            unit=UNIT,
        )
        return pb.GetDailyReportResponse(
            report=canonical(report).decode(),
            signature=sign(report, self._key),
            csv=csv_text(report),
        )

    async def _closed_day(self, on: date) -> ClosedDay | None:
        """Return the day that was closed under a date; their dates rise with their frames."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT sequence FROM books.frame WHERE event = $1 ORDER BY sequence",
                EVENT_DAY_CLOSED,
            )
        low, high = 0, len(rows)
        while low < high:
            middle = (low + high) // 2
            frame = next(read_frames(self._journal, after=rows[middle]["sequence"] - 1))
            day = ClosedDay.of(frame)
            if day.head.date == on:
                return day
            low, high = (middle + 1, high) if day.head.date < on else (low, middle)
        return None
