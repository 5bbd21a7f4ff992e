"""BusinessDayService: closing a day under a signed root."""

from datetime import date
from typing import Any, Final

import grpc

from payvand.switch.days import DayNotNext, Days, day_told
from payvand.switch.identity import caller_of
from payvand.switch.refusing import refuse
from payvand.v1 import business_day_service_pb2 as pb

__all__ = ["BusinessDayServicer"]


class BusinessDayServicer:
    """Serve `payvand.v1.BusinessDayService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["BusinessDayService"]

    def __init__(self, days: Days) -> None:
        """Close days by *days*."""
        self._days = days

    async def CloseDay(self, request: pb.CloseDayRequest, context: Any) -> pb.CloseDayResponse:
        """Close the business day, or tell what the closing of the last one came to."""
        try:
            on = date.fromisoformat(request.date)
        except ValueError:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "date.form",
                f"write YYYY-MM-DD, not {request.date!r}",
                field="date",
            )
        try:
            closed = await self._days.close(on, operator=caller_of(context).name)
        except DayNotNext as fault:
            await refuse(context, grpc.StatusCode.FAILED_PRECONDITION, "day.order", str(fault))
        return pb.CloseDayResponse(day=day_told(closed))
