"""Amounts are exact: what a text says is kept to the minor unit, or refused by a named rule."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.units import AMOUNT_MAX, IRR, UNITS, AmountError, Unit, toman_text, unit_of
from tests.support.vectors import vectors

QERAN = Unit(code="NEW", ledger=9, exponent=2)
WHOLE = st.integers(0, AMOUNT_MAX)


@given(WHOLE)
def test_an_amount_in_digits_is_itself(amount: int) -> None:
    assert IRR.parse(str(amount)) == amount


@given(WHOLE, st.integers(0, 9), st.integers(0, 9))
def test_zeros_around_an_amount_say_nothing(amount: int, before: int, after: int) -> None:
    text = f"{'0' * before}{amount}.{'0' * after}"
    assert IRR.parse(text) == amount


@given(WHOLE)
def test_minor_digits_are_kept_exactly(amount: int) -> None:
    whole, minor = divmod(amount, 100)
    assert QERAN.parse(f"{whole}.{minor:02}") == amount
    assert QERAN.parse(f"{whole}.{minor:02}000") == amount


@given(st.sampled_from([IRR, QERAN]), WHOLE)
def test_what_is_printed_is_read_back(unit: Unit, amount: int) -> None:
    number, code = unit.format(amount).split(" ")
    assert code == unit.code
    assert unit.parse(number.replace(",", "")) == amount


@given(st.sampled_from([IRR, QERAN]), st.text("0123456789.-+eE, ", max_size=25) | st.text())
def test_a_text_is_refused_or_worth_exactly_what_it_says(unit: Unit, text: str) -> None:
    try:
        amount = unit.parse(text)
    except AmountError as error:
        assert error.rule.startswith("amount.")
        assert error.hint
    else:
        assert 0 <= amount <= AMOUNT_MAX
        assert Decimal(amount).scaleb(-unit.exponent) == Decimal(text)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "amount.missing"),
        ("-1", "amount.negative"),
        ("-", "amount.negative"),
        ("+1", "amount.characters"),
        ("1e3", "amount.exponent"),
        ("1E3", "amount.exponent"),
        ("1,000", "amount.characters"),
        ("1_000", "amount.characters"),
        (" 1", "amount.characters"),
        ("۱", "amount.characters"),
        ("²", "amount.characters"),
        (".5", "amount.characters"),
        (".", "amount.characters"),
        ("1.2.3", "amount.characters"),
        ("0x10", "amount.characters"),
        ("NaN", "amount.characters"),
        ("1.5", "amount.fraction"),
        (str(AMOUNT_MAX + 1), "amount.overflow"),
        ("1" * 41, "amount.overflow"),
        ("0" * 41, "amount.overflow"),
        ("1." + "0" * 40, "amount.overflow"),
    ],
)
def test_the_rule_that_is_broken_is_named(text: str, rule: str) -> None:
    with pytest.raises(AmountError) as refused:
        IRR.parse(text)
    assert refused.value.rule == rule


def test_an_exponent_counts_towards_the_overflow() -> None:
    assert QERAN.parse("184467440737095516.15") == AMOUNT_MAX
    with pytest.raises(AmountError) as refused:
        QERAN.parse("184467440737095516.16")
    assert refused.value.rule == "amount.overflow"


def test_a_unit_is_found_by_its_code_alone() -> None:
    assert unit_of("IRR") is IRR
    for code in ("irr", "EUR", "", "IRR "):
        with pytest.raises(AmountError) as refused:
            unit_of(code)
        assert refused.value.rule == "unit.unknown"


def test_every_unit_has_a_ledger_of_its_own() -> None:
    assert len({unit.ledger for unit in UNITS.values()}) == len(UNITS)


def test_rials_are_printed_in_groups_and_without_fraction() -> None:
    assert IRR.format(1_250_000) == "1,250,000 IRR"
    assert QERAN.format(5) == "0.05 NEW"


@pytest.mark.parametrize(
    "vector", [one for one in vectors("currency") if "toman_display" in one], ids=str
)
def test_amounts_are_shown_in_toman_as_the_reference_has_them(vector: dict[str, str]) -> None:
    shown = toman_text(int(vector["current_rial"]))
    assert shown == vector["toman_display"].partition(":")[0]
