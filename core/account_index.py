"""The index of accounts: which movements touched an account, from the beginning on.

The last movements are in memory (`entry_log`); older ones in sorted runs on disk
(`entry_runs`), written by a thread of its own. So many runs of a level are merged into one of the
next, so that there are few to ask however long the history grows: an entry is written again once
for each time that the history grows as many times over.

The index is a cursor over the journal. When a folder is opened, runs that follow one another from
the first frame on are kept; what lies behind them is noted again while its frames are replayed.
"""

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from payvand.core.entry_log import STRETCH, EntryLog, sort_keys
from payvand.core.entry_runs import (
    KEYS,
    STANDS,
    STRETCHES,
    AnyRows,
    EntryRun,
    Keys,
    RunDamaged,
    RunWriter,
    run_paths,
)
from payvand.core.errors import JournalCorrupt
from payvand.core.frame import Frame
from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.records import Records
from payvand.core.segments import frame_at

__all__ = ["AccountIndex", "Entries"]

MERGED_RUNS = 32
MERGED_BLOCKS = 256
"""Blocks of keys merged at once: a MiB."""
KEY_MAX = 2**64 - 1
_KEY_ACCOUNT_SHIFT = 38
_NUMBER_MASK = np.uint64(2**37 - 1)
_FIELDS = ("sequence", "first", "timestamp", "last_created")


@dataclass(frozen=True, slots=True)
class Entries:
    """Entries of an account, in the order asked."""

    keys: Keys
    stretches: Records
    """STRETCH[n], the frame of each."""

    @property
    def numbers(self) -> Keys:
        """Of the movements."""
        numbers: Keys = (self.keys >> np.uint64(1)) & _NUMBER_MASK
        return numbers

    @property
    def credited(self) -> npt.NDArray[np.bool_]:
        """Whether the account was credited."""
        found: npt.NDArray[np.bool_] = self.keys & np.uint64(1) != 0
        return found

    @property
    def expired(self) -> npt.NDArray[np.bool_]:
        """Whether a reservation ran out, rather than a transfer being made."""
        places = self.numbers - self.stretches["first"]
        found: npt.NDArray[np.bool_] = places < self.stretches["expired_count"]
        return found

    def taken(self, mask: npt.NDArray[np.bool_]) -> "Entries":
        """Return some of them."""
        return Entries(self.keys[mask], self.stretches[mask])


