"""Days and moments: every year of two centuries, both ways, and what is no day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.rules.solar_hijri import (
    TEHRAN,
    WEEKDAYS_FA,
    DateError,
    local,
    moment_text,
    parse_day,
    parse_moment,
    parse_time,
    solar_text,
)
from tests.support.vectors import vectors

VECTORS = vectors("jalali_calendar")
LEAP_REMAINDERS = {1, 5, 9, 13, 17, 22, 26, 30}
"""Of a year by 33, in the years from 1201 to 1499."""
DAYS = st.dates(date(1922, 3, 22), date(2121, 3, 19))


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "year"])
def test_the_reference_years_hold(vector: dict[str, Any]) -> None:
    year, expect = vector["jalali_year"], vector["expect"]
    first, following = parse_day(f"{year}-01-01"), parse_day(f"{year + 1}-01-01")
    assert first == date.fromisoformat(expect["nowruz_gregorian"])
    assert (following - first).days == expect["days"]
    assert solar_text(following - timedelta(days=1)) == f"{year}-12-{expect['esfand_days']}"


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "convert"])
def test_the_reference_days_hold(vector: dict[str, Any]) -> None:
    day = date.fromisoformat(vector["gregorian"])
    assert parse_day(vector["jalali"]) == day
    assert solar_text(day) == vector["jalali"]
    if "weekday_iso" in vector:
        assert day.isoweekday() == vector["weekday_iso"]
        assert WEEKDAYS_FA[day.weekday()] == vector["weekday_fa"]


@pytest.mark.parametrize("year", range(1300, 1500))
def test_every_year_is_as_long_as_the_cycle_of_33_years_says(year: int) -> None:
    last = parse_day(f"{year}-12-29") + timedelta(days=1)
    is_leap = year % 33 in LEAP_REMAINDERS
    assert solar_text(last) == (f"{year}-12-30" if is_leap else f"{year + 1}-01-01")


@given(DAYS)
def test_reading_and_writing_are_inverse(day: date) -> None:
    assert parse_day(solar_text(day)) == day
    assert parse_day(day.isoformat()) == day


@given(DAYS)
def test_days_follow_each_other(day: date) -> None:
    assert solar_text(day) < solar_text(day + timedelta(days=1))


@pytest.mark.parametrize(
    ("text", "rule"),
    [(vector["jalali"], "date.range") for vector in VECTORS if vector["kind"] == "invalid"]
    + [
        ("1404-12-30", "date.range"),
        ("1404-00-10", "date.range"),
        ("1200-01-01", "date.range"),
        ("1500-01-01", "date.range"),
        ("2025-02-29", "date.range"),
        ("1404-7-1", "date.form"),
        ("14040701", "date.form"),
        ("۱۴۰۴-۰۷-۰۱", "date.form"),
        ("1404/07/01", "date.form"),
        ("", "date.form"),
        ("1404-07-01\n", "date.form"),
    ],
)
def test_what_is_no_day_is_refused(text: str, rule: str) -> None:
    with pytest.raises(DateError) as refused:
        parse_day(text)
    assert refused.value.rule == rule
    assert refused.value.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1404-02-31 13:44", datetime(2025, 5, 21, 10, 14, tzinfo=UTC)),
        ("2025-05-21 13:44", datetime(2025, 5, 21, 10, 14, tzinfo=UTC)),
        ("2025-05-21T13:44", datetime(2025, 5, 21, 10, 14, tzinfo=UTC)),
        ("2025-05-21T10:14:00Z", datetime(2025, 5, 21, 10, 14, tzinfo=UTC)),
        ("2025-05-21T10:14:00+00:00", datetime(2025, 5, 21, 10, 14, tzinfo=UTC)),
        ("1404-02-31", datetime(2025, 5, 20, 20, 30, tzinfo=UTC)),
        # Summer time, which ended for good in the autumn of 1401.
        ("1401-05-01 12:00", datetime(2022, 7, 23, 7, 30, tzinfo=UTC)),
        ("1402-05-01 12:00", datetime(2023, 7, 23, 8, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_by_tehrans_clock_unless_it_says_another(
    text: str, expected: datetime
) -> None:
    assert parse_moment(text) == expected


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_a_moment_shown_and_read_is_the_same_minute(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC, second=0, microsecond=0)
    shown = parse_moment(moment_text(moment))
    # In the hour that an autumn repeated, the clock showed two moments alike.
    assert shown == moment or local(moment).fold
    assert shown.tzinfo is TEHRAN


@pytest.mark.parametrize("text", ["24:00", "9:45", "09:60", "09:45:00", "", "٠٩:٤٥"])
def test_what_is_no_hour_is_refused(text: str) -> None:
    with pytest.raises(DateError) as refused:
        parse_time(text)
    assert refused.value.rule == "time.form"


@pytest.mark.parametrize(
    "text", ["", "now", "1404-02-31 25:00", "13:44", "1404-02-31 13:44 +03:30"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(DateError):
        parse_moment(text)
