"""What commands about fees are given: schedules, days and facts."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from pathlib import Path

import click

from payvand.switch.cli.options import Door
from payvand.switch.cli.table_faults import checked_text
from payvand.switch.fees.catalogue.reading import parse, read
from payvand.switch.fees.catalogue.schedule import Schedule
from payvand.switch.identifiers.persian_text import normalise_identifier
from payvand.switch.rules.solar_hijri import DateError, parse_day
from payvand.v1.fee_catalogue_service_pb2 import GetScheduleResponse

__all__ = [
    "DAY_HELP",
    "facts_of",
    "given_day",
    "schedule_file",
    "schedule_named",
    "schedule_of",
]

DAY_HELP = "1405-01-15 or 2026-04-04"

schedule_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def schedule_of(file: Path, *, as_json: bool) -> Schedule:
    """Return the schedule of a file; ends the command with its faults."""
    return parse(checked_text(file, read, as_json=as_json))


def schedule_named(name: str, door: Door, *, as_json: bool) -> Schedule:
    """Return the schedule of a file, or of an agency as the switch has it in force."""
    if (path := Path(name)).is_file():
        return schedule_of(path, as_json=as_json)

    async def run() -> GetScheduleResponse:
        async with door.fee_office() as office:
            return await office.schedule(agency=name)

    reply = asyncio.run(run())
    return replace(parse(reply.text), number=reply.schedule.number)


def given_day(text: str, hint: str) -> date:
    """Return the day that an option says; ends the command with code 2 where it says none."""
    try:
        return parse_day(normalise_identifier(text))
    except DateError as error:
        raise click.BadParameter(error.hint, param_hint=hint) from error


def facts_of(words: Iterable[str]) -> dict[str, int | str]:
    """Return the facts that words of the form FACT=VALUE tell; amounts may have `_` or `,`."""
    facts: dict[str, int | str] = {}
    for word in words:
        code, sign, value = word.partition("=")
        if not sign or not code or not value:
            raise click.BadParameter(
                f"{word!r}: write a fact as CODE=VALUE, for example pages=3", param_hint="FACT"
            )
        if code in facts:
            raise click.BadParameter(f"{code} is told twice", param_hint="FACT")
        plain = normalise_identifier(value)
        digits = plain.replace("_", "").replace(",", "").replace("٬", "")
        facts[code] = int(digits) if digits.isdigit() else plain
    return facts
