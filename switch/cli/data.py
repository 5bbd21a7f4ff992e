"""`payvand data`: the dated tables of rules, from a file to what is in force, and back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from payvand.client import Operator
from payvand.switch.cli.acts import TIME_HELP
from payvand.switch.cli.approvals import echo_proposal
from payvand.switch.cli.comparison import comparison_json, print_comparison
from payvand.switch.cli.display import named, said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json, print_table
from payvand.switch.cli.table_faults import tell_faults, text_of
from payvand.switch.cli.table_version import echo_version, state_of, version_json
from payvand.switch.cli.version_texts import NOW, due, period_text
from payvand.switch.rules.checking import faults_of
from payvand.switch.rules.rulebook import TABLES
from payvand.switch.rules.solar_hijri import nanoseconds_of
from payvand.v1.approval_service_pb2 import Proposal
from payvand.v1.rule_table_service_pb2 import CompareVersionResponse, RuleTableVersion

__all__ = ["data"]


table_argument = click.argument("table", type=click.Choice(TABLES))
reason_option = click.option("--reason", required=True, help="Why: the circular, its number.")


@click.group()
def data() -> None:
    """Change the tables of rules: banks, holidays, rails, services.

    \b
    import    takes a file in and proposes it           one operator
    diff      shows what it changes and touches
    approve   says yes to it                            another operator
    activate  sets it in force, now or at a time
    rollback  proposes the version before               then approve, as above

    Payments go on meanwhile; a change shows whole or not at all.
    """


@data.command("import")
@table_argument
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@reason_option
@click.option("--at", metavar="TIME", help=f"In force by itself from then on: {TIME_HELP}")
@click.option("--check", is_flag=True, help="Only say what is wrong with the file; asks nobody.")
@as_json
@door_options(caller="anybody")
def import_table(
    door: Door, table: str, file: Path, reason: str, at: str | None, check: bool, as_json: bool
) -> None:
    """Take in FILE as a new version of TABLE and propose it.

    Each fault is told with its line and the rule it breaks; then nothing is taken in. Without --at
    the version waits, once approved, for `payvand data activate`.
    """
    text = text_of(file)
    faults = faults_of(table, text)
    if faults or check:
        tell_faults(file, faults, as_json=as_json)
        return

    due_at = due(at)

    async def run() -> RuleTableVersion:
        async with door.operator() as operator:
            reply = await operator.rule_tables.take(
                table, text, reason=reason, due_at=due_at, on_call=at is None
            )
        assert not reply.faults, "the switch and this program check alike"
        return reply.version

    echo_version(asyncio.run(run()), as_json=as_json)


@data.command()
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@click.option("--at", metavar="TIME", help="Tell what it would do then; when it is due, or now.")
@as_json
@door_options(caller="anybody")
def diff(door: Door, number: int, at: str | None, as_json: bool) -> None:
    """Show what VERSION changes of what is in force, and what that would do to live traffic."""

    moment = due(at)

    async def run() -> CompareVersionResponse:
        async with door.operator() as operator:
            return await operator.rule_tables.compare(number, at=moment)

    comparison = asyncio.run(run())
    if as_json:
        print_json(comparison_json(comparison))
    else:
        print_comparison(comparison)


@data.command()
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@click.option("--remark", default="", help="To be written down with it.")
@as_json
@door_options(caller="anybody")
def approve(door: Door, number: int, remark: str, as_json: bool) -> None:
    """Approve VERSION as a second operator."""

    async def run() -> Proposal:
        async with door.operator() as operator:
            proposal = await _proposal_of(operator, number)
            return await operator.approvals.approve(
                proposal.id, digest=proposal.digest, remark=remark
            )

    echo_proposal(asyncio.run(run()), as_json=as_json)


@data.command()
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@click.option("--at", metavar="TIME", default=NOW, show_default=True, help=TIME_HELP)
@as_json
@door_options(caller="anybody")
def activate(door: Door, number: int, at: str, as_json: bool) -> None:
    """Set VERSION, which is approved and waits for it, in force: now or at a time."""

    due_at = due(at)

    async def run() -> Proposal:
        async with door.operator() as operator:
            proposal = await _proposal_of(operator, number)
            return await operator.approvals.schedule(proposal.id, due_at=due_at)

    echo_proposal(asyncio.run(run()), as_json=as_json)


@data.command()
@table_argument
@reason_option
@click.option("--to", "number", type=click.IntRange(min=1), default=None, help="Which version.")
@click.option("--at", metavar="TIME", default=NOW, show_default=True, help=TIME_HELP)
@as_json
@door_options(caller="anybody")
def rollback(
    door: Door, table: str, reason: str, number: int | None, at: str, as_json: bool
) -> None:
    """Propose to go back to the version of TABLE before this one, or to the one at --to.

    Another operator approves it with `payvand data approve`; then it is in force.
    """

    due_at = due(at)

    async def run() -> RuleTableVersion:
        async with door.operator() as operator:
            return await operator.rule_tables.restore(
                table, reason=reason, number=number or 0, due_at=due_at
            )

    echo_version(asyncio.run(run()), as_json=as_json)


@data.command("list")
@click.argument("table", type=click.Choice(TABLES), required=False)
@click.option("--at", metavar="TIME", help="Only what was in force then.")
@as_json
@door_options(caller="anybody")
def list_versions(door: Door, table: str | None, at: str | None, as_json: bool) -> None:
    """List the versions of the tables, newest first, with when they were in force."""

    moment = due(at) or nanoseconds_of(datetime.now(UTC))

    async def run() -> list[RuleTableVersion]:
        async with door.operator() as operator:
            versions = await operator.rule_tables.versions(table or "", count=1_000)
            if at is None:
                return versions
            then = {one.number for one in await operator.rule_tables.rulebook(at=moment)}
            return [version for version in versions if version.number in then]

    versions = asyncio.run(run())
    if as_json:
        print_json({"versions": [version_json(version) for version in versions]})
        return
    print_table(
        ("version", "table", "state", "in force", "digest", "by", "reason"),
        (
            (
                str(version.number),
                version.table,
                named("proposal_state", state_of(version)),
                "; ".join(map(period_text, version.periods)),
                version.digest.hex()[:12],
                version.proposal.proposer or said("the switch"),
                version.proposal.reason or said("came with the switch"),
            )
            for version in versions
        ),
    )


@data.command()
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@click.option("--text", is_flag=True, help="Print the table itself, and nothing else.")
@as_json
@door_options(caller="anybody")
def show(door: Door, number: int, text: bool, as_json: bool) -> None:
    """Show VERSION: who proposed and approved it, when it was in force; or its text."""

    async def run() -> Any:
        async with door.operator() as operator:
            return await operator.rule_tables.version(number)

    reply = asyncio.run(run())
    if text:
        click.echo(reply.text, nl=False)
    elif as_json:
        print_json(version_json(reply.version) | {"text": reply.text})
    else:
        echo_version(reply.version, as_json=False)
        for period in reply.version.periods:
            click.echo(said("in force {period}", period=period_text(period)))
        if reply.version.HasField("proposal"):
            echo_proposal(reply.version.proposal, as_json=False, whole=True)


async def _proposal_of(operator: Operator, number: int) -> Proposal:
    version = (await operator.rule_tables.version(number)).version
    if not version.HasField("proposal"):
        raise click.BadParameter(
            f"version {number} came with the switch: go back to it with `payvand data rollback`",
            param_hint="VERSION",
        )
    return version.proposal
