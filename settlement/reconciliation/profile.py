"""Profiles: how a bank writes its files, as declared data.

    name = "melli"                      [columns]                    [days]
    form = "csv"                        reference = "tracking"       format = "%Y/%m/%d"
    encodings = ["utf-8-sig",           amount = "amount"            calendar = "persian"
                 "windows-1256"]        side = "dc"
    delimiter = ";"                     day = "date"                 [control]
    heading = true                                                   mark = "TOTAL"
                                        [sides]                      count = 1
    [amounts]                           debit = "D"                  sum = 2
    exponent = 0                        credit = "C"
    thousands = ","

In a CSV file a column is named by its heading or numbered from 0; in a fixed-width one it is a pair
of where it begins and ends. Without `sides` the amounts have signs. `control` describes the line
that says how many rows there are and what they add up to. A profile of the form `camt` has a name
alone: camt.053 and camt.054 say the rest themselves.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from payvand.settlement.errors import SettlementFault

__all__ = ["CAMT", "Column", "Control", "Profile", "ProfileInvalid"]

Column = str | int | tuple[int, int]
"""A heading, a number from 0, or the beginning and the end of a range of characters."""

COLUMNS = ("reference", "amount", "side", "day")
KEYS = {
    "": {
        "name",
        "form",
        "encodings",
        "delimiter",
        "heading",
        "columns",
        "amounts",
        "sides",
        "days",
        "control",
    },
    "columns": set(COLUMNS),
    "amounts": {"exponent", "thousands", "point"},
    "sides": {"debit", "credit"},
    "days": {"format", "calendar"},
    "control": {"mark", "count", "sum"},
}


class ProfileInvalid(SettlementFault):
    """A profile doesn't describe a file."""


@dataclass(frozen=True, slots=True)
class Control:
    """The line of control totals."""

    mark: str
    """What its first column, or its beginning, is."""
    count: Column | None
    sum: Column | None


@dataclass(frozen=True, slots=True)
class Profile:
    """How a bank writes its files."""

    name: str
    form: Literal["csv", "fixed", "camt"]
    encodings: tuple[str, ...] = ("utf-8-sig",)
    """Tried in order; a file with a byte order mark is read by it."""
    delimiter: str = ","
    heading: bool = True
    columns: Mapping[str, Column] | None = None
    exponent: int = 0
    """How many decimal digits a minor unit is away from the unit that amounts are in."""
    thousands: str = ""
    point: str = "."
    sides: tuple[str, str] | None = None
    """What stands for debit and for credit; None where amounts have signs."""
    day_format: str = "%Y-%m-%d"
    calendar: Literal["gregorian", "persian"] = "gregorian"
    control: Control | None = None
    sha256: bytes = b""
    """Of the text that it was read from."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a profile from TOML; raises `ProfileInvalid`, naming the key that is wrong."""
        try:
            declared = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ProfileInvalid(f"the profile isn't TOML: {error}", hint="mend it") from error
        _check_keys(declared)
        columns = {name: _column(name, c) for name, c in declared.get("columns", {}).items()}
        amounts, days = declared.get("amounts", {}), declared.get("days", {})
        sides, control = declared.get("sides"), declared.get("control")
        made = cls(
            name=declared.get("name", ""),
            form=declared.get("form", ""),
            encodings=tuple(declared.get("encodings", ("utf-8-sig",))),
            delimiter=declared.get("delimiter", ","),
            heading=declared.get("heading", True),
            columns=columns,
            exponent=amounts.get("exponent", 0),
            thousands=amounts.get("thousands", ""),
            point=amounts.get("point", "."),
            sides=(sides["debit"], sides["credit"]) if sides else None,
            day_format=days.get("format", "%Y-%m-%d"),
            calendar=days.get("calendar", "gregorian"),
            control=_control(control) if control else None,
            sha256=hashlib.sha256(text.encode()).digest(),
        )
        made._check()
        return made

    def _check(self) -> None:
        def insist(holds: bool, key: str, what: str) -> None:
            if not holds:
                raise ProfileInvalid(f"{key}: {what}", hint="see the profiles in the documentation")

        insist(bool(self.name), "name", "must not be empty")
        insist(self.form in ("csv", "fixed", "camt"), "form", "must be csv, fixed or camt")
        insist(len(self.delimiter) == 1, "delimiter", "must be one character")
        insist(0 <= self.exponent <= 6, "amounts.exponent", "must be from 0 to 6")
        insist(
            self.calendar in ("gregorian", "persian"),
            "days.calendar",
            "must be gregorian or persian",
        )
        if self.form == "camt":
            return
        columns = self.columns or {}
        for name in ("reference", "amount", "day", *(["side"] if self.sides else [])):
            insist(name in columns, f"columns.{name}", "is missing")
        for name, column in columns.items():
            fits = (
                isinstance(column, tuple)
                if self.form == "fixed"
                else (isinstance(column, int) or (isinstance(column, str) and self.heading))
            )
            insist(fits, f"columns.{name}", f"{column!r} names no column of a {self.form} file")


CAMT = Profile("camt", "camt")
"""The profile of ISO 20022 statements and notices."""


def _check_keys(declared: Mapping[str, Any]) -> None:
    for table, known in KEYS.items():
        present = declared.get(table, {}) if table else declared
        if unknown := sorted(set(present) - known):
            where = f"{table}.{unknown[0]}" if table else unknown[0]
            raise ProfileInvalid(f"{where}: no such key", hint=f"known are {sorted(known)}")


def _column(name: str, declared: Any) -> Column:
    match declared:
        case str() | int():
            return declared
        case [int(start), int(stop)] if 0 <= start < stop:
            return start, stop
    raise ProfileInvalid(f"columns.{name}: {declared!r}", hint="a heading, a number, or a range")


def _control(declared: Mapping[str, Any]) -> Control:
    count, total = declared.get("count"), declared.get("sum")
    return Control(
        declared.get("mark", ""),
        None if count is None else _column("count", count),
        None if total is None else _column("sum", total),
    )
