"""The unique number of a foreign national (code-e faragir): twelve digits, given by a register.

No rule for its digits is public, so none is checked: the register must be asked. The tax
organisation has a number of a like name that is another number.

Rules in their order of precedence: `foreign_id.length`, `foreign_id.characters`.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, require_digits

__all__ = ["FOREIGN_ID_LENGTH", "ForeignId", "are_valid", "is_valid", "parse"]

FOREIGN_ID_LENGTH = 12


@dataclass(frozen=True, slots=True)
class ForeignId:
    """A number of the right form."""

    number: str = field(repr=False)
    """All twelve digits; kept out of what is printed."""


def parse(text: str) -> ForeignId:
    """Return the number that *text* is, or raise `IdentifierError`."""
    require_digits("foreign_id", text, FOREIGN_ID_LENGTH, FOREIGN_ID_LENGTH)
    return ForeignId(text)


def is_valid(text: str) -> bool:
    """Tell whether *text* has the form of a foreign national's number."""
    return are_digits(text, FOREIGN_ID_LENGTH, FOREIGN_ID_LENGTH)


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it has the form of a foreign national's number."""
    return check_digits.are_foreign_ids(texts)
