"""The national id of a natural person (code-e melli): ten digits, the last a check digit.

With the digits d0 to d9 and r the remainder of 10·d0 + 9·d1 + … + 2·d8 by 11, the check digit is r
where r is 0 or 1 and 11 - r elsewhere. Two kinds of number pass that sum and are nobody's:
one repeated digit, and six zeros between the place and the check digit. The first three digits
are the place of issue; the lists of places that go round are incomplete, so none is refused
for its place. A number that passes is well formed; that the person exists, a register must say.

Rules in their order of precedence: `national_id.length`, `national_id.characters`,
`national_id.repeated`, `national_id.serial`, `national_id.check_digit`.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, digits_of, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "NATIONAL_ID_LENGTH",
    "NationalId",
    "are_valid",
    "is_valid",
    "make",
    "parse",
    "with_leading_zeros",
]

NATIONAL_ID_LENGTH = 10
SERIAL = slice(3, 9)
WRITTEN_LENGTH_MIN = 8
"""Spreadsheets drop leading zeros, one or two of them."""


@dataclass(frozen=True, slots=True)
class NationalId:
    """A well-formed national id."""

    number: str = field(repr=False)
    """All ten digits; kept out of what is printed."""

    @property
    def place(self) -> str:
        """The three digits of the place of issue."""
        return self.number[:3]


def parse(text: str) -> NationalId:
    """Return the national id that *text* is, or raise `IdentifierError`."""
    require_digits("national_id", text, NATIONAL_ID_LENGTH, NATIONAL_ID_LENGTH)
    if len(set(text)) == 1:
        raise IdentifierError("national_id.repeated", "one repeated digit is nobody's number")
    if text[SERIAL] == "000000":
        raise IdentifierError("national_id.serial", "six zeros in the middle are nobody's number")
    if not _check_digit_holds(text):
        hint = "the check digit does not fit; look for a typing slip"
        raise IdentifierError("national_id.check_digit", hint)
    return NationalId(text)


def is_valid(text: str) -> bool:
    """Tell whether *text* is a well-formed national id."""
    return (
        are_digits(text, NATIONAL_ID_LENGTH, NATIONAL_ID_LENGTH)
        and len(set(text)) > 1
        and text[SERIAL] != "000000"
        and _check_digit_holds(text)
    )


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it is a well-formed national id."""
    return check_digits.are_national_ids(texts)


def make(body: str) -> str:
    """Return the national id that begins with *body*, nine digits, with its check digit.

    Raises `IdentifierError` where no national id begins so.
    """
    require_digits("national_id", body, NATIONAL_ID_LENGTH - 1, NATIONAL_ID_LENGTH - 1)
    number = body + str(_check_digit(body))
    parse(number)
    return number


def with_leading_zeros(text: str) -> str:
    """Return *text* with the zeros that a spreadsheet dropped: 8 or 9 digits become ten.

    For the edges that meet people; a message between programs must hold all ten.
    """
    if are_digits(text, WRITTEN_LENGTH_MIN, NATIONAL_ID_LENGTH):
        return text.rjust(NATIONAL_ID_LENGTH, "0")
    return text


def _check_digit_holds(text: str) -> bool:
    return int(text[-1]) == _check_digit(text[:-1])


def _check_digit(body: str) -> int:
    remainder = sum((10 - place) * digit for place, digit in enumerate(digits_of(body))) % 11
    return remainder if remainder < 2 else 11 - remainder
