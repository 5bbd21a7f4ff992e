"""All that is wrong with a table of rules, each fault with its line.

Reading a table stops at its first fault. People who mend a table want all of them, so a row
that is wrong is told of and left out, and the rest is read again. What concerns several rows
together is looked at once each row is right in itself: it would be told wrongly before.
"""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from payvand.switch.rules.rulebook import READERS, TABLE_BYTES_MAX
from payvand.switch.rules.table_row import RulesError, TableRow
from payvand.switch.rules.toml_lines import line_of, lines_by_path

__all__ = ["FAULTS_MAX", "TableFault", "faults_in", "faults_of"]

FAULTS_MAX = 100
"""More are not told of."""

_LINE = re.compile(r"at line (\d+)")
_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class TableFault:
    """One thing that is wrong with a table."""

    line: int
    path: str
    rule: str
    hint: str


def faults_of(name: str, text: str) -> list[TableFault]:
    """Return what is wrong with the *text* of the table *name*, in the order of its lines."""
    return faults_in(text, READERS[name])


def faults_in(text: str, read: Callable[[TableRow], Any]) -> list[TableFault]:
    """Return what is wrong with *text* where *read* has to read it, in the order of its lines."""
    if len(text.encode()) > TABLE_BYTES_MAX:
        return [TableFault(1, "", "rules.size", f"a table has at most {TABLE_BYTES_MAX} bytes")]
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        return [TableFault(line, "", "rules.toml", str(error))]
    lines = lines_by_path(text)
    faults: list[TableFault] = []
    left_out = _LeftOut()
    while len(faults) < FAULTS_MAX:
        try:
            read(TableRow("", content))
            break
        except RulesError as error:
            path = left_out.original(error.path)
            is_of_row = _INDEX.search(path) is not None and not error.is_between_rows
            if is_of_row or not faults:
                faults.append(TableFault(line_of(lines, path), path, error.rule, error.hint))
            if not is_of_row or not left_out.leave_out(content, error.path):
                break
    return sorted(faults, key=lambda fault: fault.line)


class _LeftOut:
    """Which elements of which lists are left out, so that paths still lead into the text."""

    def __init__(self) -> None:
        self._indexes: dict[str, list[int]] = {}

    def original(self, path: str) -> str:
        """Return what *path*, into what is left, is in the whole."""
        whole, place = "", 0
        for match in _INDEX.finditer(path):
            whole += path[place : match.start()]
            index = int(match[1])
            for gone in self._indexes.get(whole, ()):
                index += gone <= index
            whole += f"[{index}]"
            place = match.end()
        return whole + path[place:]

    def leave_out(self, content: Any, path: str) -> bool:
        """Take the innermost row that *path* leads into out of *content*, or return False."""
        last = list(_INDEX.finditer(path))[-1]
        inside: Any = content
        for step in re.findall(r"[^.\[\]]+", path[: last.start()]):
            inside = inside[int(step) if isinstance(inside, list) else step]
        if not isinstance(inside, list):
            return False
        whole = self.original(path[: last.end()])
        where, _, index = whole.rpartition("[")
        del inside[int(last[1])]
        self._indexes[where] = sorted([*self._indexes.get(where, []), int(index[:-1])])
        return True
