"""The projector: a cursor over the journal's frames into the schema `books` of PostgreSQL.

Exactly once, by construction: the rows of a run of frames and the cursor's step over them are one
transaction, which first takes the cursor's row under lock and fails if it isn't where this
projector left it. After any fault the cursor is read again and following resumes behind it, so it
doesn't matter whether a transaction whose answer was lost was committed or not.

The transaction doesn't wait for PostgreSQL's disk: if the machine dies, the last rows and the
cursor that covers them are lost together and come again from the journal.

    engine.follow ─► reader ─► FrameQueue ─► maker ─► one batch ─► writer ─► PostgreSQL
                    frames                  rows                  COPY, cursor

When behind, a batch takes as many frames as `ROWS_MAX` allows, and the next one is made while the
last one is written. An empty projection is filled without indexes; they are made when it has
caught up for the first time.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from payvand.core.frame import Frame
from payvand.core.segments import read_frames
from payvand.settlement.database import Executor, Pool, create_books, index_books
from payvand.settlement.errors import ProjectionConflict, SchemaMismatch
from payvand.settlement.frame_queue import FrameQueue
from payvand.settlement.operator_acts import OperatorAct
from payvand.settlement.projection import Projection
from payvand.settlement.windows import ClosedWindow

__all__ = [
    "READ_FRAMES",
    "ROWS_MAX",
    "Follow",
    "ProjectionStatus",
    "Projector",
    "follow_files",
]

Follow = Callable[[int], AsyncIterator[Frame]]
"""Given a sequence, the durable frames after it, without gaps, and then those to come."""

ROWS_MAX = 50_000
"""About how many rows one transaction adds at most; a single frame may have more."""

READ_FRAMES = 64
"""How many frames are read from files at a time."""

CAUGHT_UP_NS = 1_000_000_000
"""A batch younger than this is taken as the end of catching up."""

IDLE_S = 0.5
"""So is a pause of this length."""

RETRY_S_MIN = 0.1
RETRY_S_MAX = 10.0
"""Between attempts on a database that fails: the delay doubles from the first to the second."""

log = logging.getLogger(__name__)

_OUTAGE = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # how asyncpg takes a connection that dies within a COPY
    OSError,
    TimeoutError,
    ProjectionConflict,
)


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """How a projector stands."""

    sequence: int
    """The last frame that is in the database."""
    behind_frames: int
    """How many frames it has read and not yet committed."""
    oldest_timestamp: int
    """Of the oldest of those, in nanoseconds; 0 where there is none. Its age is the lag."""
    failures: int
    """How many attempts failed since the last success."""
    last_error: str
    """Why the last one did; empty after a success."""


def follow_files(folder: Path) -> Follow:
    """Follow the files of a journal that no engine writes; the frames end where they do."""

    async def follow(after: int) -> AsyncIterator[Frame]:
        frames = read_frames(folder, after)
        while chunk := await asyncio.to_thread(list, islice(frames, READ_FRAMES)):
            for frame in chunk:
                yield frame

    return follow


class Projector:
    """Keep the schema `books` up with the journal; one for each database."""

    def __init__(
        self,
        pool: Pool,
        follow: Follow,
        *,
        rows_max: int = ROWS_MAX,
        clock: Callable[[], int] = time.time_ns,
        rest_s: Callable[[float], float] = lambda _: 0.0,
    ) -> None:
        """Name where frames come from and go to; `run` does the work.

        *rows_max* is about how many rows one transaction adds; a single frame may have more. The
        *clock* tells how old frames are. *rest_s* tells how long to rest after a transaction that
        took so many seconds, so that others get the machine; who waits for a frame ends the rest.
        """
        self._pool = pool
        self._follow = follow
        self._rows_max = rows_max
        self._clock = clock
        self._sequence = 0
        self._received = 0
        self._oldest = 0
        self._failures = 0
        self._last_error = ""
        self._rest_s = rest_s
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._advanced = asyncio.Condition()
        self._pass: asyncio.Task[BaseException | None] | None = None

    def statistics(self) -> ProjectionStatus:
        """Return how it stands."""
        return ProjectionStatus(
            self._sequence,
            max(self._received - self._sequence, 0),
            self._oldest,
            self._failures,
            self._last_error,
        )

    async def run(self) -> None:
        """Project until cancelled, or until the frames end.

        A failing database is tried again and again, with a delay up to `RETRY_S_MAX`. What ends
        the frames by a fault is raised, and so is `SchemaMismatch` where rows in the database
        contradict the journal.
        """
        delay = RETRY_S_MIN
        while True:
            before = self._sequence
            self._pass = asyncio.create_task(self._project_on())
            try:
                fault = await self._pass
            except asyncio.CancelledError:
                if _cancelling():
                    raise
                continue  # it was rebuilt
            except (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError) as error:
                raise SchemaMismatch(
                    f"the database refused rows of the journal: {error}",
                    hint="something else wrote to the schema books: rebuild it",
                ) from error
            except _OUTAGE as error:
                self._failures += 1
                self._last_error = f"{type(error).__name__}: {error}"
                if self._sequence != before:
                    delay = RETRY_S_MIN
                log.warning("projection: %s; again in %.1f s", self._last_error, delay)
                await asyncio.sleep(delay)
                delay = min(delay * 2, RETRY_S_MAX)
                continue
            if fault is not None:
                raise fault
            return

    async def rebuild(self) -> None:
        """Empty the projection; `run` then fills it again from the first frame."""
        async with self._pool.acquire() as connection:
            await create_books(connection, afresh=True)
        await self._arrive_at(0)
        if self._pass is not None:
            self._pass.cancel()

    async def wait_for(self, sequence: int) -> None:
        """Wait until the frame *sequence* is in the database."""
        self._waiting += 1
        self._wanted.set()
        try:
            async with self._advanced:
                await self._advanced.wait_for(lambda: self._sequence >= sequence)
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._wanted.clear()

    async def _project_on(self) -> BaseException | None:
        """Follow from the database's cursor on; return what ended the frames.

        Raises where the database fails.
        """
        async with self._pool.acquire() as connection:
            await create_books(connection)
            cursor = await connection.fetchrow(
                "SELECT sequence, open_window, indexed FROM books.cursor"
            )
            assert cursor is not None
            await self._arrive_at(cursor["sequence"])
            self._received, self._oldest = self._sequence, 0
            frames = FrameQueue()
            made: asyncio.Queue[_Batch | BaseException | None] = asyncio.Queue(1)
            start = Projection(sequence=self._sequence, open_window=cursor["open_window"])
            reader = asyncio.create_task(self._read(frames, self._sequence))
            maker = asyncio.create_task(self._make(frames, made, start))
            try:
                await self._write(connection, made, indexed=cursor["indexed"])
                return await reader
            finally:
                reader.cancel()
                maker.cancel()
                await asyncio.wait([reader, maker])

    async def _read(self, queue: FrameQueue, after: int) -> BaseException | None:
        """Hand on frames; return the fault that ended them."""
        fault = None
        frames = self._follow(after)
        try:
            async for frame in frames:
                self._received = frame.sequence
                self._oldest = self._oldest or frame.timestamp
                await queue.put(frame)
        except Exception as error:
            fault = error
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()
        await queue.end()
        return fault

    async def _make(
        self,
        frames: FrameQueue,
        made: "asyncio.Queue[_Batch | BaseException | None]",
        last: Projection,
    ) -> None:
        """Make the rows of batch after batch, then None; or else the fault that kept it from it."""
        try:
            while taken := await frames.take(self._rows_max):
                after = last.sequence
                last = Projection(sequence=after, open_window=last.open_window)
                for frame in taken:
                    last.add(frame)
                # Off the event loop: most of the time the interpreter's lock is free.
                tables = await asyncio.to_thread(list, last.tables())
                await made.put(_Batch(after, last, tables))
        except Exception as error:
            await made.put(error)
        await made.put(None)

    async def _write(
        self,
        connection: Executor,
        made: "asyncio.Queue[_Batch | BaseException | None]",
        *,
        indexed: bool,
    ) -> None:
        """Commit batch after batch until there are no more."""
        while True:
            try:
                async with asyncio.timeout(None if indexed else IDLE_S):
                    batch = await made.get()
            except TimeoutError:
                await index_books(connection)
                indexed = True
                continue
            if isinstance(batch, BaseException):
                raise batch
            if batch is None:
                break
            began = time.monotonic()
            await commit(connection, batch.projection, batch.tables, after=batch.after)
            took_s = time.monotonic() - began
            sequence, timestamp = batch.projection.sequence, batch.projection.timestamp
            self._failures, self._last_error = 0, ""
            self._oldest = timestamp if self._received > sequence else 0
            await self._arrive_at(sequence)
            if not indexed and self._clock() - timestamp < CAUGHT_UP_NS:
                await index_books(connection)
                indexed = True
            await self._rest(took_s)
        if not indexed:
            await index_books(connection)

    async def _rest(self, took_s: float) -> None:
        """Leave the machine to others, until the time is over or somebody waits for a frame."""
        if rest_s := self._rest_s(took_s):
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._wanted.wait()

    async def _arrive_at(self, sequence: int) -> None:
        async with self._advanced:
            self._sequence = sequence
            self._advanced.notify_all()


class _Batch(NamedTuple):
    """Rows ready to be written."""

    after: int
    """Where the cursor must be."""
    projection: Projection
    tables: list[tuple[str, list[bytes]]]


def _cancelling() -> bool:
    """Tell whether the running task itself is being cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def commit(
    connection: Executor,
    projection: Projection,
    tables: list[tuple[str, list[bytes]]],
    *,
    after: int,
) -> None:
    """Add the rows and move the cursor from *after*, in one transaction.

    Raises `ProjectionConflict` where the cursor is elsewhere; then nothing is added.
    """
    async with connection.transaction():
        await connection.execute("SET LOCAL synchronous_commit = off")
        moved = await connection.fetchval(
            "UPDATE books.cursor SET sequence = $2, timestamp = $3, open_window = $4 "
            "WHERE sequence = $1 RETURNING sequence",
            *(after, projection.sequence, projection.timestamp, projection.open_window),
        )
        if moved is None:
            raise ProjectionConflict(
                f"the projection's cursor isn't at {after}",
                hint="another switch projects into this database, or it is being rebuilt",
            )
        for table, chunks in tables:
            await connection.copy_to_table(
                table, schema_name="books", source=_stream(chunks), format="binary"
            )
        for closed in projection.closed:
            await _add_window(connection, closed)
        if projection.acts:
            await _add_acts(connection, projection.acts)


async def _stream(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _add_window(connection: Executor, closed: ClosedWindow) -> None:
    """Add a closed window and its positions."""
    await connection.execute(
        """
        INSERT INTO books.settlement_window
        SELECT $1, coalesce(max(closed_sequence), 0) + 1, $2, $3, $4 FROM books.settlement_window
        """,
        *(closed.number, closed.sequence, closed.timestamp, closed.note.decode()),
    )
    await connection.copy_records_to_table(
        "net_position", schema_name="books", records=_position_rows(closed)
    )


async def _add_acts(connection: Executor, acts: list[tuple[OperatorAct, bytes]]) -> None:
    """Add what operators did."""
    await connection.copy_records_to_table(
        "operator_act",
        schema_name="books",
        records=[
            (
                *(act.sequence, act.timestamp, act.act, act.operator),
                *(UUID(bytes=act.proposal) if act.proposal else None, note.decode()),
            )
            for act, note in acts
        ],
    )


def _position_rows(closed: ClosedWindow) -> list[tuple[Any, ...]]:
    return [
        (
            *(closed.number, position.participant, position.ledger, position.opening),
            *(position.debits, position.credits, position.net, position.settled),
            position.carried,
        )
        for position in closed.positions
    ]
