"""A schedule is read whole or not at all, and each fault is told by its path and rule."""

from pathlib import Path
from typing import Any

import pytest

from payvand.switch.directory_file import load
from payvand.switch.fees.catalogue.reading import parse, read
from payvand.switch.fees.catalogue.schedule import SECTORS
from payvand.switch.rules.checking import faults_in
from payvand.switch.rules.table_row import RulesError
from tests.support.fee_schedules import BASIS, TITLES, schedule_of

SEEDS = sorted((Path(__file__).parents[4] / "examples" / "fees").glob("*.toml"))
FIXED = {"code": "fee", "kind": "fixed", "amount": 5, "share_tree": "all", **TITLES}
COUNT = {"code": "pages", "kind": "count", **TITLES}
VALUE = {"code": "value", "kind": "amount", **TITLES}
PLACE = {"code": "place", "kind": "choice", "choices": ["town", "road"], **TITLES}


def test_the_seed_catalogue_has_each_sector_and_no_fault() -> None:
    schedules = [parse(path.read_text(encoding="utf-8")) for path in SEEDS]
    assert {one.sector for one in schedules} == set(SECTORS)
    assert [one.agency for one in schedules] == [path.stem for path in SEEDS]
    kinds = {fee.kind for one in schedules for s in one.services.values() for fee in s.fees}
    assert kinds == {"fixed", "per_unit", "percentage", "banded", "ranged", "relational"}


def test_each_share_of_the_seed_catalogue_leads_to_somebody_who_takes_part() -> None:
    entries = load(SEEDS[0].parents[1] / "fee_participants.toml")
    known = {iban for entry in entries for iban in entry.ibans}
    schedules = [parse(path.read_text(encoding="utf-8")) for path in SEEDS]
    assert {one.agency for one in schedules} <= {entry.name for entry in entries}
    assert {b.iban for one in schedules for b in one.beneficiaries.values()} <= known


def _tree(*shares: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"code": "all", "share": list(shares), **TITLES, **BASIS, **more}


SERVICE_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"fee": [FIXED | {"kind": "flat"}]}, "service[0].fee[0].kind", "rules.choice"),
    ({"fee": [FIXED | {"code": "Fee"}]}, "service[0].fee[0].code", "fees.code"),
    ({"fee": [FIXED | {"per_million": 5}]}, "service[0].fee[0].per_million", "rules.key"),
    ({"fee": [FIXED | {"amount": -1}]}, "service[0].fee[0].amount", "rules.type"),
    ({"fee": [FIXED | {"amount": 10**19}]}, "service[0].fee[0].amount", "fees.range"),
    ({"fee": [FIXED | {"share_tree": "x"}]}, "service[0].fee[0].share_tree", "fees.unknown"),
    ({"fee": [FIXED, FIXED]}, "service[0].fee", "rules.overlap"),
    ({"fee": [FIXED | {"when": {"place": "town"}}]}, "service[0].fee[0].when.place", "fees.fact"),
    (
        {"fact": [PLACE], "fee": [FIXED | {"when": {"place": "sea"}}]},
        "service[0].fee[0].when.place",
        "fees.unknown",
    ),
    ({"fact": [COUNT, COUNT]}, "service[0].fact[1].code", "fees.twice"),
    ({"fact": [COUNT | {"code": "payer"}]}, "service[0].fact[0].code", "fees.fact"),
    ({"fact": [COUNT | {"min": 5, "max": 4}]}, "service[0].fact[0].max", "fees.range"),
    (
        {"fact": [VALUE], "fee": [FIXED | {"kind": "per_unit", "of": "value"}]},
        "service[0].fee[0].of",
        "fees.fact",
    ),
    (
        {
            "fee": [
                {**FIXED, "kind": "relational", "of": "fee", "per_million": 5} | {"amount": 0},
            ]
        },
        "service[0].fee[0].amount",
        "rules.key",
    ),
    (
        {
            "fee": [
                FIXED | {"from": "1405-01-01"},
                {"code": "part", "kind": "relational", "of": "fee", "per_million": 5}
                | {"share_tree": "all", **TITLES},
            ]
        },
        "service[0].fee[1].of",
        "fees.gap",
    ),
    (
        {
            "fee": [
                {"code": "part", "kind": "relational", "of": "fee", "per_million": 5}
                | {"share_tree": "all", **TITLES},
                FIXED,
            ]
        },
        "service[0].fee[0].of",
        "fees.relation",
    ),
    (
        {
            "fact": [VALUE],
            "fee": [
                {"code": "band", "kind": "banded", "of": "value", "share_tree": "all", **TITLES}
                | {"band": [{"amount": 1}, {"above": 0, "amount": 2}]}
            ],
        },
        "service[0].fee[0].band[1].above",
        "fees.order",
    ),
    (
        {
            "fee": [FIXED],
            "reduction": [{"code": "r", "per_million": 5, "fees": ["other"], **TITLES}],
        },
        "service[0].reduction[0].fees",
        "fees.unknown",
    ),
    (
        {
            "fee": [FIXED],
            "late": [{"code": "l", "kind": "fine", "per_million": 5, **TITLES}],
        },
        "service[0].late[0].kind",
        "rules.choice",
    ),
]


