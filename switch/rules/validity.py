"""When a rule holds: from a first day to a last one, and which of several rules holds on a day."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol, Self, TypeVar

from payvand.switch.rules.solar_hijri import solar_text

__all__ = ["Dated", "Overlap", "Validity", "arranged", "in_force"]


@dataclass(frozen=True, slots=True)
class Validity:
    """The days on which a rule holds, both ends included."""

    first: date = date.min
    last: date = date.max

    def covers(self, day: date) -> bool:
        """Tell whether the rule holds on *day*."""
        return self.first <= day <= self.last

    def __str__(self) -> str:
        """Return the days in the Solar Hijri calendar."""
        if self.last == date.max:
            return f"from {solar_text(self.first)}" if self.first > date.min else "always"
        if self.first == date.min:
            return f"until {solar_text(self.last)}"
        return f"{solar_text(self.first)} to {solar_text(self.last)}"


class Dated(Protocol):
    """A row of a table that holds for some days only."""

    @property
    def validity(self) -> Validity:
        """When it holds."""

    def with_validity(self, validity: Validity) -> Self:
        """Return the same row with another validity."""


Row = TypeVar("Row", bound=Dated)


class Overlap(ValueError):
    """Two rows of one kind hold on the same day; `day` is the first such day."""

    def __init__(self, day: date) -> None:
        where = f"on {solar_text(day)}" if day > date.min else "from the beginning"
        super().__init__(f"two rows hold {where}")
        self.day = day


def arranged(
    rows: Iterable[Row], key: Callable[[Row], Hashable] = lambda row: ""
) -> tuple[Row, ...]:
    """Return *rows* by their first day, each without an end closed where the next begins.

    It stays closed where that next one ends: what comes after, somebody must say.

    Rows are of one kind where *key* gives the same. Raises `Overlap` where two of one kind hold
    on one day all the same: then nobody could say which rule was in force.
    """
    found: list[Row] = []
    for row in sorted(rows, key=lambda row: row.validity.first):
        for index, other in enumerate(found):
            if key(other) != key(row) or other.validity.last < row.validity.first:
                continue
            if other.validity.last < date.max or other.validity.first == row.validity.first:
                raise Overlap(row.validity.first)
            last = row.validity.first - timedelta(days=1)
            found[index] = other.with_validity(replace(other.validity, last=last))
        found.append(row)
    return tuple(found)


def in_force(rows: Iterable[Row], day: date) -> Row | None:
    """Return the first of *rows* that holds on *day*, or None."""
    return next((row for row in rows if row.validity.covers(day)), None)
