"""The payment identifier of the treasury: thirty digits, carried unchanged from end to end.

It names what a payment into a government account is for. How its digits are made is not
public, and a check that was guessed would refuse money owed to the state; so it is an opaque
text here, and a *scheme* may bring a validator of its own for numbers whose making it knows.

Our own scheme, for references that a switch itself gives out, is named `payvand`: 28 digits and
two check digits by ISO 7064 mod 97-10. It claims nothing about anybody else's numbers.

Rules in their order of precedence: `treasury.length`, `treasury.characters`, `treasury.scheme`,
and those of the scheme, for `payvand` `treasury.check_digits`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = [
    "OPAQUE",
    "OWN",
    "SCHEMES",
    "TREASURY_LENGTH",
    "TreasuryReference",
    "Validator",
    "are_valid",
    "is_valid",
    "make",
    "parse",
]

TREASURY_LENGTH = 30
OPAQUE = "opaque"
OWN = "payvand"

Validator = Callable[[str], None]
"""Takes thirty digits, and raises `IdentifierError` where they break a rule of the scheme."""


@dataclass(frozen=True, slots=True)
class TreasuryReference:
    """Thirty digits and the scheme that they were checked by."""

    number: str
    scheme: str

    def __str__(self) -> str:
        """Return all thirty digits."""
        return self.number


def _validate_opaque(text: str) -> None:
    """Accept any thirty digits."""


def _validate_own(text: str) -> None:
    if int(text) % 97 != 1 or not "02" <= text[-2:] <= "98":
        hint = "the check digits do not fit; look for a typing slip"
        raise IdentifierError("treasury.check_digits", hint)


SCHEMES: Mapping[str, Validator] = MappingProxyType({OPAQUE: _validate_opaque, OWN: _validate_own})
"""The schemes that come with the switch; whoever knows more passes a mapping with more."""


def parse(
    text: str, *, scheme: str = OPAQUE, schemes: Mapping[str, Validator] = SCHEMES
) -> TreasuryReference:
    """Return the reference that *text* is by *scheme*, or raise `IdentifierError`."""
    require_digits("treasury", text, TREASURY_LENGTH, TREASURY_LENGTH)
    validate = schemes.get(scheme)
    if validate is None:
        raise IdentifierError("treasury.scheme", "the schemes are " + ", ".join(schemes))
    validate(text)
    return TreasuryReference(text, scheme)


def is_valid(
    text: str, *, scheme: str = OPAQUE, schemes: Mapping[str, Validator] = SCHEMES
) -> bool:
    """Tell whether *text* is a reference by *scheme*."""
    if not are_digits(text, TREASURY_LENGTH, TREASURY_LENGTH):
        return False
    try:
        parse(text, scheme=scheme, schemes=schemes)
    except IdentifierError:
        return False
    return True


def are_valid(
    texts: npt.NDArray[np.bytes_],
    *,
    scheme: str = OPAQUE,
    schemes: Mapping[str, Validator] = SCHEMES,
) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it is a reference by *scheme*.

    The schemes that come with the switch are asked about all at once, others one by one.
    """
    validate = schemes.get(scheme)
    if validate is _validate_own:
        return check_digits.are_own_treasury_references(texts)
    answers = check_digits.are_treasury_references(texts)
    if validate is not _validate_opaque:
        for row in answers.nonzero()[0].tolist():
            answers[row] = is_valid(texts[row].decode(), scheme=scheme, schemes=schemes)
    return answers


def make(body: str) -> TreasuryReference:
    """Return our own reference that begins with *body*, 28 digits, with its check digits."""
    require_digits("treasury", body, TREASURY_LENGTH - 2, TREASURY_LENGTH - 2)
    return TreasuryReference(f"{body}{98 - int(body + '00') % 97:02}", OWN)
