"""`payvand position`: how a participant stands, once or as it moves; and alerts of limits."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import click

from payvand.switch.cli.options import OPERATOR, Door, door_options
from payvand.switch.cli.printing import amount_text, moment
from payvand.v1.position_service_pb2 import LimitAlert, Position

__all__ = ["position"]

_AMOUNTS = (
    "balance",
    "reserved_out",
    "reserved_in",
    "cap",
    "headroom",
    "settlement_balance",
    "collateral",
    "charges",
)


@click.command()
@click.argument("participant", default="")
@click.option("--follow", is_flag=True, help="Go on with what happens next.")
@click.option("--alerts", "only_alerts", is_flag=True, help="Print the alerts of limits alone.")
@click.option(
    "--cursor",
    type=click.IntRange(min=0),
    default=0,
    help="Tell alerts behind this cursor, that of the last message you have dealt with.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a message.")
@door_options(caller="anybody")
def position(
    participant: str, follow: bool, only_alerts: bool, cursor: int, as_json: bool, door: Door
) -> None:
    """Print how PARTICIPANT stands: position, headroom, limits and what is used of them.

    A bank or an agency may ask for its own, with --as or its --certificates. With --alerts and no
    PARTICIPANT an operator follows the alerts of all.
    """
    if not participant and door.holder == OPERATOR and not only_alerts:
        raise click.UsageError("name the PARTICIPANT, or say who you are with --as")
    asyncio.run(_print(door, participant, follow, only_alerts, cursor, as_json))


async def _print(
    door: Door, participant: str, follow: bool, only_alerts: bool, cursor: int, as_json: bool
) -> None:
    async with door.operator() as connection:
        if only_alerts:
            async for told in connection.positions.alerts(participant, cursor=cursor):
                _say(None, list(told.alerts), told.cursor, as_json)
            return
        if not follow:
            _say(await connection.positions.now(participant), [], cursor, as_json)
            return
        stream: AsyncIterator[Any] = connection.positions.follow(participant, cursor=cursor)
        async for told in stream:
            _say(told.position, list(told.alerts), told.cursor, as_json)


def _say(standing: Position | None, alerts: list[LimitAlert], cursor: int, as_json: bool) -> None:
    if as_json:
        told: dict[str, Any] = {"cursor": cursor}
        if standing is not None:
            told["position"] = _position_of(standing)
        told["alerts"] = [_alert_of(alert) for alert in alerts]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    if standing is not None:
        click.echo(f"{standing.participant}, {standing.unit}, as of frame {standing.sequence}")
        for name in _AMOUNTS:
            click.echo(f"  {name:<20}{amount_text(getattr(standing, name)):>26}")
        for use in standing.limits:
            used = amount_text(use.used) if use.used else "a payment"
            click.echo(f"  {use.limit:<20}{used:>26} of {amount_text(use.maximum)}")
    for alert in alerts:
        click.echo(
            f"{moment(alert.at)}  {alert.participant}: {alert.limit} is {alert.percent} % used: "
            f"{amount_text(alert.used)} of {amount_text(alert.maximum)}"
        )


def _position_of(standing: Position) -> dict[str, Any]:
    told: dict[str, Any] = {
        "participant": standing.participant,
        "unit": standing.unit,
        "sequence": standing.sequence,
    }
    told |= {name: getattr(standing, name) for name in _AMOUNTS}
    told["limits"] = [
        {"limit": use.limit, "maximum": use.maximum, "used": use.used or None}
        for use in standing.limits
    ]
    return told


def _alert_of(alert: LimitAlert) -> dict[str, Any]:
    return {
        "sequence": alert.sequence,
        "at": alert.at,
        "participant": alert.participant,
        "limit": alert.limit,
        "percent": alert.percent,
        "used": alert.used,
        "maximum": alert.maximum,
    }
