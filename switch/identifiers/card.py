"""A payment card's number (PAN) as the country issues it: 16 digits, the last by Luhn's formula.

The first six digits are the issuer's (BIN). Whether anybody was given them, and who, is the BIN
table's word: foreign cards pass here too. A number of one repeated digit passes Luhn's formula
for 0 and for 8 and is never a card.

Rules in their order of precedence: `card.length`, `card.characters`, `card.repeated`,
`card.check_digit`.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, digits_of, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["BIN_LENGTH", "CARD_LENGTH", "Card", "are_valid", "is_valid", "make", "parse"]

CARD_LENGTH = 16
BIN_LENGTH = 6


@dataclass(frozen=True, slots=True)
class Card:
    """A well-formed card number."""

    number: str = field(repr=False)
    """All 16 digits; kept out of what is printed."""

    @property
    def bin(self) -> str:
        """The issuer's six digits."""
        return self.number[:BIN_LENGTH]

    @property
    def masked(self) -> str:
        """What may be shown to people: the issuer's digits and the last four."""
        return f"{self.number[:BIN_LENGTH]}******{self.number[-4:]}"

    def __str__(self) -> str:
        """Return the masked form, so that a number does not reach a log by mistake."""
        return self.masked


def parse(text: str) -> Card:
    """Return the card that *text* is the number of, or raise `IdentifierError`."""
    require_digits("card", text, CARD_LENGTH, CARD_LENGTH)
    if len(set(text)) == 1:
        raise IdentifierError("card.repeated", "one repeated digit is no card number")
    if not _check_digit_holds(text):
        hint = "the check digit does not fit; look for a typing slip"
        raise IdentifierError("card.check_digit", hint)
    return Card(text)


def is_valid(text: str) -> bool:
    """Tell whether *text* is a well-formed card number."""
    return (
        are_digits(text, CARD_LENGTH, CARD_LENGTH)
        and len(set(text)) > 1
        and _check_digit_holds(text)
    )


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it is a well-formed card number."""
    return check_digits.are_cards(texts)


def make(body: str) -> str:
    """Return the card number that begins with *body*, 15 digits, with its check digit.

    Raises `IdentifierError` where they are not 15 digits, or all of them the same and the number
    with them.
    """
    require_digits("card", body, CARD_LENGTH - 1, CARD_LENGTH - 1)
    number = body + str(-_luhn_sum(body + "0") % 10)
    parse(number)
    return number


def _check_digit_holds(text: str) -> bool:
    return _luhn_sum(text) % 10 == 0


def _luhn_sum(text: str) -> int:
    """Add up the digits, every second one doubled, and of a double of two digits both."""
    total = 0
    for place, digit in enumerate(reversed(digits_of(text))):
        total += sum(divmod(2 * digit, 10)) if place % 2 else digit
    return total
