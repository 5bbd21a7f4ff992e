"""The archive: what left memory, and the thread that takes it there.

Once more rows are in memory than the horizon and a sixteenth, the oldest sixteenth goes into the
past:

    choose the rows     under the lock: reservations of theirs that end from now on are `late`
    gather              their ids and places; order them; write a run; add them to the filter
    put in place        under the lock: they are forgotten in memory, the run is asked from now on

Nothing but the two short steps under the lock holds up the batches. Where the thread falls behind,
more leave at once, and memory has room for nearly a horizon more; then batches wait for it.

Sixteen runs of a size are merged into one, so that there are few to ask, and each id is written
again a few times only, however long the history grows. Ordering and merging are by the bits of the
hashes, four more with each merging: no entry is compared with another.

A merging takes long, and rows go on leaving meanwhile; but each merging under way writes as many
entries as have left since it began before more may leave. So it ends before the sixteenth run that
is to be merged after it is there, and of no size there are ever more than 32 runs.
"""

import os
import threading

from payvand.core.errors import SnapshotDamaged
from payvand.core.segments import digest_of_frame
from payvand.core.snapshots import prune

from libc.stdlib cimport free
from libc.string cimport memcpy, memmove

from payvand.core.arena cimport arena_close, arena_try, arena_warm
from payvand.core.books cimport books_close, books_keep, books_open
from payvand.core.filter cimport (
    FILTER_BITS_LEAST, filter_add, filter_block, filter_close, filter_open,
)
from payvand.core.ids cimport ids_take_cold
from payvand.core.index cimport prefetch
from payvand.core.ledger cimport Ledger
from payvand.core.leaving cimport leaving_choose, leaving_forget, leaving_gather
from payvand.core.past cimport RUNS_MAX, past_close, past_open
from payvand.core.run_scan cimport (
    Scan, scan_close, scan_entry, scan_next, scan_next_page, scan_open,
)
from payvand.core.runs cimport (
    PAGE_ENTRIES, RUN_DAMAGED, Page, RunWriter, run_abandon, run_add, run_begin,
    run_close, run_finish, run_note, run_open, sort_entries, sort_run,
)
from payvand.core.snapshot cimport HEAD_BYTES, SECTION_RUNS
from payvand.core.snapshot_reading cimport SnapshotReader
from payvand.core.snapshot_writing cimport SnapshotWriter
from payvand.core.stage cimport Stage
from payvand.core.store cimport store_close, store_open
from payvand.core.threads cimport *
from payvand.core.types cimport u8

cdef enum:
    NO_MEMORY = 12              # ENOMEM
    INTERRUPTED = 4             # EINTR
    STOPPED = 125               # ECANCELED
    MERGED_BITS = 4
    MERGED_RUNS = 1 << MERGED_BITS
    LEAVING_ROWS_MAX = 1 << 18  # at once, where a sixteenth of the horizon is not more
    BEGINNING_ENTRIES = 8       # of a run that begin alike, about
    PREFETCH_AHEAD = 16
    LEVELS = 64                 # all of them: a run is ordered by fewer bits


