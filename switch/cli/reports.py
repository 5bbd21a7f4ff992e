"""`payvand reports`: figures of the books as tables, CSV, JSON and pages; queries of one's own."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from payvand.client import Operator
from payvand.settlement.reporting.rendering import as_csv, as_html
from payvand.settlement.reporting.rendering import as_json as json_of
from payvand.settlement.reporting.report import Column, Report
from payvand.settlement.reporting.running import Asked, Cell, Findings
from payvand.switch.cli.display import display, said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json, print_table, print_told_table
from payvand.switch.report_texts import ReportTexts
from payvand.v1.report_service_pb2 import Report as StoredReport
from payvand.v1.report_service_pb2 import RunReportResponse

__all__ = ["reports"]

Answer = TypeVar("Answer")
NEVER: Final = "off"


@click.group()
def reports() -> None:
    """Ask the books for figures: positions, liquidity, service levels, breaks and more.

    A report is a saved query over documented views; operators save their own.
    """


@reports.command("list")
@as_json
@door_options(caller="anybody")
def list_reports(door: Door, as_json: bool) -> None:
    """List the reports, and when each is written."""
    found = _ask(door, lambda operator: operator.reports.all())
    if as_json:
        print_json({"reports": [_stored_json(stored) for stored in found]})
        return
    language = display().language
    print_table(
        ("name", "called", "asks for", "saved by", "written at"),
        (
            (
                stored.name,
                (report := Report.of(stored.name, stored.definition)).title.text(language),
                ", ".join(sorted(report.parameters)),
                stored.saved_by,
                stored.written_at,
            )
            for stored in found
        ),
    )


@reports.command()
@click.argument("name")
@click.option("--day", default="", help="The business day: 1405-09-03 or 2026-11-24; today.")
@click.option(
    "--window", type=click.IntRange(min=0), default=0, help="The window; the last closed one."
)
@click.option("--participant", default="", help="The participant's short name.")
@click.option("--csv", "as_csv_text", is_flag=True, help="Print CSV.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page with its drawing to this file.",
)
@as_json
@door_options(caller="anybody")
def run(
    door: Door,
    name: str,
    day: str,
    window: int,
    participant: str,
    as_csv_text: bool,
    page: Path | None,
    as_json: bool,
) -> None:
    """Run the report NAME."""
    if as_csv_text and as_json:
        raise click.UsageError("choose --csv or --json")
    reply = _ask(
        door,
        lambda operator: operator.reports.run(
            name, day=day, window=window, participant=participant
        ),
    )
    findings = _findings(reply)
    words = ReportTexts(display().language)
    if page is not None:
        page.write_text(
            as_html(
                findings,
                language=display().language,
                cell_text=words.cell,
                about=words.about(findings),
                total=words.total,
            ),
            encoding="utf-8",
        )
        click.echo(said("Written to {file}.", file=str(page)), err=True)
    if as_json:
        print_json(json_of(findings))
    elif as_csv_text:
        click.echo(as_csv(findings), nl=False)
    elif page is None:
        _print(findings, words)


@reports.command()
@click.argument("name")
@as_json
@door_options(caller="anybody")
def show(door: Door, name: str, as_json: bool) -> None:
    """Print the definition of the report NAME: a beginning for one of your own."""
    for stored in _ask(door, lambda operator: operator.reports.all()):
        if stored.name == name:
            if as_json:
                print_json(_stored_json(stored))
            else:
                click.echo(stored.definition, nl=False)
            return
    raise click.UsageError(f"there is no report {name!r}; `payvand reports list` names them")


@reports.command()
@click.argument("name")
@click.argument("file", type=click.File(encoding="utf-8"))
@as_json
@door_options()
def save(door: Door, name: str, file: Any, as_json: bool) -> None:
    """Save the definition in FILE (- for standard input) as the report NAME."""
    text = file.read()
    stored = _ask(door, lambda operator: operator.reports.save(name, text))
    if as_json:
        print_json(_stored_json(stored))
    else:
        click.echo(said("{name} is saved.", name=name))


@reports.command()
@click.argument("name")
@as_json
@door_options()
def remove(door: Door, name: str, as_json: bool) -> None:
    """Remove the saved report NAME."""
    _ask(door, lambda operator: operator.reports.remove(name))
    if as_json:
        print_json({"removed": name})
    else:
        click.echo(said("{name} is removed.", name=name))


@reports.command()
@click.argument("name")
@click.argument("hour", metavar="HOUR")
@as_json
@door_options()
def schedule(door: Door, name: str, hour: str, as_json: bool) -> None:
    """Write the report NAME each day at HOUR, as 18:30 by local time; `off` for no longer.

    Files appear below `reports` in the switch's data folder, a folder a day.
    """
    at = "" if hour == NEVER else hour
    stored = _ask(door, lambda operator: operator.reports.schedule(name, at))
    if as_json:
        print_json(_stored_json(stored))
    elif at:
        click.echo(said("{name} is written each day at {hour}.", name=name, hour=at))
    else:
        click.echo(said("{name} is no longer written.", name=name))


def _ask(door: Door, question: Callable[[Operator], Awaitable[Answer]]) -> Answer:
    async def ask() -> Answer:
        async with door.operator() as operator:
            return await question(operator)

    return asyncio.run(ask())


def _stored_json(stored: StoredReport) -> dict[str, Any]:
    report = Report.of(stored.name, stored.definition)
    return {
        "name": stored.name,
        "title": {"en": report.title.en, "fa": report.title.fa},
        "parameters": sorted(report.parameters),
        "saved_by": stored.saved_by,
        "written_at": stored.written_at,
        "definition": stored.definition,
    }


def _findings(reply: RunReportResponse) -> Findings:
    report = Report.of(reply.report.name, reply.report.definition)
    return Findings(
        report,
        Asked(
            day=date.fromisoformat(reply.day) if reply.day else None,
            window=reply.window,
            participant=reply.participant,
        ),
        reply.sequence,
        reply.stands_at,
        tuple(
            tuple(
                _cell(column, cell.value if cell.HasField("value") else None)
                for column, cell in zip(report.columns, row.cells, strict=True)
            )
            for row in reply.rows
        ),
        reply.truncated,
    )


def _cell(column: Column, text: str | None) -> Cell:
    return int(text) if text is not None and column.kind.is_number else text


def _print(findings: Findings, words: ReportTexts) -> None:
    report = findings.report
    rows = [
        [words.cell(column, cell) for column, cell in zip(report.columns, row, strict=True)]
        for row in findings.rows
    ]
    if (totals := findings.totals()) is not None:
        cells = [
            words.cell(column, cell) for column, cell in zip(report.columns, totals, strict=True)
        ]
        rows.append([words.total, *cells[1:]] if totals[0] is None else cells)
    first = next((place for place, column in enumerate(report.columns) if column.kind.is_number), 0)
    print_told_table(
        [column.title.text(words.language) for column in report.columns],
        rows,
        title=report.title.text(words.language),
        numbers=first,
    )
    for line in words.about(findings):
        click.echo(line)
