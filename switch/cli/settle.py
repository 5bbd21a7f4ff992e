"""`payvand settle`: close the settlement window and settle the net positions."""

import asyncio

import click

from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json
from payvand.switch.cli.windows import print_window, window_json
from payvand.v1.settlement_service_pb2 import SettlementWindow

__all__ = ["settle"]


@click.command()
@click.option(
    "--window",
    type=click.IntRange(min=1),
    help="The window to close; the open one by default. Closing a closed one shows it again.",
)
@as_json
@door_options()
def settle(window: int | None, door: Door, as_json: bool) -> None:
    """Close the open settlement window and settle what each participant owes or is owed."""
    closed = asyncio.run(_close(door, window or 0))
    if as_json:
        print_json(window_json(closed))
    else:
        print_window(closed)


async def _close(door: Door, number: int) -> SettlementWindow:
    async with door.operator() as operator:
        return await operator.close_window(number)
