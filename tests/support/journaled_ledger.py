"""The ledger over its journal, with a horizon of a few rows, behind the interface of `Books`.

The same parts as in an engine, one batch at a time and without its loop: what has left memory is
what differs, so everything here leaves it at once.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from payvand.core import Ledger
from payvand.core.archive import Archive
from payvand.core.errors import JournalStopped
from payvand.core.journal import Journal
from payvand.core.pipeline import Pipeline
from payvand.core.records import ACCOUNT, LIMIT, QUOTA, TRANSFER, Operation, Records
from payvand.core.recovery import recover
from payvand.core.stage import Stage
from tests.support.ledger_records import (
    Account,
    CompiledLedger,
    Expiry,
    Limit,
    Outcome,
    Quota,
    State,
    Transfer,
    records_of,
    rows_of,
)

SEGMENT_BYTES = 256 << 10
HORIZON = 32
RECORDS = 8


class JournaledLedger(CompiledLedger):
    """`payvand.core.Ledger` with a journal and an archive; every batch is durable on return."""

    def __init__(
        self,
        folder: Path,
        *,
        seed: int = 1,
        horizon: int = HORIZON,
        records: int = RECORDS,
        snapshot_bytes: int = 0,
    ) -> None:
        """Open a folder, and recover what it holds."""
        self.books = Ledger(seed)
        self.journal = Journal(folder, segment_bytes=SEGMENT_BYTES)
        stage = Stage()
        self.archive = Archive(
            self.books,
            self.journal,
            stage,
            horizon=horizon,
            records=records,
            snapshot_bytes=snapshot_bytes,
        )
        try:
            recovery = recover(self.journal, self.books, stage, self.archive)
        except BaseException:
            self.archive.stop()
            self.journal.close()
            raise
        self.recovery = recovery
        self.wake_fd = os.eventfd(0, os.EFD_CLOEXEC)
        self.pipeline = Pipeline(self.books, stage, self.journal, recovery.digest, self.wake_fd)
        self.worker = threading.Thread(target=self.pipeline.run, daemon=True)
        self.worker.start()

    def close(self) -> None:
        """Stop the threads and give up the folder."""
        self.pipeline.stop()
        self.worker.join()
        self.archive.stop()
        self.journal.close()
        os.close(self.wake_fd)

    def create_accounts(self, events: Sequence[Account], now: int) -> list[Outcome]:
        """Commit a batch of account events."""
        return self._commit(Operation.CREATE_ACCOUNTS, records_of(ACCOUNT, events), now)

    def create_transfers(
        self, events: Sequence[Transfer], now: int, decisions: Sequence[int] | None = None
    ) -> list[Outcome]:
        """Commit a batch of transfer events; the stage allows all of them."""
        assert decisions is None
        return self._commit(Operation.CREATE_TRANSFERS, records_of(TRANSFER, events), now)

    def set_limits(self, events: Sequence[Limit], now: int) -> list[Outcome]:
        """Commit a batch of changes of limits."""
        return self._commit(Operation.SET_LIMITS, records_of(LIMIT, events), now)

    def set_quotas(self, events: Sequence[Quota], now: int) -> list[Outcome]:
        """Commit a batch of quotas."""
        return self._commit(Operation.SET_QUOTAS, records_of(QUOTA, events), now)

    def expire(self, now: int) -> list[Expiry]:
        """Commit a frame that releases what ran out at or before *now*."""
        ticket = self._send(Operation.PULSE, now)
        expired = rows_of(Expiry, self.pipeline.frame(ticket).expired)
        self.pipeline.release()
        return expired

    def states(self, ids: Sequence[int]) -> list[State]:
        """Return what stands behind each id; rows leave memory before or after."""
        with self._still():
            return super().states(ids)

    def lookup_transfers(self, ids: Sequence[int]) -> list[Transfer]:
        """Return those transfers that exist; rows leave memory before or after."""
        with self._still():
            return super().lookup_transfers(ids)

    @contextmanager
    def _still(self) -> Iterator[None]:
        self.pipeline.lock_books()
        try:
            yield
        finally:
            self.pipeline.unlock_books()

    def _commit(self, operation: Operation, rows: Records, now: int) -> list[Outcome]:
        if not len(rows):
            return []
        self.pipeline.add(operation, rows)
        ticket = self._send(operation, now)
        results: Any = self.pipeline.outcome(ticket)[2]
        self.pipeline.release()
        return rows_of(Outcome, results)

    def _send(self, operation: Operation, now: int) -> int:
        ticket = self.pipeline.ticket
        self.pipeline.seal(now, operation)
        while self.pipeline.batches_durable <= ticket:
            os.eventfd_read(self.wake_fd)
            if isinstance(self.pipeline.failed, BaseException):
                raise self.pipeline.failed
            if self.pipeline.failed is not None:
                raise JournalStopped(os.strerror(self.pipeline.failed), hint="start again")
        return ticket
