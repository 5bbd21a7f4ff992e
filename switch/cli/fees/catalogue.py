"""`payvand fees catalogue`: schedules of agencies, from a file to what is in force, and back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click

from payvand.client import FeeOffice
from payvand.switch.cli.approvals import echo_proposal, proposal_json, state_name
from payvand.switch.cli.display import named, said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.fees.options import schedule_file
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json, print_table
from payvand.switch.cli.table_faults import checked_text, tell_faults, text_of
from payvand.switch.cli.version_texts import due, period_text, print_rows, rows_json
from payvand.switch.fees.catalogue.reading import read
from payvand.switch.rules.checking import TableFault, faults_in
from payvand.v1.fee_catalogue_service_pb2 import FeeSchedule

__all__ = ["catalogue"]

number_argument = click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
remark_option = click.option("--remark", default="", help="To be written down with it.")


@click.group()
def catalogue() -> None:
    """Keep the schedules of what agencies charge.

    \b
    check    says what is wrong with a file
    import   drafts it for your agency       a clerk of the agency
    diff     shows what it changes
    review   says that it may go on          an approver of the agency
    approve  sets it in force                the treasury
    export   writes the text of a version

    The three are different people, each with a certificate: --as maryam@judiciary.
    """


@catalogue.command()
@click.argument("files", type=schedule_file, nargs=-1, required=True)
@as_json
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say what is wrong with each of FILES, line by line; asks no switch."""
    faults = {file: faults_in(text_of(file), read) for file in files}
    if as_json:
        told = [
            {
                "file": str(file),
                "faults": [
                    {"line": one.line, "path": one.path, "rule": one.rule, "hint": one.hint}
                    for one in found
                ],
            }
            for file, found in faults.items()
        ]
        print_json({"files": told})
    else:
        for file, found in faults.items():
            try:
                tell_faults(file, found, as_json=False)
            except click.exceptions.Exit:
                continue
    if any(faults.values()):
        raise click.exceptions.Exit(ANSWER_IS_NO)


@catalogue.command("import")
@click.argument("file", type=schedule_file)
@click.option("--reason", required=True, help="Why: the decree, its number.")
@click.option("--at", metavar="TIME", help="In force from then on: 1405-01-01 00:00; or at once.")
@as_json
@door_options(caller="participant")
def import_schedule(door: Door, file: Path, reason: str, at: str | None, as_json: bool) -> None:
    """Draft FILE as your agency's next schedule."""
    text = checked_text(file, read, as_json=as_json)
    reply = _asked(door, lambda office: office.draft(text, reason=reason, due_at=due(at)))
    if reply.faults:  # The switch is of another version than this program.
        faults = [TableFault(one.line, one.path, one.rule, one.hint) for one in reply.faults]
        tell_faults(file, faults, as_json=as_json)
    _echo(reply.schedule, as_json=as_json)


@catalogue.command()
@number_argument
@as_json
@door_options(caller="anybody")
def diff(door: Door, number: int, as_json: bool) -> None:
    """Show what VERSION changes of what is in force, row by row."""
    told = _asked(door, lambda office: office.compare(number))
    if as_json:
        print_json(
            {
                "schedule": _json_of(told.schedule),
                "in_force": told.in_force or None,
                "overtaken": told.overtaken,
                "rows": rows_json(told.rows),
                "unrouted_ibans": list(told.unrouted_ibans),
            }
        )
        return
    agency = told.schedule.agency
    click.echo(
        said(
            "version {number} of {agency} beside version {in_force}, which is in force",
            number=number,
            agency=agency,
            in_force=told.in_force,
        )
        if told.in_force
        else said("version {number} of {agency}; none is in force", number=number, agency=agency)
    )
    if told.overtaken:
        click.echo(
            said("It was drafted on top of an earlier version and can't come in force: import anew")
        )
    click.echo()
    print_rows(told.rows)
    for iban in told.unrouted_ibans:
        click.echo(said("{iban} leads to no participant: nothing can be paid to it yet", iban=iban))


@catalogue.command()
@number_argument
@remark_option
@as_json
@door_options(caller="participant")
def review(door: Door, number: int, remark: str, as_json: bool) -> None:
    """Say as an approver of the agency that VERSION may go to the treasury."""

    async def run(office: FeeOffice) -> FeeSchedule:
        digest = (await office.schedule(number)).schedule.proposal.digest
        return await office.review(number, digest=digest, remark=remark)

    _echo(_asked(door, run), as_json=as_json)


