"""Working days and hours, held against a naive reading of the same rows, day by day for a year."""

from datetime import date, datetime, time, timedelta
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.rules import holidays
from payvand.switch.rules.calendar import (
    HORIZON_DAYS,
    Calendar,
    DayKind,
    Planned,
    next_start_through,
    replan,
)
from payvand.switch.rules.holidays import Holidays
from payvand.switch.rules.rulebook import load
from payvand.switch.rules.solar_hijri import TEHRAN, parse_day, parse_moment, solar_text
from payvand.switch.rules.table_row import RulesError
from payvand.switch.rules.validity import Validity
from tests.support.vectors import content, vectors

BOOK = load()
PAYA, SATNA, POL = (BOOK.calendar(name) for name in ("paya", "satna", "pol"))
FIRST, LAST = parse_day("1404-01-01"), parse_day("1404-12-29")
YEAR = [FIRST + timedelta(days=days) for days in range((LAST - FIRST).days + 1)]
MINUTES = st.datetimes(
    datetime.combine(FIRST, time()), datetime.combine(LAST - timedelta(days=20), time())
).map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=TEHRAN))


def at(day: date, hour: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(hour), TEHRAN)


def rests(day: date) -> bool:
    return day.isoweekday() == 5 or day in BOOK.holidays.days


def naive_paya(moment: datetime) -> datetime:
    """List all cycles by the circular that was in force through 1404, and take the next."""
    return next(hour for hour in NAIVE_CYCLES if hour > moment)


def naive_satna(moment: datetime) -> datetime:
    day = moment.date()
    if rests(day) or moment >= at(day, "14:30"):
        day += timedelta(days=1)
        while rests(day):
            day += timedelta(days=1)
        return at(day, "07:00")
    return max(moment, at(day, "07:00"))


NAIVE_CYCLES = [
    at(day, hour)
    for day in YEAR
    for hour in (["12:45"] if rests(day) else ["03:45", "09:45", "12:45", "18:45"])
]


def test_every_day_of_a_year_is_what_the_naive_reading_says() -> None:
    for day in YEAR[:-HORIZON_DAYS]:
        for hour in (
            "00:00",
            "03:44",
            "03:45",
            "09:44",
            "12:45",
            "14:29",
            "14:30",
            "18:45",
            "23:59",
        ):
            moment = at(day, hour)
            assert PAYA.next_time(moment, "remote") == naive_paya(moment), moment
            assert SATNA.next_time(moment, "remote") == naive_satna(moment), moment
            assert POL.next_time(moment, "remote") == moment


@given(MINUTES)
def test_any_minute_is_what_the_naive_reading_says(moment: datetime) -> None:
    assert PAYA.next_time(moment, "remote") == naive_paya(moment)
    assert SATNA.next_time(moment, "branch") == naive_satna(moment)


@given(MINUTES, st.sampled_from([PAYA, SATNA, POL]), st.sampled_from(["remote", "interbank"]))
def test_an_order_is_carried_when_the_rail_works_and_never_before_it_came(
    moment: datetime, calendar: Calendar, channel: str
) -> None:
    carried = calendar.next_time(moment, channel)
    assert carried is not None
    assert carried >= moment
    assert calendar.works_at(carried, channel)


@given(MINUTES, st.integers(0, 3000))
def test_a_later_order_is_not_carried_before_an_earlier_one(moment: datetime, later: int) -> None:
    for calendar in (PAYA, SATNA, POL):
        one = calendar.next_time(moment, "remote")
        other = calendar.next_time(moment + timedelta(minutes=later), "remote")
        assert one is not None
        assert other is not None
        assert one <= other


@pytest.mark.parametrize("vector", vectors("holidays"), ids=lambda vector: vector["jalali"])
def test_the_official_holidays_are_in_the_set(vector: dict[str, str]) -> None:
    day = date.fromisoformat(vector["gregorian"])
    assert solar_text(day) == vector["jalali"]
    assert PAYA.day(day).kind is DayKind.HOLIDAY


