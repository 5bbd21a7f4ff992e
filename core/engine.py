"""The engine: a ledger, its journal and group commit behind an asyncio face.

    async with await Engine.open(folder) as engine:
        committed = await engine.create_transfers(transfers)

One task's loop owns an engine. Submissions join the batch in hand, which sets out as soon as the
disk has no more than one batch before it: so a submission alone waits for one flush, and under load
batches grow by themselves. What a call returns is on stable storage.

A failed write or flush stops the engine for good, and is never retried: every call under way and
every later one raises JournalStopped. Opening the folder again recovers what was acknowledged.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from payvand.core.account_index import AccountIndex
from payvand.core.account_queries import AccountQueries
from payvand.core.archive import Archive
from payvand.core.commits import (
    Committed,
    EngineStatistics,
    Payloads,
    StageTimes,
    checked_events,
    checked_payloads,
)
from payvand.core.errors import EngineClosed, JournalStopped, JournalUnusable, PayvandFault
from payvand.core.following import Tail
from payvand.core.frame import Frame
from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.limits import (
    BATCH_EVENTS_MAX,
    COMMIT_WORKERS,
    ENTRIES_LEAST,
    ENTRIES_SHARE,
    HORIZON_ROWS,
    NOTE_BYTES_MAX,
    RECORDS_KEPT,
    SEGMENT_BYTES,
    SNAPSHOT_BYTES,
)
from payvand.core.pipeline import Pipeline
from payvand.core.reading import Reading
from payvand.core.records import ACCOUNT, LIMIT, QUOTA, TRANSFER, Operation, Records
from payvand.core.recovery import Recovery, recover
from payvand.core.stage import Stage
from payvand.core.statuses import AccountStatus, TransferStatus
from payvand.core.values import Account, Outcome, Transfer

__all__ = ["Committed", "Engine", "EngineStatistics", "StageTimes", "Still"]

OVERLAP_EVENTS = 512
"""A smaller batch waits for the one at the disk: it gains little by being applied meanwhile, and by
waiting it takes along what comes until then."""

SEALED_MAX = 2
"""Batches on their way before the one in hand waits: one at the disk, one before it."""


@dataclass(slots=True)
class _Ticketed:
    """A submission that is part of a batch."""

    answer: "asyncio.Future[Committed]"
    first: int
    count: int
    since: int
    balances: bool = False


class Engine(Reading):
    """Commit batches: score, apply, journal, answer. Opened by `Engine.open`."""

    def __init__(
        self,
        ledger: Ledger,
        stage: Stage,
        journal: Journal,
        archive: Archive,
        index: AccountIndex,
        recovery: Recovery,
        clock: Callable[[], int],
    ) -> None:
        """Take over the parts that `open` made ready."""
        self.ledger = ledger
        """Read it only through the engine's own methods, or inside `still`."""
        self.recovery = recovery
        """What was found when the folder was opened."""
        self.watch_times: Callable[[StageTimes], None] | None = None
        """Called for each batch once it is durable."""
        self._clock = clock
        self._journal = journal
        self._archive = archive
        self._index = index
        self._queries = AccountQueries(index, self._read, asyncio.to_thread)
        self._loop = asyncio.get_running_loop()
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._pipeline = Pipeline(ledger, stage, journal, recovery.digest, self._wake_fd)
        self._tail = Tail(journal.folder, recovery.sequence)
        self._in_hand: list[_Ticketed] = []
        self._sealed: deque[tuple[int, list[_Ticketed]]] = deque()
        self._room: list[asyncio.Future[None]] = []
        self._reads: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._seal_planned = False
        self._lingers = True
        """Whether to wait awake for a batch of one: not where many may be about to come."""
        self._pulse: asyncio.TimerHandle | None = None
        # Submissions pass one at a time, in the order in which they came; `still` keeps it locked.
        self._admission = asyncio.Lock()
        self._waiting = 0
        self._fault: Exception | None = None
        self._closing = False
        self._preparing: threading.Thread | None = None
        self._unprepared = False
        self._workers = [
            threading.Thread(target=self._pipeline.run, name=f"commit-{n}", daemon=True)
            for n in range(COMMIT_WORKERS)
        ]
        for worker in self._workers:
            worker.start()
        self._loop.add_reader(self._wake_fd, self._woken)
        self._plan_pulse(ledger.next_expiry)
        self._prepare_segment()

    @classmethod
    async def open(
        cls,
        folder: Path,
        *,
        stage: Stage | None = None,
        clock: Callable[[], int] = time.time_ns,
        segment_bytes: int = SEGMENT_BYTES,
        horizon: int = HORIZON_ROWS,
        snapshot_bytes: int = SNAPSHOT_BYTES,
    ) -> Self:
        """Open a data folder, made where there is none, and recover what it holds.

        Args:
            folder: holds the journal; one engine a folder, machine-wide.
            stage: scores transfers before they are applied; none declines nothing.
            clock: nanoseconds since 1970. Steps back are harmless: time in the books never is.
            segment_bytes: the size of a journal's segment file.
            horizon: how many transfer events, a power of two, are kept in memory at least; older
                ones are answered for from disk, with the same results.
            snapshot_bytes: of journal from one snapshot to the next; 0 takes none.

        Raises:
            JournalInUse, JournalUnusable, JournalCorrupt, ReplayDiffers.
        """
        stage = Stage() if stage is None else stage
        journal = Journal(folder, segment_bytes=segment_bytes)
        try:
            ledger = Ledger(int.from_bytes(blake2b(journal.identity, digest_size=8).digest()))
            archive = Archive(
                ledger,
                journal,
                stage,
                horizon=horizon,
                records=RECORDS_KEPT,
                snapshot_bytes=snapshot_bytes,
            )
            due = max(horizon // ENTRIES_SHARE, ENTRIES_LEAST)
            index = AccountIndex(ledger, journal, due=due)
            archive.cover = index.cover
        except BaseException:
            journal.close()
            raise
        index.start()
        try:
            recovery = await asyncio.to_thread(
                recover, journal, ledger, stage, archive, index.covered
            )
        except BaseException:
            await asyncio.to_thread(archive.stop)
            await asyncio.to_thread(index.stop)
            journal.close()
            raise
        return cls(ledger, stage, journal, archive, index, recovery, clock)

    async def __aenter__(self) -> Self:
        """Return the engine itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close it."""
        await self.close()

    # --- committing --------------------------------------------------------------------------

    async def create_accounts(self, events: Records) -> Committed:
        """Open accounts: ACCOUNT[n], n at most 8,190."""
        return await self._submit(Operation.CREATE_ACCOUNTS, checked_events(events, ACCOUNT))

    async def create_transfers(
        self,
        events: Records,
        *,
        payloads: Payloads | None = None,
        offsets: npt.NDArray[np.uint32] | None = None,
        balances: bool = False,
    ) -> Committed:
        """Move money: TRANSFER[n], n at most 8,190.

        Args:
            events: linked chains end within.
            payloads: what else belongs to the transfers, one behind the other, as durable as they.
            offsets: u4[n + 1], where each one's payload begins; the first is 0.
            balances: whether `Committed.balances` tells those right after each transfer.
        """
        rows = checked_events(events, TRANSFER)
        return await self._submit(
            Operation.CREATE_TRANSFERS,
            rows,
            checked_payloads(rows, payloads, offsets),
            offsets,
            balances,
        )

    def start_transfers(
        self,
        events: Records,
        *,
        payloads: Payloads | None = None,
        offsets: npt.NDArray[np.uint32] | None = None,
    ) -> "asyncio.Future[Committed]":
        """Do as `create_transfers`, and return at once with what will be its result.

        For servers, which have many calls at hand: it costs no task where nothing waits for room,
        and never holds up the loop to wait for the disk. Batches take the order of the calls.
        """
        self._lingers = False
        rows = checked_events(events, TRANSFER)
        payloads = checked_payloads(rows, payloads, offsets)
        payloads_bytes = 0 if payloads is None else len(payloads)
        if (
            len(rows) == 0
            or self._fault is not None
            or self._closing
            or self._waiting
            or self._admission.locked()
            or not self._pipeline.fits(Operation.CREATE_TRANSFERS, rows, payloads_bytes)
        ):
            return self._loop.create_task(
                self._submit(Operation.CREATE_TRANSFERS, rows, payloads, offsets)
            )
        return self._join(Operation.CREATE_TRANSFERS, rows, payloads, offsets, False, self._clock())

    async def set_limits(self, events: Records) -> Committed:
        """Set limits of accounts: LIMIT[n], n at most 8,190; results are of LimitStatus."""
        return await self._submit(Operation.SET_LIMITS, checked_events(events, LIMIT))

    async def set_quotas(self, events: Records) -> Committed:
        """Set quotas: QUOTA[n], n at most 8,190; results are of QuotaStatus."""
        return await self._submit(Operation.SET_QUOTAS, checked_events(events, QUOTA))

    async def create_account(self, account: Account) -> Outcome:
        """Open one account."""
        result = (await self.create_accounts(account.record())).results[0]
        return Outcome(AccountStatus(result["status"]), int(result["timestamp"]))

    async def create_transfer(self, transfer: Transfer) -> Outcome:
        """Make one transfer; with others that come at the same time it shares a frame."""
        result = (await self.create_transfers(transfer.record())).results[0]
        return Outcome(TransferStatus(result["status"]), int(result["timestamp"]))

    @asynccontextmanager
    async def still(self) -> AsyncIterator["Still"]:
        """Hold back all submissions but those of the body, once everything before is durable.

        The body sees a ledger that nothing else moves: what it computes from it and commits
        through the `Still` follows at once on what it saw.
        """
        async with self._admission:
            while self._in_hand or self._sealed:
                self._check_open()
                await self._progress()
            self._check_open()
            yield Still(self)

    async def _submit(
        self,
        operation: Operation,
        rows: Records,
        payloads: Payloads | None = None,
        offsets: npt.NDArray[np.uint32] | None = None,
        balances: bool = False,
    ) -> Committed:
        if len(rows) == 0:
            raise ValueError("events is empty; a submission has at least one")
        since = self._clock()
        self._waiting += 1
        try:
            async with self._admission:
                await self._make_room(operation, rows, 0 if payloads is None else len(payloads))
                answer = self._join(operation, rows, payloads, offsets, balances, since)
        finally:
            self._waiting -= 1
        return await answer

    def _join(
        self,
        operation: Operation,
        rows: Records,
        payloads: Payloads | None,
        offsets: npt.NDArray[np.uint32] | None,
        balances: bool,
        since: int,
    ) -> "asyncio.Future[Committed]":
        """Add a submission that fits to the batch in hand, and see to it that this sets out."""
        first = self._pipeline.add(operation, rows, payloads, offsets, balances)
        answer: asyncio.Future[Committed] = self._loop.create_future()
        self._in_hand.append(_Ticketed(answer, first, len(rows), since, balances))
        if self._pipeline.records_in_hand >= BATCH_EVENTS_MAX:
            self._seal()
        elif not self._seal_planned and self._may_set_out():
            # Whoever submits in the same turn of the loop joins this batch.
            self._seal_planned = True
            self._loop.call_soon(self._seal_in_turn)
        return answer

    async def _make_room(self, operation: Operation, rows: Records, payloads_bytes: int) -> None:
        """Return once a submission fits into the batch in hand."""
        self._check_open()
        while not self._pipeline.fits(operation, rows, payloads_bytes):
            if self._pipeline.records_in_hand:
                self._seal()
            else:
                await self._progress()
            self._check_open()

    def _may_set_out(self) -> bool:
        """Tell whether the batch in hand has nothing to wait for."""
        under_way = self._pipeline.under_way
        return under_way == 0 or (
            under_way < SEALED_MAX and self._pipeline.records_in_hand >= OVERLAP_EVENTS
        )

    def _seal_in_turn(self) -> None:
        self._seal_planned = False
        under_way = self._pipeline.under_way
        if self._in_hand and self._may_set_out():
            alone = under_way == 0 and len(self._in_hand) == 1 and self._lingers
            self._seal()
            if alone and self._pipeline.linger():
                self._take_durable()

    def _seal(self, operation: Operation | None = None, event: int = 0, note: bytes = b"") -> None:
        self._sealed.append((self._pipeline.ticket, self._in_hand))
        self._in_hand = []
        self._pipeline.seal(self._clock(), operation, event, note)

    async def _progress(self) -> None:
        """Return once a batch became durable, or all has stopped."""
        waiter = self._loop.create_future()
        self._room.append(waiter)
        await waiter

    # --- answering ---------------------------------------------------------------------------

    def _woken(self) -> None:
        try:
            os.eventfd_read(self._wake_fd)
        except BlockingIOError:
            return
        self._take_durable()

    def _take_durable(self) -> None:
        """Answer what became durable; let in what waits."""
        failed = self._pipeline.failed
        next_due = None
        while self._sealed and self._sealed[0][0] < self._pipeline.batches_durable:
            ticket, batch = self._sealed.popleft()
            next_due = self._answer(ticket, batch)
        if failed is not None:
            self._stop(failed)
            return
        while self._reads and self._reads[0][0] <= self._pipeline.durable:
            _settle(self._reads.popleft()[1])
        if self._in_hand and self._may_set_out():
            self._seal()
        self._let_on()
        if next_due is not None:
            self._plan_pulse(next_due)
        if self._journal.needs_spare:
            self._prepare_segment()

    def _answer(self, ticket: int, batch: list[_Ticketed]) -> int:
        sequence, timestamp, results, decisions, resolved = self._pipeline.outcome(ticket)
        next_due, apply_ns, write_ns, records = self._pipeline.times(ticket)
        self._tail.advance(sequence, lambda: self._pipeline.frame(ticket))
        balances = [
            self._pipeline.balances(ticket, part.first, part.count) if part.balances else None
            for part in batch
        ]
        self._pipeline.release()
        for part, after in zip(batch, balances, strict=True):
            stop = part.first + part.count
            if not part.answer.done():
                part.answer.set_result(
                    Committed(
                        sequence,
                        timestamp,
                        results[part.first : stop],
                        decisions[part.first : stop],
                        _part_of(resolved, part.first, stop),
                        after,
                    )
                )
        if self.watch_times is not None:
            self.watch_times(StageTimes(records, apply_ns, write_ns))
        return next_due

    def _stop(self, failed: int | BaseException) -> None:
        """Stop for good and tell everybody who waits."""
        if self._fault is None:
            what = os.strerror(failed) if isinstance(failed, int) else repr(failed)
            self._fault = JournalStopped(
                f"the journal in {self._journal.folder} can't be written: {what}"
                if isinstance(failed, int)
                else f"the commit pipeline failed: {what}",
                hint="see to the disk, then start again: what was acknowledged is safe, what was "
                "under way may or may not be there",
            )
        for batch in (*(batch for _, batch in self._sealed), self._in_hand):
            for part in batch:
                _fail(part.answer, self._fault)
        self._sealed.clear()
        self._in_hand = []
        for _, read in self._reads:
            _fail(read, self._fault)
        self._reads.clear()
        self._tail.stop(self._fault)
        self._let_on()

    def _let_on(self) -> None:
        """Wake those who wait for progress; each looks for itself what became of its cause."""
        waiting, self._room = self._room, []
        for waiter in waiting:
            _settle(waiter)

    def _check_open(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._closing:
            raise EngineClosed("the engine is closed", hint="open it again")

    # --- time --------------------------------------------------------------------------------

    def _plan_pulse(self, next_due: int) -> None:
        """Plan a frame that releases what is due, for a time when no other frame comes."""
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None
        if next_due and not self._closing and self._fault is None:
            delay_s = max(next_due - self._clock(), 0) / 1_000_000_000
            self._pulse = self._loop.call_later(delay_s, self._beat, next_due)

    def _beat(self, next_due: int) -> None:
        self._pulse = None
        if self._closing or self._fault is not None:
            return
        if self._clock() < next_due or self._admission.locked() or not self._pipeline.has_room:
            self._pulse = self._loop.call_later(0.001, self._beat, next_due)
        elif self._in_hand or self._pipeline.under_way:
            pass  # that frame releases what is due, and plans the next pulse
        else:
            self._seal(Operation.PULSE)

    # --- reading -----------------------------------------------------------------------------

    async def _read(self, read: Callable[[Ledger], Any]) -> tuple[int, Any]:
        """Read the ledger; return once all that it showed is on stable storage."""
        self._check_open()
        seen = self._pipeline.lock_books()
        try:
            found = read(self.ledger)
        finally:
            self._pipeline.unlock_books()
        if seen > self._pipeline.durable:
            waiter = self._loop.create_future()
            self._reads.append((seen, waiter))
            await waiter
        return seen, found

    # --- following ---------------------------------------------------------------------------

    @property
    def sequence(self) -> int:
        """The sequence of the last frame on stable storage that was answered."""
        return self._tail.sequence

    def follow(self, after: int = 0) -> AsyncIterator[Frame]:
        """Iterate over the durable frames after the sequence *after*, then over those to come.

        Ends when the engine closes; raises what stopped it.
        """
        return self._tail.follow(after)

    def statistics(self) -> EngineStatistics:
        """Return how the engine stands."""
        oldest = self._sealed[0][1] if self._sealed else self._in_hand
        return EngineStatistics(
            self.sequence,
            self._waiting,
            self._pipeline.under_way,
            max(self._clock() - oldest[0].since, 0) if oldest else 0,
            self._tail.kept_bytes,
            self._journal.direct,
            self._archive.snapshot_sequence,
            self._archive.snapshot_failure,
        )

    async def take_snapshot(self) -> None:
        """Have a snapshot taken now; raises JournalUnusable where it can't be written."""
        self._check_open()
        failure = await asyncio.to_thread(self._archive.take_snapshot)
        if failure:
            raise JournalUnusable(
                f"{self._journal.folder}: can't write a snapshot: {os.strerror(failure)}",
                hint="free or repair the disk under this folder; the journal goes on meanwhile",
            )

    # --- the end -----------------------------------------------------------------------------

    async def close(self) -> None:
        """Commit what was let in, refuse what waits, and give up the folder. Idempotent."""
        if self._closing:
            return
        self._closing = True
        if self._pulse is not None:
            self._pulse.cancel()
        self._let_on()
        while self._fault is None and (self._in_hand or self._sealed):
            await self._progress()
        self._pipeline.stop()
        self._journal.leave()
        for worker in (*self._workers, *([self._preparing] if self._preparing else [])):
            await asyncio.to_thread(worker.join)
        await asyncio.to_thread(self._archive.stop)
        await asyncio.to_thread(self._index.stop)
        self._loop.remove_reader(self._wake_fd)
        os.close(self._wake_fd)
        self._tail.stop(None)
        self._journal.close()

    def _prepare_segment(self) -> None:
        """Make the next segment ready on a thread of its own: it takes as long as writing it."""
        if self._closing or self._unprepared:
            return
        if self._preparing is None or not self._preparing.is_alive():
            self._preparing = threading.Thread(
                target=self._try_prepare, name="next-segment", daemon=True
            )
            self._preparing.start()

    def _try_prepare(self) -> None:
        try:
            self._journal.prepare()
            self._journal.note_end()
        except PayvandFault:
            # Not tried again ahead of time. The writer makes the segment when it needs it; where it
            # meets the same fault, the engine stops.
            self._unprepared = True


class Still:
    """The engine while nothing else commits; from `Engine.still`."""

    def __init__(self, engine: Engine) -> None:
        """Belong to the body of *engine*'s `still`."""
        self._engine = engine

    @property
    def ledger(self) -> Ledger:
        """The ledger, for reading; everything in it is on stable storage."""
        return self._engine.ledger

    async def create_transfers(
        self, events: Records, *, event: int = 0, note: bytes = b""
    ) -> Committed:
        """Commit a frame of its own: TRANSFER[n], n from 0 to 8,190.

        Args:
            events: may be empty; then the frame holds the note alone.
            event: the application's tag of the frame.
            note: bytes that belong to the frame as a whole, at most 1 MiB.
        """
        rows = checked_events(events, TRANSFER)
        operation = Operation.CREATE_TRANSFERS if len(rows) else Operation.NOTE
        return await self._commit(operation, rows, event, note)

    async def set_limits(self, events: Records, *, event: int = 0, note: bytes = b"") -> Committed:
        """Set limits of accounts in a frame of its own: LIMIT[n], n from 1 to 8,190."""
        return await self._commit(Operation.SET_LIMITS, checked_events(events, LIMIT), event, note)

    async def set_quotas(self, events: Records, *, event: int = 0, note: bytes = b"") -> Committed:
        """Set quotas in a frame of its own: QUOTA[n], n from 1 to 8,190."""
        return await self._commit(Operation.SET_QUOTAS, checked_events(events, QUOTA), event, note)

    async def _commit(
        self, operation: Operation, rows: Records, event: int, note: bytes
    ) -> Committed:
        if len(note) > NOTE_BYTES_MAX:
            raise ValueError(f"the note has {len(note)} bytes, at most {NOTE_BYTES_MAX}")
        engine = self._engine
        engine._check_open()
        while not engine._pipeline.has_room:
            await engine._progress()
            engine._check_open()
        first = engine._pipeline.add(operation, rows) if len(rows) else 0
        answer: asyncio.Future[Committed] = engine._loop.create_future()
        engine._in_hand.append(_Ticketed(answer, first, len(rows), engine._clock()))
        engine._seal(operation, event, note)
        return await answer


def _part_of(resolved: Records, first: int, stop: int) -> Records:
    """Return RESOLVED[k] of the events from *first* up to *stop*, counted from *first*."""
    if not len(resolved):
        return resolved
    part = resolved[(resolved["index"] >= first) & (resolved["index"] < stop)]
    part["index"] -= np.uint32(first)
    return part


def _settle(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def _fail(waiter: "asyncio.Future[Any]", fault: Exception) -> None:
    if not waiter.done():
        waiter.set_exception(fault)
