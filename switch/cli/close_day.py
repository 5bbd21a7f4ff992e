"""`payvand close-day`: close the business day under a signed Merkle root."""

import asyncio
from datetime import UTC, datetime

import click

from payvand.switch.cli.display import said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json
from payvand.v1.business_day_service_pb2 import ClosedDay

__all__ = ["close_day"]


@click.command()
@click.option(
    "--date",
    "on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The business date, after that of the day closed last; today (UTC) by default. The date "
    "of the day closed last shows that day again.",
)
@as_json
@door_options()
def close_day(on: datetime | None, door: Door, as_json: bool) -> None:
    """Close the business day: the Merkle root over its frames is signed and journaled.

    From then on `payvand prove` proves the day's payments.
    """
    closed = asyncio.run(_close(door, on or datetime.now(UTC)))
    if as_json:
        print_json(
            {
                "day": closed.number,
                "date": closed.date,
                "first_sequence": closed.first_sequence,
                "last_sequence": closed.last_sequence,
                "leaves": closed.leaves,
                "root": closed.root.hex(),
                "public_key": closed.public_key.hex(),
                "signature": closed.signature.hex(),
            }
        )
        return
    click.echo(
        said(
            "day {number} of {date}: frames {first} to {last}, {leaves} leaves\nroot {root}",
            number=closed.number,
            date=closed.date,
            first=f"{closed.first_sequence:,}",
            last=f"{closed.last_sequence:,}",
            leaves=f"{closed.leaves:,}",
            root=closed.root.hex(),
        )
    )


async def _close(door: Door, on: datetime) -> ClosedDay:
    async with door.operator() as operator:
        return await operator.close_day(on.date())
