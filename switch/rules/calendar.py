"""When a rail works: its business days, and when an order that came in now is carried out.

A calendar is a rail's rows and a holiday set put together. Holidays are replaced while orders are
planned; `replan` says what that does to them, and it is one rule: **an order keeps its time as
long as the rail works then, and moves to the next time that it works if not. It never moves
forward**, for its customer was told when it would be carried out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum

from payvand.switch.rules.holidays import Holiday, Holidays
from payvand.switch.rules.rails import CYCLE, GROSS, INSTANT, INTERBANK, Hours, Rail
from payvand.switch.rules.solar_hijri import TEHRAN, local
from payvand.switch.rules.validity import in_force

__all__ = [
    "HORIZON_DAYS",
    "Calendar",
    "Day",
    "DayKind",
    "Move",
    "Planned",
    "next_start_through",
    "replan",
]

HORIZON_DAYS = 40
"""How far ahead a working day is looked for; the longest rest of the country is about a week."""


class DayKind(Enum):
    """What a day is to a rail."""

    WORKDAY = "workday"
    REST = "rest"
    """A day of the week on which it rests."""
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class Day:
    """What a day is to a rail, and why."""

    day: date
    kind: DayKind
    holiday: Holiday | None
    is_known: bool
    """False where the holiday set does not reach so far: it may turn out a holiday."""


@dataclass(frozen=True, slots=True)
class Planned:
    """An order that waits for a rail to work."""

    id: bytes
    channel: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Move:
    """An order whose time the rail does not work at any more."""

    id: bytes
    old: datetime
    new: datetime | None
    """None where no working day is within `HORIZON_DAYS`: somebody must look at it."""


class Calendar:
    """The working days and hours of one rail by one holiday set."""

    def __init__(self, rail: Rail, holidays: Holidays) -> None:
        """Put *rail* and *holidays* together."""
        self.rail = rail
        self.holidays = holidays

    def day(self, day: date) -> Day:
        """Return what *day* is to the rail; a holiday on a day of rest is a holiday."""
        holiday = self.holidays.holiday(day)
        week = in_force(self.rail.weeks, day)
        if holiday is not None:
            kind = DayKind.HOLIDAY
        elif week is not None and day.weekday() in week.closed:
            kind = DayKind.REST
        else:
            kind = DayKind.WORKDAY
        return Day(day, kind, holiday, self.holidays.covers.covers(day))

    def cycles_on(self, day: date) -> tuple[time, ...]:
        """Return the hours of the cycles of *day*; none where no row says any."""
        cycles = in_force(self.rail.cycles, day)
        if cycles is None:
            return ()
        return cycles.workday if self.day(day).kind is DayKind.WORKDAY else cycles.holiday

    def open_on(self, day: date) -> Hours | None:
        """Return the opening hours of *day*, or None where the rail stays closed or no row says."""
        hours = self.rail.hours_on(day)
        if hours is None:
            return None
        works = self.day(day).kind is DayKind.WORKDAY or hours.runs_on_holidays
        return hours if works else None

    def works_at(self, moment: datetime, channel: str) -> bool:
        """Tell whether an order of *channel* is carried out at this very *moment*."""
        here = local(moment)
        if self.rail.kind == INSTANT:
            return True
        if self.rail.kind == CYCLE:
            return any(here == _at(here.date(), hour) for hour in self.cycles_on(here.date()))
        hours = self.open_on(here.date())
        return hours is not None and hours.open <= here.time() < _close(hours, channel)

    def next_time(self, moment: datetime, channel: str) -> datetime | None:
        """Return when an order that came in at *moment* is carried out.

        A cycle takes what came in before its minute. None where the rail has no such time within
        `HORIZON_DAYS`, for want of rows for those days.
        """
        here = local(moment)
        if self.rail.kind == INSTANT or (
            self.rail.kind == GROSS and self.works_at(moment, channel)
        ):
            return here
        return self.next_start(moment)

    def next_start(self, moment: datetime) -> datetime | None:
        """Return when the rail next begins to carry orders after *moment*: a cycle, or its opening.

        None as in `next_time`; an instant rail never begins.
        """
        here = local(moment)
        for days in range(HORIZON_DAYS):
            day = here.date() + timedelta(days=days)
            for hour in self._beginnings(day):
                if _at(day, hour) > here:
                    return _at(day, hour)
        return None

    def _beginnings(self, day: date) -> tuple[time, ...]:
        """Return the hours of *day* at which waiting orders are carried out."""
        if self.rail.kind == CYCLE:
            return self.cycles_on(day)
        hours = self.open_on(day)
        return () if hours is None else (hours.open,)


def replan(calendar: Calendar, planned: Iterable[Planned]) -> tuple[Move, ...]:
    """Return the moves that *calendar*, newly in force, makes necessary; the others stay."""
    return tuple(
        Move(order.id, order.at, calendar.next_time(order.at, order.channel))
        for order in planned
        if not calendar.works_at(order.at, order.channel)
    )


def next_start_through(
    moment: datetime, calendars: Sequence[tuple[datetime, Calendar]]
) -> datetime | None:
    """Return when a rail begins to carry what waits since *moment*, through changes of calendars.

    Args:
        moment: since when it waits.
        calendars: those in force since, the oldest first, each with the moment from which on it
            was. What was due when another came in force stays due; else `replan` says what
            becomes of it. What had no time gets its first one by the next calendar that has any.

    None where the last one has no time for it.
    """
    due = calendars[0][1].next_start(moment)
    for since, calendar in calendars[1:]:
        if due is None:
            due = calendar.next_start(since)
        elif due > since:
            for move in replan(calendar, [Planned(b"", INTERBANK, due)]):
                due = move.new
    return due


def _close(hours: Hours, channel: str) -> time:
    return hours.interbank_close if channel == INTERBANK else hours.customer_close


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, TEHRAN)
