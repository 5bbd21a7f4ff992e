"""The rulebook: all tables that a circular can change, as they are known at one time.

A rulebook is immutable. A circular makes another one, and whoever decides by rules holds on to one
rulebook for the time of a decision; so a change never shows half. Its digest names it.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

from payvand.switch.rules import banks, holidays, rails, services, tariffs
from payvand.switch.rules.banks import Banks
from payvand.switch.rules.calendar import Calendar
from payvand.switch.rules.holidays import Holidays
from payvand.switch.rules.rails import Rails
from payvand.switch.rules.services import Services
from payvand.switch.rules.table_row import RulesError, TableRow, parse_toml
from payvand.switch.rules.tariffs import Tariffs

__all__ = [
    "READERS",
    "TABLES",
    "TABLE_BYTES_MAX",
    "Rulebook",
    "load",
    "rulebook_of",
    "shipped_text",
]

READERS: Mapping[str, Callable[[TableRow], Any]] = MappingProxyType(
    {
        "banks": banks.read,
        "holidays": holidays.read,
        "rails": rails.read,
        "services": services.read,
        "tariffs": tariffs.read,
    }
)
"""What reads each table, by its name."""
TABLES = tuple(READERS)
"""The tables by name; each is a file of that name and `.toml`."""
TABLE_BYTES_MAX = 4 << 20


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Every table in one version."""

    banks: Banks
    holidays: Holidays
    rails: Rails
    services: Services
    tariffs: Tariffs
    digest: str
    """SHA-256 over the texts of all tables, in hexadecimal."""

    def calendar(self, rail: str) -> Calendar:
        """Return the calendar of the rail named *rail*."""
        return Calendar(self.rails.rails[rail], self.holidays)


def load(folder: Path | None = None) -> Rulebook:
    """Return the rulebook of *folder*; a table that it lacks is the one that comes with the switch.

    Raises `RulesError`, whose path begins with the table's name.
    """
    return rulebook_of({name: _text(name, folder) for name in TABLES})


def rulebook_of(texts: Mapping[str, str]) -> Rulebook:
    """Return the rulebook of the TOML *texts* of all tables, by name.

    Raises `RulesError`, whose path begins with the table's name.
    """
    digest = hashlib.sha256()
    tables: dict[str, Any] = {}
    for name in TABLES:
        content = texts[name].encode()
        digest.update(f"{name} {len(content)}\n".encode() + content)
        try:
            tables[name] = READERS[name](parse_toml(texts[name]))
        except RulesError as error:
            path = f"{name}: {error.path}" if error.path else name
            raise RulesError(path, error.rule, error.hint) from None
    return Rulebook(**tables, digest=digest.hexdigest())


def shipped_text(name: str) -> str:
    """Return the TOML text of the table *name* that comes with the switch."""
    return _text(name, None)


def _text(name: str, folder: Path | None) -> str:
    own = None if folder is None else folder / f"{name}.toml"
    try:
        if own is not None and own.exists():
            if own.stat().st_size > TABLE_BYTES_MAX:
                hint = f"a table has at most {TABLE_BYTES_MAX} bytes"
                raise RulesError(name, "rules.size", hint)
            return own.read_text(encoding="utf-8")
        return (resources.files(__package__) / f"{name}.toml").read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise RulesError(name, "rules.encoding", "save the file as UTF-8") from None
