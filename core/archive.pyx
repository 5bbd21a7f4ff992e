"""The archive: what left memory, and the thread that takes it there.

Once more rows are in memory than the horizon and a sixteenth, the oldest sixteenth goes into the
past:

    choose the rows     under the lock: reservations of theirs that end from now on are `late`
    gather              their ids and places; order them; write a run; add them to the filter
    put in place        under the lock: they are forgotten in memory, the run is asked from now on

Nothing but the two short steps under the lock holds up the batches. Where the thread falls behind,
memory has room for nearly a horizon more; then batches wait for it.

Sixteen runs of a size are merged into one, so that there are few to ask, and each id is written
again a few times only, however long the history grows. Ordering and merging are by the bits of the
hashes, four more with each merging: no entry is compared with another.
"""

import threading

from libc.stdlib cimport free, malloc, qsort
from libc.string cimport memcpy, memmove

from payvand.core.arena cimport arena_close, arena_try
from payvand.core.books cimport STATE_PENDING, Span, books_keep, hash_transfer
from payvand.core.filter cimport FILTER_BITS_LEAST, filter_add, filter_close, filter_open
from payvand.core.ledger cimport Ledger
from payvand.core.past cimport RUNS_MAX, LateList, late_clear, past_close, past_open
from payvand.core.runs cimport (
    PAGE_ENTRIES, SORTED_BITS_MAX, RunWriter, run_abandon, run_add, run_begin, run_close, run_delete, run_finish, run_pages,
    sort_entries,
)
from payvand.core.store cimport place_of_event, store_close, store_open
from payvand.core.threads cimport *

cdef enum:
    NO_MEMORY = 12              # ENOMEM
    MERGED_BITS = 4
    MERGED_RUNS = 1 << MERGED_BITS
    SCANNED_PAGES = 64          # read at once: 256 KiB
    BEGINNINGS_BETWEEN_LOOKS = 16
    LEVELS = 64                 # all of them: a run is ordered by fewer bits


cdef class Archive:
    """Keep a ledger's recent rows in memory, and older ones on disk."""

    def __cinit__(self, Ledger ledger, Journal journal, *, horizon, records):
        self.books, self.guard, self.moved = &ledger.books, &ledger.guard, &ledger.moved
        self.journal = journal
        if horizon < records or horizon & (horizon - 1):
            raise ValueError(f"horizon={horizon} must be a power of two of at least {records}")
        for path in journal.folder.glob("ids*"):
            path.unlink()
        self.run_rows = max(horizon // 16, 1)
        self.run_bits = min(max((self.run_rows // PAGE_ENTRIES).bit_length(), 1), SORTED_BITS_MAX)
        self.store = store_open(journal.folder_fd, journal.segments, &journal.segments_count)
        self.past = past_open(horizon + self.run_rows, ledger.books.seed)
        books_keep(self.books, 2 * horizon, records, self.store, self.past)
        ledger.archive = self

    def __dealloc__(self):
        if self.store != NULL:
            store_close(self.store)
        if self.past != NULL:
            past_close(self.past)
        arena_close(self.entries, self.entries_max * sizeof(Entry))
        arena_close(self.sorted, self.entries_max * sizeof(Entry))

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
                if self.has_work(0, LEVELS):
                    pthread_mutex_unlock(self.guard)
                    failure = self.work(0, LEVELS)
                    pthread_mutex_lock(self.guard)
                    if failure and not self.past.fault:
                        self.past.fault = failure
                        pthread_cond_broadcast(self.moved)
                else:
                    pthread_cond_wait(self.moved, self.guard)
            pthread_mutex_unlock(self.guard)

    cdef bint has_work(self, u32 after, u32 level) noexcept nogil:
        """Tell whether there is something to do for `work`."""
        cdef u32 first
        return (self.is_due() and self.past.runs_count < RUNS_MAX
                or self.find_mergeable(after, level, &first))

    cdef int work(self, u32 after, u32 level) noexcept nogil:
        """Do what is due first; merge runs below *level* alone, from number *after* on.

        Returns 0, an errno or RUN_DAMAGED. Rows that get old go first: memory is bounded by that. Where there are too many runs, as
        happens on a disk that is much too slow, they wait, and batches wait for them.
        """
        cdef u32 first
        if self.is_due() and self.past.runs_count < RUNS_MAX:
            return self.leave()
        return self.merge(first) if self.find_mergeable(after, level, &first) else 0

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
        failure = self.reserve_entries(leaving.end_row - leaving.first_row + past.taken.count)
        if failure == 0:
            failure = self.gather(&leaving)
        if failure == 0:
            failure = self.write_run(&leaving)
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
                state = books.states[row & books.rows_mask]
                place = place_of_event(span.place, row - span.first_row)
                if state == STATE_PENDING:
                    carried = &leaving.carried[leaving.carried_count]
                    carried.row = row
                    carried.place = place
                    carried.hash = hash
                    filter_add(leaving.filter, hash)
                    leaving.carried_count += 1
                else:
                    entry = &self.entries[leaving.entries_count]
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
            self.entries[index].hash = hash_transfer(self.books, taken.entries[index].id)
            self.entries[index].place = taken.entries[index].place
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
        cdef int failure = run_begin(&writer, self.journal.folder_fd, self.journal.journal_id,
                                     leaving.first_row, leaving.end_row, self.run_bits,
                                     leaving.entries_count)
        if failure:
            return failure
        sort_entries(self.entries, self.sorted, leaving.entries_count, 0, self.run_bits)
        for index in range(leaving.entries_count):
            filter_add(leaving.filter, self.sorted[index].hash)
            failure = run_add(&writer, self.sorted[index].hash, self.sorted[index].place)
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
        """Make a filter with room for twice as many ids, and add the past (out: filter)."""
        cdef Past* past = self.past
        cdef u64 count = past.filter.count if past.filter != NULL else 0
        cdef Filter* larger = filter_open(max((count + more) * 2, 16 * self.run_rows),
                                          FILTER_BITS_LEAST)
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
            run_delete(self.journal.folder_fd, old[index])
            run_close(old[index])
        return 0

    cdef int merge_into(self, Scan* scans, u32 first, Run** merged) noexcept nogil:
        """Write the entries of all *scans* as one run (out: merged, NULL where told to stop).

        What falls due meanwhile among the newer runs is done in between: a merging of old runs
        takes long.
        """
        cdef RunWriter writer
        cdef u32 bits = scans[0].run.bits
        cdef u64 hash, place, beginning
        cdef u64 entries = 0
        cdef u64 count = 0
        cdef u32 index
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
                        failure = self.reserve_entries(2 * count)
                    if failure == 0:
                        self.entries[count].hash = hash
                        self.entries[count].place = place
                        count += 1
                        failure = scan_next(&scans[index])
            if failure == 0:
                sort_entries(self.entries, self.sorted, count, bits, MERGED_BITS)
                failure = self.add_sorted(&writer, count)
            while (failure == 0 and beginning % BEGINNINGS_BETWEEN_LOOKS == 0
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
