"""The ledger's Python face: a pure state machine over `Books`."""

from payvand.core.books cimport Books
from payvand.core.types cimport u64

cdef class Ledger:
    cdef Books books

    cdef u64 _begin(self, u64 now) noexcept nogil
