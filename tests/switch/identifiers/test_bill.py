"""Bills: both check digits, the barcode, and what generation and parsing owe each other."""

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from payvand.switch.identifiers import bill
from payvand.switch.identifiers.identifier_error import IdentifierError
from tests.support.vectors import vectors

VECTORS = vectors("bill_payment")
BILL_IDS = st.builds(
    bill.make,
    st.from_regex(r"[1-9][0-9]{0,7}", fullmatch=True),
    st.from_regex(r"[0-9]{3}", fullmatch=True),
    st.integers(0, 9),
)
BILLS = st.builds(
    bill.make_payment,
    BILL_IDS,
    st.integers(1, 99_999_999).map(lambda thousands: thousands * bill.AMOUNT_STEP),
    st.integers(0, 9),
    st.integers(0, 99),
)


def rule(*texts: str) -> str:
    with pytest.raises(IdentifierError) as refused:
        bill.parse_pair(*texts) if len(texts) == 2 else bill.parse(*texts)
    assert refused.value.hint
    return refused.value.rule


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "bill_id"])
def test_the_reference_vectors_of_bill_ids_hold(vector: dict[str, Any]) -> None:
    assert bill.is_valid(vector["bill_id"]) is vector["expect"]["bill_id_valid"]


@pytest.mark.parametrize("vector", [v for v in VECTORS if v["kind"] == "pair"])
def test_the_reference_vectors_of_pairs_hold(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    bill_id, payment_id = vector["bill_id"], vector["payment_id"]
    assert bill.is_valid(bill_id) is expect["bill_id_valid"]
    assert bill.is_valid_pair(bill_id, payment_id) is expect["pair_valid"]
    if expect["bill_id_valid"]:
        parsed = bill.parse(bill_id)
        assert parsed.file_code == expect["file_code"]
        assert parsed.company_code == expect["company_code"]
        assert parsed.service_digit == expect["service_digit"]
    if expect["payment_check1_valid"]:
        payment = bill.parse_payment(payment_id)
        assert payment.amount == expect["amount_rial"]
        assert payment.year_digit == expect["year_digit"]
        assert payment.period == expect["period"]
    if "barcode26" in expect:
        assert bill.parse_pair(bill_id, payment_id).barcode == expect["barcode26"]
        assert bill.is_valid_pair(expect["barcode26"][:13], expect["barcode26"][13:])


@given(BILLS)
def test_what_is_made_is_parsed_to_the_same(made: bill.Bill) -> None:
    assert bill.parse_pair(str(made.bill_id), str(made.payment_id)) == made
    assert bill.parse_barcode(made.barcode) == made
    parts = made.payment_id.amount, made.payment_id.year_digit, made.payment_id.period
    assert bill.make_payment(made.bill_id, *parts) == made
    number = made.bill_id
    assert bill.make(number.file_code, number.company_code, number.service_digit) == number


@given(BILLS, st.integers(0, 7), st.integers(0, 7))
def test_padding_says_nothing(made: bill.Bill, before_bill: int, before_payment: int) -> None:
    bill_id = ("0" * before_bill + str(made.bill_id))[-13:]
    payment_id = ("0" * before_payment + str(made.payment_id))[-13:]
    assume(len(bill_id) == before_bill + len(str(made.bill_id)))
    assume(len(payment_id) == before_payment + len(str(made.payment_id)))
    assert bill.parse_pair(bill_id, payment_id) == made


@given(BILLS, st.data())
def test_one_wrong_digit_is_told_but_where_nought_stands_for_two_remainders(
    made: bill.Bill, data: st.DataObject
) -> None:
    barcode = made.barcode
    place = data.draw(st.integers(13 - len(str(made.bill_id)), 12))
    digit = data.draw(st.sampled_from("0123456789"))
    wrong = barcode[:place] + digit + barcode[place + 1 :]
    assume(wrong != barcode)
    # Remainders 0 and 1 both make the check digit 0, and nothing else is confused.
    assume(str(made.bill_id)[-1] != "0" or place == 12)
    assert not bill.is_valid(wrong[:13])


@given(BILLS, st.data())
def test_two_digits_changed_round_are_told_but_where_nought_stands_for_two_remainders(
    made: bill.Bill, data: st.DataObject
) -> None:
    number = str(made.bill_id)
    place = data.draw(st.integers(0, len(number) - 3))
    wrong = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    assume(wrong != number and number[-1] != "0" and wrong[0] != "0")
    assert not bill.is_valid(wrong)


@given(BILLS, BILL_IDS)
def test_a_payment_id_belongs_to_its_bill(made: bill.Bill, other: bill.BillId) -> None:
    again = bill.make_payment(other, made.payment_id.amount, made.payment_id.year_digit, 0)
    belongs = bill.is_valid_pair(str(other), str(made.payment_id))
    expected = bill.make_payment(
        other, made.payment_id.amount, made.payment_id.year_digit, made.payment_id.period
    )
    assert belongs == (expected.payment_id == made.payment_id)
    assert again.bill_id == other


def test_a_printed_barcode_without_padding_is_refused() -> None:
    made = bill.make_payment(bill.make("123", "001", 1), 5000, 1, 2)
    with pytest.raises(IdentifierError) as refused:
        bill.parse_barcode(f"{made.bill_id}000{made.payment_id}")
    assert refused.value.rule == "barcode.length"
    with pytest.raises(IdentifierError) as refused:
        bill.parse_barcode("x" + made.barcode[1:])
    assert refused.value.rule == "barcode.characters"


GOOD = bill.make_payment(bill.make("7748317", "001", 4), 160_000, 3, 61)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("12345",), "bill_id.length"),
        (("12345678901234",), "bill_id.length"),
        (("0000000000000",), "bill_id.length"),
        (("0000000012340",), "bill_id.length"),
        (("12345a",), "bill_id.characters"),
        (("123456",), "bill_id.check_digit"),
        ((str(GOOD.bill_id), "12345"), "payment_id.length"),
        ((str(GOOD.bill_id), "000000000000"), "payment_id.length"),
        ((str(GOOD.bill_id), "1 2345"), "payment_id.characters"),
        ((str(GOOD.bill_id), "123456"), "payment_id.check_digit_1"),
        (("1" + str(GOOD.bill_id), str(GOOD.payment_id)), "bill_id.check_digit"),
        (
            (str(GOOD.bill_id), str(GOOD.payment_id)[:-1] + str(9 - int(str(GOOD.payment_id)[-1]))),
            "payment_id.check_digit_2",
        ),
    ],
)
def test_the_rule_that_is_broken_is_named(texts: tuple[str, ...], expected: str) -> None:
    assert rule(*texts) == expected


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((0, 1, 1), "payment_id.amount"),
        ((-1000, 1, 1), "payment_id.amount"),
        ((1500, 1, 1), "payment_id.amount"),
        ((100_000_000_000, 1, 1), "payment_id.amount"),
        ((1000, 10, 1), "payment_id.parts"),
        ((1000, -1, 1), "payment_id.parts"),
        ((1000, 1, 100), "payment_id.parts"),
    ],
)
def test_a_payment_id_is_not_made_of_parts_that_it_cannot_hold(
    parts: tuple[int, int, int], expected: str
) -> None:
    with pytest.raises(IdentifierError) as refused:
        bill.make_payment(GOOD.bill_id, *parts)
    assert refused.value.rule == expected


@pytest.mark.parametrize(
    "parts",
    [("", "001", 1), ("0123", "001", 1), ("1" * 9, "001", 1), ("1", "01", 1), ("1", "001", 10)],
)
def test_a_bill_id_is_not_made_of_parts_that_it_cannot_hold(parts: tuple[str, str, int]) -> None:
    with pytest.raises(IdentifierError) as refused:
        bill.make(*parts)
    assert refused.value.rule == "bill_id.parts"
