"""The schemas: migrated forward once, together or not at all; acts of operators are kept."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import asyncpg
import pytest

from payvand.settlement.database import (
    BOOKS,
    Migration,
    as_amount,
    connect,
    create_books,
    migrate,
    migrations,
    record_audit,
)
from payvand.settlement.errors import DatabaseUnavailable, SchemaMismatch


def step(version: int, statements: str) -> Migration:
    return Migration(version, f"step_{version}", statements, f"sum of {statements}")


FIRST, SECOND = step(1, "CREATE TABLE reference.a ()"), step(2, "CREATE TABLE reference.b ()")


def test_each_migration_is_applied_once_even_by_two_switches_at_a_time(database: str) -> None:
    async def scene() -> None:
        pool = await connect(database)

        async def switch() -> int:
            async with pool.acquire() as connection:
                return await migrate(connection)

        taken = await asyncio.gather(*(switch() for _ in range(4)))
        assert sorted(taken) == [0, 0, 0, len(migrations())]
        await pool.close()

    asyncio.run(scene())


def test_a_migration_that_fails_leaves_nothing_of_its_run(database: str) -> None:
    async def scene() -> None:
        connection = await asyncpg.connect(database)
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await migrate(connection, [FIRST, step(2, "CREATE nonsense")])
        assert await connection.fetchval("SELECT to_regclass('reference.a')") is None
        assert await migrate(connection, [FIRST]) == 1
        assert await migrate(connection, [FIRST, SECOND]) == 1
        await connection.close()

    asyncio.run(scene())


def test_a_changed_or_unknown_migration_is_refused(database: str) -> None:
    async def scene() -> None:
        connection = await asyncpg.connect(database)
        await migrate(connection, [FIRST, SECOND])
        with pytest.raises(SchemaMismatch, match=r"migration 1 \(step_1\) of the database differs"):
            await migrate(connection, [replace(FIRST, checksum="other"), SECOND])
        with pytest.raises(SchemaMismatch, match="the database is at version 2, this code at 1"):
            await migrate(connection, [FIRST])
        await connection.close()

    asyncio.run(scene())


def test_the_books_are_made_once_and_afresh_when_asked(database: str) -> None:
    async def scene() -> None:
        connection = await asyncpg.connect(database)
        await migrate(connection)
        assert await create_books(connection)
        await connection.execute("DROP SCHEMA report CASCADE")
        assert not await create_books(connection)
        assert await connection.fetchval("SELECT open_window FROM report.standing") == 1
        await connection.execute("UPDATE books.cursor SET sequence = 5")
        assert await create_books(connection, afresh=True)
        assert await connection.fetchval("SELECT sequence FROM books.cursor") == 0
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname='books'")
        assert {row["tablename"] for row in tables} == BOOKS.keys()
        await connection.close()

    asyncio.run(scene())


def test_a_bank_code_leads_to_one_participant_only(database: str) -> None:
    async def scene() -> None:
        connection = await asyncpg.connect(database)
        await migrate(connection)
        add = (
            "INSERT INTO reference.participants "
            "(number, name, role, display_name, bank_codes, net_debit_cap, unit) "
            "VALUES ($1, $2, 1, 'x', $3, 0, 'IRR')"
        )
        await connection.execute(add, 1, "first", ["012", "013"])
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(add, 2, "second", ["013"])
        await connection.execute(
            "UPDATE reference.participants SET bank_codes = '{012}' WHERE number = 1"
        )
        await connection.execute(add, 2, "second", ["013"])
        routes = await connection.fetch("SELECT * FROM reference.bank_code ORDER BY bank_code")
        assert [tuple(row) for row in routes] == [("012", 1), ("013", 2)]
        await connection.close()

    asyncio.run(scene())


def test_what_operators_did_can_not_be_changed(database: str) -> None:
    async def scene() -> None:
        connection = await asyncpg.connect(database)
        await migrate(connection)
        await record_audit(connection, operator="omid", act="window.close", subject="1")
        for change in (
            "UPDATE reference.audit SET operator = 'else'",
            "DELETE FROM reference.audit",
            "TRUNCATE reference.audit",
        ):
            with pytest.raises(asyncpg.RaiseError, match="append-only"):
                await connection.execute(change)
        assert await connection.fetchval("SELECT operator FROM reference.audit") == "omid"
        await connection.close()

    asyncio.run(scene())


def test_a_database_that_does_not_answer_is_told() -> None:
    for dsn in ("postgresql://nobody@127.0.0.1:1/none", "postgresql:///x?host=/nowhere&user=x"):
        with pytest.raises(DatabaseUnavailable, match="the database doesn't answer") as fault:
            asyncio.run(connect(dsn))
        assert "connection string" in fault.value.hint


def test_amounts_are_whole_or_impossible() -> None:
    assert as_amount(Decimal(2**127)) == 2**127
    with pytest.raises(AssertionError):
        as_amount(Decimal("0.5"))
