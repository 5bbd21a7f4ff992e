"""The rules in force at a moment: of the switch that runs, or proved from its journal."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from payvand.client import Operator, SwitchUnreachable
from payvand.core.errors import PayvandFault
from payvand.core.segments import JournalReader
from payvand.settlement.operator_acts import OperatorAct, tells_act
from payvand.switch.cli.options import ADDRESS_FILE, PATIENCE_S, listening_at
from payvand.switch.onboarding import OPERATOR
from payvand.switch.rule_changes.texts import digest_of_text
from payvand.switch.rule_changes.versions import VersionBook
from payvand.switch.rules.rulebook import TABLES, Rulebook, load, rulebook_of, shipped_text
from payvand.switch.rules.solar_hijri import nanoseconds_of
from payvand.v1.availability_service_pb2 import AVAILABILITY_DRAINING

__all__ = ["RulesThen", "rules_then"]


class RulesNotHere(PayvandFault):
    """The texts of the tables that were in force are in a database that isn't running."""


@dataclass(frozen=True, slots=True)
class RulesThen:
    """A rulebook and where it comes from."""

    rulebook: Rulebook
    versions: dict[str, int]
    """The number of the version of each table; empty where the tables are of a folder."""
    since: dict[str, int]
    """Since when each was in force, in nanoseconds since 1970."""
    signed_off: frozenset[str] = frozenset()
    """Bank codes of those who say now that they take nothing new, where now was asked for."""


def rules_then(
    at: datetime,
    *,
    folder: Path | None,
    address: str | None,
    certificates: Path | None,
    data: Path,
    is_now: bool = False,
) -> RulesThen:
    """Return the rules in force at a moment; where *is_now*, also who is signed off.

    Those of *folder* where one is given. Those of the switch at *address*, or that runs on *data*.
    Where none runs there, those that come along, if the journal in *data* says that they were in
    force then; where it says otherwise `RulesNotHere` is raised.
    """
    if folder is not None:
        return RulesThen(load(folder), {}, {})
    moment = nanoseconds_of(at)
    if address is not None or (data / ADDRESS_FILE).exists():
        try:
            return asyncio.run(
                _asked(
                    moment,
                    address or listening_at(data),
                    certificates or data / "certificates" / OPERATOR,
                    is_now=is_now,
                )
            )
        except SwitchUnreachable:
            if address is not None:
                raise
    return _proved(moment, data)


async def _asked(moment: int, address: str, certificates: Path, *, is_now: bool) -> RulesThen:
    async with Operator.connect(address, certificates, patience_s=PATIENCE_S) as operator:
        tables = await operator.rule_tables.rulebook(at=moment)
        signed_off = await _signed_off(operator) if is_now else frozenset()
    return RulesThen(
        rulebook_of({one.table: one.text for one in tables}),
        {one.table: one.number for one in tables},
        {one.table: one.since for one in tables},
        signed_off,
    )


async def _signed_off(operator: Operator) -> frozenset[str]:
    """Return the bank codes of those who say, or of whom it is said, that they take nothing new."""
    async with aclosing(operator.availability()) as changes:
        standings = await anext(changes)
    names = {
        one.participant
        for one in standings
        if max(one.said_by_participant, one.said_by_operator) >= AVAILABILITY_DRAINING
    }
    participants = [one.participant for one in await operator.participants()] if names else []
    return frozenset(code for one in participants if one.name in names for code in one.bank_codes)


def _proved(moment: int, data: Path) -> RulesThen:
    book = VersionBook()
    if (data / "journal").exists():
        for frame in JournalReader(data / "journal"):
            if tells_act(frame):
                book.apply(OperatorAct.of(frame))
    entries = {
        table: book.in_force(table, moment) for table in TABLES if table not in book.missing_tables
    }
    for table, entry in entries.items():
        if entry.version.digest != digest_of_text(shipped_text(table)):
            raise RulesNotHere(
                f"version {entry.version.number} of {table} was in force then, and isn't the one "
                "that comes along",
                hint=f"start the switch on {data}, which has it, or give a folder with --rules",
            )
    return RulesThen(
        load(),
        {table: entry.version.number for table, entry in entries.items()},
        {table: entry.since for table, entry in entries.items()},
    )
