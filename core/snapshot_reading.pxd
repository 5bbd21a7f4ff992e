"""Reading a snapshot: proving its blocks, and bringing them into empty books."""

from payvand.core.books cimport Books
from payvand.core.snapshot cimport BlockHeader, Head, Stretch
from payvand.core.types cimport u8, u32, u64

cdef class SnapshotReader:
    cdef readonly object path
    cdef int fd
    cdef u8* bytes_read
    cdef u64 bytes_begin        # where in the file they stand
    cdef u64 bytes_count
    cdef u8* block              # the one in hand, among them
    cdef u64 offset             # of the next one
    cdef u64 blocks
    cdef Head head
    cdef Stretch* runs
    cdef u64 runs_count
    cdef list stage_parts

    cdef int read_head(self) except -1
    cdef int load(self, Books* books, bint hashes) except -1
    cdef int look(self) except -1 nogil
    cdef int next_block(self) except -1 nogil
    cdef int damaged(self, u64 stop, const char* what) except -1 nogil
    cdef int prepare(self, Books* books) except -1 nogil
    cdef int bring(self, Books* books) except -1 nogil
    cdef int bring_runs(self) except -1 nogil
    cdef int bring_hashes(self, Books* books) except -1 nogil
    cdef int bring_spans(self, Books* books) except -1 nogil
    cdef int bring_past(self, Books* books) except -1 nogil
    cdef int bring_accounts(self, Books* books) except -1 nogil
    cdef int bring_reservations(self, Books* books) except -1 nogil
