"""What is owed never falls with the days, and parts reckoned one by one come to the whole."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.fees.assessment.lateness import Unpaid, at_payment
from payvand.switch.fees.assessment.lines import Line, LineKind
from payvand.switch.fees.catalogue.schedule import Schedule
from tests.support.fee_schedules import DAY, TITLES, amounts, schedule_of

lates = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["penalty", "interest"]),
        "per_million": st.integers(1, 2_000_000),
    },
    optional={
        "grace_days": st.integers(0, 70),
        "every_days": st.integers(1, 40),
        "per_million_max": st.integers(1, 3_000_000),
        "fees": st.just(["first"]),
    },
)
rebates = st.fixed_dictionaries(
    {"per_million": st.integers(1, 1_000_000), "days_before_due": st.integers(0, 60)},
    optional={"fees": st.just(["second"])},
)
days = st.integers(-90, 400)


def _schedule(late_rows: list[dict[str, Any]], rebate_rows: list[dict[str, Any]]) -> Schedule:
    fees = [
        {"code": code, "kind": "fixed", "amount": 1, "share_tree": "all", **TITLES}
        for code in ("first", "second")
    ]
    service = {
        "code": "service",
        "fee": fees,
        "late": [
            {"code": f"l{index}", **TITLES, **row, "every_days": row.get("every_days", 0)}
            for index, row in enumerate(late_rows)
        ],
        "rebate": [{"code": f"r{n}", **TITLES, **row} for n, row in enumerate(rebate_rows)],
    }
    return schedule_of([service])


schedules = st.builds(_schedule, st.lists(lates, max_size=3), st.lists(rebates, max_size=3))


def _unpaid(first: int, second: int) -> list[Unpaid]:
    kind = LineKind.FEE
    return [Unpaid("first", kind, first, "all"), Unpaid("second", kind, second, "all")]


def _on(schedule: Schedule, unpaid: list[Unpaid], day: int, **since: Any) -> tuple[Line, ...]:
    at = DAY + timedelta(days=day)
    return at_payment(schedule, "service", unpaid, due=DAY, day=at, **since)


def _owed(unpaid: list[Unpaid], lines: tuple[Line, ...]) -> int:
    extra = sum(-one.amount if one.kind is LineKind.REBATE else one.amount for one in lines)
    return sum(one.amount for one in unpaid) + extra


@given(schedules, amounts, amounts, days, st.integers(0, 400))
def test_what_is_owed_never_falls_from_one_day_to_a_later_one(
    schedule: Schedule, first: int, second: int, day: int, later: int
) -> None:
    unpaid = _unpaid(first, second)
    soon, then = (_on(schedule, unpaid, when) for when in (day, day + later))
    assert 0 <= _owed(unpaid, soon) <= _owed(unpaid, then)
    assert soon == _on(schedule, unpaid, day)


@given(schedules, st.integers(0, 10**12), st.integers(1, 200), st.integers(1, 200))
def test_what_accrued_before_and_since_comes_to_all_that_accrued(
    schedule: Schedule, amount: int, first: int, further: int
) -> None:
    unpaid = _unpaid(amount, 0)
    day = DAY + timedelta(days=first)
    before = _on(schedule, unpaid, first)
    since = _on(schedule, unpaid, first + further, since=day)
    whole = _on(schedule, unpaid, first + further)
    assert _owed([], before) + _owed([], since) == _owed([], whole)


def test_nothing_comes_on_top_of_a_tax() -> None:
    late = {"kind": "penalty", "per_million": 1_000_000}
    schedule = _schedule([late], [])
    tax = [Unpaid("first", LineKind.VALUE_ADDED_TAX, 1_000, "all")]
    assert _on(schedule, tax, 10) == ()
    assert [line.amount for line in _on(schedule, _unpaid(1_000, 0), 10)] == [1_000]


def test_a_reason_tells_the_days() -> None:
    late = {"kind": "penalty", "per_million": 35_000, "every_days": 7, "grace_days": 2}
    line = _on(_schedule([late], []), _unpaid(1_000_000, 0), 10, explain=True)[0]
    assert line.amount == 70_000
    assert line.reasons == ("10 days after the due day, the first 2 free: 7 % of 1,000,000",)
