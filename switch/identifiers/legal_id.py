"""The national id of a legal entity (shenase-ye melli): eleven digits, the last a check digit.

With the digits d0 to d10 and k = d9 + 2, the check digit is the remainder by 11 of
29·(d0+k) + 27·(d1+k) + 23·(d2+k) + 19·(d3+k) + 17·(d4+k), the same weights again for d5 to d9; a
remainder of 10 counts as 0.

Rules in their order of precedence: `legal_id.length`, `legal_id.characters`,
`legal_id.check_digit`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, digits_of, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["LEGAL_ID_LENGTH", "LegalId", "are_valid", "is_valid", "make", "parse"]

LEGAL_ID_LENGTH = 11

_WEIGHTS = (29, 27, 23, 19, 17) * 2


@dataclass(frozen=True, slots=True)
class LegalId:
    """A well-formed id of a legal entity, which is public."""

    number: str

    def __str__(self) -> str:
        """Return all eleven digits."""
        return self.number


def parse(text: str) -> LegalId:
    """Return the id of a legal entity that *text* is, or raise `IdentifierError`."""
    require_digits("legal_id", text, LEGAL_ID_LENGTH, LEGAL_ID_LENGTH)
    if not _check_digit_holds(text):
        hint = "the check digit does not fit; look for a typing slip"
        raise IdentifierError("legal_id.check_digit", hint)
    return LegalId(text)


def is_valid(text: str) -> bool:
    """Tell whether *text* is a well-formed id of a legal entity."""
    return are_digits(text, LEGAL_ID_LENGTH, LEGAL_ID_LENGTH) and _check_digit_holds(text)


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it is a well-formed id of a legal entity."""
    return check_digits.are_legal_ids(texts)


def make(body: str) -> str:
    """Return the id that begins with *body*, ten digits, with its check digit."""
    require_digits("legal_id", body, LEGAL_ID_LENGTH - 1, LEGAL_ID_LENGTH - 1)
    return f"{body}{_check_digit(body)}"


def _check_digit_holds(text: str) -> bool:
    return int(text[-1]) == _check_digit(text[:-1])


def _check_digit(body: str) -> int:
    digits = digits_of(body)
    shift = digits[-1] + 2
    total = sum((digit + shift) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return total % 11 % 10
