"""Reading a snapshot: proving its blocks, and bringing them into empty books."""

from payvand.core.books cimport Books
from payvand.core.snapshot cimport BlockHeader, Head, Stretch
from payvand.core.threads cimport pthread_mutex_t
from payvand.core.types cimport u8, u32, u64

# A row of the table of ids that is still to be put in place.
cdef struct Placing:
    u64 hash
    u64 row

# What one thread reads into.
cdef struct Desk:
    u8* blocks              # BLOCKS_AT_ONCE of them
    Placing* placings       # the rows of a block, by part of the table

cdef class SnapshotReader:
    cdef readonly object path
    cdef int fd
    cdef Head head
    cdef Books* books           # NULL: only proves
    cdef u64 next_stretch       # of blocks, to be read
    cdef u64 end_stretch
    cdef u64 stride             # from one that is read to the next
    cdef u64 stretches[13]      # before each section
    cdef Stretch* runs
    cdef u8* stage_bytes
    cdef Placing* crossing      # rows that go behind the end of their part of the table
    cdef u64 crossing_count
    cdef u64 crossing_max
    cdef pthread_mutex_t turn   # over what is next, and what is wrong
    cdef pthread_mutex_t tables # over all that threads write together, but the table of ids
    cdef pthread_mutex_t parts[256]
    cdef u64 damage_start
    cdef u64 damage_stop
    cdef const char* damage     # NULL while none was found

    cdef int read_head(self) except -1
    cdef int load(self, Books* books) except -1
    cdef int go_through(self, u32 first_kind, u32 end_kind) except -1

    cdef int prepare(self) except -1
    cdef bint take(self, u64* stretch) noexcept nogil
    cdef int read_stretch(self, const Desk* desk, u64 stretch) except -1 nogil
    cdef bint prove(self, u8* block, u32 kind, u64 number, u64 size) noexcept nogil
    cdef void damaged(self, u64 start, u64 stop, const char* what) noexcept nogil
    cdef int bring(self, const Desk* desk, const u8* block, u32 kind, u64 first) except -1 nogil
    cdef int bring_hashes(self, const Desk* desk, const u64* hashes, u64 first_row,
                          u32 count) except -1 nogil
    cdef int cross(self, const Placing* placing) except -1 nogil
    cdef int bring_accounts(self, const u8* rows, u64 first, u32 count) except -1 nogil
    cdef int bring_reservations(self, const u8* rows, u32 count) except -1 nogil
    cdef int bring_late(self, const u8* rows, u32 count) except -1 nogil
    cdef void mark_pending(self) noexcept nogil
