"""Several writings of one word become one, and what is normal already stays as it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.identifiers import iban
from payvand.switch.identifiers.persian_text import match_key, normalise, normalise_identifier
from tests.support.vectors import vectors

ARABIC = st.characters(min_codepoint=0x0600, max_codepoint=0x06FF)
FORMS = st.characters(min_codepoint=0xFB50, max_codepoint=0xFEFF, exclude_categories=["Cn"])
TEXTS = st.text(
    st.one_of(ARABIC, FORMS, st.sampled_from(" \u200c\u200d\u00a0aé1"), st.characters())
)


@pytest.mark.parametrize("vector", vectors("text_normalization"), ids=lambda v: v["codepoints_in"])
def test_the_reference_vectors_hold(vector: dict[str, Any]) -> None:
    assert normalise(vector["input"]) == vector["normalised"]
    assert match_key(vector["input"]) == vector["match_key"]


@given(TEXTS)
def test_normalising_twice_is_normalising_once(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert match_key(once) == match_key(text)


@given(TEXTS)
def test_no_outer_or_double_space_is_left(text: str) -> None:
    normal = normalise(text)
    assert normal == normal.strip(" \u200c")
    assert "  " not in normal
    assert "\u200c\u200c" not in normal
    assert not {" ", "\u200c"} & set(match_key(text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("علي رضا", "علی‌رضا"),
        ("مؤسسه", "موسسه"),
        ("مسئول", "مسیول"),
        ("رؤیا", "رویا"),
        ("خانهٔ ما", "خانه ما"),
        ("خانۀ ما", "خانه ما"),
        ("أحمد", "احمد"),
        ("زكريا", "زکریا"),
        ("فاطمة", "فاطمه"),
        ("سپهـــر", "سپهر"),
        ("ﻋﻠﯽ", "علی"),
    ],
)
def test_two_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert match_key(one) == match_key(other)


@pytest.mark.parametrize(("one", "other"), [("علی", "علا"), ("پرویز", "پروین"), ("رضا", "رض")])
def test_two_names_have_two_keys(one: str, other: str) -> None:
    assert match_key(one) != match_key(other)


@given(st.from_regex(r"[0-9]{1,22}", fullmatch=True), st.sampled_from("۰٠"), st.integers(1, 5))
def test_a_number_in_persian_or_arabic_digits_and_groups_is_the_same_number(
    number: str, zero: str, group: int
) -> None:
    written = "".join(chr(ord(zero) + int(digit)) for digit in number)
    spread = "\u200e" + " ".join(
        written[start : start + group] for start in range(0, len(written), group)
    )
    assert normalise_identifier(spread + "\u200f") == number


@pytest.mark.parametrize("sign", ["²", "١٢a", "-", "．", "𝟏", "½", "Ⅳ", "।", "१"])
def test_a_sign_that_no_number_holds_stays_to_be_refused(sign: str) -> None:
    number = iban.make("017", "5")
    assert not iban.is_valid(normalise_identifier(number[:-1] + sign))
