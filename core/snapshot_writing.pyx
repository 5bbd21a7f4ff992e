"""Writing a snapshot, a piece at a time.

    begin            under the lock: the counters, and a `Copying` from now on
    await_durable    what a snapshot shows must be in the journal, and its places there be known
    write_lists      what is short, and a copy of the columns of rows in memory
    write_piece …    the columns, reservations, accounts: each piece copied under the lock where it
                     may change, and written without
    finish           what was kept aside, the head, and the file's name

The caller may take rows into the past between pieces. A file has its name only once all of it is
on stable storage.

The disk is the journal's first of all: after each block the writer rests three times as long as the
block took, so that a commit seldom meets one on its way.
"""

from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from payvand.core.arena cimport arena_close, arena_try
from payvand.core.books cimport Span
from payvand.core.checksum cimport crc32c
from payvand.core.copying cimport Kept, copying_close, copying_open, copying_warm
from payvand.core.quota_table cimport QuotaRow
from payvand.core.reservations cimport Reservation
from payvand.core.snapshot cimport *
from payvand.core.threads cimport *
from payvand.core.types cimport *

cdef extern from "pwrite_all.h" nogil:
    int payvand_pwrite_all(int fd, const u8* data, u64 size, u64 offset)

cdef extern from "<fcntl.h>" nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <fcntl.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/stat.h>
    #include <time.h>
    #include <unistd.h>
    #ifndef O_DIRECT
    #define O_DIRECT 0
    #endif
    /* Past the page cache where the file system allows it: nobody reads a snapshot back soon. */
    static int payvand_snapshot_create(int folder, const char *name) {
        int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC;
        int fd = openat(folder, name, flags | O_DIRECT, 0600);
        if (fd < 0 && errno == EINVAL) fd = openat(folder, name, flags, 0600);
        return fd;
    }
    static unsigned long long payvand_now(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
    }
    static void payvand_rest(unsigned long long nanoseconds) {
        struct timespec rest = {0, (long)nanoseconds};
        nanosleep(&rest, NULL);
    }
    """
    int payvand_snapshot_create(int folder, const char* name)
    u64 payvand_now()
    void payvand_rest(u64 nanoseconds)
    int fsync(int fd)
    int close(int fd)
    int renameat(int old_folder, const char* old, int new_folder, const char* new)
    int unlinkat(int folder, const char* name, int flags)
    int posix_memalign(void** out, size_t alignment, size_t size)

cdef enum:
    NAME_BYTES = 64
    NO_MEMORY = 12                  # ENOMEM
    REST_NS = 200_000
    REST_TIMES = 3                  # as long as the block before took
    REST_MAX_NS = 20_000_000
    STOPPED = 125                   # ECANCELED
    PLACES_AT_ONCE = 16384

cdef char PART[16]
memcpy(PART, b"snapshot.part", 14)


cdef class SnapshotWriter:
    """Write one snapshot of the books beside their journal."""

    def __cinit__(self, Journal journal):
        self.journal = journal
        self.fd = -1
        self.kind = SECTION_RUNS
        self.offset = self.head.sections[SECTION_RUNS].offset = HEAD_BYTES
        self.head.sections[SECTION_RUNS].row_bytes = row_bytes(SECTION_RUNS)
        if posix_memalign(<void**>&self.block, SNAPSHOT_ALIGNMENT, BLOCK_BYTES):
            raise MemoryError("no memory for a block of a snapshot")

    def __dealloc__(self):
        cdef u64 rows = self.head.rows - self.head.oldest_row
        if self.fd >= 0:
            close(self.fd)
        free(self.block)
        free(self.runs)
        free(self.late)
        free(self.quotas)
        arena_close(self.hashes, rows * sizeof(u64))
        arena_close(self.states, rows)

    cdef int begin(self, object stage) except? -1:
        """Hold the moment that is shown; return 0 or an errno."""
        cdef int failure = 0
        cdef bytes state = None
        self.fd = payvand_snapshot_create(self.journal.folder_fd, PART)
        if self.fd < 0:
            return errno
        with nogil:
            pthread_mutex_lock(self.guard)
        try:
            # Under the lock: the stage has seen exactly the frames that the books hold.
            state = stage.save()
            failure = self.capture()
        finally:
            pthread_mutex_unlock(self.guard)
        if state is not None:
            self.stage_state, self.stage_bytes, self.stage_size = state, state, len(state)
        self.head.has_stage = state is not None
        return failure

    cdef int capture(self) noexcept nogil:
        """Take the counters and the short lists, and begin to keep aside what changes."""
        cdef Books* books = self.books
        cdef u32 index
        self.head.magic = SNAPSHOT_MAGIC
        self.head.version = SNAPSHOT_VERSION
        memcpy(self.head.journal_id, self.journal.journal_id, 16)
        self.head.sequence = books.sequence
        self.head.timestamp = books.timestamp
        self.head.seed = books.seed
        self.head.rows = books.rows
        self.head.oldest_row = books.oldest_row
        self.head.spans_count = books.spans_count
        self.head.spans_oldest = books.spans_oldest
        self.head.created = books.created
        self.head.last_created = books.last_created
        self.head.past_last_created = books.past.last_created
        self.head.trail = books.trail
        self.head.accounts_count = books.accounts_count
        self.runs_count = books.past.runs_count
        self.runs = <Stretch*>malloc((self.runs_count + 1) * sizeof(Stretch))
        self.late_count = books.past.late.count
        self.late = <Late*>malloc((self.late_count + 1) * sizeof(Late))
        self.quotas_count = books.quotas.count
        self.quotas = <QuotaRow*>malloc((self.quotas_count + 1) * sizeof(QuotaRow))
        if self.runs == NULL or self.late == NULL or self.quotas == NULL or copying_open(
                &self.copying, books.rows, books.accounts_count,
                books.reservations.places_count):
            return NO_MEMORY
        for index in range(self.runs_count):
            self.runs[index].first_row = books.past.runs[index].first_row
            self.runs[index].end_row = books.past.runs[index].end_row
        memcpy(self.late, books.past.late.entries, self.late_count * sizeof(Late))
        memcpy(self.quotas, books.quotas.rows, self.quotas_count * sizeof(QuotaRow))
        memcpy(self.head.events, books.quotas.events, sizeof(self.head.events))
        books.copying = &self.copying
        return 0

    cdef int await_durable(self, const bint* stopping) noexcept nogil:
        """Wait until all frames shown are durable, their places known; 0 or STOPPED."""
        cdef Books* books = self.books
        cdef u64 last = (self.head.spans_count - 1) & books.rows_mask
        while (self.journal.sequence < self.head.sequence
               or (self.head.spans_count > self.head.spans_oldest
                   and books.spans[last].place == 0)):
            if stopping[0]:
                return STOPPED
            payvand_rest(REST_NS)
        if not self.journal.digest_of(self.head.sequence, self.head.digest):
            return STOPPED              # so late that it is forgotten: another time
        return 0

    cdef int write_lists(self) noexcept nogil:
        """Write what is short, and copy the columns; nothing may leave memory meanwhile."""
        cdef int failure = self.copy_columns()
        if failure == 0:
            failure = self.put(SECTION_RUNS, self.runs, self.runs_count)
        if failure == 0:
            failure = self.write_spans()
        if failure == 0:
            failure = self.put(SECTION_CARRIED, self.books.past.carried,
                               self.books.past.carried_count)
        if failure == 0:
            failure = self.put(SECTION_LATE, self.late, self.late_count)
        return failure

    cdef int copy_columns(self) noexcept nogil:
        """Copy hashes and states of the rows in memory: 9 B a row, for as long as this takes.

        A state may be of later than the moment shown: a reservation that has ended since. Whoever
        reads the snapshot goes by the reservations, and by the frames behind.
        """
        cdef Books* books = self.books
        cdef u64 size = self.head.rows - self.head.oldest_row
        cdef u64 at = self.head.oldest_row & books.rows_mask
        cdef u64 first = min(size, books.rows_mask + 1 - at)
        self.hashes = <u64*>arena_try(max(size, <u64>1) * sizeof(u64))
        self.states = <u8*>arena_try(max(size, <u64>1))
        if self.hashes == NULL or self.states == NULL:
            return NO_MEMORY
        memcpy(self.hashes, &books.hashes[at], first * sizeof(u64))
        memcpy(self.hashes + first, books.hashes, (size - first) * sizeof(u64))
        memcpy(self.states, &books.states[at], first)
        memcpy(self.states + first, books.states, size - first)
        return 0

    cdef int write_spans(self) noexcept nogil:
        """Write where the frames of the rows stand."""
        cdef u64 number
        cdef int failure = self.enter(SECTION_SPANS)
        for number in range(self.head.spans_oldest, self.head.spans_count):
            if failure == 0:
                (<Span*>self.next_row())[0] = self.books.spans[number & self.books.rows_mask]
                failure = self.add_rows(1)
        return failure

    cdef int write_piece(self, bint* done) noexcept nogil:
        """Write the next piece of what is long (out: done, once there is no more)."""
        cdef u64 rows = self.head.rows - self.head.oldest_row
        cdef u64 some
        done[0] = False
        copying_warm(&self.copying)
        if self.hashes_written < rows:
            some = min(rows - self.hashes_written, PAYLOAD_BYTES // sizeof(u64))
            self.hashes_written += some
            return self.put(SECTION_HASHES, &self.hashes[self.hashes_written - some], some)
        if self.states_written < rows:
            some = min(rows - self.states_written, <u64>PAYLOAD_BYTES)
            self.states_written += some
            return self.put(SECTION_STATES, &self.states[self.states_written - some], some)
        if self.copying.places_copied < self.copying.places_count:
            return self.write_reservations()
        if self.copying.accounts_copied < self.copying.accounts_count:
            return self.write_accounts()
        done[0] = True
        return 0

    cdef int write_reservations(self) noexcept nogil:
        cdef Reservation* out
        cdef Reservation* reservation
        cdef int failure = self.enter(SECTION_RESERVATIONS)
        cdef u32 room = self.room()
        cdef u32 count = 0
        cdef u32 looked = 0
        if failure:
            return failure
        out = <Reservation*>self.next_row()
        pthread_mutex_lock(self.guard)
        # Places that are free cost little; but for them too, batches must not wait long.
        while (count < room and looked < PLACES_AT_ONCE
               and self.copying.places_copied < self.copying.places_count):
            reservation = &self.books.reservations.places[self.copying.places_copied]
            if reservation.row < self.copying.rows:
                out[count] = reservation[0]
                count += 1
            self.copying.places_copied += 1
            looked += 1
        pthread_mutex_unlock(self.guard)
        return self.add_rows(count)

    cdef int write_accounts(self) noexcept nogil:
        cdef Holding* out
        cdef int failure = self.enter(SECTION_ACCOUNTS)
        cdef u32 row = self.copying.accounts_copied
        cdef u32 count = min(self.room(), self.copying.accounts_count - row)
        cdef u32 index
        if failure:
            return failure
        out = <Holding*>self.next_row()
        pthread_mutex_lock(self.guard)
        for index in range(count):
            out[index].account = self.books.accounts[row + index]
            out[index].limit = self.books.limits[row + index]
        self.copying.accounts_copied = row + count
        pthread_mutex_unlock(self.guard)
        return self.add_rows(count)

    cdef int finish(self) noexcept nogil:
        """Write the rest, and name the file once all of it is durable; 0 or an errno."""
        cdef char name[NAME_BYTES]
        cdef int failure
        pthread_mutex_lock(self.guard)
        self.books.copying = NULL
        pthread_mutex_unlock(self.guard)
        failure = self.put(SECTION_KEPT, self.copying.kept, self.copying.kept_count)
        if failure == 0:
            failure = self.put(SECTION_ENDED, self.copying.ended, self.copying.ended_count)
        if failure == 0:
            failure = self.put(SECTION_STAGE, self.stage_bytes, self.stage_size)
        if failure == 0:
            failure = self.put(SECTION_QUOTAS, self.quotas, self.quotas_count)
        if failure == 0:
            failure = self.write_head()
        if failure == 0 and fsync(self.fd):
            failure = errno
        snprintf(name, sizeof(name), "snapshot-%016llu.books",
                 <unsigned long long>self.head.sequence)
        if failure == 0 and (renameat(self.journal.folder_fd, PART, self.journal.folder_fd, name)
                             or fsync(self.journal.folder_fd)):
            failure = errno
        copying_close(&self.copying)
        return failure

    cdef void give_up(self) noexcept nogil:
        """Stop keeping things aside after a failure; leave no file behind."""
        pthread_mutex_lock(self.guard)
        self.books.copying = NULL
        pthread_mutex_unlock(self.guard)
        copying_close(&self.copying)
        unlinkat(self.journal.folder_fd, PART, 0)

    # --- sections and blocks -----------------------------------------------------------------

    cdef int write_head(self) noexcept nogil:
        """End the last section, and write the head; return 0 or an errno."""
        cdef int failure = self.enter(SECTIONS)
        if failure:
            return failure
        self.head.bytes = self.offset
        self.head.checksum = 0
        self.head.checksum = crc32c(0, <const u8*>&self.head, HEAD_BYTES)
        memcpy(self.block, &self.head, HEAD_BYTES)
        return payvand_pwrite_all(self.fd, self.block, HEAD_BYTES, 0)

    cdef int enter(self, u32 kind) noexcept nogil:
        """Go on to a section, past those that have no rows; return 0 or an errno."""
        cdef int failure = 0
        while self.kind < kind and failure == 0:
            if self.block_rows > 0:
                failure = self.write_block()
            if self.kind < SECTIONS:
                self.head.sections[self.kind].bytes = (
                    self.offset - self.head.sections[self.kind].offset)
            self.kind += 1
            self.block_number = 0
            if self.kind < SECTIONS:
                self.head.sections[self.kind].offset = self.offset
                self.head.sections[self.kind].row_bytes = row_bytes(self.kind)
        return failure

    cdef u32 room(self) noexcept nogil:
        """Return how many rows the block in hand has room for; at least 1."""
        return PAYLOAD_BYTES // row_bytes(self.kind) - self.block_rows

    cdef u8* next_row(self) noexcept nogil:
        """Return where the next row of the block in hand goes."""
        return self.block + BLOCK_HEADER_BYTES + self.block_rows * row_bytes(self.kind)

    cdef int add_rows(self, u32 count) noexcept nogil:
        """Add rows that were written to `next_row`; return 0 or an errno."""
        self.block_rows += count
        self.head.sections[self.kind].rows += count
        return self.write_block() if self.room() == 0 else 0

    cdef int put(self, u32 kind, const void* rows, u64 count) noexcept nogil:
        """Write rows of a section, as many as there are; return 0 or an errno."""
        cdef int failure = self.enter(kind)
        cdef u64 done = 0
        cdef u32 some
        while done < count and failure == 0:
            some = <u32>min(count - done, <u64>self.room())
            memcpy(self.next_row(), <const u8*>rows + done * row_bytes(kind),
                   some * row_bytes(kind))
            done += some
            failure = self.add_rows(some)
        return failure

    cdef int write_block(self) noexcept nogil:
        """Write the block in hand, and rest; return 0 or an errno."""
        cdef BlockHeader* header = <BlockHeader*>self.block
        cdef u64 size = BLOCK_HEADER_BYTES + self.block_rows * row_bytes(self.kind)
        # Only the last block of a section may be shorter.
        cdef u64 total = BLOCK_BYTES if self.room() == 0 else padded(size)
        cdef u64 since
        cdef int failure
        memset(header, 0, BLOCK_HEADER_BYTES)
        header.magic = BLOCK_MAGIC
        header.kind = self.kind
        header.sequence = self.head.sequence
        header.number = self.block_number
        header.count = self.block_rows
        memset(self.block + size, 0, total - size)
        header.checksum = crc32c(0, self.block, total)
        since = payvand_now()
        failure = payvand_pwrite_all(self.fd, self.block, total, self.offset)
        payvand_rest(min(REST_TIMES * (payvand_now() - since), <u64>REST_MAX_NS))
        self.offset += total
        self.block_number += 1
        self.block_rows = 0
        return failure
