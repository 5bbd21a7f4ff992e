"""The schemas in PostgreSQL: `reference` with its migrations, and `books`, the projection.

Reference data is migrated forward only, by the numbered files in `migrations/`, each applied
once and remembered with its checksum; a file that was applied may never change. The projection
has no migrations: it is dropped and filled again from the journal where `books.sql` changed. Over
both stand the views of the schema `report`.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import asyncpg

from payvand.settlement.errors import DatabaseUnavailable, SchemaMismatch
from payvand.settlement.postgres import EmbeddedPostgres

__all__ = [
    "BOOKS",
    "CONNECTIONS_MAX",
    "Executor",
    "Migration",
    "Pool",
    "connect",
    "create_books",
    "digest_books",
    "index_books",
    "migrate",
    "migrations",
    "record_audit",
]

CONNECTIONS_MAX = 8
COMMAND_S_MAX = 600.0
CONNECT_S_MAX = 20.0

LOCK = 0x7061_7976
"""The advisory lock under which schemas change: two switches may start at once."""


if TYPE_CHECKING:  # these classes are generic to the type checker alone
    Pool = asyncpg.Pool[asyncpg.Record]
    Executor = asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
else:
    Pool = asyncpg.Pool
    Executor = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""A connection, whether one's own or borrowed from a pool."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of the reference schema."""

    version: int
    name: str
    statements: str
    checksum: str


async def connect(database: str | EmbeddedPostgres) -> Pool:
    """Open a pool on a database, given its connection string or the running embedded one.

    Raises `DatabaseUnavailable` where it doesn't answer.
    """
    dsn = database if isinstance(database, str) else database.dsn
    try:
        pool = await asyncpg.create_pool(
            dsn,
            min_size=0,
            max_size=CONNECTIONS_MAX,
            timeout=CONNECT_S_MAX,
            command_timeout=COMMAND_S_MAX,
            server_settings={"application_name": "payvand"},
        )
        async with pool.acquire() as connection:
            await connection.execute("SELECT 1")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise DatabaseUnavailable(
            f"the database doesn't answer: {type(error).__name__}: {error}",
            hint="see that it runs and that the connection string is right",
        ) from error
    return pool


def migrations() -> list[Migration]:
    """Return the steps that this code knows, in order."""
    steps = []
    for entry in sorted(files(__package__).joinpath("migrations").iterdir(), key=lambda e: e.name):
        if not (match := re.fullmatch(r"(\d{4})_(\w+)\.sql", entry.name)):
            continue
        text = entry.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        steps.append(Migration(int(match[1]), match[2], text, checksum))
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    return steps


async def migrate(connection: Executor, steps: list[Migration] | None = None) -> int:
    """Bring the reference schema to this code's version and return how many steps it took.

    All steps are one transaction. Raises `SchemaMismatch` where the database holds a step that
    this code doesn't know or knows otherwise; then nothing is changed.
    """
    known = migrations() if steps is None else steps
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute("CREATE SCHEMA IF NOT EXISTS reference")
        await connection.execute(
            """
            CREATE TABLE IF NOT EXISTS reference.migration (
                version    integer     PRIMARY KEY,
                name       text        NOT NULL,
                checksum   text        NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """
        )
        rows = await connection.fetch(
            "SELECT version, name, checksum FROM reference.migration ORDER BY version"
        )
        for row, step in zip(rows, known, strict=False):
            if (row["version"], row["checksum"]) != (step.version, step.checksum):
                raise SchemaMismatch(
                    f"migration {row['version']} ({row['name']}) of the database differs from "
                    f"this code's {step.version} ({step.name})",
                    hint="an applied migration may not change: restore its file, add a new one",
                )
        if len(rows) > len(known):
            raise SchemaMismatch(
                f"the database is at version {rows[-1]['version']}, this code at {len(known)}",
                hint="use the newer code that migrated it, or restore a backup from before",
            )
        if known[len(rows) :]:  # a table that a view reads can't be altered
            await connection.execute("DROP SCHEMA IF EXISTS report CASCADE")
        for step in known[len(rows) :]:
            await connection.execute(step.statements)
            await connection.execute(
                "INSERT INTO reference.migration (version, name, checksum) VALUES ($1, $2, $3)",
                *(step.version, step.name, step.checksum),
            )
        return len(known) - len(rows)


