"""Writing a snapshot, a piece at a time."""

from payvand.core.books cimport Books
from payvand.core.copying cimport Copying
from payvand.core.journal cimport Journal
from payvand.core.past cimport Late
from payvand.core.quota_table cimport QuotaRow
from payvand.core.snapshot cimport Head, Stretch
from payvand.core.threads cimport pthread_mutex_t
from payvand.core.types cimport u8, u32, u64

cdef class SnapshotWriter:
    cdef Books* books
    cdef pthread_mutex_t* guard     # of the books
    cdef Journal journal
    cdef int fd
    cdef u32 kind                   # of the section in hand
    cdef u64 offset                 # of the block in hand
    cdef u8* block                  # in hand
    cdef u32 block_rows             # so many it has
    cdef u32 block_number           # in its section
    cdef Head head
    cdef Copying copying
    cdef Stretch* runs
    cdef u32 runs_count
    cdef Late* late
    cdef u64 late_count
    cdef QuotaRow* quotas
    cdef u32 quotas_count
    cdef u64* hashes                # of the rows in memory
    cdef u8* states
    cdef u64 hashes_written
    cdef u64 states_written
    cdef bytes stage_state
    cdef const u8* stage_bytes      # of it
    cdef u64 stage_size

    cdef int begin(self, object stage) except? -1
    cdef int await_durable(self, const bint* stopping) noexcept nogil
    cdef int write_lists(self) noexcept nogil
    cdef int write_piece(self, bint* done) noexcept nogil
    cdef int finish(self) noexcept nogil
    cdef void give_up(self) noexcept nogil

    cdef int capture(self) noexcept nogil
    cdef int copy_columns(self) noexcept nogil
    cdef int write_reservations(self) noexcept nogil
    cdef int write_accounts(self) noexcept nogil
    cdef int write_spans(self) noexcept nogil
    cdef int write_head(self) noexcept nogil

    cdef int enter(self, u32 kind) noexcept nogil
    cdef u32 room(self) noexcept nogil
    cdef u8* next_row(self) noexcept nogil
    cdef int add_rows(self, u32 count) noexcept nogil
    cdef int put(self, u32 kind, const void* rows, u64 count) noexcept nogil
    cdef int write_block(self) noexcept nogil
