"""The ledger beside PostgreSQL doing the same double entry, both durable, on the same transfers.

The peer gets what helps it: memory, prepared statements, a binary COPY made beforehand, several
connections. Its functions stand in `peer.sql`.
"""

import asyncio
import io
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import asyncpg
import uvloop

from payvand.bench.driving import Driven, drive, open_accounts, prove_books
from payvand.bench.load import LEDGER, Load, batches
from payvand.bench.result import Result
from payvand.bench.workbench import Workbench
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records, u128_list
from payvand.settlement.copying import HEADER, TRAILER, Column, encode_rows
from payvand.settlement.postgres import EmbeddedPostgres

__all__ = ["postgres_batch", "postgres_call"]

SETTINGS = {
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "max_connections": "80",
}
"""On top of a durable server's, to the peer's advantage."""

ACCOUNTS = 10_000
CALLERS = 64
CALLS = 20_000
BATCHES = 48
BATCH_CONNECTIONS = 2
QUICK_CALLS = 1_000
QUICK_BATCHES = 4
ROUNDS = 3
COLUMNS = ("id", "debit_account_id", "credit_account_id", "amount", "ledger", "code")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


def postgres_call(bench: Workbench, name: str) -> Result:
    """Measure one call a transfer, 64 callers at a time, each waiting for its answer."""
    count = QUICK_CALLS if bench.quick else CALLS
    engine, peer = uvloop.run(_run(bench, name, count, _by_calls, batch=1, in_flight=CALLERS))
    return _result(name, engine, peer, "PostgreSQL, one function call each", {"callers": CALLERS})


def postgres_batch(bench: Workbench, name: str) -> Result:
    """Measure batches of 8,190, as PostgreSQL takes them best: copied, then posted by sets."""
    count = (QUICK_BATCHES if bench.quick else BATCHES) * BATCH_EVENTS_MAX
    engine, peer = uvloop.run(_run(bench, name, count, _by_batches, batch=BATCH_EVENTS_MAX))
    return _result(
        name,
        engine,
        peer,
        "PostgreSQL, COPY and one set-based statement",
        {"batch": BATCH_EVENTS_MAX, "connections": BATCH_CONNECTIONS},
    )


def _result(
    name: str, engine: list[Driven], peer: list[Driven], reference: str, detail: dict[str, int]
) -> Result:
    rates = [each.per_second for each in engine]
    peer_rates = [each.per_second for each in peer]
    return Result(
        name,
        statistics.median(rates),
        "transfers/s",
        reference,
        statistics.median(peer_rates),
        {
            **detail,
            "accounts": ACCOUNTS,
            "transfers": sum(each.events for each in engine),
            "rounds": [round(rate) for rate in rates],
            "reference_rounds": [round(rate) for rate in peer_rates],
            "reference_client_cpu_share": round(
                sum(each.cpu_ns for each in peer) / sum(each.elapsed_ns for each in peer), 2
            ),
        },
    )


Drive = Callable[["Peer", list[Records]], Awaitable[Driven]]


async def _run(
    bench: Workbench, name: str, count: int, drive_peer: Drive, *, batch: int, in_flight: int = 6
) -> tuple[list[Driven], list[Driven]]:
    """Send the same transfers to both, in turns."""
    load = Load(ACCOUNTS)
    engine_drives: list[Driven] = []
    peer_drives: list[Driven] = []
    rounds = 1 if bench.quick else ROUNDS
    with bench.scratch(name) as folder:
        bench.tell(f"{name}: starting PostgreSQL")
        async with _open_peer(folder) as peer:
            engine = await Engine.open(folder / "journal")
            await open_accounts(engine, ACCOUNTS)
            for number in range(rounds):
                bench.tell(f"{name}: round {number + 1} of {rounds}")
                work = batches(load.transfers(count), batch)
                peer_drives.append(await drive_peer(peer, work))
                engine_drives.append(await drive(engine, work, in_flight))
            refused = sum(each.refused for each in (*engine_drives, *peer_drives))
            bench.prove(f"{name}: every transfer took effect", refused == 0)
            bench.prove(
                f"{name}: PostgreSQL holds the same count and sums",
                await peer.sums() == (load.count, load.amount_sum, load.amount_sum),
            )
            await prove_books(
                bench,
                name,
                engine,
                folder / "journal",
                account_count=ACCOUNTS,
                transfer_count=load.count,
                amount_sum=load.amount_sum,
            )
    return engine_drives, peer_drives


