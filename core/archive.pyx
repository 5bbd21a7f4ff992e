"""The archive: what left memory, and the thread that takes it there.

Once more rows are in memory than the horizon and a quarter, the oldest quarter goes into the past:

    choose the rows     under the lock: reservations of theirs that end from now on are `late`
    gather              their ids and places; sort; write a run; add them to the filter
    put in place        under the lock: they are forgotten in memory, the run is asked from now on

Nothing but the two short steps under the lock holds up the batches. Where the thread falls behind,
memory has room for three quarters of a horizon more; then batches wait for it.

Eight runs of a size are merged into one, so that there are few to ask, and each id is written again
a few times only, however long the history grows.
"""

import threading

from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memmove

from payvand.core.books cimport STATE_PENDING, Span, books_keep, hash_transfer
from payvand.core.filter cimport filter_add, filter_close, filter_open
from payvand.core.ledger cimport Ledger
from payvand.core.past cimport RUNS_MAX, LateList, late_clear, past_close, past_open
from payvand.core.runs cimport (
    RunWriter, run_abandon, run_add, run_begin, run_close, run_delete, run_finish, run_pages,
    sort_entries,
)
from payvand.core.store cimport place_of_event, store_close, store_open
from payvand.core.threads cimport *

cdef enum:
    NO_MEMORY = 12              # ENOMEM
    MERGED_RUNS = 8
    SCANNED_PAGES = 64          # read at once: 256 KiB
    ENTRIES_BETWEEN_LOOKS = 1 << 16


