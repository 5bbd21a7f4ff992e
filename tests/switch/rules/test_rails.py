"""Rails: limits, tariffs and cycles of a day, and tables that do not fit together."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.rules import rails
from payvand.switch.rules.rails import Fee, Rail, Rails
from payvand.switch.rules.rulebook import load
from payvand.switch.rules.solar_hijri import parse_day
from payvand.switch.rules.table_row import RulesError
from payvand.switch.rules.validity import Overlap, Validity, arranged, in_force
from tests.support.vectors import content

TABLE = load().rails
REFERENCE = content("rails")


@pytest.mark.parametrize("case", REFERENCE["limit_cases"])
def test_the_reference_limits_hold(case: dict[str, Any]) -> None:
    name, _, channel = case["rail"].partition("-")
    limit = TABLE.rails[name].limit_on(parse_day(case["date"]), channel or "remote")
    assert limit is not None
    amount = case["amount_rial"]
    accepted = limit.order_min <= amount <= min(limit.order_max, limit.customer_day_max)
    assert accepted is case["accept"]


@pytest.mark.parametrize("case", REFERENCE["fee_cases_1404"])
def test_the_reference_fees_hold(case: dict[str, Any]) -> None:
    fee = in_force(TABLE.rails[case["rail"]].fees, parse_day("1404-06-01"))
    assert fee is not None
    assert fee.of(case["amount_rial"]) == case["fee_rial"]


@given(
    st.integers(0, 2**64 - 1), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)
)
def test_a_fee_lies_between_its_bounds_and_never_falls_as_the_amount_grows(
    amount: int, per_million: int, fee_min: int, more: int
) -> None:
    fee = Fee(
        validity=Validity(),
        source="",
        per_million=per_million,
        fee_min=fee_min,
        fee_max=fee_min + more,
    )
    assert fee_min <= fee.of(amount) <= fee_min + more
    assert fee.of(amount) <= fee.of(amount + 1)


@pytest.mark.parametrize(
    ("day", "workday", "holiday"),
    [
        ("1400-05-31", ["03:45", "09:45", "12:45"], ["13:45"]),
        ("1400-06-01", None, None),
        ("1400-10-25", ["03:45", "10:45", "13:45", "17:45"], []),
        ("1402-03-19", ["03:45", "10:45", "13:45", "17:45"], []),
        ("1402-03-20", ["03:45", "09:45", "12:45", "18:45"], ["12:45"]),
    ],
)
def test_the_cycles_of_a_day_are_those_of_its_circular(
    day: str, workday: list[str] | None, holiday: list[str] | None
) -> None:
    cycles = in_force(TABLE.rails["paya"].cycles, parse_day(day))
    if workday is None:
        assert cycles is None
    else:
        assert cycles is not None
        assert [f"{hour:%H:%M}" for hour in cycles.workday] == workday
        assert [f"{hour:%H:%M}" for hour in cycles.holiday] == holiday


def test_the_last_days_of_a_year_have_hours_of_their_own() -> None:
    satna = TABLE.rails["satna"]
    closes = {
        day: hours and f"{hours.customer_close:%H:%M}"
        for day in ("1403-12-28", "1403-12-29", "1403-12-30", "1404-01-05")
        for hours in [satna.hours_on(parse_day(day))]
    }
    assert list(closes.values()) == ["14:30", "19:00", "19:00", "14:30"]


class Row:
    """The least that `arranged` needs."""

    def __init__(self, validity: Validity, kind: int) -> None:
        self.validity = validity
        self.kind = kind

    def with_validity(self, validity: Validity) -> "Row":
        return Row(validity, self.kind)


SOME_DAYS = st.dates(date(2020, 1, 1), date(2020, 3, 1))
VALIDITIES = st.builds(
    lambda first, last: Validity(first, max(first, last)),
    SOME_DAYS,
    SOME_DAYS | st.just(date.max),
)


@given(st.lists(st.builds(Row, VALIDITIES, st.integers(0, 1)), max_size=5), SOME_DAYS)
def test_on_any_day_one_row_of_a_kind_holds_or_the_table_is_refused(
    rows: list[Row], day: date
) -> None:
    try:
        found = arranged(rows, lambda row: row.kind)
    except Overlap:
        return
    assert len(found) == len(rows)
    for kind in (0, 1):
        holding = [row for row in found if row.kind == kind and row.validity.covers(day)]
        assert len(holding) <= 1
        # It is the one that began last, and none once that one has ended.
        begun = [row for row in rows if row.kind == kind and row.validity.first <= day]
        last = max(begun, key=lambda row: row.validity.first, default=None)
        expected = [last.validity.first] if last and last.validity.covers(day) else []
        assert [row.validity.first for row in holding] == expected


HEAD = """
version = "1"
[[preference]]
order = ["a"]
urgent = ["a"]
source = "a test"
"""
RAIL = """
[[rail]]
name = "a"
kind = "cycle"
title_en = "A"
title_fa = "آ"
source = "a test"
[[rail.limit]]
order_max = 100
source = "a test"
[[rail.week]]
closed = ["friday"]
source = "a test"
[[rail.cycles]]
workday = ["03:45", "09:45"]
holiday = []
source = "a test"
"""


def test_a_small_table_is_read() -> None:
    table: Rails = rails.parse(HEAD + RAIL)
    rail: Rail = table.rails["a"]
    limit = rail.limit_on(date(2020, 1, 1), "branch")
    assert limit is not None
    assert (limit.order_min, limit.order_max) == (0, 100)
    assert not rail.needs_creditor_online


@pytest.mark.parametrize(
    ("text", "path", "rule"),
    [
        ("version = ", "", "rules.toml"),
        ('version = ""', "version", "rules.type"),
        (HEAD, "rail", "rules.missing"),
        (HEAD.replace('"a"]', '"b"]') + RAIL, "preference", "rails.missing"),
        (HEAD + RAIL + RAIL, "rail[1].name", "rails.twice"),
        (HEAD + RAIL.replace('"cycle"', '"sail"'), "rail[0].kind", "rules.choice"),
        (HEAD + RAIL.replace('"cycle"', '"instant"'), "rail[0].around_the_clock", "rails.kind"),
        (HEAD + RAIL.replace('"cycle"', '"gross"'), "rail[0].hours", "rules.missing"),
        (HEAD + RAIL.replace("100", "-1"), "rail[0].limit[0].order_max", "rules.type"),
        (HEAD + RAIL.replace("100", "1.5"), "rail[0].limit[0].order_max", "rules.type"),
        (
            HEAD + RAIL.replace("100", "100\norder_min = 101"),
            "rail[0].limit[0].order_max",
            "rails.limit",
        ),
        (HEAD + RAIL.replace("order_max", "oder_max"), "rail[0].limit[0].oder_max", "rules.key"),
        (
            HEAD + RAIL.replace("100", '100\nchannel = "pigeon"'),
            "rail[0].limit[0].channel",
            "rules.choice",
        ),
        (HEAD + RAIL.replace('"friday"', '"freitag"'), "rail[0].week[0].closed", "rules.choice"),
        (HEAD + RAIL.replace('"03:45", ', '"10:45", '), "rail[0].cycles[0].workday", "rules.order"),
        (HEAD + RAIL.replace('"03:45", "09:45"', ""), "rail[0].cycles[0].workday", "rails.cycles"),
        (HEAD + RAIL.replace('"09:45"', '"9:45"'), "rail[0].cycles[0].workday", "time.form"),
        (
            HEAD + RAIL.replace("[[rail.week]]", '[[rail.limit]]\nsource = "b"\n[[rail.week]]'),
            "rail[0].limit",
            "rules.overlap",
        ),
        (
            HEAD + RAIL + '[[exemption]]\nsource = "a"\nbank_codes = "010"',
            "exemption[0].bank_codes",
            "rules.type",
        ),
        (HEAD + RAIL + "colour = 1", "rail[0].cycles[0].colour", "rules.key"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_path_and_rule(text: str, path: str, rule: str) -> None:
    with pytest.raises(RulesError) as refused:
        rails.parse(text)
    assert (refused.value.path, refused.value.rule) == (path, rule)
    assert refused.value.hint
