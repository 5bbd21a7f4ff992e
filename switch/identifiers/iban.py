"""Iran's IBAN (Sheba): `IR`, two check digits, a bank code of three digits, an account of 19.

The structure is the central bank's national specification of the bank account identifier; the check
digits are ISO 7064 mod 97-10 as in ISO 13616. Iran is not in the SWIFT registry of IBANs, so
general IBAN libraries refuse its numbers or know nothing of its banks; hence this module.

Only the electronic form is read: 26 ASCII characters without spaces. Spaces and Persian digits are
the business of the edges that meet people. A number that passes here is well formed; whether
its bank takes part is the directory's word.

Rules in their order of precedence: `iban.length`, `iban.country`, `iban.characters`,
`iban.check_digits`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "ACCOUNT_LENGTH",
    "BANK_CODE_LENGTH",
    "IBAN_LENGTH",
    "Iban",
    "are_valid",
    "is_valid",
    "make",
    "parse",
]

IBAN_LENGTH = 26
BANK_CODE_LENGTH = 3
ACCOUNT_LENGTH = 19

_COUNTRY = "IR"
_COUNTRY_DIGITS = "1827"  # I = 18 and R = 27 in the arithmetic of ISO 13616
_CHECK_DIGITS_MIN = "02"
_CHECK_DIGITS_MAX = "98"


@dataclass(frozen=True, slots=True)
class Iban:
    """A well-formed IBAN, taken apart."""

    bank_code: str
    """Three digits; today two digits padded with a zero on the left."""
    account: str
    """19 digits in the bank's own scheme, padded with zeros on the left."""

    def __str__(self) -> str:
        """Return the electronic form: 26 characters."""
        return make(self.bank_code, self.account)


def parse(text: str) -> Iban:
    """Take *text* apart, or raise `IdentifierError` with the rule that it breaks."""
    if len(text) != IBAN_LENGTH:
        raise IdentifierError(
            "iban.length", f"an IBAN has {IBAN_LENGTH} characters, not {len(text)}"
        )
    if not text.startswith(_COUNTRY):
        raise IdentifierError("iban.country", f"an IBAN of this switch starts with {_COUNTRY}")
    if not (text.isascii() and text[2:].isdigit()):
        raise IdentifierError("iban.characters", f"after {_COUNTRY} come ASCII digits only")
    if not _check_digits_hold(text):
        raise IdentifierError(
            "iban.check_digits", "the check digits do not fit; look for a typing slip"
        )
    return Iban(text[4:7], text[7:])


def is_valid(text: str) -> bool:
    """Tell whether *text* is a well-formed IBAN of this country."""
    return (
        len(text) == IBAN_LENGTH
        and text.startswith(_COUNTRY)
        and text.isascii()
        and text[2:].isdigit()
        and _check_digits_hold(text)
    )


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it is a well-formed IBAN of this country."""
    return check_digits.are_ibans(texts)


def make(bank_code: str, account: str) -> str:
    """Return the IBAN of *account* at the bank *bank_code*, with its check digits.

    Both are ASCII digits, 3 and at most 19 of them; a shorter account is padded with zeros on the
    left. Raises `IdentifierError` where they are not.
    """
    if len(bank_code) != BANK_CODE_LENGTH or len(account) > ACCOUNT_LENGTH or not account:
        raise IdentifierError("iban.length", "a bank code has 3 digits and an account 1 to 19")
    bban = bank_code + account.rjust(ACCOUNT_LENGTH, "0")
    if not (bban.isascii() and bban.isdigit()):
        raise IdentifierError("iban.characters", "bank code and account are ASCII digits only")
    return f"{_COUNTRY}{98 - int(bban + _COUNTRY_DIGITS + '00') % 97:02}{bban}"


def _check_digits_hold(text: str) -> bool:
    # 00, 01 and 99 stand for the same remainders as 97, 98 and 02; allowing both would give one
    # account two numbers.
    if not _CHECK_DIGITS_MIN <= text[2:4] <= _CHECK_DIGITS_MAX:
        return False
    return int(text[4:] + _COUNTRY_DIGITS + text[2:4]) % 97 == 1
