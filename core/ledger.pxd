"""The ledger's Python face: a pure state machine over `Books`."""

from payvand.core.books cimport Books
from payvand.core.threads cimport pthread_cond_t, pthread_mutex_t
from payvand.core.types cimport u8, u32, u64

cdef class Ledger:
    cdef Books books
    cdef dict history                   # BALANCE rows by account; None while none has one
    cdef object entry_log               # keeps what `books.entries` points to
    cdef object archive                 # keeps what `books.store` and `books.past` point to
    cdef pthread_mutex_t guard          # held while the books change, or are read by a thread
    cdef pthread_cond_t moved           # rows came, or went into the past

    cdef void lock(self) noexcept nogil
    cdef int lock_with_room(self, u64 rows) except -1 nogil
    cdef void unlock(self) noexcept nogil
    cdef void look_for_snapshot(self, u64 written) noexcept nogil
    cdef void note_place(self, u64 span, u64 place) noexcept nogil
    cdef void begin_lookup(self, const u8* ids, u32 count) noexcept nogil
    cdef int end_lookup(self) except -1
    cdef int check_past(self) except -1 nogil
    cdef u64 _begin(self, u64 now) noexcept nogil
