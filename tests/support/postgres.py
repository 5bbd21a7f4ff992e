"""A real PostgreSQL for tests: one server for the whole run, a database of its own for each test.

    def test_something(database: str) -> None: ...   # its connection string

The server is started when the first test asks for it.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from payvand.settlement.postgres import EmbeddedPostgres

_numbers = itertools.count(1)


@contextmanager
def own_server() -> Iterator[EmbeddedPostgres]:
    """Run a server for the body alone; its files are where any user can reach them."""
    folder = Path(tempfile.mkdtemp(prefix="payvand-tests-", dir="/var/tmp"))
    folder.chmod(0o755)
    try:
        with EmbeddedPostgres(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """Run the server that the whole run shares."""
    with own_server() as server:
        yield server


@pytest.fixture
def database(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Make an empty database and name it; it is gone after the test, whoever still uses it."""
    name = f"test_{next(_numbers)}"
    asyncio.run(_execute(postgres_server.dsn, f"CREATE DATABASE {name} STRATEGY file_copy"))
    yield postgres_server.dsn.replace("///payvand?", f"///{name}?")
    asyncio.run(_execute(postgres_server.dsn, f"DROP DATABASE {name} WITH (FORCE)"))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
