"""An assessment is a pure function, its lines sum up, and many at once are each of them."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.lines import AssessmentError, LineKind
from payvand.switch.fees.assessment.plan import CaseStatus, Plan
from payvand.switch.fees.catalogue.schedule import AMOUNT_MAX, Schedule
from tests.support.fee_schedules import BASIS, DAY, TITLES, cases, schedule_of, schedules

Case = dict[str, Any]

STATUS_OF = {
    "amount.range": CaseStatus.AMOUNT_OUT_OF_RANGE,
    "facts.nothing_charged": CaseStatus.NOTHING_CHARGED,
}


@given(schedules(), st.lists(cases, min_size=1, max_size=20))
def test_many_cases_at_once_cost_what_each_costs(schedule: Schedule, drawn: list[Case]) -> None:
    plan = Plan(schedule, "service", DAY)
    found = plan.reckon(plan.matrix(drawn))
    for index, case in enumerate(drawn):
        try:
            alone = assess(schedule, "service", case, day=DAY)
        except AssessmentError as error:
            assert found.statuses[index] == STATUS_OF[error.rule]
            assert not found.amounts[:, index].any()
            continue
        assert found.statuses[index] == CaseStatus.FINE
        assert int(found.totals[index]) == alone.total
        charged = {(line.fee, line.kind): line for line in alone.lines}
        for row, name in enumerate(plan.lines):
            line = charged.get((name.fee, name.kind))
            assert int(found.amounts[row, index]) == (line.amount if line else 0)
            assert int(found.gross[row, index]) == (line.gross if line else 0)


@given(schedules(), cases)
def test_an_assessment_is_pure_and_its_lines_are_sound(schedule: Schedule, case: Case) -> None:
    try:
        first = assess(schedule, "service", case, day=DAY)
    except AssessmentError:
        return
    explained = assess(schedule, "service", dict(case), day=DAY, explain=True)
    assert [line.amount for line in explained.lines] == [line.amount for line in first.lines]
    assert first == assess(schedule, "service", case, day=DAY)
    assert first.total == sum(line.amount for line in first.lines) <= AMOUNT_MAX
    for line in explained.lines:
        assert line.amount == line.gross - line.reduction
        assert 0 <= line.amount <= line.gross
        assert bool(line.reduced_by) >= bool(line.reduction)
        assert line.reasons


@given(schedules(), st.lists(cases, min_size=1, max_size=5))
def test_columns_give_what_rows_give(schedule: Schedule, drawn: list[Case]) -> None:
    plan = Plan(schedule, "service", DAY)
    columns = {
        "value": np.array([case["value"] for case in drawn], np.uint64),
        "units": np.array([case.get("units", 3) for case in drawn], np.uint64),
        "place": np.array([plan.place("place", case["place"]) for case in drawn]),
        "payer": np.array([plan.place("payer", case.get("payer", "")) for case in drawn]),
    }
    assert (plan.columns(columns, len(drawn)) == plan.matrix(drawn)).all()


@pytest.mark.parametrize(
    ("facts", "field", "rule"),
    [
        ({}, "facts.pages", "facts.missing"),
        ({"pages": 1, "sheets": 1}, "facts.sheets", "facts.unknown"),
        ({"pages": "1"}, "facts.pages", "facts.type"),
        ({"pages": True}, "facts.pages", "facts.type"),
        ({"pages": 11}, "facts.pages", "facts.range"),
        ({"pages": 1, "stage": "second"}, "facts.stage", "facts.choice"),
        ({"pages": 1, "payer": "king"}, "facts.payer", "facts.choice"),
        ({"pages": 1, "stage": "none"}, "facts", "facts.nothing_charged"),
    ],
)
def test_a_wrong_fact_is_refused_by_its_path_and_rule(facts: Case, field: str, rule: str) -> None:
    with pytest.raises(AssessmentError) as refused:
        assess(_pages(), "copies", facts, day=DAY)
    assert (refused.value.field, refused.value.rule) == (field, rule)


def test_an_unknown_service_is_refused_and_the_known_ones_are_told() -> None:
    with pytest.raises(AssessmentError, match="copies") as refused:
        assess(_pages(), "copy", {}, day=DAY)
    assert refused.value.rule == "service.unknown"


def test_a_row_counts_on_its_own_days() -> None:
    fees = [
        {"code": "copy", "kind": "fixed", "amount": 5, "until": "2026-03-20"},
        {"code": "copy", "kind": "fixed", "amount": 7, "from": "2026-03-21"},
    ]
    schedule = _of(fees)
    assert assess(schedule, "copies", {}, day=DAY - timedelta(days=1)).total == 5
    assert assess(schedule, "copies", {}, day=DAY).total == 7
    assert Plan(schedule, "copies", DAY).lines[0].kind is LineKind.FEE
    with pytest.raises(AssessmentError, match=r"service\.not_charged"):
        assess(_of(fees[1:]), "copies", {}, day=date(2020, 1, 1))


def test_a_fact_beyond_its_range_gives_a_status_and_leaves_its_neighbours() -> None:
    plan = Plan(_pages(), "copies", DAY)
    facts = plan.columns({"pages": np.array([1, 11, 10], np.uint64)}, 3)
    found = plan.reckon(facts)
    assert found.statuses.tolist() == [0, CaseStatus.FACT_OUT_OF_RANGE, 0]
    assert found.totals.tolist() == [100, 0, 1_000]


def _pages() -> Schedule:
    fact = {"code": "pages", "kind": "count", "max": 10, **TITLES}
    stage = {"code": "stage", "kind": "choice", "choices": ["first", "none"], "default": "first"}
    fee = {"code": "copy", "kind": "per_unit", "of": "pages", "amount": 100}
    return _of([fee | {"when": {"stage": "first"}}], fact=[fact, stage | TITLES])


def _of(fees: list[Case], **more: Any) -> Schedule:
    rows = [{**fee, "share_tree": "all", **TITLES} for fee in fees]
    return schedule_of([{"code": "copies", "fee": rows, **TITLES, **BASIS, **more}])