def test_each_rail_rests_on_its_own_days() -> None:
    thursday = parse_day("1400-05-14")
    assert SATNA.day(thursday).kind is DayKind.REST
    assert PAYA.day(thursday).kind is DayKind.WORKDAY
    friday = parse_day("1404-03-02")
    assert PAYA.day(friday).kind is DayKind.REST
    assert POL.day(friday).kind is DayKind.WORKDAY


def test_the_minute_of_a_cycle_is_too_late_for_it() -> None:
    day = parse_day("1404-02-31")
    assert PAYA.next_time(at(day, "09:44"), "remote") == at(day, "09:45")
    assert PAYA.next_time(at(day, "09:45"), "remote") == at(day, "12:45")
    assert SATNA.next_time(at(day, "14:30"), "interbank") == at(day, "14:30")
    assert SATNA.next_time(at(day, "15:00"), "interbank") == at(day + timedelta(days=1), "07:00")


def test_holidays_on_which_a_rail_runs_all_the_same() -> None:
    oil = parse_day("1403-12-29")
    assert SATNA.day(oil).kind is DayKind.HOLIDAY
    assert SATNA.works_at(at(oil, "18:59"), "remote")
    assert not SATNA.works_at(at(oil, "19:00"), "remote")
    assert SATNA.works_at(at(oil, "19:00"), "interbank")


def test_days_that_no_row_knows_have_no_hours() -> None:
    assert SATNA.next_time(parse_moment("1401-05-01 10:00"), "remote") is None
    assert PAYA.next_time(parse_moment("1400-07-15 10:00"), "remote") is None
    known = PAYA.day(parse_day("1405-12-29")).is_known, PAYA.day(parse_day("1406-01-01")).is_known
    assert known == (True, False)


def without(*days: str) -> Holidays:
    kept = {
        day: holiday
        for day, holiday in BOOK.holidays.days.items()
        if day not in map(parse_day, days)
    }
    return Holidays("2", "a test", BOOK.holidays.covers, MappingProxyType(kept))


def with_also(*days: str) -> Holidays:
    added = {day: holidays.Holiday(day, "Closure", "تعطیلی", False) for day in map(parse_day, days)}
    found = MappingProxyType({**BOOK.holidays.days, **added})
    return Holidays("2", "a test", BOOK.holidays.covers, found)


def test_a_holiday_that_moved_by_a_day_moves_the_kinds_of_both() -> None:
    case = content("holidays")["runtime_change_case"]
    thursday, friday = (date.fromisoformat(day) for day in case["gregorian"].values())
    printed = Calendar(PAYA.rail, with_also("1401-03-05"))
    assert (printed.day(thursday).kind, printed.day(friday).holiday is not None) == (
        DayKind.HOLIDAY,
        True,
    )
    sighted = Calendar(PAYA.rail, BOOK.holidays)
    assert (sighted.day(thursday).kind, sighted.day(friday).kind) == (
        DayKind.WORKDAY,
        DayKind.HOLIDAY,
    )


def test_a_closure_moves_what_was_planned_for_it_and_nothing_else() -> None:
    day, before = parse_day("1404-09-10"), parse_day("1404-09-09")
    planned = [
        Planned(b"1", "remote", at(before, "18:45")),
        Planned(b"2", "remote", at(day, "03:45")),
        Planned(b"3", "remote", at(day, "12:45")),
        Planned(b"4", "remote", at(day, "18:45")),
    ]
    assert replan(PAYA, planned) == ()
    closed = Calendar(PAYA.rail, with_also("1404-09-10"))
    moves = {move.id: move.new for move in replan(closed, planned)}
    # On a holiday one cycle is left; what was planned behind it goes to the next day.
    assert moves == {
        b"2": at(day, "12:45"),
        b"4": at(day + timedelta(days=1), "03:45"),
    }
    (move,) = replan(
        Calendar(SATNA.rail, with_also("1404-09-10")), [Planned(b"5", "remote", at(day, "10:00"))]
    )
    assert move.new == at(day + timedelta(days=1), "07:00")


