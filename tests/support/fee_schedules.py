"""Schedules of fees that nobody would write, and cases for them."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

from payvand.switch.fees.catalogue.reading import read
from payvand.switch.fees.catalogue.schedule import AMOUNT_MAX, Schedule
from payvand.switch.rules.table_row import TableRow

__all__ = ["BASIS", "DAY", "IBANS", "TITLES", "cases", "schedule_of", "schedules", "share_rows"]

DAY = date(2026, 3, 21)
IBANS = (
    "IR450104000000000000001001",
    "IR810104000000000000002002",
    "IR200104000000000000003003",
    "IR560104000000000000004004",
)
TITLES = {"title_en": "a title", "title_fa": "عنوان"}
BASIS = {"legal_basis": "a law"}
CLASSES = ("veteran", "insured")
PLACES = ("village", "town", "road")

rates = st.one_of(
    st.integers(0, 1_000_000),
    st.sampled_from([0, 1, 35_000, 90_000, 333_333, 500_000, 1_000_000, 1_000_000_000]),
)
amounts = st.one_of(
    st.integers(0, 10_000), st.integers(0, AMOUNT_MAX), st.sampled_from([0, 1, AMOUNT_MAX])
)
conditions = st.fixed_dictionaries(
    {},
    optional={
        "place": st.lists(st.sampled_from(PLACES), min_size=1, unique=True),
        "payer": st.lists(st.sampled_from(CLASSES), min_size=1, unique=True),
    },
)
rounding = st.fixed_dictionaries(
    {},
    optional={
        "rounding": st.sampled_from(["half_up", "up", "down"]),
        "round_to": st.sampled_from([1, 7, 1_000, 10_000]),
    },
)


def schedule_of(services: list[dict[str, Any]], **top: Any) -> Schedule:
    """Return a schedule with *services*, and other tables of *top*."""
    content = {
        "agency": "town-hall",
        "sector": "municipality",
        "edition": "1405",
        **TITLES,
        "beneficiary": [
            {"code": f"b{index}", "kind": "agency", "iban": account, **TITLES}
            for index, account in enumerate(IBANS)
        ],
        "payer_class": [{"code": code, **TITLES} for code in CLASSES],
        "share_tree": [{"code": "all", "share": [{"beneficiary": "b0"}], **TITLES, **BASIS}],
        "service": [{**TITLES, **BASIS, **service} for service in services],
        **top,
    }
    return read(TableRow("", content))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    """Draw a schedule with one service, named `service`."""
    fees = [_fee(draw, index) for index in range(draw(st.integers(1, 6)))]
    service = {
        "code": "service",
        "fact": [
            {"code": "value", "kind": "amount", **TITLES},
            {"code": "units", "kind": "count", "default": 3, **TITLES},
            {"code": "place", "kind": "choice", "choices": list(PLACES), **TITLES},
        ],
        "fee": fees,
        "reduction": [_reduction(draw, index, fees) for index in range(draw(st.integers(0, 3)))],
    }
    return schedule_of([service])


def _fee(draw: st.DrawFn, index: int) -> dict[str, Any]:
    kinds = ["fixed", "per_unit", "percentage", "banded", "ranged"] + ["relational"] * bool(index)
    kind = draw(st.sampled_from(kinds))
    fee: dict[str, Any] = {"code": f"f{index}", "kind": kind, "share_tree": "all", **TITLES}
    fee |= draw(rounding)
    if when := draw(conditions):
        fee["when"] = when
    if kind in ("fixed", "per_unit"):
        fee["amount"] = draw(amounts)
    if kind == "per_unit":
        fee |= {"of": "units", "units_free": draw(st.integers(0, 5))}
    if kind == "percentage":
        fee |= {"of": "value", "per_million": draw(rates)}
    if kind == "relational":
        fee |= {"of": f"f{draw(st.integers(0, index - 1))}", "per_million": draw(rates)}
    if kind in ("banded", "ranged"):
        starts = [0, *sorted(draw(st.sets(st.integers(1, 5_000), max_size=4)))]
        fee |= {"of": draw(st.sampled_from(["value", "units"])), "band": []}
        for above in starts:
            band = {"above": above, "per_million": draw(rates)}
            fee["band"].append(band | ({"amount": draw(amounts)} if kind == "banded" else {}))
    if kind not in ("fixed", "per_unit") and draw(st.booleans()):
        low, high = sorted([draw(amounts), draw(amounts)])
        fee |= {"min": low, "max": high}
    if draw(st.booleans()):
        tax = {"per_million": draw(st.integers(1, 1_000_000)), "included": draw(st.booleans())}
        fee["value_added"] = {**tax, "share_tree": "all"}
    return fee


def _reduction(draw: st.DrawFn, index: int, fees: list[dict[str, Any]]) -> dict[str, Any]:
    reduction = {"code": f"r{index}", "per_million": draw(st.integers(1, 1_000_000)), **TITLES}
    if when := draw(conditions):
        reduction["when"] = when
    if draw(st.booleans()):
        reduction["max"] = draw(amounts)
    if draw(st.booleans()):
        reduction["fees"] = [draw(st.sampled_from(fees))["code"]]
    return reduction


cases = st.fixed_dictionaries(
    {
        "value": st.one_of(st.integers(0, 6_000), amounts),
        "place": st.sampled_from(PLACES),
    },
    optional={
        "units": st.one_of(st.integers(0, 10), st.integers(0, 10**9)),
        "payer": st.sampled_from(("", *CLASSES)),
    },
)
"""Facts for what `schedules` draws."""


@st.composite
def share_rows(draw: st.DrawFn, depth: int = 3) -> list[dict[str, Any]]:
    """Draw the shares below a node of a share tree."""
    count = draw(st.integers(1, 5))
    has_cases = draw(st.booleans())
    rows: list[dict[str, Any]] = []
    for index in range(count):
        row: dict[str, Any] = {}
        if not has_cases:
            row["parts"] = draw(st.one_of(st.integers(1, 9), st.integers(1, 1_000_000)))
        elif index < count - 1:
            row["when"] = draw(conditions.filter(bool))
        if depth and draw(st.booleans()):
            row["share"] = draw(share_rows(depth - 1))
        else:
            row["beneficiary"] = f"b{draw(st.integers(0, 3))}"
        rows.append(row)
    return rows
