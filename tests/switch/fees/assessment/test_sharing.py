"""Shares sum to the amount, to the rial, along whatever tree."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.fees.assessment.lines import AssessmentError
from payvand.switch.fees.assessment.sharing import resolve
from payvand.switch.fees.catalogue.reading import parse
from payvand.switch.fees.catalogue.schedule import AMOUNT_MAX, Schedule, Share
from tests.support.fee_schedules import (
    BASIS,
    DAY,
    TITLES,
    amounts,
    cases,
    schedule_of,
    share_rows,
)
from tests.support.vectors import vectors

SEEDS = Path(__file__).parents[4] / "examples" / "fees"
SERVICE = {
    "code": "service",
    "fact": [
        {"code": "value", "kind": "amount", "default": 0, **TITLES},
        {"code": "units", "kind": "count", "default": 0, **TITLES},
        {
            "code": "place",
            "kind": "choice",
            "choices": ["village", "town", "road"],
            "default": "town",
            **TITLES,
        },
    ],
    "fee": [{"code": "fee", "kind": "fixed", "amount": 1, "share_tree": "all", **TITLES}],
}


@given(share_rows(), cases, st.lists(amounts, min_size=1, max_size=20))
def test_shares_sum_to_the_amount_and_are_those_of_the_largest_remainder(
    rows: list[dict[str, Any]], case: dict[str, Any], drawn: list[int]
) -> None:
    schedule = _shared(rows)
    shares = resolve(schedule, "service", "all", case, day=DAY)
    root = schedule.share_trees["all"][0].root
    known = {"payer": "", **case}
    many = shares.divide_many(np.array(drawn, np.uint64))
    for index, amount in enumerate(drawn):
        parts = shares.divide(amount)
        assert sum(parts) == amount
        assert tuple(many[index].tolist()) == parts
        told = [(one.code, part) for one, part in zip(shares.beneficiaries, parts, strict=True)]
        assert told == _naively(root, known, amount)


def _naively(node: Share, facts: dict[str, Any], amount: int) -> list[tuple[str, int]]:
    """Divide by fractions, by the words of the rule."""
    if node.beneficiary:
        return [(node.beneficiary, amount)]
    if node.has_cases:
        case = next(one for one in node.shares if one.condition.holds(facts))
        return _naively(case, facts, amount)
    total = sum(one.parts for one in node.shares)
    exact = [Fraction(amount * one.parts, total) for one in node.shares]
    parts = [int(one) for one in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: parts[index] - exact[index])
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return [
        leaf
        for one, part in zip(node.shares, parts, strict=True)
        for leaf in _naively(one, facts, part)
    ]


SCHEMES = {
    "traffic_fine_art23": (
        "traffic-police",
        "fine",
        "traffic_fine",
        {"place": "road"},
        ["roads_or_municipality", "traffic_police", "bodily_injury_fund"],
    ),
    "vat_art38_at_9pct (1/9 health, rest half and half)": (
        "tax",
        "value_added_tax",
        "value_added_tax",
        {"sales": 0},
        ["health_ministry", "general_revenue", "municipalities"],
    ),
}


@pytest.mark.parametrize(
    "vector",
    [one for one in vectors("fee_split") if one["scheme"] in SCHEMES],
    ids=lambda vector: f"{vector['scheme'][:12]}-{vector['total_rial']}",
)
def test_public_splits_are_exact(vector: dict[str, Any]) -> None:
    agency, service, tree, facts, names = SCHEMES[vector["scheme"]]
    schedule = parse((SEEDS / f"{agency}.toml").read_text(encoding="utf-8"))
    shares = resolve(schedule, service, tree, facts, day=DAY)
    assert dict(zip(names, shares.divide(vector["total_rial"]), strict=True)) == vector["expect"]


def test_where_the_fine_was_earned_decides_who_gets_the_greater_part() -> None:
    schedule = parse((SEEDS / "traffic-police.toml").read_text(encoding="utf-8"))
    town = resolve(schedule, "fine", "traffic_fine", {"place": "village"}, day=DAY)
    assert [one.code for one in town.beneficiaries] == [
        "municipalities",
        "village_councils",
        "traffic_police",
        "bodily_injury_fund",
    ]
    assert town.divide(1_000_000) == (420_000, 180_000, 150_000, 250_000)


def test_a_tree_divides_by_the_row_of_the_day() -> None:
    early = {"code": "all", "until": "2026-03-20", "share": [{"beneficiary": "b0"}]}
    late = {"code": "all", "from": "2026-03-21", "share": [{"beneficiary": "b1"}]}
    rows = [{**row, **TITLES, **BASIS} for row in (early, late)]
    schedule = schedule_of([SERVICE], share_tree=rows)
    before = resolve(schedule, "service", "all", {}, day=DAY - timedelta(days=1))
    assert [one.code for one in before.beneficiaries] == ["b0"]
    assert resolve(schedule, "service", "all", {}, day=DAY).beneficiaries[0].code == "b1"
    with pytest.raises(AssessmentError, match=r"share_tree\.unknown"):
        resolve(schedule, "service", "none", {}, day=DAY)


@given(share_rows())
def test_the_greatest_amount_is_divided_too(rows: list[dict[str, Any]]) -> None:
    shares = resolve(_shared(rows), "service", "all", {}, day=DAY)
    assert sum(shares.divide(AMOUNT_MAX)) == AMOUNT_MAX


def _shared(rows: list[dict[str, Any]]) -> Schedule:
    tree = {"code": "all", "share": rows, **TITLES, **BASIS}
    return schedule_of([SERVICE], share_tree=[tree])
