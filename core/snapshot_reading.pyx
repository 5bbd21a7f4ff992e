"""Reading a snapshot: proving its blocks, and bringing them into empty books.

A block is proved before it is used; where one doesn't hold, the books must be emptied again. Two
readers share the work: one brings in the hashes of ids, which is half of it, the other all else.
"""

import os

from payvand.core.errors import SnapshotDamaged

from libc.errno cimport errno
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from payvand.core.books cimport STATE_PENDING, Span
from payvand.core.checksum cimport crc32c
from payvand.core.copying cimport Kept
from payvand.core.ids cimport ids_insert, ids_prefetch, ids_reserve
from payvand.core.index cimport NO_ROW, hash_id, index_insert, index_prefetch, index_reserve
from payvand.core.past cimport Carried, Late, past_add_late, past_reserve
from payvand.core.reservations cimport (
    Reservation, find_reservation, reserve, reservations_reserve,
)
from payvand.core.snapshot cimport *
from payvand.core.types cimport *

cdef extern from "<fcntl.h>" nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <errno.h>
    #include <fcntl.h>
    #include <stdlib.h>
    #include <unistd.h>
    #ifndef O_DIRECT
    #define O_DIRECT 0
    #endif
    static int payvand_snapshot_open(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
        if (fd < 0 && errno == EINVAL) fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd;
    }
    /* The bytes there are, up to *size*; or minus an errno. */
    static long long payvand_snapshot_read(int fd, unsigned char *out, unsigned long long size,
                                           unsigned long long offset) {
        unsigned long long done = 0;
        while (done < size) {
            ssize_t got = pread(fd, out + done, size - done, (off_t)(offset + done));
            if (got < 0) { if (errno == EINTR) continue; return -errno; }
            if (got == 0) break;
            done += (unsigned long long)got;
            if (got % 4096) break;      /* the end of the file */
        }
        return (long long)done;
    }
    """
    int payvand_snapshot_open(const char* path)
    long long payvand_snapshot_read(int fd, u8* out, u64 size, u64 offset)
    int close(int fd)
    int posix_memalign(void** out, size_t alignment, size_t size)

cdef enum:
    PREFETCH_AHEAD = 16
    READ_BYTES = 1 << 20        # at once; some blocks

# The size of a row of each kind of block, in the order of the kinds.
cdef u32[13] ROW_BYTES = [
    0, sizeof(Head), sizeof(Stretch), sizeof(u64), sizeof(u8), sizeof(Span), sizeof(Carried),
    sizeof(Late), sizeof(Account) + sizeof(u128), sizeof(Kept), sizeof(Reservation), 1, 0,
]


cdef class SnapshotReader:
    """Read one snapshot file."""

    def __cinit__(self, path):
        cdef bytes name = os.fsencode(path)
        cdef const char* text = name
        self.path = path
        self.stage_parts = []
        self.fd = payvand_snapshot_open(text)
        if self.fd < 0:
            raise SnapshotDamaged(path.name, 0, 0, os.strerror(errno))
        if posix_memalign(<void**>&self.bytes_read, SNAPSHOT_ALIGNMENT, READ_BYTES):
            raise MemoryError("no memory for a block of a snapshot")

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        free(self.bytes_read)
        free(self.runs)

    def check(self):
        """Prove every byte; raise SnapshotDamaged where one is not what was written."""
        with nogil:
            self.next_block()
            while (<const BlockHeader*>self.block).kind != BLOCK_END:
                self.next_block()

    @property
    def journal_id(self):
        """The id of the journal that it belongs to, once its head was read."""
        return <bytes>self.head.journal_id[:16]

    @property
    def sequence(self):
        """Of the last frame that it holds, once its head was read."""
        return self.head.sequence

    @property
    def stage_state(self):
        """What the stage saved, or None, once all was read."""
        return b"".join(self.stage_parts) if self.head.has_stage else None

    def run_names(self):
        """Return the names of the files of ids that the snapshot relies on."""
        self.read_head()
        return {f"ids-{self.runs[index].first_row:016d}-{self.runs[index].end_row:016d}.run"
                for index in range(self.runs_count)}

    cdef int read_head(self) except -1:
        """Read the counters, and the names of runs that stand behind them."""
        with nogil:
            self.next_block()
            self.look()
            while (<const BlockHeader*>self.block).kind == BLOCK_RUNS:
                self.next_block()
                self.bring_runs()
                self.look()
        return 0

    cdef int load(self, Books* books, bint hashes) except -1:
        """Bring the hashes of ids, or all else, into prepared books; the head was read."""
        cdef const BlockHeader* header
        with nogil:
            self.look()
            header = <const BlockHeader*>self.block
            while header.kind != BLOCK_END:
                if (header.kind == BLOCK_HASHES) != hashes:
                    # The other reader proves it; a wrong length leads to no block.
                    self.offset += total_of(header)
                    self.blocks += 1
                else:
                    self.next_block()
                    if hashes:
                        self.bring_hashes(books)
                    elif header.kind == BLOCK_STAGE:
                        with gil:
                            self.stage_parts.append(
                                <bytes>(self.block + SNAPSHOT_HEADER_BYTES)[:header.bytes])
                    else:
                        self.bring(books)
                self.look()
                header = <const BlockHeader*>self.block
            self.next_block()
        return 0

    cdef int look(self) except -1 nogil:
        """Bring the next block into memory, without proving it or going behind it."""
        cdef long long got
        cdef u64 left = self.bytes_begin + self.bytes_count - self.offset
        if self.bytes_count == 0 or self.offset < self.bytes_begin or (
                self.offset + SNAPSHOT_BLOCK_BYTES > self.bytes_begin + self.bytes_count):
            got = payvand_snapshot_read(self.fd, self.bytes_read, READ_BYTES, self.offset)
            self.bytes_begin = self.offset
            self.bytes_count = got if got > 0 else 0
            left = self.bytes_count
            if left < SNAPSHOT_HEADER_BYTES:
                self.damaged(self.offset + 1, "cut short" if got >= 0 else "can't be read")
        self.block = self.bytes_read + (self.offset - self.bytes_begin)
        if ((<const BlockHeader*>self.block).magic != SNAPSHOT_MAGIC
                or total_of(<const BlockHeader*>self.block) > left):
            self.damaged(self.offset + SNAPSHOT_HEADER_BYTES, "no block is here")
        return 0

    cdef int next_block(self) except -1 nogil:
        """Go on to the next block, and prove it; the first is a HEAD, the last, an END, is last."""
        cdef BlockHeader* header
        cdef u32 checksum
        cdef u64 total
        self.look()
        header = <BlockHeader*>self.block
        total = total_of(header)
        checksum = header.checksum
        header.checksum = 0
        if crc32c(0, self.block, total) != checksum:
            self.damaged(self.offset + total, "block checksum mismatch")
        header.checksum = checksum
        if (header.version != SNAPSHOT_VERSION or header.number != self.blocks
                or not BLOCK_HEAD <= header.kind <= BLOCK_END
                or (header.kind == BLOCK_HEAD) != (self.blocks == 0)
                or header.bytes != header.count * ROW_BYTES[header.kind]
                or (header.kind == BLOCK_END
                    and self.offset + total != self.bytes_begin + self.bytes_count)):
            self.damaged(self.offset + total, "a block out of place")
        if header.kind == BLOCK_HEAD:
            memcpy(&self.head, self.block + SNAPSHOT_HEADER_BYTES, sizeof(Head))
        self.offset += total
        self.blocks += 1
        return 0

    cdef int damaged(self, u64 stop, const char* what) except -1 nogil:
        """Raise SnapshotDamaged for the block that begins at `offset`."""
        with gil:
            raise SnapshotDamaged(self.path.name, self.offset, stop, what.decode())

    # --- bringing in -------------------------------------------------------------------------

    cdef int prepare(self, Books* books) except -1 nogil:
        """Set the counters, and make room for all that comes."""
        books.sequence = self.head.sequence
        books.timestamp = self.head.timestamp
        books.rows = books.records_oldest = self.head.rows
        books.oldest_row = self.head.oldest_row
        books.spans_count = self.head.spans_count
        books.spans_oldest = self.head.spans_oldest
        books.created = self.head.created
        books.last_created = self.head.last_created
        books.trail = self.head.trail
        books.past.leaving = self.head.oldest_row
        books.past.last_created = self.head.past_last_created
        books.accounts_count = self.head.accounts_count
        index_reserve(&books.account_index, self.head.accounts_count)
        ids_reserve(&books.ids, self.head.rows - self.head.oldest_row, 0, self.head.rows,
                    self.head.oldest_row)
        return 0

    cdef int bring(self, Books* books) except -1 nogil:
        """Bring the block in hand into the books."""
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const u8* rows = self.block + SNAPSHOT_HEADER_BYTES
        cdef u32 index
        if header.kind == BLOCK_STATES:
            for index in range(header.count):
                books.states[(header.first + index) & books.rows_mask] = rows[index]
        elif header.kind == BLOCK_SPANS:
            self.bring_spans(books)
        elif header.kind == BLOCK_ACCOUNTS:
            self.bring_accounts(books)
        elif header.kind == BLOCK_KEPT:
            for index in range(header.count):
                books.accounts[(<const Kept*>rows)[index].row] = (<const Kept*>rows)[index].account
                books.limits[(<const Kept*>rows)[index].row] = (<const Kept*>rows)[index].limit
        elif header.kind == BLOCK_RESERVATIONS:
            self.bring_reservations(books)
        else:
            self.bring_past(books)
        return 0

    cdef int bring_hashes(self, Books* books) except -1 nogil:
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const u64* hashes = <const u64*>(self.block + SNAPSHOT_HEADER_BYTES)
        cdef u64 row
        cdef u32 index
        for index in range(header.count):
            row = header.first + index
            if index + PREFETCH_AHEAD < header.count:
                ids_prefetch(&books.ids, hashes[index + PREFETCH_AHEAD])
            books.hashes[row & books.rows_mask] = hashes[index]
            if hashes[index] != 0:
                ids_insert(&books.ids, hashes[index], row, books.oldest_row)
        return 0

    cdef int bring_spans(self, Books* books) except -1 nogil:
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const Span* spans = <const Span*>(self.block + SNAPSHOT_HEADER_BYTES)
        cdef u32 index
        for index in range(header.count):
            books.spans[(header.first + index) & books.rows_mask] = spans[index]
        return 0

    cdef int bring_past(self, Books* books) except -1 nogil:
        """Bring in a block of what the past carries, or of late ends."""
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const u8* rows = self.block + SNAPSHOT_HEADER_BYTES
        cdef const Late* late
        cdef u32 index
        if header.kind == BLOCK_CARRIED:
            books.past.carried = <Carried*>realloc(
                books.past.carried, (header.first + header.count) * sizeof(Carried))
            if books.past.carried == NULL:
                with gil:
                    raise MemoryError("no memory for reservations of the past")
            memcpy(&books.past.carried[header.first], rows, header.bytes)
            books.past.carried_count = header.first + header.count
        elif header.kind == BLOCK_LATE:
            past_reserve(books.past, header.count)
            for index in range(header.count):
                late = &(<const Late*>rows)[index]
                past_add_late(books.past, late.id, hash_id(late.id, books.seed), late.row,
                              late.place)
        return 0

    cdef int bring_runs(self) except -1 nogil:
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        self.runs = <Stretch*>realloc(self.runs, (header.first + header.count) * sizeof(Stretch))
        if self.runs == NULL:
            with gil:
                raise MemoryError("no memory for the names of runs")
        memcpy(&self.runs[header.first], self.block + SNAPSHOT_HEADER_BYTES, header.bytes)
        self.runs_count = header.first + header.count
        return 0

    cdef int bring_accounts(self, Books* books) except -1 nogil:
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const Account* accounts = <const Account*>(self.block + SNAPSHOT_HEADER_BYTES)
        cdef u32 first = <u32>header.first
        cdef u32 index
        memcpy(&books.accounts[first], accounts, header.count * sizeof(Account))
        memcpy(&books.limits[first], &accounts[header.count], header.count * sizeof(u128))
        for index in range(header.count):
            if index + PREFETCH_AHEAD < header.count:
                index_prefetch(&books.account_index,
                               hash_id(accounts[index + PREFETCH_AHEAD].id, books.seed))
            index_insert(&books.account_index, hash_id(accounts[index].id, books.seed),
                         first + index)
        return 0

    cdef int bring_reservations(self, Books* books) except -1 nogil:
        """Bring in reservations; one that was kept aside may have been copied as well."""
        cdef const BlockHeader* header = <const BlockHeader*>self.block
        cdef const Reservation* from_block = <const Reservation*>(self.block
                                                                  + SNAPSHOT_HEADER_BYTES)
        cdef const Reservation* reservation
        cdef u64 hash
        cdef u32 index
        reservations_reserve(&books.reservations, header.count)
        for index in range(header.count):
            reservation = &from_block[index]
            hash = hash_id(reservation.id, books.seed)
            if find_reservation(&books.reservations, reservation.id, hash) == NO_ROW:
                reserve(&books.reservations, <const Transfer*>reservation, hash, reservation.row,
                        reservation.debit_row, reservation.credit_row)
                # The state may be of a frame that came later, and never reached the disk.
                if reservation.row >= books.oldest_row:
                    books.states[reservation.row & books.rows_mask] = STATE_PENDING
        return 0


cdef inline u64 total_of(const BlockHeader* header) noexcept nogil:
    """Return the length of a block with its padding."""
    return ((SNAPSHOT_HEADER_BYTES + <u64>header.bytes + SNAPSHOT_ALIGNMENT - 1)
            // SNAPSHOT_ALIGNMENT * SNAPSHOT_ALIGNMENT)


def check_snapshot(path):
    """Prove every byte of a snapshot file; raise SnapshotDamaged where one is wrong."""
    SnapshotReader(path).check()
