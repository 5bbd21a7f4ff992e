"""`payvand availability`: who can be paid now, and saying so."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, Final

import click

from payvand.client.connection import Connection
from payvand.switch.cli.options import PATIENCE_S, Door, as_json, door_options
from payvand.switch.cli.printing import moment, print_json, print_table
from payvand.v1.availability_service_pb2 import Availability, ParticipantAvailability

__all__ = ["availability"]

_NUMBERS: Final[Mapping[str, Any]] = {
    name.removeprefix("AVAILABILITY_").lower(): number
    for name, number in Availability.items()
    if number
}
WORDS: Final[Mapping[int, str]] = {number: word for word, number in _NUMBERS.items()}


@click.group()
def availability() -> None:
    """See who can be paid now, and say how available somebody is."""


@availability.command("list")
@click.option("--watch", is_flag=True, help="Go on with what changes, until Ctrl-C.")
@as_json
@door_options(caller="anybody")
def list_availability(door: Door, watch: bool, as_json: bool) -> None:
    """Show how available every participant is."""

    async def run() -> None:
        async with (
            Connection.connect(
                door.address, door.certificates, patience_s=PATIENCE_S
            ) as connection,
            aclosing(connection.availability()) as changes,
        ):
            async for participants in changes:
                _show(participants, as_json=as_json)
                if not watch:
                    return

    asyncio.run(run())


@availability.command()
@click.argument("level", type=click.Choice(sorted(_NUMBERS)))
@click.option("--of", "participant", default="", help="Of whom; as an operator.")
@click.option("--remark", default="", help="Why.")
@as_json
@door_options(caller="anybody")
def say(door: Door, level: str, participant: str, remark: str, as_json: bool) -> None:
    """Say how available you are (--as NAME), or as an operator somebody else.

    Nothing new goes to who is draining or down; what was offered is answered as ever. `up` takes
    back what was said.
    """

    async def run() -> ParticipantAvailability:
        async with Connection.connect(
            door.address, door.certificates, patience_s=PATIENCE_S
        ) as connection:
            return await connection.say_availability(
                _NUMBERS[level], participant=participant, remark=remark
            )

    _show([asyncio.run(run())], as_json=as_json)


def _show(participants: list[ParticipantAvailability], *, as_json: bool) -> None:
    if as_json:
        print_json({"participants": [_json_of(one) for one in participants]})
        return
    print_table(
        ("name", "availability", "since", "said by itself", "said by operators", "streams", "late"),
        (
            (
                one.participant,
                WORDS[one.availability],
                moment(one.since),
                WORDS.get(one.said_by_participant, ""),
                WORDS.get(one.said_by_operator, ""),
                str(one.followers),
                str(one.time_outs),
            )
            for one in participants
        ),
        numbers=5,
    )


def _json_of(one: ParticipantAvailability) -> dict[str, Any]:
    return {
        "participant": one.participant,
        "availability": WORDS[one.availability],
        "since": one.since,
        "said_by_participant": WORDS.get(one.said_by_participant, ""),
        "said_by_operator": WORDS.get(one.said_by_operator, ""),
        "followers": one.followers,
        "time_outs": one.time_outs,
        "remark": one.remark,
    }
