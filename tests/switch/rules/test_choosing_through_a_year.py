"""Which rail carries an order, held against a naive reading of the same rows through two years.

The naive reading goes through the rows of the file as they stand and knows none of our classes.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from payvand.switch.rules.choosing import Order, choose
from payvand.switch.rules.rulebook import load, shipped_text
from payvand.switch.rules.solar_hijri import TEHRAN, parse_day

BOOK = load()
RAILS = tomllib.loads(shipped_text("rails"))
HOLIDAYS = {parse_day(row[0]) for row in tomllib.loads(shipped_text("holidays"))["days"]}
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
# The day before the circular of 1404-03-01 and after it, its minimum, maximum and one beyond.
AMOUNTS = [
    1_000_000,
    100_000_000,
    100_000_001,
    500_000_000,
    500_000_001,
    1_000_000_000,
    1_000_000_001,
    2_000_000_000,
    2_000_000_001,
]
HOURS = ["00:00", "03:45", "09:44", "12:45", "14:29", "14:30", "18:46", "23:59"]
Row = Mapping[str, Any]


def in_force(rows: list[Row], day: date) -> Row | None:
    """Return the row for certain days that has this one, else the last that began and goes on."""
    for row in rows:
        if day in map(parse_day, row.get("on", ())):
            return row
    begun = [row for row in rows if "on" not in row and parse_day(row["from"]) <= day]
    if not begun:
        return None
    last = max(begun, key=lambda row: parse_day(row["from"]))
    return None if "until" in last and day > parse_day(last["until"]) else last


def rests(rail: Row, day: date) -> bool:
    week = in_force(rail.get("week", []), day)
    return day in HOLIDAYS or (week is not None and WEEKDAYS[day.weekday()] in week["closed"])


def at(day: date, hour: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), TEHRAN)


def openings(rail: Row, day: date) -> Iterator[tuple[datetime, datetime]]:
    """Yield from when to when the rail works on a day; a cycle is no longer than its minute."""
    if rail["kind"] == "cycle":
        row = in_force(rail.get("cycles", []), day)
        for hour in () if row is None else row["holiday" if rests(rail, day) else "workday"]:
            yield at(day, hour), at(day, hour)
    elif rail["kind"] == "gross":
        row = in_force(rail.get("hours", []), day)
        if row is not None and (not rests(rail, day) or row.get("runs_on_holidays")):
            yield at(day, row["open"]), at(day, row["customer_close"])


def carried_at(rail: Row, moment: datetime) -> datetime | None:
    if rail["kind"] == "instant":
        return moment
    for days in range(40):
        for opens, closes in openings(rail, moment.date() + timedelta(days=days)):
            if opens <= moment < closes:
                return moment
            if opens > moment:
                return opens
    return None


def allows(rail: Row, amount: int, day: date) -> bool:
    for channel in ("remote", "any"):
        rows = [row for row in rail["limit"] if row.get("channel", "any") == channel]
        limit = in_force(rows, day)
        if limit is not None:
            above = max(limit.get("order_min", 0), 0) <= amount
            most = min(limit.get("order_max", 10**30), limit.get("customer_day_max", 10**30))
            return above and amount <= most
    return False


def naive(amount: int, moment: datetime, *, urgent: bool) -> tuple[str, datetime | None]:
    preference = in_force(RAILS["preference"], moment.date())
    assert preference is not None
    for name in preference["urgent" if urgent else "order"]:
        (rail,) = [rail for rail in RAILS["rail"] if rail["name"] == name]
        if not allows(rail, amount, moment.date()):
            continue
        carried = carried_at(rail, moment)
        if carried is not None and allows(rail, amount, carried.date()):
            return name, carried
    return "", None


def days_of(year: int) -> list[date]:
    first, end = parse_day(f"{year}-01-01"), parse_day(f"{year + 1}-01-01")
    return [first + timedelta(days=days) for days in range((end - first).days)]


@pytest.mark.parametrize(("year", "urgent"), [(1403, False), (1404, False), (1404, True)])
def test_every_day_of_a_year_has_the_rail_and_the_hour_of_the_naive_reading(
    year: int, urgent: bool
) -> None:
    rails: dict[str, int] = {}
    for day in days_of(year):
        for hour in HOURS:
            for amount in AMOUNTS:
                order = Order(
                    amount=amount, debtor_bank="017", creditor_bank="012", is_urgent=urgent
                )
                chosen = choose(BOOK, order, at(day, hour))
                name, carried = naive(amount, at(day, hour), urgent=urgent)
                told = (chosen.rail.name if chosen.rail else "", chosen.carried_at)
                assert told == (name, carried), (day, hour, amount)
                rails[name] = rails.get(name, 0) + 1
    # Each rail is chosen thousands of times, so none is held equal for want of cases.
    assert min(rails[name] for name in ("pol", "paya", "satna")) > 1_000


def test_orders_of_the_central_bank_are_outside_the_limits_all_year() -> None:
    for day in days_of(1404):
        order = Order(amount=10**15, debtor_bank="010", creditor_bank="012")
        chosen = choose(BOOK, order, at(day, "10:00"))
        assert chosen.rail is not None
        assert chosen.rail.name == "pol"
