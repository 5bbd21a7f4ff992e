"""A report: a saved query over the documented views, and how its columns are read.

    [title]
    en = "Net debit over the day"
    fa = "..."

    parameters = ["day"]                 # of day, window, participant: what it is asked with
    query = "SELECT participant, sum(amount) AS paid FROM payment WHERE …"
    totals = ["paid"]                    # columns that a last row adds up
    [[columns]]
    name = "paid"
    kind = "amount"
    title = { en = "paid", fa = "..." }
    [plot]                               # optional
    kind = "bars"                        # or "lines"
    x = "participant"
    y = ["paid"]

In the query stand `:from` and `:until`, the moments at which the asked business day begins and
ends, `:window` and `:participant`. Reports that come with Payvand stand in `pack/`; operators save
their own.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

__all__ = [
    "COLUMNS_MAX",
    "QUERY_CHARACTERS_MAX",
    "Column",
    "ColumnKind",
    "Parameter",
    "Plot",
    "PlotKind",
    "Report",
    "ReportMalformed",
    "Words",
    "pack",
]

COLUMNS_MAX: Final = 32
QUERY_CHARACTERS_MAX: Final = 16_384
NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
PLACEHOLDER: Final = re.compile(r"(?<!:):([a-z]+)\b")
"""A parameter in a query; `::type` is PostgreSQL's cast."""


class ReportMalformed(Exception):
    """A report's definition is no report; `field` says where, `rule` which rule it breaks."""

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


class ColumnKind(StrEnum):
    """How the cells of a column are read."""

    TEXT = "text"
    CODE = "code"
    """A word of the views, which has a name in both languages."""
    COUNT = "count"
    AMOUNT = "amount"
    """Minor units; may be below zero."""
    MOMENT = "moment"
    """Nanoseconds since 1970."""
    MILLISECONDS = "milliseconds"
    PER_MILLE = "per_mille"
    """A share in thousandths."""

    @property
    def is_number(self) -> bool:
        """Whether the cells are integers."""
        return self not in (ColumnKind.TEXT, ColumnKind.CODE)


class Parameter(StrEnum):
    """What a report is asked with."""

    DAY = "day"
    WINDOW = "window"
    PARTICIPANT = "participant"


PLACEHOLDERS: Final = {
    "from": (Parameter.DAY, "bigint"),
    "until": (Parameter.DAY, "bigint"),
    "window": (Parameter.WINDOW, "integer"),
    "participant": (Parameter.PARTICIPANT, "text"),
}
"""What may stand in a query: the parameter that fills it, and its type."""


class PlotKind(StrEnum):
    """How a report is drawn."""

    BARS = "bars"
    LINES = "lines"


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages."""

    en: str
    fa: str

    def text(self, language: str) -> str:
        """Return it in the language `en` or `fa`."""
        return self.fa if language == "fa" else self.en


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report."""

    name: str
    """As the query calls it."""
    kind: ColumnKind
    title: Words


@dataclass(frozen=True, slots=True)
class Plot:
    """What is drawn of a report."""

    kind: PlotKind
    x: str
    """The column along the axis."""
    y: tuple[str, ...]
    """The columns drawn over it."""
    line: str
    """The column whose each value has a line of its own; empty for none."""


@dataclass(frozen=True, slots=True)
class Report:
    """A report's definition."""

    name: str
    title: Words
    parameters: frozenset[Parameter]
    query: str
    columns: tuple[Column, ...]
    totals: frozenset[str]
    plot: Plot | None
    definition: str
    """The TOML that it was read from."""

    @classmethod
    def of(cls, name: str, definition: str) -> "Report":
        """Read a definition.

        Raises:
            ReportMalformed: it is none; the query itself is looked at by the database.
        """
        if NAME.fullmatch(name) is None:
            raise ReportMalformed(
                "name", "report.name", "a letter, then up to 31 of a-z, 0-9 and _"
            )
        try:
            content = tomllib.loads(definition)
        except tomllib.TOMLDecodeError as error:
            raise ReportMalformed("definition", "report.toml", str(error)) from None
        known = {"title", "parameters", "query", "columns", "totals", "plot"}
        for key in content.keys() - known:
            raise ReportMalformed(key, "report.field", f"no such field; known are {sorted(known)}")
        columns = _columns(content)
        parameters = frozenset(
            _member(Parameter, given, f"parameters[{place}]")
            for place, given in enumerate(_list(content, "parameters"))
        )
        return cls(
            name=name,
            title=_words(content, "title"),
            parameters=parameters,
            query=_query(content, parameters),
            columns=columns,
            totals=_totals(content, columns),
            plot=_plot(content, columns),
            definition=definition,
        )

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)

    def place(self, name: str) -> int:
        """Return where a column stands in a row."""
        return next(place for place, column in enumerate(self.columns) if column.name == name)

    def statement(self) -> tuple[str, tuple[str, ...]]:
        """Return the query with PostgreSQL's $1, $2 …, and which placeholder each stands for."""
        order: list[str] = []

        def numbered(match: re.Match[str]) -> str:
            if match[1] not in order:
                order.append(match[1])
            _, kind = PLACEHOLDERS[match[1]]
            return f"CAST(${order.index(match[1]) + 1} AS {kind})"

        return PLACEHOLDER.sub(numbered, self.query), tuple(order)