class AccountIndex:
    """Keep the entries of a ledger's movements, and answer for them."""

    def __init__(self, ledger: Ledger, journal: Journal, *, due: int) -> None:
        """Open the runs in the journal's folder; so many movements make a new one."""
        self.log = EntryLog(ledger, journal, due=due)
        self._journal = journal
        self._changing = threading.Lock()  # held while runs are asked, or changed
        self._reading = threading.Lock()
        self._covered = threading.Condition()
        self._runs: list[EntryRun] = []
        self._stopping = False
        self._failed = False
        self._is_damaged = False
        self._thread = threading.Thread(target=self._run, name="entries", daemon=True)
        self._open_runs()
        self.log.begin(self.covered, self._runs[-1].end if self._runs else 0)

    @property
    def covered(self) -> int:
        """The last frame whose movements stand in runs."""
        return self._runs[-1].last_sequence if self._runs else 0

    def start(self) -> None:
        """Write runs as movements come, on a thread of its own, until `stop`."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, wait until it has ended, and give up the files. Idempotent."""
        self._stopping = True
        self.log.call()
        if self._thread.is_alive():
            self._thread.join()
        with self._changing:
            for run in self._runs:
                run.close()
            self._runs = []

    def cover(self, sequence: int) -> bool:
        """Return once runs hold all up to a frame on stable storage; False where that failed."""
        self.log.want(True)
        with self._covered:
            while self.covered < sequence and not self._failed and not self._stopping:
                self._covered.wait()
        self.log.want(False)
        return self.covered >= sequence

    # --- asking ------------------------------------------------------------------------------

    def entries(self, row: int, first: int, end: int, backwards: bool, most: int) -> Entries:
        """Return up to *most* entries of an account with numbers from *first* up to *end*.

        The first of them, or the last ones backwards; fewer also where there are more behind them.
        None only where there is none.
        """
        with self._changing:
            oldest = self.log.oldest
            if backwards and end > oldest:
                found = self._entries_in_log(row, first, end, True, most)
                if len(found.keys):
                    return found
            low, high = (row << _KEY_ACCOUNT_SHIFT | number << 1 for number in (first, end))
            for run in reversed(self._runs) if backwards else self._runs:
                if run.first < end and run.end > first:
                    keys = run.keys(low, high, backwards, most)
                    if len(keys):
                        found = Entries(keys, np.zeros(0, STRETCH))
                        return Entries(keys, run.stretches_of(found.numbers))
            if not backwards and end > oldest:
                return self._entries_in_log(row, first, end, False, most)
        return Entries(np.zeros(0, np.uint64), np.zeros(0, STRETCH))

    def _entries_in_log(
        self, row: int, first: int, end: int, backwards: bool, most: int
    ) -> Entries:
        keys = self.log.keys(row, first, end, backwards, most)
        found = Entries(keys, np.zeros(0, STRETCH))
        return Entries(keys, self.log.stretches_of(found.numbers))

    def read(self, entries: Entries) -> Records:
        """Return TRANSFER[n], what entries lead to in the journal; see `EntryLog.read`."""
        expired = entries.expired
        offsets = (entries.numbers - entries.stretches["first"]).astype(np.uint32)
        offsets[~expired] -= entries.stretches["expired_count"][~expired]
        with self._reading:
            return self.log.read(np.ascontiguousarray(entries.stretches["place"]), offsets, expired)

    def stand(self, key: int) -> Records | None:
        """Return how an account with a history stood behind an entry, a STAND."""
        number = (key >> 1) & int(_NUMBER_MASK)
        with self._changing:
            if number >= self.log.oldest:
                return self.log.stand(key)
            for run in self._runs:
                if run.first <= number < run.end:
                    return run.stand(key)
        return None

    def stretches(self, number: int, most: int, backwards: bool) -> Records:
        """Return STRETCH[k], frames from that of a movement on, or back from the one before it."""
        with self._changing:
            if not backwards:
                if number >= self.log.oldest:
                    return self.log.stretches(number, most)
                run = next(run for run in self._runs if run.first <= number < run.end)
                return run.stretches(number, most)
            found: list[Records] = []
            while number > 0 and len(found) < most:
                before = np.array([number - 1], np.uint64)
                if number > self.log.oldest:
                    stretch = self.log.stretches_of(before)
                else:
                    run = next(run for run in self._runs if run.first < number <= run.end)
                    stretch = run.stretches_of(before)
                found.append(stretch)
                number = int(stretch["first"][0])
            return np.concatenate([np.zeros(0, STRETCH), *found])

    def frames(self, stretches: Records) -> list[Frame]:
        """Return the frames behind STRETCH[n]."""
        found = []
        for place in stretches["place"].tolist():
            path = self._journal.folder / f"segment-{self.log.segment(place >> 40):016d}.journal"
            found.append(frame_at(path, (place >> 16 & 0xFFFFFF) * 4096))
        return found

    def first_beyond(self, field: str, value: int) -> Records | None:
        """Return the first frame, a STRETCH, whose *field* is greater than *value*, or None."""
        with self._changing:
            for run in self._runs:
                if run.counts[STRETCHES] and run.last(field) > value:
                    return run.first_beyond(field, value)
            return self.log.first_beyond(_FIELDS.index(field), value)

    # --- writing -----------------------------------------------------------------------------

    def _open_runs(self) -> None:
        """Open the runs that follow one another from the first frame on; delete the others."""
        paths = run_paths(self._journal.folder)
        while True:
            following = sorted(span for span in paths if span[0] == self.covered + 1)
            run = None
            while following and run is None:
                path = paths[following.pop()]
                try:
                    run = EntryRun.open(path, self._journal.identity)
                except RunDamaged:
                    continue
            if run is None:
                break
            self._runs.append(run)
        kept = {run.path for run in self._runs}
        for path in [*paths.values(), *self._journal.folder.glob("entries-*.part")]:
            if path not in kept:
                path.unlink(missing_ok=True)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self.log.wait()
                self._write_due()
                self._merge_due()
        except OSError as error:
            self.log.fail(error.errno or errno.EIO)
        except BaseException:
            self.log.fail(errno.EIO)
            raise
        finally:
            with self._covered:
                self._failed = True
                self._covered.notify_all()

    def _merge_due(self) -> None:
        """Merge runs while there are enough of a level, unless one was found damaged."""
        try:
            while not self._stopping and not self._is_damaged and self._merge():
                pass
        except JournalCorrupt:
            # It was set aside, and is made anew when the folder is opened; until then those who
            # ask for it are told.
            self._is_damaged = True

    def _write_due(self) -> None:
        """Write runs while there is enough for one."""
        while not self._stopping and (taken := self.log.gather()) is not None:
            stretches, keys, stands, sequence, number, stand = taken
            span = (self.covered + 1, sequence)
            numbers = (self.log.oldest, number)
            run = self._written(span, numbers, 0, lambda n: iter([(keys, stands, stretches)[n]]))  # noqa: B023
            assert run is not None
            with self._changing:
                self._runs.append(run)
                self.log.retire(sequence, number, stand)
            with self._covered:
                self._covered.notify_all()

    def _written(
        self,
        span: tuple[int, int],
        numbers: tuple[int, int],
        level: int,
        section: Callable[[int], Iterator[AnyRows]],
    ) -> EntryRun | None:
        """Write a run; None where told to stop."""
        writer = RunWriter(self._journal.folder, self._journal.identity, span, numbers)
        try:
            for number in (KEYS, STANDS, STRETCHES):
                writer.add(number, section(number))
            if self._stopping and level:
                writer.abandon()
                return None
            return writer.finish(level)
        except BaseException:
            writer.abandon()
            raise

    def _merge(self) -> bool:
        """Merge the oldest runs of one level that are enough; return whether there were any."""
        count = 0
        for index, run in enumerate(self._runs):
            count = count + 1 if index and self._runs[index - 1].level == run.level else 1
            if count == MERGED_RUNS:
                break
        else:
            return False
        end = index + 1
        old = self._runs[end - MERGED_RUNS : end]
        merged = self._written(
            (old[0].first_sequence, old[-1].last_sequence),
            (old[0].first, old[-1].end),
            old[0].level + 1,
            lambda number: self._merged(old, number),
        )
        if merged is None:
            return False
        with self._changing:
            self._runs[end - MERGED_RUNS : end] = [merged]
            for run in old:
                run.close()
                run.path.unlink(missing_ok=True)
        return True

    def _merged(self, runs: list[EntryRun], section: int) -> Iterator[AnyRows]:
        """Iterate over the rows of a section of some runs, in order."""
        if section == STRETCHES:
            for run in runs:
                yield from run.pieces(section)
            return
        firsts = np.sort(np.concatenate([run.block_firsts(section) for run in runs]))
        borders = [0, *(int(key) for key in firsts[MERGED_BLOCKS::MERGED_BLOCKS]), KEY_MAX]
        for low, high in pairwise(borders):
            rows = np.concatenate([run.slice(section, low, high) for run in runs])
            if section == KEYS:
                yield sort_keys(rows)
            else:
                yield rows[np.argsort(rows["key"])]
            # What falls due meanwhile goes first: memory is bounded by that.
            self._write_due()
            if self._stopping:
                return
