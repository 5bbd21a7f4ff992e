"""A mobile telephone number of the country, kept in the international form of E.164.

People write it as `09…`, `+98 9…`, `0098 9…`, `98 9…` or `9…`; all are read, without spaces (see
`persian_text.normalise_identifier`). The operator is not told from it: numbers move between them.

Which ranges are given out, a regulator decides, and has changed it; `RANGES` are those known in
1405, and whoever runs a switch may pass others.

Rules in their order of precedence: `mobile.characters`, `mobile.length`, `mobile.range`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["RANGES", "Mobile", "are_valid", "is_valid", "parse"]

RANGES = frozenset(
    f"9{second}{third}"
    for second, thirds in (
        ("0", "012345"),
        ("1", "0123456789"),
        ("2", "0123"),
        ("3", "0123456789"),
        ("4", "0123456789"),
        ("9", "0123456789"),
    )
    for third in thirds
)
"""The first three digits of the numbers that are given out."""

_SUBSCRIBER_LENGTH = 10
_PREFIXES = ("+98", "0098", "98", "0", "")
"""What may stand before the subscriber's number, the longest first."""


@dataclass(frozen=True, slots=True)
class Mobile:
    """A mobile number of the right form."""

    number: str = field(repr=False)
    """In the form of E.164: `+98` and ten digits; kept out of what is printed."""

    @property
    def national(self) -> str:
        """The number as it is dialled inside the country: `09…`."""
        return f"0{self.number[3:]}"


def parse(text: str, *, ranges: Collection[str] = RANGES) -> Mobile:
    """Return the mobile number that *text* writes in any of its forms, or raise `IdentifierError`.

    *ranges* are the first three digits of the numbers that are given out.
    """
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        raise IdentifierError("mobile.characters", "write ASCII digits, after a plus or none")
    subscriber = _subscriber(text)
    if subscriber is None:
        raise IdentifierError("mobile.length", "write 09 and nine digits, or +98 9 and nine digits")
    if subscriber[:3] not in ranges:
        raise IdentifierError("mobile.range", "no mobile number begins with these digits")
    return Mobile(f"+98{subscriber}")


def is_valid(text: str, *, ranges: Collection[str] = RANGES) -> bool:
    """Tell whether *text* writes a mobile number of the country."""
    try:
        parse(text, ranges=ranges)
    except IdentifierError:
        return False
    return True


def are_valid(
    texts: npt.NDArray[np.bytes_], *, ranges: Collection[str] = RANGES
) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it writes a mobile number of the country."""
    beginnings = np.array([f"{number:03}" in ranges for number in range(1000)])
    return check_digits.are_mobiles(texts, beginnings)


def _subscriber(text: str) -> str | None:
    """Return the ten digits behind the prefix, or None where they are not ten."""
    for prefix in _PREFIXES:
        if text.startswith(prefix) and len(text) == len(prefix) + _SUBSCRIBER_LENGTH:
            return text[len(prefix) :]
    return None
