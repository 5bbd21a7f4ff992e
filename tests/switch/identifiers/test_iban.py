"""An IBAN of this country: what passes, what is refused by which rule, and which slips it tells."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from tests.support.vectors import vectors

IBANS = st.builds(
    iban.make,
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.from_regex(r"[0-9]{1,19}", fullmatch=True),
)


@pytest.mark.parametrize("vector", vectors("iban_sheba"), ids=lambda vector: vector["iban"])
def test_the_reference_vectors_hold(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    text = vector["iban"]
    assert iban.is_valid(text) is expect["checksum_valid"]
    if not expect["checksum_valid"]:
        with pytest.raises(IdentifierError) as refused:
            iban.parse(text)
        assert text not in str(refused.value)
    elif "bank_code" in expect:
        assert iban.parse(text).bank_code == expect["bank_code"]


@given(IBANS)
def test_parsing_and_printing_are_inverse(text: str) -> None:
    assert str(iban.parse(text)) == text
    assert iban.make(text[4:7], text[7:]) == text


@given(st.from_regex(r"[0-9]{3}", fullmatch=True), st.from_regex(r"[0-9]{1,19}", fullmatch=True))
def test_a_made_iban_holds_its_parts(bank_code: str, account: str) -> None:
    assert iban.parse(iban.make(bank_code, account)) == iban.Iban(bank_code, account.rjust(19, "0"))


@given(IBANS, st.integers(2, 25), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_told(text: str, place: int, digit: str) -> None:
    assume(text[place] != digit)
    assert not iban.is_valid(text[:place] + digit + text[place + 1 :])


@given(IBANS, st.integers(2, 24))
def test_two_digits_changed_round_are_told(text: str, place: int) -> None:
    assume(text[place] != text[place + 1])
    turned = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    assert not iban.is_valid(turned)


@given(st.text() | IBANS.map(str.lower) | IBANS.map(lambda text: text + "\n"))
def test_is_valid_and_parse_agree_on_any_text(text: str) -> None:
    try:
        iban.parse(text)
    except IdentifierError as error:
        assert error.hint
        assert not iban.is_valid(text)
    else:
        assert iban.is_valid(text)


GOOD = iban.make("017", "1234567890")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "iban.length"),
        (GOOD[:-1], "iban.length"),
        (GOOD + "0", "iban.length"),
        (" " + GOOD, "iban.length"),
        ("DE" + GOOD[2:], "iban.country"),
        ("ir" + GOOD[2:], "iban.country"),
        (GOOD[:10] + "A" + GOOD[11:], "iban.characters"),
        (GOOD[:10] + "۱" + GOOD[11:], "iban.characters"),
        (GOOD[:10] + "²" + GOOD[11:], "iban.characters"),
        (GOOD[:10] + " " + GOOD[11:], "iban.characters"),
        (GOOD[:2] + "99" + GOOD[4:], "iban.check_digits"),
    ],
)
def test_the_rule_that_is_broken_is_named(text: str, rule: str) -> None:
    with pytest.raises(IdentifierError) as refused:
        iban.parse(text)
    assert refused.value.rule == rule


@given(st.from_regex(r"[0-9]{22}", fullmatch=True))
def test_an_account_has_one_number_only(bban: str) -> None:
    """Check digits that leave the same remainder (00 and 97, 01 and 98, 02 and 99) are not two."""
    numbers = [f"IR{check:02}{bban}" for check in range(100)]
    assert sum(map(iban.is_valid, numbers)) == 1


@pytest.mark.parametrize(
    ("bank_code", "account", "rule"),
    [
        ("17", "1", "iban.length"),
        ("0017", "1", "iban.length"),
        ("017", "", "iban.length"),
        ("017", "1" * 20, "iban.length"),
        ("01۷", "1", "iban.characters"),
        ("017", "1 2", "iban.characters"),
        ("017", "-1", "iban.characters"),
    ],
)
def test_an_iban_is_not_made_of_what_is_no_account(bank_code: str, account: str, rule: str) -> None:
    with pytest.raises(IdentifierError) as refused:
        iban.make(bank_code, account)
    assert refused.value.rule == rule
