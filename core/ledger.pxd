"""The ledger's Python face: a pure state machine over `Books`."""

from payvand.core.books cimport Books
from payvand.core.types cimport u8, u64

cdef class Ledger:
    cdef Books books

    cdef u64 _begin(self, u64 now) noexcept nogil
    cdef _update(self, state, const u8* start, u64 size)