@pytest.mark.parametrize(("service", "path", "rule"), SERVICE_FAULTS)
def test_a_fault_of_a_service_has_its_path_and_rule(
    service: dict[str, Any], path: str, rule: str
) -> None:
    with pytest.raises(RulesError) as refused:
        schedule_of([{"code": "service", **service}])
    assert (refused.value.path, refused.value.rule) == (path, rule)


B0, B1 = {"beneficiary": "b0"}, {"beneficiary": "b1"}


@pytest.mark.parametrize(
    ("top", "path", "rule"),
    [
        ({"agency": "Town Hall"}, "agency", "fees.agency"),
        ({"sector": "space"}, "sector", "rules.choice"),
        ({"unit": "USD"}, "unit", "fees.unit"),
        ({"company_code": "12"}, "company_code", "fees.digits"),
        ({"colour": "red"}, "colour", "rules.key"),
        (
            {"share_tree": [_tree(B0 | {"parts": 1}, B1)]},
            "share_tree[0].share[1].parts",
            "fees.parts",
        ),
        (
            {"share_tree": [_tree(B0 | {"parts": 0}, B1 | {"parts": 1})]},
            "share_tree[0].share[0].parts",
            "fees.parts",
        ),
        (
            {"share_tree": [_tree(B0, B1)]},
            "share_tree[0].share[0].when",
            "fees.cases",
        ),
        (
            {"share_tree": [_tree(B0 | {"when": {"payer": "veteran"}})]},
            "share_tree[0].share[0].when",
            "fees.cases",
        ),
        (
            {"share_tree": [_tree({"beneficiary": "nobody"})]},
            "share_tree[0].share[0].beneficiary",
            "fees.unknown",
        ),
        ({"share_tree": [_tree(B0, **{"from": "1405-01-01"})]}, None, "fees.gap"),
        ({"share_tree": [_tree(B0), _tree(B1)]}, "share_tree", "rules.overlap"),
    ],
)
def test_a_fault_of_the_schedule_has_its_path_and_rule(
    top: dict[str, Any], path: str | None, rule: str
) -> None:
    with pytest.raises(RulesError) as refused:
        schedule_of([{"code": "service", "fee": [FIXED]}], **top)
    assert refused.value.rule == rule
    assert path is None or refused.value.path == path


def test_all_faults_of_a_text_are_told_with_their_lines() -> None:
    text = SEEDS[0].read_text(encoding="utf-8")
    wrong = text.replace('kind = "percentage"', 'kind = "share"').replace("min = 1\n", "min = -1\n")
    faults = faults_in(wrong, read)
    lines = wrong.splitlines()
    assert len(faults) > 2
    assert {fault.rule for fault in faults} == {"rules.choice", "rules.type"}
    assert all(lines[one.line - 1].startswith(one.path.rpartition(".")[2]) for one in faults)
