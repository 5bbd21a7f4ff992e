"""What the past would have brought is what each of its cases would have cost."""

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.lines import AssessmentError
from payvand.switch.fees.assessment.what_if import PastCase, what_if
from payvand.switch.fees.catalogue.schedule import Schedule
from tests.support.fee_schedules import DAY, cases, schedules


def _alone(schedule: Schedule, case: PastCase) -> int:
    try:
        return assess(schedule, case.service, case.facts, day=case.day).total
    except AssessmentError:
        return 0


@given(
    schedules(),
    schedules(),
    st.lists(st.tuples(st.integers(0, 2), cases | st.just({"value": 1})), max_size=12),
)
def test_the_past_under_a_draft_is_each_case_under_the_draft(
    before: Schedule, after: Schedule, drawn: list[tuple[int, dict[str, Any]]]
) -> None:
    past = [PastCase("service", DAY + timedelta(days=days), facts) for days, facts in drawn]
    found = what_if(before, after, past).services
    if not past:
        assert found == {}
        return
    change = found["service"]
    totals = [(_alone(before, case), _alone(after, case)) for case in past]
    assert change.cases == len(past)
    assert change.before == sum(was for was, _ in totals)
    assert change.after == sum(would_be for _, would_be in totals)
    assert change.dearer == sum(was < would_be for was, would_be in totals)
    assert change.cheaper == sum(was > would_be for was, would_be in totals)
