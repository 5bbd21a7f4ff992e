"""The seed catalogue charges what was reckoned by hand."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.lateness import Unpaid, at_payment
from payvand.switch.fees.assessment.lines import LineKind
from payvand.switch.fees.assessment.plan import Plan
from payvand.switch.fees.catalogue.reading import parse
from payvand.switch.rules.solar_hijri import parse_day

SEEDS = Path(__file__).parents[3] / "examples" / "fees"
CASES = tomllib.loads((Path(__file__).parent / "golden.toml").read_text(encoding="utf-8"))["case"]
SCHEDULES = {
    path.stem: parse(path.read_text(encoding="utf-8")) for path in sorted(SEEDS.glob("*.toml"))
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join([*case["of"], case["day"]]))
def test_a_case_costs_what_was_reckoned_by_hand(case: dict[str, Any]) -> None:
    agency, service = case["of"]
    schedule, day = SCHEDULES[agency], parse_day(case["day"])
    found = assess(schedule, service, case["facts"], day=day)
    assert [line.amount for line in found.lines] == case["lines"]
    assert found.total == case["total"]
    plan = Plan(schedule, service, day)
    assert plan.reckon(plan.matrix([case["facts"]])).totals.tolist() == [case["total"]]
    if "paid_on" not in case:
        return
    unpaid = [Unpaid(one.fee, one.kind, one.amount, one.share_tree) for one in found.lines]
    due, paid_on = parse_day(case["due"]), parse_day(case["paid_on"])
    late = at_payment(schedule, service, unpaid, due=due, day=paid_on)
    is_rebate = [line.kind is LineKind.REBATE for line in late]
    assert all(is_rebate) if "rebates" in case else not any(is_rebate)
    assert [line.amount for line in late] == case.get("rebates", case.get("late"))


def test_each_service_of_the_seed_catalogue_has_a_case() -> None:
    known = {(name, code) for name, schedule in SCHEDULES.items() for code in schedule.services}
    assert known == {tuple(case["of"]) for case in CASES}
