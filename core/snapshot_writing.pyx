"""Writing a snapshot, a piece at a time.

    begin            under the lock: the counters, and a `Copying` from now on
    write_rows       ids and states of rows in memory, which only the archive's thread forgets
    write_piece …    reservations, then accounts: each piece copied under the lock, written without
    finish           what was kept aside, and the file's name

The caller may take rows into the past between pieces. A file has its name only once all of it is
on stable storage.

The disk is the journal's first of all: after each block the writer rests three times as long as the
block took, so that a commit seldom meets one on its way.
"""

from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from payvand.core.books cimport Span
from payvand.core.checksum cimport crc32c
from payvand.core.copying cimport Kept, copying_close, copying_open
from payvand.core.past cimport Carried
from payvand.core.reservations cimport Reservation
from payvand.core.snapshot cimport *
from payvand.core.threads cimport *
from payvand.core.types cimport *

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
    static int payvand_snapshot_write(int fd, const unsigned char *data, unsigned long long size,
                                      unsigned long long offset) {
        while (size) {
            ssize_t done = pwrite(fd, data, size, (off_t)offset);
            if (done < 0) { if (errno == EINTR) continue; return errno; }
            if (done == 0) return EIO;
            data += done; size -= (unsigned long long)done; offset += (unsigned long long)done;
        }
        return 0;
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
    int payvand_snapshot_write(int fd, const u8* data, u64 size, u64 offset)
    u64 payvand_now()
    void payvand_rest(u64 nanoseconds)
    int fsync(int fd)
    int close(int fd)
    int renameat(int old_folder, const char* old, int new_folder, const char* new)
    int unlinkat(int folder, const char* name, int flags)
    int posix_memalign(void** out, size_t alignment, size_t size)

assert sizeof(BlockHeader) == SNAPSHOT_HEADER_BYTES

cdef u64 PAYLOAD_BYTES = SNAPSHOT_BLOCK_BYTES - SNAPSHOT_HEADER_BYTES
cdef u32 ACCOUNTS_AT_ONCE = PAYLOAD_BYTES // (sizeof(Account) + sizeof(u128))
cdef u32 PLACES_AT_ONCE = PAYLOAD_BYTES // sizeof(Reservation)

cdef enum:
    NAME_BYTES = 64
    NO_MEMORY = 12                  # ENOMEM
    REST_NS = 500_000
    REST_TIMES = 3                  # as long as the block before took
    REST_MAX_NS = 20_000_000
    STOPPED = 125                   # ECANCELED

cdef char PART[16]
memcpy(PART, b"snapshot.part", 14)


cdef class SnapshotWriter:
    """Write one snapshot of the books beside their journal."""

    def __cinit__(self, Journal journal):
        self.journal = journal
        self.fd = -1
        if posix_memalign(<void**>&self.block, SNAPSHOT_ALIGNMENT, SNAPSHOT_BLOCK_BYTES):
            raise MemoryError("no memory for a block of a snapshot")

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        free(self.block)
        free(self.runs)
        free(self.late)

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
        if failure == 0:
            memcpy(self.payload(), &self.head, sizeof(Head))
            failure = self.put(BLOCK_HEAD, 0, 1, sizeof(Head))
        return failure

    cdef int capture(self) noexcept nogil:
        """Take the counters and the short lists, and begin to keep aside what changes."""
        cdef Books* books = self.books
        cdef u32 index
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
        if self.runs == NULL or self.late == NULL or copying_open(
                &self.copying, books.rows, books.accounts_count,
                books.reservations.places_count):
            return NO_MEMORY
        for index in range(self.runs_count):
            self.runs[index].first_row = books.past.runs[index].first_row
            self.runs[index].end_row = books.past.runs[index].end_row
        memcpy(self.late, books.past.late.entries, self.late_count * sizeof(Late))
        books.copying = &self.copying
        return 0

    cdef int write_rows(self, const bint* stopping) noexcept nogil:
        """Write what rows in memory bound, and what the past carries; nothing may leave meanwhile.

        First waits for the last frame shown: what a snapshot shows must be in the journal, and its
        place there be known.
        """
        cdef int failure = 0
        while not self.is_durable():
            if stopping[0]:
                return STOPPED
            payvand_rest(REST_NS)
        failure = self.put_all(BLOCK_RUNS, 0, self.runs, self.runs_count, sizeof(Stretch))
        if failure == 0:
            failure = self.put_spans()
        if failure == 0:
            failure = self.put_columns()
        if failure == 0:
            failure = self.put_all(BLOCK_CARRIED, 0, self.books.past.carried,
                                   self.books.past.carried_count, sizeof(Carried))
        if failure == 0:
            failure = self.put_all(BLOCK_LATE, 0, self.late, self.late_count, sizeof(Late))
        return failure

    cdef bint is_durable(self) noexcept nogil:
        """Tell whether all frames shown are durable, and their places known."""
        return (self.journal.sequence >= self.head.sequence
                and (self.head.spans_count == self.head.spans_oldest
                     or self.books.spans[(self.head.spans_count - 1)
                                         & self.books.rows_mask].place != 0))

    cdef int put_spans(self) noexcept nogil:
        """Write where the frames of the rows stand."""
        cdef Books* books = self.books
        cdef u64 number = self.head.spans_oldest
        cdef u64 index, count
        cdef int failure = 0
        while number < self.head.spans_count and failure == 0:
            count = min(self.head.spans_count - number, PAYLOAD_BYTES // sizeof(Span))
            for index in range(count):
                (<Span*>self.payload())[index] = books.spans[(number + index) & books.rows_mask]
            failure = self.put(BLOCK_SPANS, number, <u32>count, count * sizeof(Span))
            number += count
        return failure

    cdef int put_columns(self) noexcept nogil:
        """Write hashes and states.

        A state may be of later than the moment shown: a reservation that has ended since. Whoever
        reads the snapshot goes by the reservations, and by the frames behind.
        """
        cdef Books* books = self.books
        cdef u64 row = self.head.oldest_row
        cdef u64 index, count
        cdef int failure = 0
        while row < self.head.rows and failure == 0:
            count = min(self.head.rows - row, PAYLOAD_BYTES // sizeof(u64))
            for index in range(count):
                (<u64*>self.payload())[index] = books.hashes[(row + index) & books.rows_mask]
            failure = self.put(BLOCK_HASHES, row, <u32>count, count * sizeof(u64))
            if failure == 0:
                for index in range(count):
                    self.payload()[index] = books.states[(row + index) & books.rows_mask]
                failure = self.put(BLOCK_STATES, row, <u32>count, count)
            row += count
        return failure

    cdef int write_piece(self, bint* done) noexcept nogil:
        """Write the next piece of what changes (out: done, once there is no more)."""
        done[0] = False
        if self.copying.places_copied < self.copying.places_count:
            return self.write_reservations()
        if self.copying.accounts_copied < self.copying.accounts_count:
            return self.write_accounts()
        done[0] = True
        return 0

    cdef int write_reservations(self) noexcept nogil:
        cdef Reservation* out = <Reservation*>self.payload()
        cdef u32 place = self.copying.places_copied
        cdef u32 end = min(place + PLACES_AT_ONCE, self.copying.places_count)
        cdef u32 count = 0
        pthread_mutex_lock(self.guard)
        while place < end:
            if self.books.reservations.places[place].row < self.copying.rows:
                out[count] = self.books.reservations.places[place]
                count += 1
            place += 1
        self.copying.places_copied = end
        pthread_mutex_unlock(self.guard)
        return self.put(BLOCK_RESERVATIONS, 0, count, count * sizeof(Reservation)) if count else 0

    cdef int write_accounts(self) noexcept nogil:
        cdef u32 row = self.copying.accounts_copied
        cdef u32 count = min(ACCOUNTS_AT_ONCE, self.copying.accounts_count - row)
        cdef u64 size = count * sizeof(Account)
        pthread_mutex_lock(self.guard)
        memcpy(self.payload(), &self.books.accounts[row], size)
        memcpy(self.payload() + size, &self.books.limits[row], count * sizeof(u128))
        self.copying.accounts_copied = row + count
        pthread_mutex_unlock(self.guard)
        return self.put(BLOCK_ACCOUNTS, row, count, size + count * sizeof(u128))

    cdef int finish(self) noexcept nogil:
        """Write the rest, and name the file once all of it is durable; 0 or an errno."""
        cdef char name[NAME_BYTES]
        cdef int failure
        pthread_mutex_lock(self.guard)
        self.books.copying = NULL
        pthread_mutex_unlock(self.guard)
        failure = self.put_all(BLOCK_KEPT, 0, self.copying.kept, self.copying.kept_count,
                               sizeof(Kept))
        if failure == 0:
            failure = self.put_all(BLOCK_RESERVATIONS, 0, self.copying.ended,
                                   self.copying.ended_count, sizeof(Reservation))
        if failure == 0 and self.head.has_stage:
            failure = self.put_all(BLOCK_STAGE, 0, self.stage_bytes, self.stage_size, 1)
        if failure == 0:
            failure = self.put(BLOCK_END, 0, 0, 0)
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

    # --- blocks ------------------------------------------------------------------------------

    cdef u8* payload(self) noexcept nogil:
        """Return where the rows of the block in hand go."""
        return self.block + SNAPSHOT_HEADER_BYTES

    cdef int put(self, u16 kind, u64 first, u32 count, u64 size) noexcept nogil:
        """Write the block in hand, whose payload is there; return 0 or an errno."""
        cdef BlockHeader* header = <BlockHeader*>self.block
        cdef u64 total = ((SNAPSHOT_HEADER_BYTES + size + SNAPSHOT_ALIGNMENT - 1)
                          // SNAPSHOT_ALIGNMENT * SNAPSHOT_ALIGNMENT)
        cdef u64 since
        cdef int failure
        memset(header, 0, sizeof(BlockHeader))
        header.magic = SNAPSHOT_MAGIC
        header.version = SNAPSHOT_VERSION
        header.kind = kind
        header.number = self.blocks
        header.first = first
        header.count = count
        header.bytes = <u32>size
        memset(self.payload() + size, 0, total - SNAPSHOT_HEADER_BYTES - size)
        header.checksum = crc32c(0, self.block, total)
        since = payvand_now()
        failure = payvand_snapshot_write(self.fd, self.block, total, self.offset)
        payvand_rest(min(REST_TIMES * (payvand_now() - since), <u64>REST_MAX_NS))
        self.offset += total
        self.blocks += 1
        return failure

    cdef int put_all(self, u16 kind, u64 first, const void* rows, u64 count,
                     u32 size) noexcept nogil:
        """Write rows of a size, as many as there are, in blocks; return 0 or an errno."""
        cdef u64 at_once = PAYLOAD_BYTES // size
        cdef u64 done = 0
        cdef u64 part
        cdef int failure = 0
        while done < count and failure == 0:
            part = min(count - done, at_once)
            memcpy(self.payload(), <const u8*>rows + done * size, part * size)
            failure = self.put(kind, first + done, <u32>part, part * size)
            done += part
        return failure
