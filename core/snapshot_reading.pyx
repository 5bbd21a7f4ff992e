"""Reading a snapshot: proving its blocks, and bringing them into empty books.

The head tells where every block stands. So a few threads take stretches of blocks in turn, and each
proves what it read and puts it in place, while the disk is busy for the others. A block is proved
before it is used; where one doesn't hold, the books must be emptied again.

The table of ids is the most work. It is made in parts, each under a lock of its own: the rows of a
block are sorted by part first, so that a lock is taken for a hundred rows at once. A row whose
bucket is full at the very end of a part is put in place in the end, by one thread.
"""

import os
import threading
from math import gcd

from payvand.core.errors import SnapshotDamaged

from libc.errno cimport errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from payvand.core.books cimport STATE_PENDING, Span, books_keep
from payvand.core.checksum cimport crc32c
from payvand.core.copying cimport Kept
from payvand.core.ids cimport (
    NO_TRANSFER, ids_home, ids_insert, ids_insert_before, ids_prefetch, ids_size,
)
from payvand.core.index cimport NO_ROW, hash_id, index_insert, index_prefetch, index_reserve
from payvand.core.ledger cimport Ledger
from payvand.core.past cimport (
    Carried, Late, Past, past_add_late, past_close, past_open, past_reserve,
)
from payvand.core.quota_table cimport QUOTAS_MAX, QuotaRow, enter_quota, quotas_reserve
from payvand.core.reservations cimport (
    Reservation, find_reservation, reserve, reservations_reserve,
)
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
    #include <stdlib.h>
    #include <sys/stat.h>
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
    static long long payvand_snapshot_size(int fd) {
        struct stat about;
        return fstat(fd, &about) ? -1 : (long long)about.st_size;
    }
    """
    int payvand_snapshot_open(const char* path)
    long long payvand_snapshot_read(int fd, u8* out, u64 size, u64 offset)
    long long payvand_snapshot_size(int fd)
    int close(int fd)
    int posix_memalign(void** out, size_t alignment, size_t size)

cdef enum:
    THREADS = 8                 # most wait for the disk while others work
    BLOCKS_AT_ONCE = 4          # 1 MiB
    PREFETCH_AHEAD = 16
    PARTS_MAX = 256             # of the table of ids


cdef class SnapshotReader:
    """Read one snapshot file."""

    def __cinit__(self, path):
        cdef bytes name = os.fsencode(path)
        cdef const char* text = name
        cdef u32 part
        self.path = path
        pthread_mutex_init(&self.turn, NULL)
        pthread_mutex_init(&self.tables, NULL)
        for part in range(PARTS_MAX):
            pthread_mutex_init(&self.parts[part], NULL)
        self.fd = payvand_snapshot_open(text)
        if self.fd < 0:
            raise SnapshotDamaged(path.name, 0, 0, os.strerror(errno))

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)
        free(self.runs)
        free(self.stage_bytes)
        free(self.crossing)

    def check(self):
        """Prove every byte; raise SnapshotDamaged where one is not what was written."""
        self.read_head()
        self.go_through(0, SECTIONS)

    @property
    def journal_id(self):
        """The id of the journal that it belongs to, once its head was read."""
        return <bytes>self.head.journal_id[:16]

    @property
    def sequence(self):
        """Of the last frame that it holds, once its head was read."""
        return self.head.sequence

    @property
    def digest(self):
        """SHA-256 of that frame, 32 bytes."""
        return <bytes>self.head.digest[:32]

    @property
    def stage_state(self):
        """What the stage saved, or None, once all was read."""
        if not self.head.has_stage:
            return None
        return <bytes>self.stage_bytes[:self.head.sections[SECTION_STAGE].rows]

    def run_names(self):
        """Return the names of the files of ids that the snapshot relies on."""
        self.read_head()
        return {f"ids-{self.runs[index].first_row:016d}-{self.runs[index].end_row:016d}.run"
                for index in range(self.head.sections[SECTION_RUNS].rows)}

    cdef int read_head(self) except -1:
        """Read and prove the head, and the names of runs."""
        cdef u8* page = NULL
        cdef u32 checksum
        cdef long long got
        if posix_memalign(<void**>&page, SNAPSHOT_ALIGNMENT, HEAD_BYTES):
            raise MemoryError("no memory for the head of a snapshot")
        got = payvand_snapshot_read(self.fd, page, HEAD_BYTES, 0)
        if got == HEAD_BYTES:
            memcpy(&self.head, page, HEAD_BYTES)
        free(page)
        if got != HEAD_BYTES:
            raise SnapshotDamaged(self.path.name, 0, HEAD_BYTES,
                                  "cut short" if got >= 0 else "can't be read")
        checksum = self.head.checksum
        self.head.checksum = 0
        if (self.head.magic != SNAPSHOT_MAGIC
                or crc32c(0, <const u8*>&self.head, HEAD_BYTES) != checksum):
            raise SnapshotDamaged(self.path.name, 0, HEAD_BYTES, "head checksum mismatch")
        if self.head.version != SNAPSHOT_VERSION:
            raise SnapshotDamaged(self.path.name, 0, HEAD_BYTES,
                                  f"of version {self.head.version}, not {SNAPSHOT_VERSION}")
        if self.path.name != f"snapshot-{self.head.sequence:016d}.books":
            raise SnapshotDamaged(self.path.name, 0, HEAD_BYTES, "the file bears another's name")
        if payvand_snapshot_size(self.fd) != <long long>self.head.bytes:
            raise SnapshotDamaged(
                self.path.name, min(payvand_snapshot_size(self.fd), <long long>self.head.bytes),
                self.head.bytes, "the file has another size")
        free(self.runs)
        self.runs = <Stretch*>malloc(self.head.sections[SECTION_RUNS].bytes + 1)
        if self.runs == NULL:
            raise MemoryError("no memory for the names of runs")
        return self.go_through(SECTION_RUNS, SECTION_RUNS + 1)

    cdef int load(self, Books* books) except -1:
        """Bring all of it into empty books; the head was read."""
        cdef u32 place
        self.books = books
        self.prepare()
        self.go_through(SECTION_SPANS, SECTION_KEPT)
        self.go_through(SECTION_KEPT, SECTIONS)
        self.mark_pending()
        for place in range(books.quotas.count):
            enter_quota(&books.quotas, place)
        return 0

    cdef int prepare(self) except -1:
        """Set the counters, and make room for all that comes."""
        cdef Books* books = self.books
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
        books.past.carried_count = self.head.sections[SECTION_CARRIED].rows
        books.past.carried = <Carried*>malloc(books.past.carried_count * sizeof(Carried) + 1)
        free(self.stage_bytes)
        self.stage_bytes = <u8*>malloc(self.head.sections[SECTION_STAGE].rows + 1)
        if books.past.carried == NULL or self.stage_bytes == NULL:
            raise MemoryError("no memory for what a snapshot holds")
        index_reserve(&books.account_index, self.head.accounts_count)
        books.quotas.count = <u32>min(self.head.sections[SECTION_QUOTAS].rows, <u64>QUOTAS_MAX)
        memcpy(books.quotas.events, self.head.events, sizeof(self.head.events))
        quotas_reserve(&books.quotas, books.quotas.count)
        ids_size(&books.ids, self.head.rows - self.head.oldest_row)
        self.crossing_count = 0
        return 0

    # --- threads -----------------------------------------------------------------------------

    cdef int go_through(self, u32 first_kind, u32 end_kind) except -1:
        """Read, prove and bring in the blocks of some sections."""
        cdef u32 kind
        cdef u64 blocks
        cdef u64 index
        cdef Placing* placing
        cdef u64 stretches = 0
        for kind in range(SECTIONS):
            self.stretches[kind] = stretches
            if first_kind <= kind < end_kind:
                blocks = (self.head.sections[kind].bytes + BLOCK_BYTES - 1) // BLOCK_BYTES
                stretches += (blocks + BLOCKS_AT_ONCE - 1) // BLOCKS_AT_ONCE
        self.stretches[SECTIONS] = stretches
        self.next_stretch, self.end_stretch = 0, stretches
        self.stride = next(stride for stride in range(max(stretches * 5 // 8, 1), stretches + 2)
                           if gcd(stride, stretches) == 1)
        self.damage = NULL
        faults = []
        threads = [threading.Thread(target=self._work, args=(faults,), name="snapshot")
                   for _ in range(min(<u64>THREADS, stretches) - 1 if stretches else 0)]
        for thread in threads:
            thread.start()
        if stretches:
            self._work(faults)
        for thread in threads:
            thread.join()
        for fault in faults:
            raise fault
        if self.damage != NULL:
            raise SnapshotDamaged(self.path.name, self.damage_start, self.damage_stop,
                                  (<bytes>self.damage).decode())
        for index in range(self.crossing_count):
            placing = &self.crossing[index]
            ids_insert(&self.books.ids, placing.hash, placing.row, self.books.oldest_row)
        self.crossing_count = 0
        return 0

    def _work(self, faults):
        """Take stretches in turn until there are no more."""
        cdef Desk desk
        cdef u64 stretch
        memset(&desk, 0, sizeof(desk))
        try:
            desk.placings = <Placing*>malloc(PAYLOAD_BYTES // sizeof(u64) * sizeof(Placing))
            if desk.placings == NULL or posix_memalign(
                    <void**>&desk.blocks, SNAPSHOT_ALIGNMENT, BLOCKS_AT_ONCE * BLOCK_BYTES):
                raise MemoryError("no memory for blocks of a snapshot")
            with nogil:
                while self.take(&stretch):
                    self.read_stretch(&desk, stretch)
        except BaseException as fault:
            faults.append(fault)
            self.end_stretch = 0
        finally:
            free(desk.placings)
            free(desk.blocks)

    cdef bint take(self, u64* stretch) noexcept nogil:
        """Take the next stretch (out: stretch); False where there are no more."""
        cdef bint going
        pthread_mutex_lock(&self.turn)
        going = self.next_stretch < self.end_stretch and self.damage == NULL
        if not going:
            pthread_mutex_unlock(&self.turn)
            return False
        # Some sections keep the disk busy and some the processor: all are gone through at once.
        stretch[0] = self.next_stretch * self.stride % self.stretches[SECTIONS]
        self.next_stretch += 1
        pthread_mutex_unlock(&self.turn)
        return True

    cdef int read_stretch(self, const Desk* desk, u64 stretch) except -1 nogil:
        """Read a stretch of blocks, prove each, and bring it in."""
        cdef const Section* section
        cdef u32 kind = 0
        cdef u64 number, offset, size, done, block_bytes
        cdef long long got
        while stretch >= self.stretches[kind + 1]:
            kind += 1
        section = &self.head.sections[kind]
        number = (stretch - self.stretches[kind]) * BLOCKS_AT_ONCE
        offset = number * BLOCK_BYTES
        size = min(section.bytes - offset, <u64>BLOCKS_AT_ONCE * BLOCK_BYTES)
        offset += section.offset
        got = payvand_snapshot_read(self.fd, desk.blocks, size, offset)
        if got < <long long>size:
            self.damaged(offset, offset + size, "cut short" if got >= 0 else "can't be read")
            return 0
        done = 0
        while done < size:
            block_bytes = min(size - done, <u64>BLOCK_BYTES)
            if not self.prove(desk.blocks + done, kind, number, block_bytes):
                self.damaged(offset + done, offset + done + block_bytes, "block checksum mismatch")
                return 0
            self.bring(desk, desk.blocks + done, kind, number * (PAYLOAD_BYTES // row_bytes(kind)))
            done += block_bytes
            number += 1
        return 0

    cdef bint prove(self, u8* block, u32 kind, u64 number, u64 size) noexcept nogil:
        """Tell whether a block is the one that was written there."""
        cdef BlockHeader* header = <BlockHeader*>block
        cdef u32 checksum = header.checksum
        cdef u64 rows_max = PAYLOAD_BYTES // row_bytes(kind)
        header.checksum = 0
        return (crc32c(0, block, size) == checksum and header.magic == BLOCK_MAGIC
                and header.kind == kind and header.sequence == self.head.sequence
                and header.number == number
                and header.count == min(self.head.sections[kind].rows - number * rows_max,
                                        rows_max))

    cdef void damaged(self, u64 start, u64 stop, const char* what) noexcept nogil:
        """Note where the file is not what was written; the first place stays."""
        pthread_mutex_lock(&self.turn)
        if self.damage == NULL:
            self.damage_start, self.damage_stop, self.damage = start, stop, what
        pthread_mutex_unlock(&self.turn)

    # --- bringing in -------------------------------------------------------------------------

    cdef int bring(self, const Desk* desk, const u8* block, u32 kind, u64 first) except -1 nogil:
        """Bring a proved block into the books; its rows count from *first* in its section."""
        cdef Books* books = self.books
        cdef const u8* rows = block + BLOCK_HEADER_BYTES
        cdef u32 count = (<const BlockHeader*>block).count
        cdef const Kept* kept
        cdef u64 index
        if kind == SECTION_RUNS:
            memcpy(&self.runs[first], rows, count * sizeof(Stretch))
        elif books == NULL:
            return 0
        elif kind == SECTION_SPANS:
            for index in range(count):
                books.spans[(books.spans_oldest + first + index) & books.rows_mask] = (
                    <const Span*>rows)[index]
        elif kind == SECTION_CARRIED:
            memcpy(&books.past.carried[first], rows, count * sizeof(Carried))
        elif kind == SECTION_LATE:
            self.bring_late(rows, count)
        elif kind == SECTION_HASHES:
            self.bring_hashes(desk, <const u64*>rows, books.oldest_row + first, count)
        elif kind == SECTION_STATES:
            for index in range(count):
                books.states[(books.oldest_row + first + index) & books.rows_mask] = rows[index]
        elif kind == SECTION_RESERVATIONS or kind == SECTION_ENDED:
            self.bring_reservations(rows, count)
        elif kind == SECTION_ACCOUNTS:
            self.bring_accounts(rows, first, count)
        elif kind == SECTION_KEPT:
            for index in range(count):
                kept = &(<const Kept*>rows)[index]
                books.accounts[kept.row] = kept.account
                books.limits[kept.row] = kept.limit
        elif kind == SECTION_STAGE:
            memcpy(self.stage_bytes + first, rows, count)
        else:
            memcpy(&books.quotas.rows[first], rows, count * sizeof(QuotaRow))
        return 0

    cdef int bring_hashes(self, const Desk* desk, const u64* hashes, u64 first_row,
                          u32 count) except -1 nogil:
        """Bring in hashes, and put the ids into their table, part by part."""
        cdef Books* books = self.books
        cdef u32 begins[PARTS_MAX + 1]
        cdef u32 shift = 0
        cdef u32 index, part, begin
        cdef u32 filled = 0
        cdef const Placing* placing
        while (books.ids.homes - 1) >> shift >= PARTS_MAX:
            shift += 1
        memset(begins, 0, sizeof(begins))
        for index in range(count):
            books.hashes[(first_row + index) & books.rows_mask] = hashes[index]
            if hashes[index] != 0:
                begins[(ids_home(&books.ids, hashes[index]) >> shift) + 1] += 1
        for part in range(PARTS_MAX):
            begins[part + 1] += begins[part]
        filled = begins[PARTS_MAX]
        for index in range(count):
            if hashes[index] != 0:
                part = <u32>(ids_home(&books.ids, hashes[index]) >> shift)
                desk.placings[begins[part]].hash = hashes[index]
                desk.placings[begins[part]].row = first_row + index
                begins[part] += 1
        # Now begins[part] is where the part ends.
        for part in range(PARTS_MAX):
            begin = begins[part - 1] if part > 0 else 0
            if begin == begins[part]:
                continue
            pthread_mutex_lock(&self.parts[part])
            for index in range(begin, begins[part]):
                if index + PREFETCH_AHEAD < filled:
                    ids_prefetch(&books.ids, desk.placings[index + PREFETCH_AHEAD].hash)
                placing = &desk.placings[index]
                if not ids_insert_before(&books.ids, placing.hash, placing.row,
                                         min(<u64>(part + 1) << shift, books.ids.homes)):
                    self.cross(placing)
            pthread_mutex_unlock(&self.parts[part])
        return 0

    cdef int cross(self, const Placing* placing) except -1 nogil:
        """Note a row that goes behind the end of its part."""
        cdef Placing* larger
        pthread_mutex_lock(&self.turn)
        if self.crossing_count == self.crossing_max:
            self.crossing_max = max(2 * self.crossing_max, <u64>1024)
            larger = <Placing*>realloc(self.crossing, self.crossing_max * sizeof(Placing))
            if larger == NULL:
                pthread_mutex_unlock(&self.turn)
                with gil:
                    raise MemoryError("no memory for rows of a snapshot")
            self.crossing = larger
        self.crossing[self.crossing_count] = placing[0]
        self.crossing_count += 1
        pthread_mutex_unlock(&self.turn)
        return 0

    cdef int bring_accounts(self, const u8* rows, u64 first, u32 count) except -1 nogil:
        cdef Books* books = self.books
        cdef const Holding* holdings = <const Holding*>rows
        cdef u32 index
        for index in range(count):
            books.accounts[first + index] = holdings[index].account
            books.limits[first + index] = holdings[index].limit
        pthread_mutex_lock(&self.tables)
        for index in range(count):
            if index + PREFETCH_AHEAD < count:
                index_prefetch(&books.account_index, hash_id(
                    holdings[index + PREFETCH_AHEAD].account.id, books.seed))
            index_insert(&books.account_index, hash_id(holdings[index].account.id, books.seed),
                         <u32>(first + index))
        pthread_mutex_unlock(&self.tables)
        return 0

    cdef int bring_reservations(self, const u8* rows, u32 count) except -1 nogil:
        """Bring in reservations; one that was kept aside may have been copied as well."""
        cdef Books* books = self.books
        cdef const Reservation* reservation
        cdef u64 hash
        cdef u32 index
        pthread_mutex_lock(&self.tables)
        try:
            reservations_reserve(&books.reservations, count)
            for index in range(count):
                reservation = &(<const Reservation*>rows)[index]
                hash = hash_id(reservation.id, books.seed)
                if find_reservation(&books.reservations, reservation.id, hash) == NO_ROW:
                    reserve(&books.reservations, <const Transfer*>reservation, hash,
                            reservation.row, reservation.debit_row, reservation.credit_row)
        finally:
            pthread_mutex_unlock(&self.tables)
        return 0

    cdef int bring_late(self, const u8* rows, u32 count) except -1 nogil:
        cdef const Late* late
        cdef u32 index
        pthread_mutex_lock(&self.tables)
        try:
            past_reserve(self.books.past, count)
            for index in range(count):
                late = &(<const Late*>rows)[index]
                past_add_late(self.books.past, late.id, hash_id(late.id, self.books.seed),
                              late.row, late.place)
        finally:
            pthread_mutex_unlock(&self.tables)
        return 0

    cdef void mark_pending(self) noexcept nogil:
        """Set the states of reservations under way.

        What the file says of them may be of a frame that came later, and never reached the disk.
        """
        cdef Books* books = self.books
        cdef const Reservation* reservation
        cdef u32 place
        for place in range(books.reservations.places_count):
            reservation = &books.reservations.places[place]
            if reservation.row != NO_TRANSFER and reservation.row >= books.oldest_row:
                books.states[reservation.row & books.rows_mask] = STATE_PENDING


def check_snapshot(path):
    """Prove every byte of a snapshot file; raise SnapshotDamaged where one is wrong."""
    SnapshotReader(path).check()


def books_digest(path):
    """Return the digest of the ledger that a snapshot shows; see `Ledger.digest`."""
    cdef Ledger ledger = Ledger()
    cdef SnapshotReader reader = SnapshotReader(path)
    cdef u64 room = 1
    cdef Past* past
    reader.read_head()
    while room < reader.head.rows - reader.head.oldest_row:
        room *= 2
    past = past_open(room, reader.head.seed)
    try:
        books_keep(&ledger.books, room, 1, NULL, past)
        reader.load(&ledger.books)
        return ledger.digest()
    finally:
        ledger.books.past = NULL
        past_close(past)
