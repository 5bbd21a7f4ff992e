"""The batch forms answer as the plain ones do, one text at a time, whatever the array holds."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.identifiers import (
    bill,
    card,
    foreign_id,
    iban,
    legal_id,
    mobile,
    national_id,
    postal_code,
    treasury,
)
from payvand.switch.identifiers.identifier_error import IdentifierError
from tests.support.vectors import vectors

KINDS: dict[
    str, tuple[Callable[[str], bool], Callable[[npt.NDArray[np.bytes_]], npt.NDArray[np.bool_]]]
] = {
    "iban": (iban.is_valid, iban.are_valid),
    "card": (card.is_valid, card.are_valid),
    "national_id": (national_id.is_valid, national_id.are_valid),
    "bill": (bill.is_valid, bill.are_valid),
    "legal_id": (legal_id.is_valid, legal_id.are_valid),
    "foreign_id": (foreign_id.is_valid, foreign_id.are_valid),
    "postal_code": (postal_code.is_valid, postal_code.are_valid),
    "mobile": (mobile.is_valid, mobile.are_valid),
    "treasury": (treasury.is_valid, treasury.are_valid),
    "treasury_own": (
        partial(treasury.is_valid, scheme=treasury.OWN),
        partial(treasury.are_valid, scheme=treasury.OWN),
    ),
}
LENGTHS = {
    "iban": 26,
    "card": 16,
    "national_id": 10,
    "bill": 13,
    "legal_id": 11,
    "foreign_id": 12,
    "postal_code": 10,
    "mobile": 10,
    "treasury": 30,
    "treasury_own": 30,
}
MOBILE_PREFIXES = ("+98", "0098", "98", "0", "", "+", "00", "+980")


def near(kind: str) -> st.SearchStrategy[bytes]:
    """Texts that are valid, or nearly so, or anything of bytes."""

    def finished(body: str) -> bytes:
        try:
            if kind == "iban":
                return iban.make(body[:3], body[3:22]).encode()
            if kind == "card":
                return card.make(body[:15]).encode()
            if kind == "national_id":
                return national_id.make(body[:9]).encode()
            if kind == "legal_id":
                return legal_id.make(body[:10]).encode()
            if kind == "mobile":
                prefix = MOBILE_PREFIXES[int(body[0]) % len(MOBILE_PREFIXES)]
                return f"{prefix}9{body[1:10]}".encode()
            if kind in ("foreign_id", "postal_code"):
                return body[: LENGTHS[kind]].encode()
            if kind.startswith("treasury"):
                return str(treasury.make(body[:22] + body[:6])).encode()
            return str(bill.make(body[:8].lstrip("0") or "1", body[8:11], int(body[11]))).encode()
        except IdentifierError:
            return body.encode()

    right = st.from_regex(r"[0-9]{22}", fullmatch=True).map(finished)
    spoilt = st.builds(
        lambda text, place, byte: text[:place] + byte + text[place + 1 :],
        right,
        st.integers(0, 31),
        st.binary(min_size=1, max_size=1),
    )
    repeated = st.sampled_from("0123456789").map(lambda digit: (digit * LENGTHS[kind]).encode())
    zeros = st.builds(lambda text: text[:3] + b"000000" + text[9:], right)
    return st.one_of(right, spoilt, repeated, zeros, st.binary(max_size=32))


def as_text(item: bytes) -> str:
    """Read an item as NumPy does: without NUL bytes at its end, and any other byte as it is."""
    return item.rstrip(b"\0").decode("latin-1")


@pytest.mark.parametrize("kind", KINDS)
@given(st.data())
def test_an_array_is_answered_item_by_item(kind: str, data: st.DataObject) -> None:
    is_valid, are_valid = KINDS[kind]
    items = data.draw(st.lists(near(kind), max_size=8))
    width = data.draw(st.integers(max([1, *map(len, items)]), 40))
    texts = np.array(items, f"S{width}")
    assert are_valid(texts).tolist() == [is_valid(as_text(item)) for item in items]


@given(st.lists(st.tuples(near("bill"), near("bill")), max_size=8), st.data())
def test_pairs_of_bills_are_answered_pair_by_pair(
    pairs: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    made = data.draw(st.lists(st.integers(1, 10**8 - 1), max_size=4))
    for number in made:
        one = bill.make_payment(bill.make(str(number), "123", number % 10), number * 1000, 1, 7)
        pairs.append((str(one.bill_id).encode(), str(one.payment_id).encode()))
    bills = np.array([pair[0] for pair in pairs], "S40")
    payments = np.array([pair[1] for pair in pairs], "S40")
    assert bill.are_valid_pairs(bills, payments).tolist() == [
        bill.is_valid_pair(as_text(one), as_text(other)) for one, other in pairs
    ]


def test_the_reference_vectors_hold_in_a_batch() -> None:
    ibans = vectors("iban_sheba")
    answers = iban.are_valid(np.array([vector["iban"].encode() for vector in ibans]))
    assert answers.tolist() == [vector["expect"]["checksum_valid"] for vector in ibans]
    for kind, expected in (("legal_id", "accept"), ("foreign_id", "format_accept")):
        entities = vectors(kind)
        answers = KINDS[kind][1](np.array([vector["value"].encode() for vector in entities]))
        assert answers.tolist() == [vector["expect"][expected] for vector in entities]
    people = vectors("national_id")
    answers = national_id.are_valid(np.array([vector["value"].encode() for vector in people]))
    assert answers.tolist() == [vector["expect"]["accept"] for vector in people]
    bills = [vector for vector in vectors("bill_payment") if vector["kind"] == "pair"]
    answers = bill.are_valid_pairs(
        np.array([vector["bill_id"].encode() for vector in bills]),
        np.array([vector["payment_id"].encode() for vector in bills]),
    )
    assert answers.tolist() == [vector["expect"]["pair_valid"] for vector in bills]


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_with_gaps_between_its_items_is_read_rightly(kind: str) -> None:
    is_valid, are_valid = KINDS[kind]
    good = {
        "iban": iban.make("017", "1"),
        "card": card.make("603799123456789"),
        "national_id": national_id.make("123456789"),
        "bill": str(bill.make("1234567", "001", 1)),
        "legal_id": legal_id.make("1038028479"),
        "foreign_id": "123456789012",
        "postal_code": "1111111111",
        "mobile": "09121234567",
        "treasury": "1" * 30,
        "treasury_own": str(treasury.make("1" * 28)),
    }[kind]
    texts = np.array([good, "x", good, "12345678"] * 5, "S30")
    assert are_valid(texts[::2]).all()
    assert not are_valid(texts[1::2]).any()
    assert are_valid(texts[::-1]).tolist() == [is_valid(as_text(item)) for item in texts[::-1]]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "texts",
    [np.array(["text"]), np.array([1]), np.array([[b"a"]]), [b"a"], np.array(b"a")],
    ids=["unicode", "numbers", "two dimensions", "list", "no dimension"],
)
def test_another_kind_of_array_is_refused(kind: str, texts: npt.NDArray[np.bytes_]) -> None:
    with pytest.raises(ValueError, match="NumPy"):
        KINDS[kind][1](texts)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_array_has_no_answers(kind: str) -> None:
    assert KINDS[kind][1](np.array([], "S26")).tolist() == []
    assert KINDS[kind][1](np.array([b""])).tolist() == [False]
    assert KINDS[kind][1](np.zeros(2, "S0")).tolist() == [False, False]


def test_pairs_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="bill ids"):
        bill.are_valid_pairs(np.array([b"1"]), np.array([b"1", b"2"]))


def test_the_ranges_of_mobile_numbers_are_whoever_asks_says() -> None:
    texts = np.array([b"09061234567", b"09121234567"])
    assert mobile.are_valid(texts).tolist() == [False, True]
    assert mobile.are_valid(texts, ranges={"906"}).tolist() == [True, False]


@given(st.lists(near("treasury"), max_size=8))
def test_a_scheme_with_its_own_validator_is_asked_about_each(items: list[bytes]) -> None:
    def odd(text: str) -> None:
        if int(text) % 2 == 0:
            raise IdentifierError("treasury.even", "only odd numbers are given out")

    schemes = {"odd": odd}
    answers = treasury.are_valid(np.array(items, "S32"), scheme="odd", schemes=schemes)
    assert answers.tolist() == [
        treasury.is_valid(as_text(item), scheme="odd", schemes=schemes) for item in items
    ]
    unknown = treasury.are_valid(np.array(items, "S32"), scheme="nobody's")
    assert not unknown.any()
