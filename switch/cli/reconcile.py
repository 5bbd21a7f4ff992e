"""`payvand reconcile`: banks' files held against the books, and the breaks that are left."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

import click

from payvand.settlement.database import Executor
from payvand.settlement.reconciliation.breaks import (
    BREAKS_MAX,
    OpenBreak,
    act_on_break,
    age_breaks,
    list_breaks,
    read_events,
    trace_payment,
)
from payvand.settlement.reconciliation.profile import CAMT, Profile
from payvand.settlement.reconciliation.reconciling import Reconciled, reconcile_file
from payvand.switch.cli.display import named, said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.files import ZONE
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import amount_text, print_json, print_table, progress_console
from payvand.switch.desk import open_desk, participant_number

__all__ = ["reconcile"]

Found = TypeVar("Found")


@click.group()
def reconcile() -> None:
    """Hold banks' files against the books, and work on what disagrees.

    A data folder's database is used directly, while a switch runs on it or not.
    """


def _at_desk(data: Path, work: Callable[[Executor], Awaitable[Found]]) -> Found:
    """Do something with the database of a data folder."""

    async def go() -> Found:
        database = os.environ.get("PAYVAND_DATABASE", "")
        async with open_desk(data, database=database) as pool, pool.acquire() as connection:
            return await work(connection)

    with progress_console().status("working"):
        return asyncio.run(go())


@reconcile.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--participant", required=True, metavar="NAME", help="Whose file it is.")
@click.option("--window", type=click.IntRange(min=1), required=True, help="The closed window.")
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A TOML file that says how the bank writes; without it the file is camt.053 or camt.054.",
)
@click.option("--zone", default=ZONE, show_default=True, help="Where the bank's days begin.")
@as_json
@data_option()
def take(
    file: Path,
    participant: str,
    window: int,
    profile_file: Path | None,
    zone: str,
    data: Path,
    as_json: bool,
) -> None:
    """Take in FILE, what a bank says it had in a window; exit code 1 where breaks are open.

    The same file again changes nothing. Another one for the same window supersedes it.
    """
    profile = Profile.parse(profile_file.read_text(encoding="utf-8")) if profile_file else CAMT

    async def work(connection: Executor) -> Reconciled:
        return await reconcile_file(
            connection,
            file,
            profile,
            participant=await participant_number(connection, participant),
            window=window,
            operator=getpass.getuser(),
            zone=zone,
        )

    done = _at_desk(data, work)
    if as_json:
        print_json({name: getattr(done, name) for name in Reconciled.__slots__})
    else:
        _print_reconciled(done)
    if done.breaks:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _print_reconciled(done: Reconciled) -> None:
    click.echo(said("File {file}, revision {revision}.", file=done.file, revision=done.revision))
    if done.unchanged:
        click.echo(said("It was taken in before: nothing was done."))
    rows, set_aside = f"{done.rows:,}", f"{done.set_aside:,}"
    click.echo(said("{rows} rows, {set_aside} set aside.", rows=rows, set_aside=set_aside))
    if done.revision > 1:
        added, removed = f"{done.added:,}", f"{done.removed:,}"
        click.echo(said("{added} new and {removed} gone since.", added=added, removed=removed))
    print_table(
        ("matched by", "rows"),
        ((rule, f"{count:,}") for rule, count in done.matched.items()),
        numbers=1,
    )
    if done.breaks:
        print_table(
            ("open breaks", ""),
            ((named("break_kind", kind), f"{count:,}") for kind, count in done.breaks.items()),
            numbers=1,
        )
    else:
        click.echo(said("No break is open: books and file agree."))


@reconcile.command()
@click.option("--participant", metavar="NAME", help="Only those of this one.")
@click.option("--window", type=click.IntRange(min=0), default=0, help="Only those of this window.")
@click.option("--closed", is_flag=True, help="Those that are closed, instead.")
@click.option("--after", type=click.IntRange(min=0), default=0, help="Go on behind this break.")
@click.option(
    "--count", type=click.IntRange(1, BREAKS_MAX), default=50, show_default=True, help="How many."
)
@as_json
@data_option()
def breaks(
    participant: str | None,
    window: int,
    closed: bool,
    after: int,
    count: int,
    data: Path,
    as_json: bool,
) -> None:
    """List breaks in the order in which they were found."""

    async def work(connection: Executor) -> list[OpenBreak]:
        return await list_breaks(
            connection,
            participant=await participant_number(connection, participant) if participant else 0,
            window=window,
            state="closed" if closed else "open",
            after=after,
            limit=count,
        )

    found = _at_desk(data, work)
    if as_json:
        print_json({"breaks": [_break_json(each) for each in found]})
        return
    print_table(
        ("id", "kind", "window", "payment", "owner", "detail", "books", "file"),
        (
            (
                str(each.id),
                named("break_kind", each.kind.name),
                str(each.window),
                f"{each.payments[0]:032x}" if each.payments else "",
                each.owner,
                each.detail,
                "" if each.expected is None else amount_text(each.expected),
                "" if each.found is None else amount_text(each.found),
            )
            for each in found
        ),
        numbers=6,
    )


def _break_json(each: OpenBreak) -> dict[str, Any]:
    return {
        "id": each.id,
        "kind": each.kind.name.lower(),
        "participant": each.participant,
        "window": each.window,
        "payments": [f"{payment:032x}" for payment in each.payments],
        "rows": list(each.rows),
        "expected": None if each.expected is None else str(each.expected),
        "found": None if each.found is None else str(each.found),
        "detail": each.detail,
        "state": each.state,
        "owner": each.owner,
        "opened_at": each.opened_at.isoformat(),
    }


@reconcile.command()
@as_json
@data_option()
def ages(data: Path, as_json: bool) -> None:
    """Tell how many breaks of each kind have been open for how long."""

    async def work(connection: Executor) -> dict[str, dict[str, int]]:
        return await age_breaks(connection, now=datetime.now(UTC))

    aged = _at_desk(data, work)
    if as_json:
        print_json({"ages": aged})
        return
    print_table(
        ("age", "kind", "breaks"),
        (
            (age, named("break_kind", kind), f"{count:,}")
            for age, kinds in aged.items()
            for kind, count in sorted(kinds.items())
        ),
        numbers=2,
    )


@reconcile.command()
@click.argument("number", type=click.IntRange(min=1), metavar="BREAK")
@click.argument("what", type=click.Choice(["assign", "note", "close", "reopen"]), metavar="ACT")
@click.option("--note", required=True, help="Why; it is kept.")
@click.option("--owner", default="", help="For `assign`: to whom.")
@data_option()
def act(
    number: int,
    what: Literal["assign", "note", "close", "reopen"],
    note: str,
    owner: str,
    data: Path,
) -> None:
    """Do ACT to BREAK: assign it, add a note, close it, or reopen it. Who did it is kept."""

    async def work(connection: Executor) -> None:
        await act_on_break(
            connection, number, what, operator=getpass.getuser(), note=note, owner=owner
        )

    _at_desk(data, work)


@reconcile.command()
@click.argument("number", type=click.IntRange(min=1), metavar="BREAK")
@as_json
@data_option()
def history(number: int, data: Path, as_json: bool) -> None:
    """Show what happened to BREAK."""

    async def work(connection: Executor) -> list[tuple[str, str, str, str]]:
        events = await read_events(connection, number)
        return [(f"{e.at:%Y-%m-%d %H:%M:%S}", e.operator, e.act, e.note) for e in events]

    events = _at_desk(data, work)
    if as_json:
        names = ("at", "operator", "act", "note")
        print_json({"events": [dict(zip(names, event, strict=True)) for event in events]})
        return
    print_table(("at (UTC)", "who", "act", "why"), events)


@reconcile.command()
@click.argument("payment", metavar="PAYMENT")
@as_json
@data_option()
def trace(payment: str, data: Path, as_json: bool) -> None:
    """Show which rows of which files are about PAYMENT, an id of 32 hexadecimal digits."""
    try:
        identity = int(payment.replace("-", ""), 16)
        identity.to_bytes(16, "big")
    except (ValueError, OverflowError) as error:
        raise click.BadParameter(f"{payment!r} isn't the id of a payment") from error

    async def work(connection: Executor) -> list[dict[str, Any]]:
        return [
            {
                "file": each.file,
                "name": each.name,
                "revision": each.revision,
                "window": each.window,
                "row": each.number,
                "matched_by": each.rule.name.lower(),
                "amount": str(each.amount),
            }
            for each in await trace_payment(connection, identity)
        ]

    traces = _at_desk(data, work)
    if as_json:
        print_json({"rows": traces})
        return
    print_table(
        ("file", "name", "revision", "window", "row", "matched by", "amount"),
        ([str(value) for value in each.values()] for each in traces),
        numbers=6,
    )