async def create_books(connection: Executor, *, afresh: bool = False) -> bool:
    """Create the empty projection where there is none of this code's definition, and the views.

    The views read the reference data too: a database without it has none.
    With *afresh* in any case. Returns whether it did; then the journal is to be projected anew.
    """
    text = _read("books.sql")
    whole = text + _read("books_indexes.sql") + _read("report_views.sql")
    definition = hashlib.sha256(whole.encode()).hexdigest()
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        if not afresh and await connection.fetchval("SELECT to_regclass('books.cursor')"):
            found = await connection.fetchval("SELECT definition FROM books.cursor")
            if found == definition:
                if not await connection.fetchval("SELECT to_regclass('report.standing')"):
                    await _create_views(connection)
                return False
        if await connection.fetchval("SELECT to_regclass('books.cursor')"):
            # A projector's transaction begins there too: it ends first, or waits for this one.
            await connection.execute("LOCK TABLE books.cursor IN ACCESS EXCLUSIVE MODE")
        await connection.execute("DROP SCHEMA IF EXISTS books CASCADE")
        await connection.execute(text)
        await _create_views(connection)
        await connection.execute(
            "INSERT INTO books.cursor (sequence, timestamp, open_window, definition) "
            "VALUES (0, 0, 1, $1)",
            definition,
        )
        return True


async def _create_views(connection: Executor) -> None:
    if await connection.fetchval("SELECT to_regclass('reference.participants')"):
        await connection.execute(_read("report_views.sql"))


async def index_books(connection: Executor) -> None:
    """Make the keys and indexes that an empty projection is filled without; nothing if it has them.

    Raises asyncpg's UniqueViolationError where a row is there twice.
    """
    async with connection.transaction():
        if await connection.fetchval(
            "UPDATE books.cursor SET indexed = true WHERE NOT indexed RETURNING true"
        ):
            await connection.execute(_read("books_indexes.sql"))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


BOOKS = {
    "account": "timestamp",
    "account_limit": "timestamp",
    "cursor": "sequence",
    "expiry": "pending_id",
    "failure": "timestamp",
    "frame": "sequence",
    "net_position": "window_number, participant",
    "operator_act": "sequence",
    "settlement_window": "number",
    "transfer": "id",
}
"""The tables of the projection, each with the key that puts its rows into one order."""


async def digest_books(connection: Executor) -> dict[str, str]:
    """Return for each table of the projection the SHA-256 of its rows: equal digests, equal rows.

    It reads every row, as of one moment.
    """
    digests = {}
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for table, order in BOOKS.items():
            digest = hashlib.sha256()
            columns = "sequence, timestamp, open_window" if table == "cursor" else "*"

            async def take(rows: bytes, digest: Any = digest) -> None:
                digest.update(rows)

            await connection.copy_from_query(
                f"SELECT {columns} FROM books.{table} ORDER BY {order}",  # noqa: S608 - our own names
                output=take,
            )
            digests[table] = digest.hexdigest()
    return digests


async def record_audit(
    connection: Executor, *, operator: str, act: str, subject: str, detail: str = "{}"
) -> None:
    """Write down what an operator did, in the transaction that does it.

    Args:
        connection: Where the act's own rows are written.
        operator: The name its certificate carries.
        act: For example `participant.put`.
        subject: To whom or what, for example a short name.
        detail: JSON; amounts as strings, no account number in clear.
    """
    await connection.execute(
        "INSERT INTO reference.audit (operator, act, subject, detail) VALUES ($1, $2, $3, $4)",
        *(operator, act, subject, detail),
    )


def as_amount(value: Any) -> int:
    """Return the integer that a numeric column holds."""
    number = int(value)
    assert number == value
    return number