def test_a_holiday_that_is_taken_back_moves_nothing_forward() -> None:
    holiday = parse_day("1404-03-14")
    planned = [Planned(b"1", "remote", at(holiday, "12:45"))]
    assert replan(PAYA, planned) == ()
    assert replan(Calendar(PAYA.rail, without("1404-03-14")), planned) == ()


@given(MINUTES, st.sets(st.sampled_from(YEAR), max_size=20))
def test_replanning_puts_every_order_where_the_rail_works_and_none_earlier(
    moment: datetime, closures: set[date]
) -> None:
    added = {day: holidays.Holiday(day, "Closure", "تعطیلی", False) for day in closures}
    new = Holidays(
        "2", "a test", Validity(FIRST, LAST), MappingProxyType({**BOOK.holidays.days, **added})
    )
    for calendar in (PAYA, SATNA):
        planned_at = calendar.next_time(moment, "remote")
        assert planned_at is not None
        changed = Calendar(calendar.rail, new)
        moves = replan(changed, [Planned(b"1", "remote", planned_at)])
        if changed.works_at(planned_at, "remote"):
            assert moves == ()
        else:
            (move,) = moves
            assert move.old == planned_at
            assert move.new is not None
            assert move.new > planned_at
            assert changed.works_at(move.new, "remote")
            assert replan(changed, [Planned(b"1", "remote", move.new)]) == ()


@given(MINUTES, st.lists(st.tuples(st.integers(0, 96), st.sets(st.sampled_from(YEAR))), max_size=4))
def test_what_waits_through_changes_of_holidays_never_moves_forward_nor_where_no_cycle_is(
    moment: datetime, changes: list[tuple[int, set[date]]]
) -> None:
    calendars, since = [(moment, PAYA)], moment
    due = next_start_through(moment, calendars)
    assert due == PAYA.next_start(moment)
    for hours, closures in changes:
        since += timedelta(hours=hours)
        calendar = Calendar(PAYA.rail, with_also(*map(solar_text, closures)))
        calendars.append((since, calendar))
        before, due = due, next_start_through(moment, calendars)
        if before is None:
            assert due == calendar.next_start(since)
        elif before <= since or calendar.works_at(before, "interbank"):
            assert due == before  # due already, or there is a cycle then all the same
        elif due is not None:
            assert due > before
            assert calendar.works_at(due, "interbank")
        else:
            assert calendar.next_start(before) is None


HEAD = 'version = "1"\nsource = "a test"\ncovers = ["1404-01-01", "1404-12-29"]\n'


@pytest.mark.parametrize(
    ("text", "path", "rule"),
    [
        (HEAD, "days", "rules.missing"),
        (HEAD + "days = 1", "days", "rules.type"),
        (HEAD + "days = [1]", "days[0]", "rules.type"),
        (HEAD + 'days = [["1404-01-01", "Nowruz"]]', "days[0]", "holidays.row"),
        (HEAD + 'days = [["1404-01-01", "Nowruz", ""]]', "days[0]", "holidays.row"),
        (HEAD + 'days = [["1404-01-01", "a", "b", "maybe"]]', "days[0]", "holidays.row"),
        (HEAD + 'days = [["1404-13-01", "a", "b"]]', "days[0]", "date.range"),
        (HEAD + 'days = [["1405-01-01", "a", "b"]]', "days[0]", "holidays.covers"),
        (
            HEAD + 'days = [["1404-01-01", "a", "b"], ["2025-03-21", "a", "b"]]',
            "days[1]",
            "holidays.twice",
        ),
        (HEAD.replace('"1404-01-01", ', "") + "days = []", "covers", "holidays.covers"),
        (HEAD.replace("1404-01", "1405-01") + "days = []", "covers", "holidays.covers"),
    ],
)
def test_a_set_that_is_wrong_is_refused(text: str, path: str, rule: str) -> None:
    with pytest.raises(RulesError) as refused:
        holidays.parse(text)
    assert (refused.value.path, refused.value.rule) == (path, rule)
