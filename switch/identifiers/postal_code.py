"""A postal code: ten digits, five for the postman's route and five for the point of delivery.

The digits 0 and 2 are left out of the route, since handwritten in Persian they look like
others. There is no check digit; whether the point exists, the post must say.

Rules in their order of precedence: `postal_code.length`, `postal_code.characters`,
`postal_code.route`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.switch.identifiers import check_digits
from payvand.switch.identifiers.digits import are_digits, require_digits
from payvand.switch.identifiers.identifier_error import IdentifierError

__all__ = ["POSTAL_CODE_LENGTH", "ROUTE_LENGTH", "PostalCode", "are_valid", "is_valid", "parse"]

POSTAL_CODE_LENGTH = 10
ROUTE_LENGTH = 5

_NOT_IN_ROUTE = frozenset("02")


@dataclass(frozen=True, slots=True)
class PostalCode:
    """A postal code of the right form, taken apart."""

    route: str
    point: str

    def __str__(self) -> str:
        """Return all ten digits."""
        return self.route + self.point


def parse(text: str) -> PostalCode:
    """Take *text* apart, or raise `IdentifierError`."""
    require_digits("postal_code", text, POSTAL_CODE_LENGTH, POSTAL_CODE_LENGTH)
    route = text[:ROUTE_LENGTH]
    if not _NOT_IN_ROUTE.isdisjoint(route):
        raise IdentifierError("postal_code.route", "the first five digits hold neither 0 nor 2")
    return PostalCode(route, text[ROUTE_LENGTH:])


def is_valid(text: str) -> bool:
    """Tell whether *text* has the form of a postal code."""
    return are_digits(text, POSTAL_CODE_LENGTH, POSTAL_CODE_LENGTH) and _NOT_IN_ROUTE.isdisjoint(
        text[:ROUTE_LENGTH]
    )


def are_valid(texts: npt.NDArray[np.bytes_]) -> npt.NDArray[np.bool_]:
    """Tell for each of *texts* whether it has the form of a postal code."""
    return check_digits.are_postal_codes(texts)
