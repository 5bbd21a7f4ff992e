"""`payvand limits`: propose limits of participants; another operator approves them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from payvand.switch.cli.options import Door, door_options
from payvand.switch.limits.limit import LimitFault
from payvand.switch.limits.limit_book import LIMIT_CHANGE, limits_of

__all__ = ["limits"]


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--reason", required=True, help="For the operator who approves it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@door_options()
def limits(file: Any, reason: str, as_json: bool, door: Door) -> None:
    """Propose the limits of FILE, a JSON list; `payvand approvals approve` sets them in force.

    \b
        [{"limit": "day", "participant": "mellat", "payments": "credit_transfer", "amount": "9000"},
         {"limit": "bilateral", "participant": "mellat", "creditor": "melli", "amount": "500"},
         {"limit": "payment", "participant": "mellat", "amount": "700"},
         {"limit": "share", "participant": "mellat", "per_million": 800000},
         {"limit": "collateral", "participant": "mellat", "amount": "90", "haircut_per_million": 0},
         {"limit": "alerts", "participant": "mellat", "percents": [50, 75, 90]}]

    An amount of null lifts a limit. Every amount is in minor units, as text.
    """
    try:
        content = {"limits": json.load(file)}
        limits_of(content)
    except (ValueError, LimitFault) as fault:
        raise click.UsageError(f"{Path(file.name).name}: {fault}") from None
    asyncio.run(_propose(door, content, reason, as_json))


async def _propose(door: Door, content: dict[str, Any], reason: str, as_json: bool) -> None:
    async with door.operator() as operator:
        proposal = await operator.approvals.propose(
            LIMIT_CHANGE, json.dumps(content), reason=reason
        )
    if as_json:
        click.echo(json.dumps({"id": proposal.id.hex(), "digest": proposal.digest}))
        return
    click.echo(f"proposed as {proposal.id.hex()}, digest {proposal.digest}")
    click.echo(f"another operator: payvand approvals approve {proposal.id.hex()}")
