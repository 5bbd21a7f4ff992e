"""`payvand statement`: what a participant paid and was paid in a settlement window."""

import asyncio
import csv
import sys
from typing import Any, Protocol

import click

from payvand.client import payment_id_text
from payvand.switch.cli.display import display, named, padded, said
from payvand.switch.cli.options import OPERATOR, Door, door_options
from payvand.switch.cli.printing import JsonListing, amount_text, moment
from payvand.switch.statement_csv import CSV_COLUMNS, csv_row
from payvand.v1.statement_service_pb2 import GetStatementResponse, StatementEntry

__all__ = ["statement"]

_TOTALS = ("opening", "debits", "credits", "closing")


@click.command()
@click.argument("participant", default="")
@click.option(
    "--window",
    type=click.IntRange(min=0),
    default=0,
    help="The number of the window; the open one by default.",
)
@click.option(
    "--account",
    type=click.Choice(["position", "settlement", "charges", "collateral"]),
    default="position",
    show_default=True,
    help="Which of the participant's accounts.",
)
@click.option("--csv", "as_csv", is_flag=True, help="Print the entries as CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@door_options(caller="anybody")
def statement(
    participant: str, window: int, account: str, as_csv: bool, as_json: bool, door: Door
) -> None:
    """Print the statement of PARTICIPANT for a window: balances, totals, every entry.

    A bank or an agency may ask for its own, with --as or its --certificates.
    """
    if as_csv and as_json:
        raise click.UsageError("choose --csv or --json")
    if not participant and door.holder == OPERATOR:
        raise click.UsageError("name the PARTICIPANT, or say who you are with --as")
    writer: _Writer = _Csv() if as_csv else _Json() if as_json else _Text()
    asyncio.run(_print(door, participant, window, account, writer))


class _Writer(Protocol):
    """Prints a statement page by page."""

    def begin(self, page: GetStatementResponse) -> None:
        """Print what stands before the entries."""

    def entry(self, entry: StatementEntry) -> None:
        """Print an entry."""

    def end(self, page: GetStatementResponse) -> None:
        """Print what stands after them."""


async def _print(door: Door, participant: str, window: int, account: str, writer: _Writer) -> None:
    async with door.operator() as connection:
        last = None
        async for page in connection.statement(participant, window=window, account=account):
            if last is None:
                writer.begin(page)
            for entry in page.entries:
                writer.entry(entry)
            last = page
        assert last is not None, "a statement has a page"
        writer.end(last)


class _Text:
    """For people: a heading with the totals, then a line for each entry."""

    def begin(self, page: GetStatementResponse) -> None:
        """Print the heading."""
        click.echo(
            said(
                "{participant}, window {window}, {count} entries",
                participant=page.participant,
                window=page.window,
                count=f"{page.entries_total:,}",
            )
        )
        for name in _TOTALS:
            amount = display().number(amount_text(getattr(page, name)))
            click.echo(f"  {padded(named('heading', name), 14)}{amount:>28}")

    def entry(self, entry: StatementEntry) -> None:
        """Print an entry."""
        sign = "-" if entry.debit else "+"
        click.echo(
            f"{moment(entry.posted_at)}  {payment_id_text(entry.id)}  "
            f"{padded(named('entry_kind', entry.kind), 16)}{entry.counterparty:<16}"
            f"{sign}{display().number(amount_text(entry.amount)):>24}  {entry.end_to_end_id}"
        )

    def end(self, page: GetStatementResponse) -> None:
        """Print nothing more: the totals stand at the top."""


class _Csv:
    """For programs that read CSV: the entries alone."""

    def __init__(self) -> None:
        self._writer = csv.writer(sys.stdout, lineterminator="\n")

    def begin(self, page: GetStatementResponse) -> None:
        """Print the heading."""
        self._writer.writerow(CSV_COLUMNS)

    def entry(self, entry: StatementEntry) -> None:
        """Print an entry."""
        self._writer.writerow(csv_row(entry))

    def end(self, page: GetStatementResponse) -> None:
        """Print nothing more."""


class _Json:
    """For scripts: one object."""

    def __init__(self) -> None:
        self._listing = JsonListing()

    def begin(self, page: GetStatementResponse) -> None:
        """Print what stands on every page."""
        about: dict[str, Any] = {"participant": page.participant, "window": page.window}
        about |= {name: getattr(page, name) for name in _TOTALS}
        self._listing.begin(about | {"entries_total": page.entries_total}, "entries")

    def entry(self, entry: StatementEntry) -> None:
        """Print an entry."""
        self._listing.item(
            {
                "id": entry.id.hex(),
                "posted_at": entry.posted_at,
                "kind": entry.kind,
                "counterparty": entry.counterparty,
                "debit": entry.debit,
                "amount": entry.amount,
                "end_to_end_id": entry.end_to_end_id,
            }
        )

    def end(self, page: GetStatementResponse) -> None:
        """Close the object."""
        self._listing.end({})
