"""`payvand participants`: who takes part, and onboarding from a directory file."""

import asyncio
from pathlib import Path

import click

from payvand.switch.cli.display import display, isolated, named, said
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.directory_file import ParticipantEntry, load
from payvand.switch.onboarding import ROLE_NAMES, put
from payvand.v1.participant_service_pb2 import Participant, ParticipantPosition

__all__ = ["participants"]


@click.group()
def participants() -> None:
    """Show the participants and their positions, or onboard them."""


@participants.command("list")
@as_json
@door_options()
def list_participants(door: Door, as_json: bool) -> None:
    """Show every participant and how it stands in the open window."""
    asyncio.run(_list(door, as_json))


@participants.command("put")
@click.argument("directory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@door_options()
def put_participants(directory: Path, door: Door, as_json: bool) -> None:
    """Onboard the participants of a DIRECTORY file, or bring known ones up to it.

    The file is TOML (see switch/sandbox/directory.toml). It may be put again at will. Prefunding
    isn't paid in by this: see `payvand fund`.
    """
    asyncio.run(_put(load(directory), door, as_json))


async def _list(door: Door, as_json: bool) -> None:
    async with door.operator() as operator:
        positions = await operator.participants()
    if as_json:
        print_json({"participants": [_json_of(position) for position in positions]})
        return
    print_table(
        (
            "no.",
            "name",
            "called",
            "role",
            "net debit cap",
            "paid",
            "received",
            "reserved",
            "settlement",
        ),
        (
            (
                str(position.participant.number),
                position.participant.name,
                _called(position.participant),
                named("role", ROLE_NAMES.get(position.participant.role, "unspecified")),
                amount_text(position.participant.net_debit_cap),
                amount_text(position.debits_posted),
                amount_text(position.credits_posted),
                amount_text(position.debits_pending),
                amount_text(position.settlement_balance),
            )
            for position in positions
        ),
        title=said("Participants and their positions in the open window"),
        numbers=4,
    )


async def _put(entries: tuple[ParticipantEntry, ...], door: Door, as_json: bool) -> None:
    async with door.operator() as operator:
        known = await put(operator, entries)
    if as_json:
        print_json({"participants": [_participant_json(participant) for participant in known]})
        return
    for participant in known:
        click.echo(f"{participant.number:>4}  {participant.name:<20} {_called(participant)}")


def _called(participant: Participant) -> str:
    """Return what people call a participant, in their language where it has such a name."""
    persian = display().is_persian and participant.display_name_fa
    return isolated(participant.display_name_fa if persian else participant.display_name)


def _participant_json(participant: Participant) -> dict[str, object]:
    return {
        "number": participant.number,
        "name": participant.name,
        "role": ROLE_NAMES.get(participant.role, "unspecified"),
        "display_name": participant.display_name,
        "display_name_fa": participant.display_name_fa,
        "bank_codes": list(participant.bank_codes),
        "ibans": list(participant.ibans),
        "net_debit_cap": str(participant.net_debit_cap),
        "unit": participant.unit,
        "auto_accept": participant.auto_accept,
    }


def _json_of(position: ParticipantPosition) -> dict[str, object]:
    return _participant_json(position.participant) | {
        "debits_posted": str(position.debits_posted),
        "credits_posted": str(position.credits_posted),
        "debits_pending": str(position.debits_pending),
        "credits_pending": str(position.credits_pending),
        "settlement_balance": str(position.settlement_balance),
    }
