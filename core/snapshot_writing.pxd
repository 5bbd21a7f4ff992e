"""Writing a snapshot, a piece at a time."""

from payvand.core.books cimport Books
from payvand.core.copying cimport Copying
from payvand.core.journal cimport Journal
from payvand.core.past cimport Late
from payvand.core.snapshot cimport Head, Stretch
from payvand.core.threads cimport pthread_mutex_t
from payvand.core.types cimport u8, u16, u32, u64

cdef class SnapshotWriter:
    cdef Books* books
    cdef pthread_mutex_t* guard     # of the books
    cdef Journal journal
    cdef int fd
    cdef u8* block                  # in hand
    cdef u64 offset
    cdef u64 blocks
    cdef Head head
    cdef Copying copying
    cdef Stretch* runs
    cdef u32 runs_count
    cdef Late* late
    cdef u64 late_count
    cdef bytes stage_state
    cdef const u8* stage_bytes      # of it
    cdef u64 stage_size

    cdef int begin(self, object stage) except? -1
    cdef int write_rows(self, const bint* stopping) noexcept nogil
    cdef int write_piece(self, bint* done) noexcept nogil
    cdef int finish(self) noexcept nogil
    cdef void give_up(self) noexcept nogil

    cdef int capture(self) noexcept nogil
    cdef bint is_durable(self) noexcept nogil
    cdef u8* payload(self) noexcept nogil
    cdef int put(self, u16 kind, u64 first, u32 count, u64 size) noexcept nogil
    cdef int put_all(self, u16 kind, u64 first, const void* rows, u64 count,
                     u32 size) noexcept nogil
    cdef int put_columns(self) noexcept nogil
    cdef int put_spans(self) noexcept nogil
    cdef int write_accounts(self) noexcept nogil
    cdef int write_reservations(self) noexcept nogil
