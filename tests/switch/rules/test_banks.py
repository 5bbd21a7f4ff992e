"""Banks and issuer numbers: the table that comes with the switch, and succession day by day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.rules import banks
from payvand.switch.rules.banks import Banks, Holding
from payvand.switch.rules.rulebook import load
from payvand.switch.rules.solar_hijri import parse_day
from payvand.switch.rules.table_row import RulesError
from tests.support.vectors import content

TABLE = load().banks
TODAY = parse_day("1405-09-03")

HEAD = 'version = "1"\nsource = "a test"\n'


def table(*rows: str) -> Banks:
    return banks.parse(HEAD + "".join(f"[[bank]]\n{row}\n" for row in rows))


def row(code: str, more: str = "") -> str:
    return f'code = "{code}"\nname_en = "Bank {code}"\nname_fa = "بانک {code}"\n{more}'


def rule(work: object, *arguments: object) -> str:
    assert callable(work)
    with pytest.raises(IdentifierError) as refused:
        work(*arguments)
    assert refused.value.hint
    return refused.value.rule


@pytest.mark.parametrize("bank", content("banks")["banks"], ids=lambda bank: bank["code"])
def test_the_table_of_the_switch_holds_the_reference_banks(bank: dict[str, object]) -> None:
    code = str(bank["code"])
    entry = TABLE.banks[code]
    assert (entry.name_fa, entry.bic) == (bank["name_fa"], bank["bic8"] or "")
    holder = TABLE.holder(code, TODAY)
    assert holder.bank.code == bank.get("successor_code", code)
    for digits in bank["bins"]:  # type: ignore[attr-defined]
        assert TABLE.issuer(digits + "0" * 10, TODAY).code == code


def test_a_dissolved_bank_is_its_own_until_its_last_day() -> None:
    last = parse_day("1404-08-02")
    assert TABLE.holder("062", last).bank.code == "062"
    after = TABLE.holder("062", last + timedelta(days=1))
    assert (after.bank.code, after.code) == ("017", "062")
    assert [(step.code, step.successor, step.last) for step in after.successions] == [
        ("062", "017", last)
    ]
    assert TABLE.issuer("636214", last).bank.code == "062"
    assert TABLE.issuer("6362140000000000", TODAY).bank.code == "017"


def test_a_bank_merged_nobody_knows_when_is_its_successors_on_every_day() -> None:
    for day in (date(1990, 1, 1), TODAY):
        holding = TABLE.holder("063", day)
        assert holding.bank.code == "015"
        assert holding.successions[0].last == date.min


def test_unknown_unissued_and_retired_codes_are_refused_apart() -> None:
    banks_ = table(
        row("001", 'from = "1404-01-01"\nuntil = "1404-06-31"\nbins = ["600001"]'),
        row("002"),
    )
    before, during, after = map(parse_day, ("1403-12-30", "1404-03-01", "1404-07-01"))
    assert rule(banks_.holder, "296", during) == "bank_code.unknown"
    assert rule(banks_.holder, "001", before) == "bank_code.unissued"
    assert banks_.holder("001", during).bank.code == "001"
    assert rule(banks_.holder, "001", after) == "bank_code.retired"
    assert rule(banks_.issuer, "627593", during) == "bin.unknown"
    assert rule(banks_.issuer, "600001", after) == "bank_code.retired"


def test_an_issuer_number_has_days_of_its_own() -> None:
    text = row("001") + (
        '\n[[bin]]\ndigits = "600001"\nbank = "001"\nfrom = "1404-01-01"\nuntil = "1404-06-31"'
    )
    banks_ = table(text)
    assert rule(banks_.issuer, "600001", parse_day("1403-12-30")) == "bin.unissued"
    assert banks_.issuer("600001", parse_day("1404-06-31")).bank.code == "001"
    assert rule(banks_.issuer, "600001", parse_day("1404-07-01")) == "bin.retired"


@given(
    st.lists(st.dates(date(2000, 1, 1), date(2050, 1, 1)), min_size=1, max_size=8, unique=True),
    st.dates(date(1999, 1, 1), date(2051, 1, 1)),
)
def test_a_chain_of_successors_leads_to_the_one_whose_day_it_is(
    lasts: list[date], day: date
) -> None:
    lasts.sort()
    rows = [
        row(f"{index:03}", f'until = "{last}"\nsuccessor = "{index + 1:03}"')
        for index, last in enumerate(lasts)
    ]
    holding: Holding = table(*rows, row(f"{len(lasts):03}")).holder("000", day)
    assert holding.bank.code == f"{sum(last < day for last in lasts):03}"
    assert [step.code for step in holding.successions] == [
        f"{index:03}" for index in range(int(holding.bank.code))
    ]


@pytest.mark.parametrize(
    ("rows", "path", "rule_"),
    [
        ([], "bank", "rules.missing"),
        ([row("17")], "bank[0].code", "banks.code"),
        ([row("01۷")], "bank[0].code", "banks.code"),
        ([row("017"), row("017")], "bank[1].code", "banks.twice"),
        ([row("017", 'bins = ["12345"]')], "bank[0].bins", "banks.bin"),
        (
            [row("017", 'bins = ["603799"]'), row("018", 'bins = ["603799"]')],
            "bank[1].bins",
            "banks.twice",
        ),
        ([row("062", 'successor = "017"')], "bank[0].until", "banks.until"),
        (
            [row("062", 'until = "1404-08-02"\nsuccessor = "017"')],
            "bank[0].successor",
            "banks.missing",
        ),
        (
            [
                row("001", 'until = "1404-08-02"\nsuccessor = "002"'),
                row("002", 'until = "1404-08-02"\nsuccessor = "001"'),
            ],
            "bank[0].successor",
            "banks.circle",
        ),
        ([row("017", 'until = "1404-12-30"')], "bank[0].until", "date.range"),
        ([row("017", 'until = "soon"')], "bank[0].until", "date.form"),
        (
            [row("017", 'from = "1404-02-01"\nuntil = "1404-01-01"')],
            "bank[0].until",
            "rules.validity",
        ),
        ([row("017", 'colour = "red"')], "bank[0].colour", "rules.key"),
        ([row("017") + '[[bin]]\ndigits = "603799"\nbank = "099"'], "bin", "banks.missing"),
    ],
)
def test_a_table_that_does_not_fit_together_is_refused(
    rows: list[str], path: str, rule_: str
) -> None:
    with pytest.raises(RulesError) as refused:
        table(*rows)
    assert (refused.value.path, refused.value.rule) == (path, rule_)
    assert refused.value.hint
