"""What a report found, as CSV and JSON for programs and as one page of HTML for people.

Programs get codes, integers and moments as they are, whatever the language. A page stands by
itself: no script, no font and no picture from anywhere, so that it can be kept, sent, and read in
ten years.
"""

import csv
import hashlib
import html
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

from payvand.settlement.reporting.chart import BarChart, Chart, Line, side_by_side
from payvand.settlement.reporting.report import Column, ColumnKind, Plot, PlotKind
from payvand.settlement.reporting.running import Cell, Findings

__all__ = ["CellText", "as_csv", "as_html", "as_json", "render_json"]

CellText = Callable[[Column, Cell], str]
"""Prints a cell for people, in their language."""

LINES_MAX: Final = 6
BAR_GROUPS_MAX: Final = 24
"""What a chart can show; a plot of more shows the first ones."""
NS_PER_MINUTE: Final = 60_000_000_000

STYLE: Final = """
:root { color-scheme: light dark; font-family: system-ui, "Vazirmatn", Tahoma, sans-serif; }
body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; line-height: 1.5; }
h1 { font-size: 1.4rem; margin-bottom: .2rem; }
p { color: GrayText; margin: .1rem 0; font-size: .9rem; }
table { border-collapse: collapse; width: 100%; margin: 1.2rem 0; font-size: .9rem; }
th, td { padding: .35rem .6rem; border-bottom: 1px solid #8884; }
th { text-align: start; font-weight: 600; }
td.number, th.number { text-align: end; font-variant-numeric: tabular-nums; direction: ltr; }
tfoot td { font-weight: 600; border-top: 2px solid currentColor; }
svg { direction: ltr; width: 100%; max-width: 48rem; height: auto; }
"""


def as_csv(findings: Findings) -> str:
    """Return the rows as CSV under the columns' names."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in findings.report.columns)
    writer.writerows(["" if cell is None else cell for cell in row] for row in findings.rows)
    return text.getvalue()


def as_json(findings: Findings) -> dict[str, Any]:
    """Return what was found for JSON: amounts and all other integers as strings of digits."""
    columns = findings.report.columns
    totals = findings.totals()

    def told(row: Sequence[Cell]) -> dict[str, str | None]:
        return {
            column.name: None if cell is None else str(cell)
            for column, cell in zip(columns, row, strict=True)
        }

    return {
        "report": findings.report.name,
        "definition_sha256": hashlib.sha256(findings.report.definition.encode()).hexdigest(),
        "asked": {
            "day": findings.asked.day.isoformat() if findings.asked.day else None,
            "window": findings.asked.window or None,
            "participant": findings.asked.participant or None,
        },
        "sequence": findings.sequence,
        "stands_at": findings.stands_at,
        "truncated": findings.truncated,
        "rows": [told(row) for row in findings.rows],
        "totals": None if totals is None else told(totals),
    }


def render_json(findings: Findings) -> str:
    """Return `as_json` as text."""
    return json.dumps(as_json(findings), indent=2, ensure_ascii=False) + "\n"


def as_html(
    findings: Findings, *, language: str, cell_text: CellText, about: Sequence[str], total: str
) -> str:
    """Return what was found as a page.

    Args:
        findings: What a report found.
        language: `en` or `fa`, which runs from right to left.
        cell_text: Prints a cell.
        about: Lines below the title: what was asked, and when.
        total: The word for the last row.
    """
    report = findings.report
    title = html.escape(report.title.text(language))
    head = "".join(
        f"<th{_class(column)}>{html.escape(column.title.text(language))}</th>"
        for column in report.columns
    )
    body = "\n".join(_row(report.columns, row, cell_text) for row in findings.rows)
    foot = ""
    if (totals := findings.totals()) is not None:
        first = next((place for place, cell in enumerate(totals) if cell is None), len(totals))
        named = (*totals[:first], total, *totals[first + 1 :])
        foot = f"<tfoot>{_row(report.columns, named, cell_text, named=first)}</tfoot>"
    lines = "".join(f"<p>{html.escape(line)}</p>" for line in about)
    drawn = _drawn(findings, language) if report.plot and findings.rows else ""
    direction = "rtl" if language == "fa" else "ltr"
    return f"""<!doctype html>
<html lang="{language}" dir="{direction}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>{STYLE}</style></head>
<body>
<h1>{title}</h1>{lines}
{drawn}
<table>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
{foot}
</table>
</body>
</html>
"""


def _class(column: Column) -> str:
    return ' class="number"' if column.kind.is_number else ""


def _row(
    columns: Sequence[Column], row: Sequence[Cell], cell_text: CellText, *, named: int = -1
) -> str:
    cells = "".join(
        f"<td{_class(column)}>"
        f"{html.escape(str(cell) if place == named else cell_text(column, cell))}</td>"
        for place, (column, cell) in enumerate(zip(columns, row, strict=True))
    )
    return f"<tr>{cells}</tr>"


def _drawn(findings: Findings, language: str) -> str:
    plot = findings.report.plot
    assert plot is not None
    chart = (
        _bars(findings, plot, language)
        if plot.kind is PlotKind.BARS
        else _lines(findings, plot, language)
    )
    return side_by_side([chart])


def _bars(findings: Findings, plot: Plot, language: str) -> BarChart:
    """Draw bars; rows of one name are added up."""
    report = findings.report
    x = report.place(plot.x)
    names = list(dict.fromkeys(str(row[x]) for row in findings.rows))[:BAR_GROUPS_MAX]
    series = []
    for name in plot.y:
        place = report.place(name)
        sums = dict.fromkeys(names, 0)
        for row in findings.rows:
            if (group := str(row[x])) in sums:
                sums[group] += int(row[place] or 0)
        title = report.column(name).title.text(language)
        series.append(Line(title, [(0, float(sums[group])) for group in names]))
    return BarChart("", names, series)


def _lines(findings: Findings, plot: Plot, language: str) -> Chart:
    report = findings.report
    x, y = report.place(plot.x), report.place(plot.y[0])
    column = report.column(plot.x)
    first = int(findings.rows[0][x] or 0)
    # Moments are told by the minute since the first.
    is_moment = column.kind is ColumnKind.MOMENT
    unit, origin = (NS_PER_MINUTE, first) if is_moment else (1, 0)

    def points(rows: Sequence[Sequence[Cell]], place: int) -> list[tuple[float, float]]:
        return [((int(row[x] or 0) - origin) / unit, float(int(row[place] or 0))) for row in rows]

    if plot.line:
        by = report.place(plot.line)
        names = list(dict.fromkeys(str(row[by]) for row in findings.rows))[:LINES_MAX]
        lines = [
            Line(name, points([row for row in findings.rows if str(row[by]) == name], y))
            for name in names
        ]
    else:
        lines = [
            Line(
                report.column(name).title.text(language), points(findings.rows, report.place(name))
            )
            for name in plot.y
        ]
    minutes = "دقیقه" if language == "fa" else "minutes"
    x_title = column.title.text(language) + (f" ({minutes})" if is_moment else "")
    return Chart("", x_title, lines)
