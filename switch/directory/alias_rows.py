"""The table `reference.alias`: the directory as it outlives the process."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from payvand.settlement.database import Executor, as_amount
from payvand.switch.directory.alias import AccountNumber
from payvand.switch.directory.alias_table import AliasTable
from payvand.switch.directory.copied_rows import CopiedRows
from payvand.switch.directory.directory import Change, Entry

__all__ = ["load", "read", "write"]

WAIT_FOR_WRITERS = "LOCK TABLE reference.alias IN SHARE MODE"
"""A switch that was killed, or a connection that broke, may have left a commit under way."""

LOAD_S_MAX = 3_600.0
"""A hundred million aliases take some minutes."""


async def load(connection: Executor, table: AliasTable) -> int:
    """Put all rows into an empty *table*, by COPY, and return how many there are."""
    assert not len(table)
    rows = CopiedRows(table)

    faults: list[Exception] = []

    async def feed(chunk: bytes | bytearray) -> None:
        # asyncpg waits for ever where a sink raises; so it is raised behind it.
        try:
            if not faults:
                rows.feed(bytes(chunk))
        except Exception as fault:
            faults.append(fault)

    async with connection.transaction():
        await connection.execute(WAIT_FOR_WRITERS)
        await connection.copy_from_query(
            "SELECT key, bank_code, account, name FROM reference.alias",
            output=feed,
            format="binary",
            timeout=LOAD_S_MAX,
        )
    for fault in faults:
        raise fault
    assert rows.has_ended  # a COPY that fails raises
    return rows.rows


async def read(connection: Executor, keys: Iterable[int]) -> dict[int, Entry]:
    """Return the rows with *keys*; those that aren't there are left out."""
    async with connection.transaction():
        await connection.execute(WAIT_FOR_WRITERS)
        found = await connection.fetch(
            "SELECT key, bank_code, account, name FROM reference.alias WHERE key = ANY($1::uuid[])",
            [UUID(int=key) for key in keys],
        )
    return {
        key.int: Entry(key.int, AccountNumber(bank_code, as_amount(account)), name)
        for key, bank_code, account, name in found
    }


async def write(connection: Executor, changes: Sequence[Change]) -> None:
    """Write *changes*, of which each is about another alias."""
    entries = [change.entry for change in changes if change.entry is not None]
    if entries:
        await connection.execute(
            """
            INSERT INTO reference.alias (key, bank_code, account, name)
            SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::numeric[], $4::text[])
            ON CONFLICT (key) DO UPDATE SET bank_code = excluded.bank_code,
                account = excluded.account, name = excluded.name, registered_at = now()
            """,
            [UUID(int=entry.key) for entry in entries],
            [entry.account.bank_code for entry in entries],
            [entry.account.number for entry in entries],
            [entry.name for entry in entries],
        )
    if gone := [UUID(int=change.key) for change in changes if change.entry is None]:
        await connection.execute("DELETE FROM reference.alias WHERE key = ANY($1::uuid[])", gone)
