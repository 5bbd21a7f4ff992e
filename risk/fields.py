"""The fields of a configuration file, each taken once, with everything wrong noted by its path.

Rule files and feature files are read with it: a file is taken whole or refused with all that is
wrong, so that whoever wrote it mends it in one go.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from types import UnionType
from typing import Any

from payvand.core.errors import PayvandFault

__all__ = ["Fields", "FileFault", "Problem", "read_toml"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a file."""

    path: str
    """Of the field, for example `rule[3].amount_max`."""
    owner: str
    """The id of the rule or the name of the feature that it belongs to; may be empty."""
    message: str

    def __str__(self) -> str:
        of_owner = f" ({self.owner})" if self.owner else ""
        return f"{self.path}{of_owner}: {self.message}"


class FileFault(PayvandFault):
    """A file is wrong; nothing of it was taken. `problems` lists all that was found."""

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        listed = "; ".join(str(problem) for problem in problems)
        super().__init__(f"{source}: {listed}", hint="mend the file; nothing of it was taken")
        self.source = source
        self.problems = tuple(problems)


def read_toml(document: bytes) -> tuple[dict[str, Any], list[Problem]]:
    """Return the document's table and what is wrong with it as TOML."""
    try:
        return tomllib.loads(document.decode("utf-8")), []
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return {}, [Problem("", "", f"isn't TOML: {error}")]


class Fields:
    """The fields of one table, each taken once; what is wrong is noted, not raised."""

    def __init__(
        self, table: Mapping[str, Any], path: str, owner: str, problems: list[Problem]
    ) -> None:
        self._rest = dict(table)
        self._path = path
        self._owner = owner
        self.problems = problems

    def wrong(self, name: str, message: str) -> None:
        """Note a problem of a field."""
        self.problems.append(Problem(self._path + name, self._owner, message))

    def take(self, name: str, kind: type | UnionType, what: str, *, default: Any = ...) -> Any:
        """Return a field of a type, or None where it is wrong."""
        if name not in self._rest:
            if default is ...:
                self.wrong(name, "is missing")
                return None
            return default
        value = self._rest.pop(name)
        if not isinstance(value, kind) or isinstance(value, bool):
            self.wrong(name, f"isn't {what}")
            return None
        return value

    def integer(self, name: str, least: int, most: int, *, default: Any = ...) -> int | None:
        """Return an integer within bounds."""
        value = self.take(name, int, "an integer", default=default)
        if value is not None and value is not default and not least <= value <= most:
            self.wrong(name, f"is {value}, not from {least} to {most}")
            return None
        return value  # type: ignore[no-any-return]  # `take` has looked

    def pattern(self, name: str, pattern: re.Pattern[str], what: str) -> str | None:
        """Return a text that fits a pattern."""
        value = self.take(name, str, "a text")
        if value is not None and not pattern.fullmatch(value):
            self.wrong(name, f"is {value[:80]!r}, not {what}")
            return None
        return value  # type: ignore[no-any-return]  # `take` has looked

    def choice(self, name: str, choices: Sequence[str], *, default: Any = ...) -> str | None:
        """Return a text that is one of some."""
        value = self.take(name, str, "a text", default=default)
        if value is not None and value is not default and value not in choices:
            self.wrong(name, f"is {value[:80]!r}, not one of {', '.join(choices)}")
            return None
        return value  # type: ignore[no-any-return]  # `take` has looked

    def number(self, name: str, *, default: float) -> float:
        """Return a finite number, or the default."""
        value = self.take(name, int | float, "a number", default=default)
        if value is not None and value is not default and not isfinite(value):
            self.wrong(name, "isn't finite")
        return default if value is None else float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._rest.pop(name, default)
        if not isinstance(value, bool):
            self.wrong(name, "isn't true or false")
            return default
        return value

    def inner(self, name: str, table: Mapping[str, Any]) -> "Fields":
        """Return the fields of a table that is a field of this one."""
        return Fields(table, f"{self._path}{name}.", self._owner, self.problems)

    def moment(self, name: str, *, default: Any = ...) -> int | None:
        """Return a date-time with an offset, in nanoseconds since 1970."""
        value = self.take(name, datetime, "a date-time", default=default)
        if not isinstance(value, datetime):
            return value if value is default else None
        if value.tzinfo is None:
            self.wrong(name, "has no offset from UTC, as +03:30")
            return None
        microseconds = (value - _EPOCH) // timedelta(microseconds=1)
        if microseconds < 0:
            self.wrong(name, "is before 1970")
            return None
        return microseconds * 1000

    def texts(self, name: str, languages: Sequence[str]) -> Mapping[str, str] | None:
        """Return a text in each of the languages."""
        table = self.take(name, dict, "a table of texts")
        if table is None:
            return None
        inner = self.inner(name, table)
        texts = {language: inner.take(language, str, "a text") for language in languages}
        inner.nothing_else()
        return texts

    def nothing_else(self) -> None:
        """Note every field that nobody took."""
        for name in self._rest:
            self.wrong(name[:80], "isn't a field here")
