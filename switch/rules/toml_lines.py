"""On which line of a TOML text each value stands, by its path: `bank[3].until` is on line 41.

`tomllib` tells no lines of what it read, and people who mend a table of some hundred rows need
them. The text has been read by `tomllib` before: its form is right and isn't judged again here.
"""

import re

__all__ = ["line_of", "lines_by_path"]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(r"\[\[?\s*([^\]]+?)\s*\]\]?")
_KEY = re.compile(r"\s*((?:\"[^\"\n]*\"|'[^'\n]*'|[^=\"'\n])+?)\s*=[ \t]*")
_PLAIN = re.compile(r"[^,\]}\n#]*")
_TEXT = re.compile(
    r'"""(?:\\.|[^\\])*?"""' r"|'''.*?'''" r'|"(?:\\.|[^"\\])*"' r"|'[^'\n]*'", re.DOTALL
)


def lines_by_path(text: str) -> dict[str, int]:
    """Return the line, from 1, of each table, key and element of a list in the TOML *text*."""
    scan = _Scan(text)
    scan.file()
    return scan.lines


def line_of(lines: dict[str, int], path: str) -> int:
    """Return the line of *path*, or that of the nearest thing around it; 1 where there is none."""
    while path:
        if path in lines:
            return lines[path]
        if f"{path}[0]" in lines:
            return lines[f"{path}[0]"]
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return 1


class _Scan:
    """One way through a text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[str, int] = {}
        self._text = text
        self._place = 0
        self._counts: dict[str, int] = {}

    def file(self) -> None:
        """Go through the whole text."""
        table = ""
        self._skip(_BLANK)
        while self._place < len(self._text):
            if self._text[self._place] == "[":
                is_array = self._text.startswith("[[", self._place)
                line = self._line()
                table = self._table(self._skip(_HEADER).group(1), is_array=is_array)
                self.lines.setdefault(table, line)
            else:
                self._entry(table)
            self._skip(_BLANK)

    def _table(self, name: str, *, is_array: bool) -> str:
        """Return the path of the table that a header begins."""
        path = ""
        keys = [key.strip().strip("\"'") for key in name.split(".")]
        for depth, key in enumerate(keys, 1):
            path = f"{path}.{key}" if path else key
            if depth == len(keys) and is_array:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = f"{path}[{self._counts[path] - 1}]"
        return path

    def _entry(self, table: str) -> None:
        line = self._line()
        key = self._skip(_KEY).group(1).strip("\"'")
        path = f"{table}.{key}" if table else key
        self.lines[path] = line
        self._value(path)

    def _value(self, path: str) -> None:
        first = self._text[self._place : self._place + 1]
        if first == "[":
            self._list(path, "]")
        elif first == "{":
            self._list(path, "}")
        elif _TEXT.match(self._text, self._place):
            self._skip(_TEXT)
        else:
            self._skip(_PLAIN)

    def _list(self, path: str, end: str) -> None:
        """Go through a list, or the entries of a table in one line."""
        self._place += 1
        index = 0
        self._skip(_BLANK)
        while self._place < len(self._text) and self._text[self._place] != end:
            if end == "}":
                self._entry(path)
            else:
                self.lines[f"{path}[{index}]"] = self._line()
                self._value(f"{path}[{index}]")
            index += 1
            self._skip(_BLANK)
            if self._text[self._place : self._place + 1] == ",":
                self._place += 1
            self._skip(_BLANK)
        self._place += 1

    def _skip(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._place)
        assert match is not None, "the text was read before"
        self._place = match.end()
        return match

    def _line(self) -> int:
        return self._text.count("\n", 0, self._place) + 1
