"""The projection equals the books, however the way there was disturbed."""

import asyncio
import os
import signal
from pathlib import Path
from random import Random

import asyncpg
import pytest

from payvand.settlement.database import create_books, digest_books
from payvand.settlement.errors import ForeignRecord, SchemaMismatch
from payvand.settlement.projector import Projector, follow_files
from tests.support.postgres import own_server
from tests.support.projected import Projected, open_projected

BATCHES = 60


async def digests(projected: Projected) -> dict[str, str]:
    async with projected.pool.acquire() as connection:
        return await digest_books(connection)


@pytest.mark.parametrize("seed", range(4))
def test_the_projection_equals_the_ledger_after_random_traffic(
    tmp_path: Path, database: str, seed: int
) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=seed) as projected:
            async with projected.projecting():
                await projected.traffic.run(BATCHES)
                await projected.catch_up()
            assert any(closing.closed for closing in projected.traffic.closings)
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_a_projector_cancelled_anywhere_loses_and_doubles_nothing(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        random = Random(7)
        async with open_projected(tmp_path, database, seed=7) as projected:
            interrupted = 0
            for _ in range(40):
                async with projected.projecting() as task:
                    await projected.traffic.run(2)
                    await asyncio.sleep(random.random() * 0.02)
                    interrupted += not task.done()
                projected.projector = Projector(projected.pool, projected.engine.follow)
            assert interrupted == 40
            async with projected.projecting():
                await projected.catch_up()
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_a_terminated_connection_loses_and_doubles_nothing(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=8) as projected:
            killer = await asyncpg.connect(database)
            failures = 0
            async with projected.projecting():
                for _ in range(25):
                    await projected.traffic.run(2)
                    await killer.execute(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    )
                    failures += projected.projector.statistics().failures
                await projected.catch_up()
            await killer.close()
            assert failures
            assert projected.projector.statistics().last_error == ""
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_a_rebuilt_projection_has_identical_rows(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=9) as projected:
            async with projected.projecting():
                await projected.traffic.run(BATCHES)
                await projected.catch_up()
                before = await digests(projected)
                await projected.projector.rebuild()
                await projected.catch_up()
                assert await digests(projected) == before
            # Frame by frame, too, gives the same rows as many at once.
            await projected.engine.close()
            async with projected.pool.acquire() as connection:
                await create_books(connection, afresh=True)
            await Projector(projected.pool, follow_files(projected.folder), rows_max=1).run()
            assert await digests(projected) == before

    asyncio.run(scene())


def test_a_rebuild_under_traffic_ends_with_all_rows(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=10) as projected:
            async with projected.projecting():
                for _ in range(5):
                    await projected.traffic.run(10)
                    await projected.projector.rebuild()
                await projected.catch_up()
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_a_changed_row_changes_the_digest_of_its_table_alone(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=11) as projected:
            async with projected.projecting():
                await projected.traffic.run(5)
                await projected.catch_up()
            before = await digests(projected)
            await projected.pool.execute(
                "UPDATE books.transfer SET user_data_32 = user_data_32 + 1 "
                "WHERE id = (SELECT max(id::text)::uuid FROM books.transfer)"
            )
            after = await digests(projected)
            assert {table for table in before if before[table] != after[table]} == {"transfer"}

    asyncio.run(scene())


def test_a_books_schema_of_other_code_is_filled_afresh(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=12) as projected:
            async with projected.projecting():
                await projected.traffic.run(5)
                await projected.catch_up()
            before = await digests(projected)
            await projected.pool.execute("UPDATE books.cursor SET definition = 'other'")
            await projected.pool.execute("DROP VIEW books.payment CASCADE")
            projected.projector = Projector(projected.pool, projected.engine.follow)
            async with projected.projecting():
                await projected.catch_up()
            assert await digests(projected) == before

    asyncio.run(scene())


def test_two_projectors_on_one_database_project_each_frame_once(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=13) as projected:
            rival = asyncio.create_task(Projector(projected.pool, projected.engine.follow).run())
            async with projected.projecting():
                await projected.traffic.run(BATCHES)
                await projected.catch_up()
            rival.cancel()
            await asyncio.wait([rival])
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_rows_that_the_journal_contradicts_stop_the_projector(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=14) as projected:
            await projected.pool.execute("INSERT INTO books.frame VALUES (1, 0, 1, 0, 0, 0, 0, 0)")
            with pytest.raises(SchemaMismatch, match="refused rows"):
                await projected.projector.run()

    asyncio.run(scene())


def test_an_answer_that_does_not_name_its_accounts_stops_the_projector(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=15) as projected:
            while not projected.traffic.reserved:
                await projected.traffic.batch(5)
            await projected.traffic.post_unnamed()
            last = projected.engine.sequence
            with pytest.raises(ForeignRecord, match=f"frame {last} answers"):
                await projected.projector.run()

    asyncio.run(scene())


def test_a_killed_postgres_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """The machine's database dies by SIGKILL in mid-projection, twice, and is started again."""

    async def scene() -> None:
        with own_server() as server:
            async with open_projected(tmp_path, server.dsn, seed=16) as projected:
                async with projected.projecting():
                    for _ in range(2):
                        await projected.traffic.run(20)
                        os.kill(server.pid, signal.SIGKILL)
                        await asyncio.to_thread(server.stop)
                        await asyncio.to_thread(server.start)
                    await projected.traffic.run(5)
                    await projected.catch_up()
                await projected.assert_all_proved()

    asyncio.run(scene())
