"""`payvand limits`: propose limits of participants; another operator approves them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import click

from payvand.switch.cli.acts import Proposing, proposing_options
from payvand.switch.cli.approvals import proposal_json
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import print_json
from payvand.switch.limits.limit import LimitFault
from payvand.switch.limits.limit_book import LIMIT_CHANGE, limits_of
from payvand.v1.approval_service_pb2 import Proposal

__all__ = ["limits"]


@click.command()
@click.argument("file", type=click.File(encoding="utf-8"))
@proposing_options()
@as_json
@door_options()
def limits(file: Any, proposing: Proposing, door: Door, as_json: bool) -> None:
    """Propose the limits of FILE, a JSON list; - reads standard input.

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
    proposal = asyncio.run(_propose(door, content, proposing))
    if as_json:
        print_json(proposal_json(proposal))
        return
    click.echo(f"proposal {proposal.id.hex()}, digest {proposal.digest}")
    click.echo(f"another operator: payvand approvals approve {proposal.id.hex()} --as NAME")


async def _propose(door: Door, content: dict[str, Any], proposing: Proposing) -> Proposal:
    async with door.operator() as operator:
        proposal = await operator.approvals.propose(
            LIMIT_CHANGE, json.dumps(content), reason=proposing.reason, due_at=proposing.due_at
        )
    return await proposing.finish(door, proposal)
