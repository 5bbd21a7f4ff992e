"""Memory of a Bloom filter. See `filter.pxd`."""

from libc.stdlib cimport calloc, free

from payvand.core.arena cimport arena_close, arena_try


cdef Filter* filter_open(u64 capacity, u32 bits) noexcept nogil:
    """Make an empty filter for so many ids of so many bits; NULL where there is no memory."""
    cdef Filter* filter = <Filter*>calloc(1, sizeof(Filter))
    if filter != NULL:
        filter.capacity = capacity
        filter.blocks = capacity * bits // 512 + 1
        filter.words = <u64*>arena_try(filter.blocks * 64)
        if filter.words == NULL:
            free(filter)
            return NULL
    return filter


cdef void filter_close(Filter* filter) noexcept nogil:
    """Give the memory back."""
    if filter != NULL:
        arena_close(filter.words, filter.blocks * 64)
        free(filter)