cdef class Archive:
    """Keep a ledger's recent rows in memory, and older ones on disk."""

    def __cinit__(self, Ledger ledger, Journal journal, Stage stage, *, horizon, records,
                  snapshot_bytes):
        self.books, self.guard, self.moved = &ledger.books, &ledger.guard, &ledger.moved
        self.journal, self.stage = journal, stage
        self.horizon, self.records, self.snapshot_bytes = horizon, records, snapshot_bytes
        if horizon < records or horizon & (horizon - 1):
            raise ValueError(f"horizon={horizon} must be a power of two of at least {records}")
        self.run_rows = max(horizon // 16, 1)
        self.run_rows_max = max(self.run_rows, min(horizon, <u64>LEAVING_ROWS_MAX))
        self.run_bits = max((self.run_rows_max // BEGINNING_ENTRIES).bit_length(), 1)
        self.store = store_open(journal.folder_fd, journal.segments, &journal.segments_count)
        self.past = past_open(horizon + self.run_rows, self.books.seed)
        books_keep(self.books, 2 * self.horizon, records, self.store, self.past)
        ledger.archive = self

    def __dealloc__(self):
        if self.store != NULL:
            store_close(self.store)
        if self.past != NULL:
            past_close(self.past)
        arena_close(self.entries, self.entries_max * sizeof(Entry))
        arena_close(self.sorted, self.entries_max * sizeof(Entry))

    # --- recovery ----------------------------------------------------------------------------

    def load(self, path):
        """Bring a snapshot into the empty ledger → (sequence, its digest or None, what the stage saved).

        Raises SnapshotDamaged, and leaves the ledger empty, where it or a run that it names is not
        what was written.
        """
        cdef SnapshotReader reader = SnapshotReader(path)
        cdef u64 seed = self.books.seed
        reader.read_head()
        if reader.journal_id != self.journal.identity:
            raise SnapshotDamaged(path.name, 0, HEAD_BYTES, "of another journal")
        digest = digest_of_frame(self.journal.folder, reader.sequence)
        if digest is not None and digest != reader.digest:
            raise SnapshotDamaged(path.name, 0, HEAD_BYTES, "taken behind another frame than "
                                  f"frame {reader.sequence} of this journal")
        self.empty(reader.head.seed, reader.head.rows - reader.head.oldest_row)
        try:
            reader.load(self.books)
            self.open_runs(reader)
        except SnapshotDamaged:
            self.empty(seed, 0)
            raise
        self.snapshot_sequence, self.snapshot_size = reader.sequence, reader.head.bytes
        # A digest that wasn't found is none: then reading begins where it can tell why.
        return reader.sequence, digest, reader.stage_state

    cdef int empty(self, u64 seed, u64 rows) except -1:
        """Empty the books, and make room for *rows*."""
        cdef u64 room = 2 * self.horizon
        while room < 2 * rows:
            room *= 2
        past_close(self.past)
        self.past = NULL
        books_close(self.books)
        books_open(self.books, seed)
        self.past = past_open(self.horizon + self.run_rows, seed)
        return books_keep(self.books, room, self.records, self.store, self.past)

    cdef int open_runs(self, SnapshotReader reader) except -1:
        """Open the runs that a snapshot names, and fill their filters and the one over all."""
        cdef Past* past = self.past
        cdef Run* run
        cdef u64 index
        cdef u64 ids = past.carried_count
        cdef int failure = 0
        for index in range(reader.head.sections[SECTION_RUNS].rows):
            failure = run_open(self.journal.folder_fd, self.journal.journal_id,
                               reader.runs[index].first_row, reader.runs[index].end_row, &run)
            if failure:
                break
            past.runs[index] = run
            past.runs_count += 1
            ids += run.entries
        if failure == 0 and ids > 0:
            with nogil:
                failure = self.make_filter(ids, True, &past.filter)
        if failure:
            raise SnapshotDamaged(
                reader.path.name, 0, HEAD_BYTES, "a run of old ids that it names is "
                + ("damaged" if failure == RUN_DAMAGED else os.strerror(failure)))
        return 0

    def take_snapshots(self, replayed_bytes):
        """Begin to take snapshots, once the ledger stands where the journal ends.

        *replayed_bytes* of the journal lie behind the one that was loaded.
        """
        with nogil:
            pthread_mutex_lock(self.guard)
        if self.snapshot_bytes:
            self.past.snapshot_at = max(self.snapshot_bytes - replayed_bytes, 0)
        pthread_cond_broadcast(self.moved)
        pthread_mutex_unlock(self.guard)

    def run_names(self):
        """Return the names of the files of ids in use; for the archive's thread alone."""
        return {f"ids-{self.past.runs[index].first_row:016d}-"
                f"{self.past.runs[index].end_row:016d}.run"
                for index in range(self.past.runs_count)}

    # --- snapshots ---------------------------------------------------------------------------

    def take_snapshot(self):
        """Have a snapshot taken now, and wait for it; return 0 or the errno that kept it away."""
        cdef u64 wanted
        with nogil:
            pthread_mutex_lock(self.guard)
            # One under way shows the books of before.
            wanted = self.snapshots + (2 if self.is_taking else 1)
            while self.snapshots < wanted and not self.stopping and not self.past.fault:
                if self.snapshots + self.is_taking < wanted:
                    self.past.snapshot_at = 0
                    pthread_cond_broadcast(self.moved)
                pthread_cond_wait(self.moved, self.guard)
            pthread_mutex_unlock(self.guard)
        return self.snapshot_failure if self.snapshots >= wanted else STOPPED

    def _take_snapshot(self):
        """Write a snapshot.

        One that can't be written is given up, and the next is taken in its time: the journal holds
        all that a snapshot would.
        """
        cdef SnapshotWriter writer = SnapshotWriter(self.journal)
        cdef int failure
        cdef bint done = False
        # However many accounts there are, a quarter of what is written is snapshots at most.
        self.past.snapshot_at = (
            self.journal.written + max(self.snapshot_bytes, 3 * self.snapshot_size)
            if self.snapshot_bytes else ~<u64>0)
        writer.books, writer.guard = self.books, self.guard
        failure = writer.begin(self.stage)
        with nogil:
            if failure == 0:
                failure = writer.await_durable(&self.stopping)
            if failure == 0:
                failure = writer.write_lists()
            while failure == 0 and not done and not self.stopping:
                failure = writer.write_piece(&done)
                # Merging more than the latest would hold up the snapshot for long.
                while (failure == 0 and not self.stopping
                       and self.has_work(0, self.run_bits + 1)):
                    failure = self.work(0, self.run_bits + 1)
            if failure == 0 and done:
                with gil:
                    if self.cover is not None and not self.cover(int(writer.head.sequence)):
                        failure = STOPPED
            if failure == 0 and done:
                failure = writer.finish()
            if failure or not done:
                writer.give_up()
        self.snapshot_failure = failure if done or failure else STOPPED
        if self.snapshot_failure == 0:
            self.snapshot_sequence = writer.head.sequence
            self.snapshot_size = writer.offset
        self.is_prunable = True

    # --- the thread --------------------------------------------------------------------------

    def start(self, Ledger ledger):
        """Take rows into the past as they get old, on a thread of its own, until `stop`."""
        assert &ledger.books == self.books, "an archive works for the ledger it was made for"
        # The thread keeps the ledger: one that is let go unclosed must not go before it.
        self.thread = threading.Thread(target=self._run, args=(ledger,), name="archive",
                                       daemon=True)
        self.thread.start()

    def stop(self):
        """End the thread, and wait until it has ended. Idempotent."""
        with nogil:
            pthread_mutex_lock(self.guard)
            self.stopping = True
            pthread_cond_broadcast(self.moved)
            pthread_mutex_unlock(self.guard)
        if self.thread is not None:
            self.thread.join()

    def _run(self, ledger):
        try:
            self._work_until_stopped()
        except BaseException as fault:
            # Whoever waits for room must not wait for ever.
            with nogil:
                pthread_mutex_lock(self.guard)
            self.fail(getattr(fault, "errno", 0) or INTERRUPTED)
            pthread_mutex_unlock(self.guard)
            raise

    def _work_until_stopped(self):
        cdef int failure
        with nogil:
            pthread_mutex_lock(self.guard)
            while not self.stopping and not self.past.fault:
                if self.is_prunable:
                    pthread_mutex_unlock(self.guard)
                    with gil:
                        self._prune()
                    pthread_mutex_lock(self.guard)
                elif self.journal.written >= self.past.snapshot_at:
                    self.is_taking = True
                    pthread_mutex_unlock(self.guard)
                    with gil:
                        self._take_snapshot()
                    pthread_mutex_lock(self.guard)
                    self.is_taking = False
                    self.snapshots += 1
                    pthread_cond_broadcast(self.moved)
                elif self.has_work(0, LEVELS):
                    pthread_mutex_unlock(self.guard)
                    failure = self.work(0, LEVELS)
                    pthread_mutex_lock(self.guard)
                    if failure:
                        self.fail(failure)
                else:
                    pthread_cond_wait(self.moved, self.guard)
            pthread_mutex_unlock(self.guard)

    def _prune(self):
        self.is_prunable = False
        try:
            prune(self.journal.folder, self.run_names())
        except OSError as error:
            # What can't be deleted costs room alone, and is tried again with the next snapshot.
            self.snapshot_failure = error.errno

    cdef void fail(self, int failure) noexcept nogil:
        """Note what keeps the archive from its work, and wake who waits for it. Under the lock."""
        if not self.past.fault:
            self.past.fault = failure
        pthread_cond_broadcast(self.moved)

    cdef bint has_work(self, u32 after, u32 level) noexcept nogil:
        """Tell whether there is something to do for `work`."""
        cdef u32 first
        return (self.books.ids.cold > 0 or self.can_leave()
                or self.find_mergeable(after, level, &first))

    cdef int work(self, u32 after, u32 level) noexcept nogil:
        """Do what is to be done first; merge runs below *level* alone, from number *after* on.

        Returns 0, an errno or RUN_DAMAGED. Merging goes first, and lets rows leave meanwhile; but
        before all, memory is warmed that batches are about to touch.
        """
        cdef u32 first
        if self.books.ids.cold > 0:
            self.warm_ids()
            return 0
        if self.find_mergeable(after, level, &first):
            return self.merge(first)
        return self.leave() if self.can_leave() else 0

    cdef bint can_leave(self) noexcept nogil:
        """Tell whether too many rows are in memory, and their ids have a place to go."""
        return (self.books.rows - self.books.oldest_row >= self.past.due_rows
                and self.past.runs_count < RUNS_MAX)

    cdef void warm_ids(self) noexcept nogil:
        """Have some of the table of ids, which was made larger, at hand."""
        cdef u8* start
        cdef u64 size
        pthread_mutex_lock(self.guard)
        size = ids_take_cold(&self.books.ids, &start)
        pthread_mutex_unlock(self.guard)
        # Should the table give way to another meanwhile, these pages are nobody's or as they were.
        arena_warm(start, size)

    # --- rows that leave ---------------------------------------------------------------------

    cdef int leave(self) noexcept nogil:
        """Take the oldest rows into the past."""
        cdef Leaving leaving
        cdef Filter* filter = self.past.filter
        cdef u64 rows
        cdef int failure
        pthread_mutex_lock(self.guard)
        rows = self.books.rows - self.books.oldest_row - self.horizon
        leaving_choose(&leaving, self.books, min(max(rows, self.run_rows), self.run_rows_max))
        pthread_mutex_unlock(self.guard)
        rows = leaving.end_row - leaving.first_row
        failure = self.reserve_entries(rows + self.past.taken.count)
        if failure == 0 and (filter == NULL or filter.count + rows > filter.capacity):
            failure = self.make_filter(rows, False, &leaving.filter)
        if failure == 0:
            failure = leaving_gather(&leaving, self.books, self.entries)
        if failure == 0:
            failure = self.write_run(&leaving)
        if failure:
            free(leaving.carried)
            return failure
        pthread_mutex_lock(self.guard)
        leaving_forget(&leaving, self.books)
        pthread_cond_broadcast(self.moved)
        pthread_mutex_unlock(self.guard)
        self.left += rows
        free(leaving.carried)
        if filter != leaving.filter:
            filter_close(filter)
        return 0

    cdef int write_run(self, Leaving* leaving) noexcept nogil:
        """Write the ids gathered as a run."""
        cdef RunWriter writer
        cdef u64 index
        cdef int failure = run_begin(&writer, self.journal.folder_fd, self.journal.journal_id,
                                     leaving.first_row, leaving.end_row, self.run_bits,
                                     leaving.entries_count)
        if failure:
            return failure
        sort_run(self.entries, self.sorted, leaving.entries_count, self.run_bits)
        for index in range(leaving.entries_count):
            if index + PREFETCH_AHEAD < leaving.entries_count:
                prefetch(filter_block(leaving.filter, self.sorted[index + PREFETCH_AHEAD].hash))
            filter_add(leaving.filter, self.sorted[index].hash)
            failure = run_add(&writer, self.sorted[index].hash, self.sorted[index].place)
            if failure:
                run_abandon(&writer)
                return failure
        return run_finish(&writer, &leaving.run)

    # --- the filter --------------------------------------------------------------------------

    cdef int make_filter(self, u64 more, bint opening, Filter** filter) noexcept nogil:
        """Make a filter for twice as many ids and more, and add the past (out: filter).

        While *opening*, fills also what the runs keep in memory.
        """
        cdef Past* past = self.past
        cdef u64 count = past.filter.count if past.filter != NULL else 0
        cdef Filter* larger = filter_open(max((count + more) * 2, 16 * self.run_rows),
                                          FILTER_BITS_LEAST)
        cdef Scan scan
        cdef const Page* page
        cdef u64 index
        cdef u32 run, entry
        cdef int failure
        if larger == NULL:
            return NO_MEMORY
        for index in range(past.carried_count):
            filter_add(larger, past.carried[index].hash)
        for run in range(past.runs_count):
            failure = scan_open(&scan, past.runs[run])
            while failure == 0 and scan.page < scan.pages_count:
                page = &scan.pages[scan.page]
                for entry in range(page.count):
                    if entry + PREFETCH_AHEAD < page.count:
                        prefetch(filter_block(larger, page.entries[entry + PREFETCH_AHEAD].hash))
                    filter_add(larger, page.entries[entry].hash)
                    if opening:
                        run_note(past.runs[run], scan.first_page + scan.page, entry,
                                 page.entries[entry].hash)
                failure = scan_next_page(&scan)
            scan_close(&scan)
            if failure:
                filter_close(larger)
                return failure
        filter[0] = larger
        return 0

    # --- merging -----------------------------------------------------------------------------

    cdef bint find_mergeable(self, u32 after, u32 level, u32* first) noexcept nogil:
        """Find the oldest runs of one size that are to be merged (out: first).

        Of those from number *after* on, and below *level*.
        """
        cdef u32 index, bits
        cdef u32 count = 0
        cdef u32 bits_before = 0
        for index in range(after, self.past.runs_count):
            bits = self.past.runs[index].bits
            count = count + 1 if count > 0 and bits == bits_before else 1
            bits_before = bits
            if count == MERGED_RUNS and bits < level:
                first[0] = index + 1 - MERGED_RUNS
                return True
        return False

    cdef int merge(self, u32 first) noexcept nogil:
        """Merge runs next to each other into one."""
        cdef Scan scans[MERGED_RUNS]
        cdef Run* merged = NULL
        cdef Run* old[MERGED_RUNS]
        cdef Past* past = self.past
        cdef u32 index
        cdef u32 opened = 0
        cdef int failure = 0
        while failure == 0 and opened < MERGED_RUNS:
            old[opened] = past.runs[first + opened]
            failure = scan_open(&scans[opened], old[opened])
            opened += 1
        if failure == 0:
            failure = self.merge_into(scans, first, &merged)
        for index in range(opened):
            scan_close(&scans[index])
        if failure or merged == NULL:
            return failure
        pthread_mutex_lock(self.guard)
        past.runs[first] = merged
        memmove(&past.runs[first + 1], &past.runs[first + MERGED_RUNS],
                (past.runs_count - first - MERGED_RUNS) * sizeof(Run*))
        past.runs_count -= MERGED_RUNS - 1
        pthread_mutex_unlock(self.guard)
        for index in range(MERGED_RUNS):
            run_close(old[index])
        # A snapshot may rely on the old files; `prune` knows, but of one that is being written.
        self.is_prunable = True
        if not self.is_taking:
            with gil:
                self._prune()
        return 0

    cdef int merge_into(self, Scan* scans, u32 first, Run** merged) noexcept nogil:
        """Write the entries of all *scans* as one run (out: merged, NULL where told to stop).

        What falls due meanwhile among the newer runs is done in between.
        """
        cdef RunWriter writer
        cdef u32 bits = scans[0].run.bits
        cdef u64 hash, place, beginning
        cdef u64 entries = 0
        cdef u64 count = 0
        cdef u64 left = self.left
        cdef u64 index
        cdef int failure
        for index in range(MERGED_RUNS):
            entries += scans[index].run.entries
        failure = run_begin(&writer, self.journal.folder_fd, self.journal.journal_id,
                            scans[0].run.first_row, scans[MERGED_RUNS - 1].run.end_row,
                            bits + MERGED_BITS, entries)
        if failure:
            return failure
        for beginning in range(<u64>1 << bits):
            # The entries that begin so, of all runs, are ordered by four bits more.
            count = 0
            for index in range(MERGED_RUNS):
                while (failure == 0 and scan_entry(&scans[index], &hash, &place)
                       and hash >> (64 - bits) == beginning):
                    if count == self.entries_max:
                        failure = self.reserve_entries(2 * count + 1)
                    if failure == 0:
                        self.entries[count].hash = hash
                        self.entries[count].place = place
                        count += 1
                        failure = scan_next(&scans[index])
            if failure == 0:
                sort_entries(self.entries, self.sorted, count, bits, MERGED_BITS)
                failure = self.add_sorted(&writer, count)
            while (failure == 0 and writer.header.entries >= self.left - left
                   and not self.stopping and self.has_work(first + MERGED_RUNS, bits)):
                failure = self.work(first + MERGED_RUNS, bits)
            if failure or self.stopping:
                run_abandon(&writer)
                return failure
        return run_finish(&writer, merged)

    cdef int add_sorted(self, RunWriter* writer, u64 count) noexcept nogil:
        cdef u64 index
        cdef int failure = 0
        for index in range(count):
            if failure == 0:
                failure = run_add(writer, self.sorted[index].hash, self.sorted[index].place)
        return failure

    cdef int reserve_entries(self, u64 count) noexcept nogil:
        """Make room for so many entries; keeps what is in `entries`, not what is in `sorted`."""
        cdef u64 wanted = count + count // 8 + PAGE_ENTRIES
        cdef Entry* entries
        if count <= self.entries_max:
            return 0
        entries = <Entry*>arena_try(wanted * sizeof(Entry))
        arena_close(self.sorted, self.entries_max * sizeof(Entry))
        self.sorted = <Entry*>arena_try(wanted * sizeof(Entry))
        if entries != NULL and self.entries_max:
            memcpy(entries, self.entries, self.entries_max * sizeof(Entry))
        arena_close(self.entries, self.entries_max * sizeof(Entry))
        self.entries = entries
        if entries == NULL or self.sorted == NULL:
            return NO_MEMORY
        self.entries_max = wanted
        return 0