@lru_cache(maxsize=1)
def pack() -> Mapping[str, Report]:
    """Return the reports that come with Payvand, by name."""
    found = sorted(
        (
            entry
            for entry in (files(__package__) / "pack").iterdir()
            if entry.name.endswith(".toml")
        ),
        key=lambda entry: entry.name,
    )
    reports = [
        Report.of(entry.name.removesuffix(".toml"), entry.read_text(encoding="utf-8"))
        for entry in found
    ]
    return {report.name: report for report in reports}


def _columns(content: Mapping[str, Any]) -> tuple[Column, ...]:
    rows = _list(content, "columns")
    if not 1 <= len(rows) <= COLUMNS_MAX:
        raise ReportMalformed("columns", "report.columns", f"from 1 to {COLUMNS_MAX} of them")
    columns = []
    for place, row in enumerate(rows):
        field = f"columns[{place}]"
        if not isinstance(row, dict) or not isinstance(row.get("name"), str):
            raise ReportMalformed(field, "report.column", "give its name, kind and title")
        columns.append(
            Column(
                row["name"],
                _member(ColumnKind, row.get("kind"), f"{field}.kind"),
                _words(row, "title", within=f"{field}."),
            )
        )
    if len({column.name for column in columns}) < len(columns):
        raise ReportMalformed("columns", "report.column", "two have one name")
    return tuple(columns)


def _query(content: Mapping[str, Any], parameters: frozenset[Parameter]) -> str:
    query = content.get("query")
    if not isinstance(query, str) or not query.strip():
        raise ReportMalformed("query", "report.query", "give a SELECT over the views")
    if len(query) > QUERY_CHARACTERS_MAX:
        raise ReportMalformed("query", "report.query", f"at most {QUERY_CHARACTERS_MAX} characters")
    for placeholder in PLACEHOLDER.findall(query):
        if placeholder not in PLACEHOLDERS or PLACEHOLDERS[placeholder][0] not in parameters:
            raise ReportMalformed(
                "query",
                "report.placeholder",
                f":{placeholder} is filled in by no parameter of the report",
            )
    return query.strip().rstrip(";")


def _totals(content: Mapping[str, Any], columns: Sequence[Column]) -> frozenset[str]:
    totals = _list(content, "totals")
    may = {
        column.name for column in columns if column.kind in (ColumnKind.AMOUNT, ColumnKind.COUNT)
    }
    for place, name in enumerate(totals):
        if name not in may:
            raise ReportMalformed(
                f"totals[{place}]", "report.totals", "name a column of amounts or counts"
            )
    return frozenset(totals)


def _plot(content: Mapping[str, Any], columns: Sequence[Column]) -> Plot | None:
    given = content.get("plot")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise ReportMalformed("plot", "report.plot", "give its kind, x and y")
    kinds = {column.name: column.kind for column in columns}
    plot = Plot(
        _member(PlotKind, given.get("kind"), "plot.kind"),
        given.get("x", ""),
        tuple(_list(given, "y")),
        given.get("line", ""),
    )
    if plot.x not in kinds or (plot.line and plot.line not in kinds):
        raise ReportMalformed("plot", "report.plot", "x and line name columns")
    if plot.kind is PlotKind.LINES and not kinds[plot.x].is_number:
        raise ReportMalformed("plot.x", "report.plot", "lines run over a column of numbers")
    if not plot.y or any(not kinds.get(name, ColumnKind.TEXT).is_number for name in plot.y):
        raise ReportMalformed("plot.y", "report.plot", "name columns of numbers")
    if plot.line and len(plot.y) > 1:
        raise ReportMalformed("plot.y", "report.plot", "with line there is one y")
    return plot


def _words(content: Mapping[str, Any], key: str, *, within: str = "") -> Words:
    given = content.get(key)
    if (
        not isinstance(given, dict)
        or set(given) != {"en", "fa"}
        or not all(isinstance(text, str) and 0 < len(text) <= 100 for text in given.values())
    ):
        raise ReportMalformed(
            within + key, "report.words", "give en and fa, each of up to 100 characters"
        )
    return Words(given["en"], given["fa"])


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    given = content.get(key, [])
    if not isinstance(given, list):
        raise ReportMalformed(key, "report.list", "give a list")
    return given


def _member(kind: Any, given: object, field: str) -> Any:
    try:
        return kind(given)
    except ValueError:
        raise ReportMalformed(
            field, "report.word", f"one of {', '.join(kind)}, not {str(given)[:40]!r}"
        ) from None
