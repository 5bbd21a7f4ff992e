"""An operator's desk at a data folder's database, whether a switch runs on the folder or not.

Reconciliation and the files of windows need the database alone. Where a switch runs, its database
is joined; where none does, the embedded one is started for the time and brought up to the journal.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from payvand.core.errors import JournalInUse, PayvandFault
from payvand.settlement.database import Executor, Pool, connect, migrate
from payvand.settlement.iso20022 import Currency, Party, Terms
from payvand.settlement.postgres import EmbeddedPostgres
from payvand.settlement.projector import Projector, follow_files
from payvand.settlement.statements import StatementEntry
from payvand.switch.units import UNITS
from payvand.switch.verifying import hold_journal
from payvand.v1.payment_pb2 import Payment

__all__ = ["NoSuchParticipant", "open_desk", "participant_number", "read_terms", "reference_of"]


class NoSuchParticipant(PayvandFault):
    """Nobody of this name is connected to the switch."""


@asynccontextmanager
async def open_desk(data: Path, *, database: str = "") -> AsyncIterator[Pool]:
    """Open the database of a data folder.

    Args:
        data: The data folder.
        database: The connection string of its database; empty for the embedded one.

    Raises:
        JournalUnusable: there is no journal.
        DatabaseUnavailable: the database doesn't answer.
    """
    journal = data / "journal"
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(hold_journal(journal))
            alone = True
        except JournalInUse:
            alone = False
        server: str | EmbeddedPostgres = database
        if not database:
            embedded = EmbeddedPostgres(data / "database")
            if alone:
                stack.push_async_callback(asyncio.to_thread, embedded.stop)
                await asyncio.to_thread(embedded.start)
                server = embedded
            else:
                server = await asyncio.to_thread(embedded.join)
        pool = await connect(server)
        stack.callback(pool.terminate)
        async with pool.acquire() as connection:
            await migrate(connection)
        if alone:
            await Projector(pool, follow_files(journal)).run()
        yield pool


async def participant_number(connection: Executor, name: str) -> int:
    """Return a participant's number; raises `NoSuchParticipant`."""
    rows = await connection.fetch("SELECT name, number FROM reference.participants")
    numbers = {row["name"]: row["number"] for row in rows}
    if name not in numbers:
        raise NoSuchParticipant(
            f"there is no participant {name}", hint=f"there are {', '.join(sorted(numbers))}"
        )
    return int(numbers[name])


async def read_terms(connection: Executor, *, system: str, zone: str) -> Terms:
    """Return names and currencies for the files of windows.

    Args:
        connection: To the database.
        system: The code of the clearing system.
        zone: The name of the time zone of business days; raises ValueError where there is none.
    """
    rows = await connection.fetch(
        "SELECT number, name, display_name, bank_codes FROM reference.participants"
    )
    parties = {
        row["number"]: Party(
            row["number"],
            row["name"],
            row["display_name"],
            row["bank_codes"][0] if row["bank_codes"] else str(row["number"]),
        )
        for row in rows
    }
    try:
        found = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"zone is {zone!r}, which isn't the name of a time zone") from error
    currencies = {unit.ledger: Currency(unit.code, unit.exponent) for unit in UNITS.values()}
    return Terms(Party(0, "payvand", "Payvand", system), system, parties, currencies, found)


def reference_of(entry: StatementEntry) -> str:
    """Return the payer's reference of a statement's entry; empty where it isn't a payment."""
    return Payment.FromString(entry.payload).end_to_end_id if entry.payload else ""
