"""Which payments were tried lately: so that a retry isn't taken for another attempt."""

from payvand.core.index cimport Index
from payvand.core.types cimport u32, u64, u128

cdef packed struct Attempt:
    u128 id

cdef class Attempts:
    cdef Attempt* ring
    cdef Index index
    cdef readonly u32 attempts_max
    cdef u32 oldest
    cdef u32 count

    cdef bint enter(self, u128 id) noexcept nogil
    cdef bytes save(self)
    cdef int load(self, bytes state) except -1
