"""`payvand fund`: record what participants paid in at the central bank."""

import asyncio
from pathlib import Path

import click

from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json
from payvand.switch.directory_file import load
from payvand.switch.onboarding import funding_id, prefund
from payvand.switch.units import AMOUNT_MAX

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
@as_json
@door_options()
def fund(
    participant: str | None,
    amount: int | None,
    reference: str | None,
    directory: Path | None,
    door: Door,
    as_json: bool,
) -> None:
    """Record that PARTICIPANT paid AMOUNT minor units into its settlement account.

    Without --reference every call pays in anew. With --prefunding neither argument is given.
    """
    if (directory is None) != (participant is not None and amount is not None):
        raise click.UsageError("give PARTICIPANT and AMOUNT, or --prefunding alone")
    balances = asyncio.run(_fund(door, participant, amount, reference, directory))
    if as_json:
        print_json({name: {"settlement_balance": str(balance)} for name, balance in balances})
        return
    for name, balance in balances:
        click.echo(f"{name:<20} {amount_text(balance):>24}")


async def _fund(
    door: Door,
    participant: str | None,
    amount: int | None,
    reference: str | None,
    directory: Path | None,
) -> list[tuple[str, int]]:
    async with door.operator() as operator:
        if directory is not None:
            return [
                (entry.name, await prefund(operator, entry))
                for entry in load(directory)
                if entry.prefunding
            ]
        assert participant is not None and amount is not None, "the usage was checked"
        identity = None if reference is None else funding_id(participant, reference)
        return [(participant, await operator.fund(participant, amount, funding_id=identity))]
