"""FeeReportService: the public report of a closed day."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.segments import read_frames
from payvand.settlement.business_day import EVENT_DAY_CLOSED, ClosedDay
from payvand.settlement.database import Pool, as_amount
from payvand.switch.fees.bills.accounts import ACT_CODE, REFUND_CODE, fees_account
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.openness.day_totals import totals_of_day
from payvand.switch.fees.openness.report import canonical, csv_text, make, sign
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.switch.rules.solar_hijri import local, moment_at
from payvand.v1 import fee_report_service_pb2 as pb

__all__ = ["FeeReportServicer"]

UNIT: Final = "IRR"
DAYS_MAX: Final = 3_660
DAYS_OF_AGENCY: Final = """
SELECT day, sum(payments)::bigint AS payments, sum(paid) AS paid, sum(refunds)::bigint AS refunds,
    sum(refunded) AS refunded
FROM (
    SELECT timestamp, 1 AS payments, amount AS paid, 0 AS refunds, 0 AS refunded
    FROM books.transfer WHERE credit_account_id = $1 AND code = $4 AND flags & 10 = 0
    UNION ALL
    SELECT timestamp, 0, 0, 1, amount
    FROM books.transfer WHERE debit_account_id = $1 AND code = $5 AND flags & 10 = 0
) AS moved
CROSS JOIN LATERAL (
    SELECT (to_timestamp(timestamp / 1000000000) AT TIME ZONE 'Asia/Tehran')::date AS day
) AS local
WHERE day BETWEEN $2 AND $3 GROUP BY day ORDER BY day LIMIT $6
"""
"""By its fees account; flag 10 is of reservations, which fees have none of."""


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
        clock: Callable[[], int],
    ) -> None:
        """Tell of days that *journal* holds, signed with the *key* of business days.

        *clock* tells nanoseconds since 1970, for today.
        """
        self._clock = clock
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

    async def GetDailyTotals(
        self, request: pb.GetDailyTotalsRequest, context: Any
    ) -> pb.GetDailyTotalsResponse:
        """Return what an agency collected on each day."""
        own = caller_of(context).agency
        route = self._registry.routing.by_name.get(own or request.agency)
        if route is None or (own and request.agency not in ("", own)):
            hint = "name an agency; its own people see their agency alone"
            code = grpc.StatusCode.INVALID_ARGUMENT
            await refuse(context, code, "agency.unknown", hint, field="agency")
        today = local(moment_at(self._clock())).date()
        try:
            first = date.fromisoformat(request.first) if request.first else date.min
            last = date.fromisoformat(request.last) if request.last else today - timedelta(days=1)
        except ValueError:
            code = grpc.StatusCode.INVALID_ARGUMENT
            await refuse(context, code, "date.form", "write YYYY-MM-DD", field="first")
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                DAYS_OF_AGENCY,
                *(fees_account(route.number), first, min(last, today)),
                *(ACT_CODE, REFUND_CODE, DAYS_MAX),
            )
        return pb.GetDailyTotalsResponse(
            days=[
                pb.DayTotal(
                    day=row["day"].isoformat(),
                    payments=row["payments"],
                    paid=as_amount(row["paid"]),
                    refunds=row["refunds"],
                    refunded=as_amount(row["refunded"]),
                )
                for row in rows
            ],
            last=min(last, today).isoformat(),
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