cdef class Archive:
    """Keep a ledger's recent rows in memory, and older ones on disk."""

    def __cinit__(self, Ledger ledger, Journal journal, *, horizon, records):
        self.books, self.guard, self.moved = &ledger.books, &ledger.guard, &ledger.moved
        self.journal = journal
        if horizon < records or horizon & (horizon - 1):
            raise ValueError(f"horizon={horizon} must be a power of two of at least {records}")
        for path in journal.folder.glob("ids*"):
            path.unlink()
        self.run_rows = horizon // 4
        self.store = store_open(journal.folder_fd, journal.segments, &journal.segments_count)
        self.past = past_open(horizon + self.run_rows, ledger.books.seed)
        books_keep(self.books, 2 * horizon, records, self.store, self.past)
        ledger.archive = self

    def __dealloc__(self):
        if self.store != NULL:
            store_close(self.store)
        if self.past != NULL:
            past_close(self.past)

    def start(self):
        """Take rows into the past as they get old, on a thread of its own, until `stop`."""
        self.thread = threading.Thread(target=self._run, name="archive", daemon=True)
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

    def _run(self):
        cdef int failure
        with nogil:
            pthread_mutex_lock(self.guard)
            while not self.stopping and not self.past.fault:
                if self.is_due() or self.mergeable():
                    pthread_mutex_unlock(self.guard)
                    failure = self.work()
                    pthread_mutex_lock(self.guard)
                    if failure and not self.past.fault:
                        self.past.fault = failure
                        pthread_cond_broadcast(self.moved)
                else:
                    pthread_cond_wait(self.moved, self.guard)
            pthread_mutex_unlock(self.guard)

    cdef int work(self) noexcept nogil:
        """Do what is due first; return 0, an errno or RUN_DAMAGED."""
        cdef u32 count
        if self.is_due():
            return self.leave()
        count = self.mergeable()
        return self.merge(self.past.runs_count - count, count)

    cdef bint is_due(self) noexcept nogil:
        """Tell whether too many rows are in memory."""
        return self.books.rows - self.books.oldest_row >= self.past.due_rows

    # --- rows that leave ---------------------------------------------------------------------

    cdef int leave(self) noexcept nogil:
        """Take the oldest rows into the past."""
        cdef Leaving leaving
        cdef LateList late
        cdef Past* past = self.past
        cdef Books* books = self.books
        cdef int failure
        if past.runs_count == RUNS_MAX:
            return NO_MEMORY
        pthread_mutex_lock(self.guard)
        leaving.first_row = books.oldest_row
        leaving.first_span = leaving.end_span = books.spans_oldest
        while (leaving.end_span + 1 < books.spans_count
               and books.spans[leaving.end_span & books.rows_mask].first_row
               < leaving.first_row + self.run_rows):
            leaving.end_span += 1
        leaving.end_row = books.spans[leaving.end_span & books.rows_mask].first_row
        late = past.taken
        past.taken = past.late
        past.late = late
        past.leaving = leaving.end_row
        pthread_mutex_unlock(self.guard)
        leaving.carried = NULL
        leaving.filter = past.filter
        leaving.entries = <Entry*>malloc(
            (leaving.end_row - leaving.first_row + past.taken.count + 1) * sizeof(Entry))
        failure = self.gather(&leaving) if leaving.entries != NULL else NO_MEMORY
        if failure == 0:
            failure = self.write_run(&leaving)
        free(leaving.entries)
        if failure == 0:
            self.put_in_place(&leaving)
        else:
            free(leaving.carried)
        return failure

    cdef int gather(self, Leaving* leaving) noexcept nogil:
        """Collect the ids bound by the rows, and the reservations that are still under way."""
        cdef Books* books = self.books
        cdef const Span* span
        cdef Entry* entry
        cdef Carried* carried
        cdef u64 row, hash, place, number
        cdef u32 state
        cdef int failure = 0
        leaving.entries_count = 0
        leaving.carried_count = 0
        leaving.carried = <Carried*>malloc(
            (self.past.carried_count + leaving.end_row - leaving.first_row + 1) * sizeof(Carried))
        if leaving.carried == NULL:
            return NO_MEMORY
        if (leaving.filter == NULL or leaving.filter.count + leaving.end_row - leaving.first_row
                > leaving.filter.capacity):
            failure = self.make_filter(leaving.end_row - leaving.first_row, &leaving.filter)
            if failure:
                return failure
        failure = self.keep_carried(leaving)
        if failure:
            return failure
        for number in range(leaving.first_span, leaving.end_span):
            span = &books.spans[number & books.rows_mask]
            for row in range(span.first_row,
                             books.spans[(number + 1) & books.rows_mask].first_row):
                hash = books.hashes[row & books.rows_mask]
                if hash == 0:
                    continue
                filter_add(leaving.filter, hash)
                state = books.states[row & books.rows_mask]
                place = place_of_event(span.place, row - span.first_row)
                if state == STATE_PENDING:
                    carried = &leaving.carried[leaving.carried_count]
                    carried.row = row
                    carried.place = place
                    carried.hash = hash
                    leaving.carried_count += 1
                else:
                    entry = &leaving.entries[leaving.entries_count]
                    entry.hash = hash
                    entry.place = place | state
                    leaving.entries_count += 1
        return 0

    cdef int keep_carried(self, Leaving* leaving) noexcept nogil:
        """Go on carrying the reservations that haven't ended; write the ends of the others."""
        cdef LateList* taken = &self.past.taken
        cdef Carried* carried
        cdef u64 index
        cdef u64 ended = 0
        cdef u64* rows = <u64*>malloc((taken.count + 1) * sizeof(u64))
        if rows == NULL:
            return NO_MEMORY
        for index in range(taken.count):
            rows[index] = taken.entries[index].row
            leaving.entries[index].hash = hash_transfer(self.books, taken.entries[index].id)
            leaving.entries[index].place = taken.entries[index].place
        leaving.entries_count = taken.count
        qsort(rows, taken.count, sizeof(u64), compare_rows)
        for index in range(self.past.carried_count):
            carried = &self.past.carried[index]
            while ended < taken.count and rows[ended] < carried.row:
                ended += 1
            if ended == taken.count or rows[ended] != carried.row:
                leaving.carried[leaving.carried_count] = carried[0]
                leaving.carried_count += 1
        free(rows)
        return 0

    cdef int write_run(self, Leaving* leaving) noexcept nogil:
        """Write the ids gathered as a run."""
        cdef RunWriter writer
        cdef u64 index
        cdef int failure = sort_entries(leaving.entries, leaving.entries_count)
        if failure == 0:
            failure = run_begin(&writer, self.journal.folder_fd, self.journal.journal_id,
                                leaving.first_row, leaving.end_row, leaving.entries_count)
        if failure:
            return failure
        for index in range(leaving.entries_count):
            failure = run_add(&writer, leaving.entries[index].hash, leaving.entries[index].place)
            if failure:
                run_abandon(&writer)
                return failure
        return run_finish(&writer, &leaving.run)

    cdef void put_in_place(self, Leaving* leaving) noexcept nogil:
        """Forget the rows in memory; from now on the past answers for them."""
        cdef Past* past = self.past
        cdef Books* books = self.books
        cdef Filter* filter = past.filter
        cdef Carried* carried = past.carried
        pthread_mutex_lock(self.guard)
        past.filter = leaving.filter
        past.runs[past.runs_count] = leaving.run
        past.runs_count += 1
        past.carried = leaving.carried
        past.carried_count = leaving.carried_count
        past.last_created = books.spans[(leaving.end_span - 1) & books.rows_mask].last_created
        late_clear(&past.taken)
        books.oldest_row = leaving.end_row
        books.spans_oldest = leaving.end_span
        pthread_cond_broadcast(self.moved)
        pthread_mutex_unlock(self.guard)
        free(carried)
        if filter != leaving.filter:
            filter_close(filter)

    # --- the filter --------------------------------------------------------------------------

    cdef int make_filter(self, u64 more, Filter** filter) noexcept nogil:
        """Make a filter with room for half as many ids again, and add the past (out: filter)."""
        cdef Past* past = self.past
        cdef u64 count = past.filter.count if past.filter != NULL else 0
        cdef Filter* larger = filter_open(max((count + more) * 3 // 2, 8 * self.run_rows))
        cdef Scan scan
        cdef u64 hash, place, index
        cdef u32 run
        cdef int failure
        if larger == NULL:
            return NO_MEMORY
        for index in range(past.carried_count):
            filter_add(larger, past.carried[index].hash)
        for run in range(past.runs_count):
            failure = scan_open(&scan, past.runs[run])
            while failure == 0 and scan_entry(&scan, &hash, &place):
                filter_add(larger, hash)
                failure = scan_next(&scan)
            scan_close(&scan)
            if failure:
                filter_close(larger)
                return failure
        filter[0] = larger
        return 0

    # --- merging -----------------------------------------------------------------------------

    cdef u32 mergeable(self) noexcept nogil:
        """Return how many of the newest runs are to be merged; 0 for none."""
        cdef u32 count = 0
        cdef u32 level
        if self.past.runs_count < MERGED_RUNS:
            return 0
        level = level_of(self.past.runs[self.past.runs_count - 1], self.run_rows)
        while (count < MERGED_RUNS
               and level_of(self.past.runs[self.past.runs_count - 1 - count],
                            self.run_rows) == level):
            count += 1
        return count if count == MERGED_RUNS else 0

    cdef int merge(self, u32 first, u32 count) noexcept nogil:
        """Merge runs next to each other into one."""
        cdef Scan scans[MERGED_RUNS]
        cdef Run* merged = NULL
        cdef Run* old[MERGED_RUNS]
        cdef Past* past = self.past
        cdef u32 index
        cdef u32 opened = 0
        cdef int failure = 0
        while failure == 0 and opened < count:
            old[opened] = past.runs[first + opened]
            failure = scan_open(&scans[opened], old[opened])
            opened += 1
        if failure == 0:
            failure = self.merge_into(scans, count, &merged)
        for index in range(opened):
            scan_close(&scans[index])
        if failure or merged == NULL:
            return failure
        pthread_mutex_lock(self.guard)
        past.runs[first] = merged
        memmove(&past.runs[first + 1], &past.runs[first + count],
                (past.runs_count - first - count) * sizeof(Run*))
        past.runs_count -= count - 1
        pthread_mutex_unlock(self.guard)
        for index in range(count):
            run_delete(self.journal.folder_fd, old[index])
            run_close(old[index])
        return 0

    cdef int merge_into(self, Scan* scans, u32 count, Run** merged) noexcept nogil:
        """Write the entries of all *scans* as one run (out: merged, NULL where told to stop)."""
        cdef RunWriter writer
        cdef u64 hash, place, least, least_place
        cdef u64 entries = 0
        cdef u32 index, taken
        cdef int failure
        for index in range(count):
            entries += scans[index].run.entries
        failure = run_begin(&writer, self.journal.folder_fd, self.journal.journal_id,
                            scans[0].run.first_row, scans[count - 1].run.end_row, entries)
        if failure:
            return failure
        while failure == 0 and not self.stopping:
            taken = count
            for index in range(count):
                if scan_entry(&scans[index], &hash, &place) and (taken == count or hash < least):
                    taken, least, least_place = index, hash, place
            if taken == count:
                return run_finish(&writer, merged)
            failure = run_add(&writer, least, least_place)
            if failure == 0:
                failure = scan_next(&scans[taken])
            # Rows that get old meanwhile go first: memory is bounded by that.
            if (failure == 0 and writer.header.entries % ENTRIES_BETWEEN_LOOKS == 0
                    and self.is_due()):
                failure = self.leave()
        run_abandon(&writer)
        return failure


cdef u32 level_of(const Run* run, u64 run_rows) noexcept nogil:
    """Return how often a run has been merged, by how many rows it covers."""
    cdef u64 rows = 4 * run_rows
    cdef u32 level = 0
    while run.end_row - run.first_row > rows:
        rows *= MERGED_RUNS
        level += 1
    return level


cdef int compare_rows(const void* left, const void* right) noexcept nogil:
    cdef u64 one = (<const u64*>left)[0]
    cdef u64 other = (<const u64*>right)[0]
    return (one > other) - (one < other)


# --- reading a run from its beginning --------------------------------------------------------


cdef int scan_open(Scan* scan, Run* run) noexcept nogil:
    """Begin to read a run (out: scan); `scan_close` must follow, also after a failure."""
    scan.run = run
    scan.next_page = 0
    scan.pages_count = scan.page = scan.entry = 0
    scan.pages = <Page*>malloc(SCANNED_PAGES * sizeof(Page))
    return scan_fill(scan) if scan.pages != NULL else NO_MEMORY


cdef int scan_fill(Scan* scan) noexcept nogil:
    """Read the next pages, and prove them."""
    cdef u64 first = scan.next_page
    scan.pages_count = <u32>min(scan.run.pages - first, <u64>SCANNED_PAGES)
    scan.page = 0
    scan.next_page += scan.pages_count
    return run_pages(scan.run, first, scan.pages_count, scan.pages)


cdef inline bint scan_entry(const Scan* scan, u64* hash, u64* place) noexcept nogil:
    """Give the entry in hand (out: hash, place); False behind the last."""
    if scan.page == scan.pages_count:
        return False
    hash[0] = scan.pages[scan.page].entries[scan.entry].hash
    place[0] = scan.pages[scan.page].entries[scan.entry].place
    return True


cdef inline int scan_next(Scan* scan) noexcept nogil:
    """Go on to the next entry."""
    scan.entry += 1
    if scan.entry == scan.pages[scan.page].count:
        scan.entry = 0
        scan.page += 1
        if scan.page == scan.pages_count and scan.next_page < scan.run.pages:
            return scan_fill(scan)
    return 0


cdef void scan_close(Scan* scan) noexcept nogil:
    free(scan.pages)
