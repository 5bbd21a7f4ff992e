"""The official holidays: one set, replaced whole when the moon is sighted or a city is closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from payvand.switch.rules.solar_hijri import DateError, parse_day
from payvand.switch.rules.table_row import RulesError, TableRow, parse_toml
from payvand.switch.rules.validity import Validity

__all__ = ["ESTIMATED", "Holiday", "Holidays", "parse", "read"]

ESTIMATED = "estimated"


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day off, Fridays apart."""

    day: date
    name_en: str
    name_fa: str
    is_estimated: bool
    """It follows the moon, which was not sighted yet."""


@dataclass(frozen=True, slots=True)
class Holidays:
    """One version of the set."""

    version: str
    source: str
    covers: Validity
    """The days of which the set knows; of others nobody can say."""
    days: Mapping[date, Holiday]

    def holiday(self, day: date) -> Holiday | None:
        """Return the holiday that *day* is, or None where it is none or the set does not know."""
        return self.days.get(day)


def parse(text: str) -> Holidays:
    """Return the set that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text))


def read(file: TableRow) -> Holidays:
    """Return the set that a parsed *file* holds, or raise `RulesError`."""
    version, source = file.text("version"), file.text("source")
    ends = file.days("covers")
    if len(ends) != 2 or ends[0] > ends[1]:
        raise file.fault("covers", "holidays.covers", "the first and the last day that are known")
    covers = Validity(*ends)
    days: dict[date, Holiday] = {}
    for path, row in file.lists("days"):
        if not 3 <= len(row) <= 4 or not all(isinstance(cell, str) and cell for cell in row):
            hint = f"the day, its name in English and in Persian, and {ESTIMATED!r} or nothing"
            raise RulesError(path, "holidays.row", hint)
        if row[3:] not in ([], [ESTIMATED]):
            raise RulesError(path, "holidays.row", f"the fourth is {ESTIMATED!r} or not there")
        try:
            day = parse_day(row[0])
        except DateError as error:
            raise RulesError(path, error.rule, error.hint) from None
        if day in days:
            raise RulesError(path, "holidays.twice", f"{row[0]} is there already")
        if not covers.covers(day):
            raise RulesError(path, "holidays.covers", f"{row[0]} is outside of what is covered")
        days[day] = Holiday(day, row[1], row[2], len(row) == 4)
    file.finish()
    return Holidays(version, source, covers, MappingProxyType(days))
