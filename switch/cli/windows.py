"""`payvand windows`: settlement windows and their net positions."""

import asyncio
from typing import Any

import click

from payvand.switch.cli.display import said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json, print_table
from payvand.v1.settlement_service_pb2 import SettlementWindow

__all__ = ["print_window", "window_json", "windows"]

PAGE_MAX = 1_000


@click.command()
@click.option(
    "--count", type=click.IntRange(1, PAGE_MAX), default=10, show_default=True, help="How many."
)
@click.option(
    "--before", type=click.IntRange(min=0), default=0, help="Only windows numbered below this."
)
@as_json
@door_options()
def windows(count: int, before: int, door: Door, as_json: bool) -> None:
    """Show settlement windows, newest first, with what each participant owed or was owed."""
    found = asyncio.run(_windows(door, count, before))
    if as_json:
        print_json({"windows": [window_json(window) for window in found]})
        return
    for window in found:
        print_window(window)


async def _windows(door: Door, count: int, before: int) -> list[SettlementWindow]:
    async with door.operator() as operator:
        return await operator.windows(count, before=before)


def print_window(window: SettlementWindow) -> None:
    """Print a window for people."""
    if not window.closed_sequence:
        if window.due_at:
            due = moment(window.due_at)
            click.echo(
                said("Window {number} is open, due at {due}.", number=window.number, due=due)
            )
        else:
            click.echo(said("Window {number} is open.", number=window.number))
        return
    print_table(
        ("participant", "paid", "received", "net", "settled", "carried"),
        (
            (position.participant, *(amount_text(getattr(position, name)) for name in _AMOUNTS))
            for position in window.positions
        ),
        title=said(
            "Window {number}, closed {at}", number=window.number, at=moment(window.closed_at)
        ),
        numbers=1,
    )


_AMOUNTS = ("debits", "credits", "net", "settled", "carried")


def window_json(window: SettlementWindow) -> dict[str, Any]:
    """Return a window as JSON has it."""
    return {
        "number": window.number,
        "closed_sequence": window.closed_sequence,
        "closed_at": window.closed_at,
        "due_at": window.due_at or None,
        "positions": [
            {"participant": position.participant}
            | {name: getattr(position, name) for name in _AMOUNTS}
            for position in window.positions
        ],
    }
