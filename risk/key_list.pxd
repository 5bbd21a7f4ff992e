"""A list of keys: is one in it?"""

from payvand.core.types cimport u32, u64

cdef class KeyList:
    cdef u64* slots            # 0: empty
    cdef u64 mask              # slots - 1
    cdef bint holds_zero
    cdef readonly u32 count

    cdef bint holds(self, u64 key) noexcept nogil
