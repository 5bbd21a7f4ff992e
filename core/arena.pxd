"""Memory of the books: address space reserved once, pages touched as rows come.

Rows never move, so a pointer stays good, and growing costs no copy. Fresh memory reads as zero.
"""

from payvand.core.types cimport u64

cdef void* arena_open(u64 size) except NULL nogil
cdef void* arena_try(u64 size) noexcept nogil
cdef void arena_warm(void* start, u64 size) noexcept nogil
cdef void arena_close(void* start, u64 size) noexcept nogil
