"""`payvand stuck`: what waits, for whom, since when, what may be done, and what comes of it."""

import asyncio
from typing import Any, Final

import click

from payvand.settlement.reporting.report import Report
from payvand.switch.cli.display import display, named, said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json, print_table
from payvand.v1.report_service_pb2 import RunReportResponse

__all__ = ["stuck"]

REPORT: Final = "waiting"
MINUTE_NS: Final = 60_000_000_000

COMMANDS: Final = {
    "payment": "payvand status {subject}",
    "recall": "payvand status {subject}",
    "proposal": "payvand approvals show {subject}",
    "break": "payvand reconcile history {subject}",
    "settlement_window": "payvand settle",
    "claim": "payvand directory claims",
    "bank_file": "payvand reconcile take FILE --participant {waits_for} --window {subject}",
}
"""What shows a thing that waits, or ends its waiting, by its kind."""


@click.command()
@click.option(
    "--minutes", type=click.IntRange(min=0), default=0, help="Only what waits for so long already."
)
@as_json
@door_options(caller="anybody")
def stuck(door: Door, minutes: int, as_json: bool) -> None:
    """List what waits: since when, for whom, what may be done, and what comes of it otherwise.

    Payments and recalls that nobody has answered, proposals that lack a second operator, open
    breaks, the open settlement window, claims on aliases, files that banks owe. Nothing is changed
    by looking; each line names the command that goes on from there.
    """
    reply = asyncio.run(_waiting(door))
    rows = [
        row for row in _rows(reply) if reply.stands_at - int(row["since"]) >= minutes * MINUTE_NS
    ]
    if as_json:
        print_json({"sequence": reply.sequence, "waiting": rows})
        return
    if not rows:
        click.echo(said("Nothing waits."))
        return
    print_table(
        ("kind", "id", "waits for", "amount", "since", "due", "may be done", "else", "command"),
        (
            (
                named("waiting", row["kind"]),
                row["subject"],
                row["waits_for"],
                display().number(amount_text(row["amount"])) if row["amount"] else "",
                moment(int(row["since"])),
                moment(int(row["due"] or 0)),
                named("remedy", row["may_be_done"]),
                named("remedy", row["when_due"]),
                row["command"],
            )
            for row in rows
        ),
        title=said("As of {at}", at=moment(reply.stands_at)),
    )


async def _waiting(door: Door) -> RunReportResponse:
    async with door.operator() as operator:
        return await operator.reports.run(REPORT)


def _rows(reply: RunReportResponse) -> list[dict[str, Any]]:
    report = Report.of(reply.report.name, reply.report.definition)
    names = [column.name for column in report.columns]
    rows = []
    for row in reply.rows:
        cells = [cell.value if cell.HasField("value") else None for cell in row.cells]
        told = dict(zip(names, cells, strict=True))
        rows.append(told | {"command": COMMANDS[str(told["kind"])].format(**told)})
    return rows
