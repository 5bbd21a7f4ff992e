"""Reading a table of rules from TOML: each value by its kind, and every fault by its path.

A `TableRow` hands out the values of one table of the file. `finish` refuses what was not asked for,
so that a misspelt key is not lost in silence.
"""

import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any

from payvand.switch.rules.solar_hijri import (
    WEEKDAYS,
    DateError,
    parse_day,
    parse_time,
)
from payvand.switch.rules.validity import Validity

__all__ = ["AMOUNT_MAX", "TEXT_LENGTH_MAX", "RulesError", "TableRow", "parse_toml"]

TEXT_LENGTH_MAX = 400
LIST_LENGTH_MAX = 10_000
AMOUNT_MAX = (1 << 64) - 1


class RulesError(Exception):
    """A table of rules is wrong and is not used.

    `path` says where in the file, `rule` is the stable id of the broken rule, `hint` what to do.
    `is_between_rows` tells that the row is right in itself and doesn't fit the others.
    """

    def __init__(self, path: str, rule: str, hint: str, *, is_between_rows: bool = False) -> None:
        super().__init__(f"{path}: {rule}: {hint}" if path else f"{rule}: {hint}")
        self.path = path
        self.rule = rule
        self.hint = hint
        self.is_between_rows = is_between_rows


def parse_toml(text: str) -> "TableRow":
    """Return the whole file *text* as a row, or raise `RulesError`."""
    try:
        return TableRow("", tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise RulesError("", "rules.toml", str(error)) from None


class TableRow:
    """One table of a file, whose values are taken out by kind."""

    def __init__(self, path: str, values: Mapping[str, Any]) -> None:
        """Hand out *values*, which stand at *path*."""
        self.path = path
        self._left = dict(values)

    def at(self, key: str) -> str:
        """Return the path of *key*."""
        return f"{self.path}.{key}" if self.path else key

    def fault(self, key: str, rule: str, hint: str) -> RulesError:
        """Return the error that *key* broke *rule*."""
        return RulesError(self.at(key), rule, hint)

    def text(self, key: str, default: str | None = None) -> str:
        """Take a text that is not empty; where it is missing, *default* unless that is None."""
        if default is not None and key not in self._left:
            return default
        value = self._take(key)
        if not isinstance(value, str) or not 0 < len(value) <= TEXT_LENGTH_MAX:
            raise self.fault(key, "rules.type", f"a text of 1 to {TEXT_LENGTH_MAX} characters")
        return value

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """Take a text that is one of *choices*."""
        value = self.text(key)
        if value not in choices:
            raise self.fault(key, "rules.choice", "one of " + ", ".join(choices))
        return value

    def texts(self, key: str, *, optional: bool = False) -> tuple[str, ...]:
        """Take a list of texts."""
        values = self._list(key, optional=optional)
        if not all(
            isinstance(value, str) and 0 < len(value) <= TEXT_LENGTH_MAX for value in values
        ):
            raise self.fault(key, "rules.type", "a list of texts")
        return tuple(values)

    def lists(self, key: str) -> Iterator[tuple[str, list[Any]]]:
        """Take a list of lists, each with its path."""
        for index, value in enumerate(self._list(key, optional=False)):
            if not isinstance(value, list):
                raise self.fault(f"{key}[{index}]", "rules.type", "a list")
            yield self.at(f"{key}[{index}]"), value

    def amount(self, key: str, default: int | None = None) -> int:
        """Take an unsigned integer; where it is missing, *default* unless that is None."""
        if default is not None and key not in self._left:
            return default
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= AMOUNT_MAX:
            raise self.fault(key, "rules.type", f"an integer from 0 to {AMOUNT_MAX}")
        return value

    def flag(self, key: str) -> bool:
        """Take a truth value; false where it is missing."""
        value = self._left.pop(key, False)
        if not isinstance(value, bool):
            raise self.fault(key, "rules.type", "true or false")
        return value

    def day(self, key: str) -> date:
        """Take a day."""
        return self._day(key, self.text(key))

    def days(self, key: str) -> tuple[date, ...]:
        """Take a list of days."""
        return tuple(self._day(key, text) for text in self.texts(key))

    def hour(self, key: str) -> time:
        """Take an hour."""
        return self._hour(key, self.text(key))

    def hours(self, key: str) -> tuple[time, ...]:
        """Take a list of hours in their order."""
        found = tuple(self._hour(key, text) for text in self.texts(key))
        if list(found) != sorted(set(found)):
            raise self.fault(key, "rules.order", "each hour once, in their order")
        return found

    def weekdays(self, key: str) -> frozenset[int]:
        """Take a list of weekdays by name, as `date.weekday()` numbers them."""
        names = self.texts(key)
        for name in names:
            if name not in WEEKDAYS:
                raise self.fault(key, "rules.choice", "one of " + ", ".join(WEEKDAYS))
        return frozenset(map(WEEKDAYS.index, names))

    def validity(self) -> Validity:
        """Take `from` and `until`; where one is missing, there is no end on that side."""
        first = self.day("from") if "from" in self._left else date.min
        last = self.day("until") if "until" in self._left else date.max
        if first > last:
            raise self.fault("until", "rules.validity", "it ends before it begins")
        return Validity(first, last)

    def rows(self, key: str, *, optional: bool = False) -> Iterator["TableRow"]:
        """Take the tables of one kind, `[[key]]`."""
        for index, values in enumerate(self._list(key, optional=optional)):
            path = self.at(f"{key}[{index}]")
            if not isinstance(values, dict):
                raise RulesError(path, "rules.type", f"write [[{key}]]")
            yield TableRow(path, values)

    def row(self, key: str) -> "TableRow":
        """Take one table, `{ … }`."""
        values = self._take(key)
        if not isinstance(values, dict):
            raise self.fault(key, "rules.type", "a table: { key = value, … }")
        return TableRow(self.at(key), values)

    @property
    def keys_left(self) -> tuple[str, ...]:
        """What has not been taken, in the order of the text."""
        return tuple(self._left)

    def is_list(self, key: str) -> bool:
        """Tell whether *key* holds a list, and was not taken."""
        return isinstance(self._left.get(key), list)

    def is_missing(self, key: str) -> bool:
        """Tell whether *key* is not there, or was taken."""
        return key not in self._left

    def is_word(self, key: str, word: str) -> bool:
        """Tell whether *key* holds just *word*, and take it if so."""
        if self._left.get(key) != word:
            return False
        del self._left[key]
        return True

    def finish(self) -> None:
        """Refuse what is left over."""
        for key in self._left:
            raise self.fault(key, "rules.key", "nobody knows this key; is it misspelt?")

    def _take(self, key: str) -> Any:
        if key not in self._left:
            raise self.fault(key, "rules.missing", "give it")
        return self._left.pop(key)

    def _list(self, key: str, *, optional: bool) -> list[Any]:
        values = self._left.pop(key, []) if optional else self._take(key)
        if not isinstance(values, list) or len(values) > LIST_LENGTH_MAX:
            raise self.fault(key, "rules.type", f"a list of at most {LIST_LENGTH_MAX}")
        return values

    def _day(self, key: str, text: str) -> date:
        try:
            return parse_day(text)
        except DateError as error:
            raise self.fault(key, error.rule, error.hint) from None

    def _hour(self, key: str, text: str) -> time:
        try:
            return parse_time(text)
        except DateError as error:
            raise self.fault(key, error.rule, error.hint) from None