class Peer:
    """A PostgreSQL with the accounts of the load in it."""

    def __init__(self, connections: list[Connection]) -> None:
        """Work over open connections."""
        self.connections = connections

    async def sums(self) -> tuple[int, int, int]:
        """Return how many transfers there are, and the sums of debits and credits."""
        count = await self.connections[0].fetchval("SELECT count(*) FROM transfer")
        row = await self.connections[0].fetchrow(
            "SELECT sum(debits_posted)::bigint, sum(credits_posted)::bigint FROM account"
        )
        assert row is not None
        return count, row[0], row[1]


@asynccontextmanager
async def _open_peer(folder: Path) -> AsyncIterator[Peer]:
    """Start PostgreSQL, load the schema and the accounts, and remove everything afterwards."""
    await asyncio.to_thread(folder.chmod, 0o755)  # so that the server's own user reaches it
    server = EmbeddedPostgres(folder / "peer", settings=SETTINGS)
    connections: list[Connection] = []
    try:
        await asyncio.to_thread(server.start)
        for _ in range(CALLERS):
            connections.append(await asyncpg.connect(server.dsn))
        first = connections[0]
        await first.execute(files(__package__).joinpath("peer.sql").read_text())
        await first.execute(
            "INSERT INTO account (id, ledger) SELECT n, $1 FROM generate_series(1, $2) n",
            LEDGER,
            ACCOUNTS,
        )
        await first.execute("VACUUM (ANALYZE) account")
        await first.execute("CHECKPOINT")
        for connection in connections[:BATCH_CONNECTIONS]:
            await connection.execute(
                "CREATE TEMPORARY TABLE incoming ON COMMIT DELETE ROWS AS "
                "SELECT id, debit_account_id, credit_account_id, amount, ledger, code "
                "FROM transfer WITH NO DATA"
            )
        yield Peer(connections)
    finally:
        for connection in connections:
            connection.terminate()
        await asyncio.to_thread(server.stop)
        shutil.rmtree(server.home, ignore_errors=True)


async def _by_calls(peer: Peer, work: list[Records]) -> Driven:
    """Call once for each transfer, from all connections at once."""
    rows = [
        (
            UUID(int=u128_list(row["id"])[0]),
            int(row["debit_account_id"]["lo"][0]),
            int(row["credit_account_id"]["lo"][0]),
            int(row["amount"]["lo"][0]),
            int(row["ledger"][0]),
            int(row["code"][0]),
        )
        for row in work
    ]
    call = "SELECT transfer_one($1, $2, $3, $4, $5, $6)"
    statements = [await connection.prepare(call) for connection in peer.connections]

    async def carry(lane: int, source: Iterator[int]) -> int:
        applied = 0
        for index in source:
            applied += bool(await statements[lane].fetchval(*rows[index]))
        return applied

    return await _timed(len(rows), len(rows), len(statements), carry)


async def _by_batches(peer: Peer, work: list[Records]) -> Driven:
    """Copy each batch into a table of the session, then post it by one statement."""
    copies = [_copy_of(batch) for batch in work]

    async def carry(lane: int, source: Iterator[int]) -> int:
        connection = peer.connections[lane]
        applied = 0
        for index in source:
            async with connection.transaction():
                await connection.copy_to_table(
                    "incoming", source=io.BytesIO(copies[index]), columns=COLUMNS, format="binary"
                )
                applied += await connection.fetchval("SELECT transfer_batch()")
        return applied

    return await _timed(sum(map(len, work)), len(copies), BATCH_CONNECTIONS, carry)


def _copy_of(batch: Records) -> bytes:
    """Return a batch as the bytes of a binary COPY."""
    rows = encode_rows(
        len(batch),
        [
            Column("uuid", batch["id"]),
            Column("bigint", batch["debit_account_id"]["lo"]),
            Column("bigint", batch["credit_account_id"]["lo"]),
            Column("bigint", batch["amount"]["lo"]),
            Column("integer", batch["ledger"]),
            Column("smallint", batch["code"]),
        ],
    )
    return HEADER + rows.tobytes() + TRAILER


async def _timed(
    events: int, parts: int, lanes: int, carry: Callable[[int, Iterator[int]], Awaitable[int]]
) -> Driven:
    """Let lanes carry all parts between them, and say how long it took."""
    source = iter(range(parts))
    started, worked = time.perf_counter_ns(), time.process_time_ns()
    applied = await asyncio.gather(*(carry(lane, source) for lane in range(lanes)))
    elapsed = time.perf_counter_ns() - started
    cpu_ns = time.process_time_ns() - worked
    return Driven(events, elapsed, [], events - sum(applied), cpu_ns)