@catalogue.command()
@number_argument
@remark_option
@as_json
@door_options(caller="participant")
def approve(door: Door, number: int, remark: str, as_json: bool) -> None:
    """Approve VERSION as the treasury; where it is due it is in force at once."""

    async def run(office: FeeOffice) -> FeeSchedule:
        digest = (await office.schedule(number)).schedule.proposal.digest
        return await office.approve(number, digest=digest, remark=remark)

    _echo(_asked(door, run), as_json=as_json)


@catalogue.command()
@number_argument
@remark_option
@as_json
@door_options(caller="participant")
def refuse(door: Door, number: int, remark: str, as_json: bool) -> None:
    """Refuse VERSION, or withdraw your own draft."""
    _echo(_asked(door, lambda office: office.refuse(number, remark=remark)), as_json=as_json)


@catalogue.command("list")
@click.argument("agency", default="")
@as_json
@door_options(caller="anybody")
def list_schedules(door: Door, agency: str, as_json: bool) -> None:
    """List the versions of all agencies, or of AGENCY, newest first."""
    schedules = _asked(door, lambda office: office.schedules(agency, count=1_000))
    if as_json:
        print_json({"schedules": [_json_of(one) for one in schedules]})
        return
    print_table(
        ("version", "agency", "state", "in force", "digest", "by", "reason"),
        [
            (
                str(one.number),
                one.agency,
                named("proposal_state", _state_of(one)),
                "; ".join(map(period_text, one.periods)),
                one.digest.hex()[:12],
                one.proposal.proposer,
                one.proposal.reason,
            )
            for one in schedules
        ],
    )


@catalogue.command()
@number_argument
@as_json
@door_options(caller="anybody")
def show(door: Door, number: int, as_json: bool) -> None:
    """Show VERSION: who drafted, reviewed and approved it, and when it was in force."""
    reply = _asked(door, lambda office: office.schedule(number))
    if as_json:
        print_json(_json_of(reply.schedule) | {"text": reply.text})
        return
    _echo(reply.schedule, as_json=False)
    for period in reply.schedule.periods:
        click.echo(said("in force {period}", period=period_text(period)))
    echo_proposal(reply.schedule.proposal, as_json=False, whole=True)


@catalogue.command()
@click.argument("agency")
@click.option("--version", "number", type=click.IntRange(min=1), help="Not the one in force.")
@click.option("--at", metavar="TIME", help="The one that was in force then.")
@door_options(caller="anybody")
def export(door: Door, agency: str, number: int | None, at: str | None) -> None:
    """Write the schedule of AGENCY that is in force to standard output, as it was drafted."""

    async def run(office: FeeOffice) -> str:
        if number:
            return (await office.schedule(number)).text
        return (await office.schedule(agency=agency, at=due(at))).text

    click.echo(_asked(door, run), nl=False)


def _asked(door: Door, ask: Callable[[FeeOffice], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with door.fee_office() as office:
            return await ask(office)

    return asyncio.run(run())


def _state_of(schedule: FeeSchedule) -> str:
    if any(not period.until for period in schedule.periods):
        return "in_force"
    if schedule.periods:
        return "was_in_force"
    acts = {act.act for act in schedule.proposal.acts}
    state = state_name(schedule.proposal)
    return "reviewed" if state == "open" and "reviewed" in acts else state


def _echo(schedule: FeeSchedule, *, as_json: bool) -> None:
    if as_json:
        print_json(_json_of(schedule))
    else:
        click.echo(
            said(
                "version {number} of {agency}: {state}",
                number=schedule.number,
                agency=schedule.agency,
                state=named("proposal_state", _state_of(schedule)),
            )
        )


def _json_of(schedule: FeeSchedule) -> dict[str, Any]:
    return {
        "version": schedule.number,
        "agency": schedule.agency,
        "state": _state_of(schedule),
        "digest": schedule.digest.hex(),
        "periods": [
            {"since": one.since, "until": one.until or None, "sequence": one.sequence}
            for one in schedule.periods
        ],
        "proposal": proposal_json(schedule.proposal),
    }
