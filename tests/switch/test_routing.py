"""Where accounts lead, held against a naive reading of the same tables, day by day for a year."""

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.switch.participant import Participant
from payvand.switch.routing import Routing
from payvand.switch.rules import banks
from payvand.switch.rules.rulebook import shipped_text
from payvand.switch.rules.solar_hijri import parse_day

FIRST = parse_day("1404-01-01")
YEAR = [FIRST + timedelta(days=days) for days in range(365)]
CODES = [f"{code:03}" for code in range(12)]
SEARCH_DAYS = (*YEAR[::13], YEAR[-1])


def participant(number: int, *codes: str) -> Participant:
    return Participant(
        number=number,
        name=f"bank-{number}",
        role=1,
        display_name="",
        bank_codes=codes,
        ibans=(),
        net_debit_cap=0,
        unit="IRR",
        auto_accept=False,
    )


def naive(
    rows: Mapping[str, Mapping[str, Any]], own: Mapping[str, str], code: str, day: date
) -> str:
    """Return the name of the participant that a code leads to, or the rule that refuses it."""
    if code not in rows:
        return own.get(code, "bank_code.unknown")
    holder = code
    while True:
        row = rows[holder]
        if row.get("until") == "unknown":
            ended = True
        elif "from" in row and day < parse_day(row["from"]):
            return "bank_code.unissued"
        else:
            ended = "until" in row and day > parse_day(row["until"])
        if not ended:
            return own.get(holder) or own.get(code) or "route.unknown"
        if not row.get("successor"):
            return "bank_code.retired"
        holder = row["successor"]


def led(routing: Routing, code: str) -> str:
    iban = f"IR00{code}"
    route = routing.route(iban)
    return route.name if route else routing.refusal(iban).rule


def test_every_code_of_every_day_of_a_year_leads_where_the_naive_reading_says() -> None:
    text = shipped_text("banks")
    rows = {row["code"]: row for row in tomllib.loads(text)["bank"]}
    table = banks.parse(text)
    participants = [
        participant(1, "017"),
        participant(2, "012", "013"),
        participant(3, "015", "063"),
        participant(4, "062"),
        participant(5, "998"),
    ]
    own = {code: one.name for one in participants for code in one.bank_codes}
    codes = [f"{code:03}" for code in range(1_000)]
    seen = set()
    for day in YEAR:
        routing = Routing(participants, banks=table, day=day)
        for code in codes if day.day == 1 else [*rows, "998", "999"]:
            expected = naive(rows, own, code, day)
            assert led(routing, code) == expected, (code, day)
            seen.add((code, expected))
    assert {("062", "bank-4"), ("062", "bank-1"), ("063", "bank-3"), ("998", "bank-5")} <= seen


DAYS = st.sampled_from(YEAR)


@st.composite
def tables(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Rows whose successors go to higher codes, so that they go in no circle."""
    rows: dict[str, dict[str, str]] = {}
    codes = draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True).map(sorted))
    for place, code in enumerate(codes):
        row = {"code": code, "name_en": "a", "name_fa": "b"}
        first = draw(st.none() | DAYS)
        if first:
            row["from"] = first.isoformat()
        last = draw(st.none() | DAYS.filter(lambda day, first=first: not first or day >= first))
        if last:
            row["until"] = last.isoformat()
            successors = codes[place + 1 :]
            if successors and draw(st.booleans()):
                row["successor"] = draw(st.sampled_from(successors))
        rows[code] = row
    return rows


@settings(max_examples=60)
@given(tables(), st.dictionaries(st.sampled_from(CODES), st.integers(1, 4)))
def test_any_table_leads_where_the_naive_reading_says(
    rows: dict[str, dict[str, str]], holders: dict[str, int]
) -> None:
    text = 'version = "1"\nsource = "a test"\n'
    for row in rows.values():
        text += "[[bank]]\n" + "".join(f'{key} = "{value}"\n' for key, value in row.items())
    table = banks.parse(text)
    participants = [
        participant(number, *(code for code, holder in holders.items() if holder == number))
        for number in range(1, 5)
    ]
    own = {code: f"bank-{number}" for code, number in holders.items()}
    for day in SEARCH_DAYS:
        routing = Routing(participants, banks=table, day=day)
        for code in CODES:
            assert led(routing, code) == naive(rows, own, code, day)


@pytest.mark.parametrize("code", ["017", "999"])
def test_without_a_table_the_directory_alone_says(code: str) -> None:
    routing = Routing([participant(1, "017")])
    assert led(routing, code) == ("bank-1" if code == "017" else "route.unknown")
