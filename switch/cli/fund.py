"""`payvand fund`: record what participants paid in at the central bank."""

import asyncio
from pathlib import Path

import click

from payvand.switch.cli.acts import Proposing, proposing_options
from payvand.switch.cli.approvals import echo_proposal, proposal_json
from payvand.switch.cli.display import display
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json
from payvand.switch.directory_file import load
from payvand.switch.onboarding import funding_id
from payvand.switch.units import AMOUNT_MAX
from payvand.v1.approval_service_pb2 import Proposal

__all__ = ["fund"]


@click.command()
@click.argument("participant", required=False)
@click.argument("amount", type=click.IntRange(1, AMOUNT_MAX), required=False)
@click.option("--reference", help="What names the paying in; the same reference funds once.")
@click.option(
    "--prefunding",
    "directory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Pay in the prefunding of every participant of this directory file, once.",
)
@proposing_options(reason="paid in at the central bank")
@as_json
@door_options(caller="anybody")
def fund(
    participant: str | None,
    amount: int | None,
    reference: str | None,
    directory: Path | None,
    proposing: Proposing,
    door: Door,
    as_json: bool,
) -> None:
    """Propose to record that PARTICIPANT paid AMOUNT minor units into its settlement account.

    Without --reference every call pays in anew. With --prefunding neither argument is given.
    """
    if (directory is None) != (participant is not None and amount is not None):
        raise click.UsageError("give PARTICIPANT and AMOUNT, or --prefunding alone")
    if directory is not None:
        wanted: list[tuple[str, int, bytes | None]] = [
            (entry.name, entry.prefunding, funding_id(entry.name, "prefunding"))
            for entry in load(directory)
            if entry.prefunding
        ]
    else:
        assert participant is not None and amount is not None, "the usage was checked"
        identity = None if reference is None else funding_id(participant, reference)
        wanted = [(participant, amount, identity)]
    funded = asyncio.run(_fund(door, wanted, proposing))
    if as_json:
        print_json(
            {
                name: {"settlement_balance": str(balance), "proposal": proposal_json(proposal)}
                for name, balance, proposal in funded
            }
        )
        return
    for name, balance, proposal in funded:
        click.echo(f"{name:<20} {display().number(amount_text(balance)):>24}")
        echo_proposal(proposal, as_json=False)


async def _fund(
    door: Door, wanted: list[tuple[str, int, bytes | None]], proposing: Proposing
) -> list[tuple[str, int, Proposal]]:
    """Propose each, and return whose it was, its balance afterwards and the proposal."""
    proposals = []
    async with door.operator() as operator:
        for name, amount, identity in wanted:
            reply = await operator.fund(
                name,
                amount,
                funding_id=identity,
                reason=proposing.reason,
                due_at=proposing.due_at,
            )
            proposals.append((name, await proposing.finish(door, reply.proposal)))
        standing = {one.participant.name: one for one in await operator.participants()}
    return [(name, standing[name].settlement_balance, proposal) for name, proposal in proposals]
