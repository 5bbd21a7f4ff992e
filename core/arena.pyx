"""Memory of the books: address space reserved once, pages touched as rows come. See `arena.pxd`."""

cdef extern from "<sys/mman.h>" nogil:
    """
    #include <sys/mman.h>
    static void *payvand_reserve(unsigned long long size) {
        void *start = mmap(0, size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED) return 0;
    #ifdef MADV_HUGEPAGE
        if (size >= (4ull << 20)) madvise(start, size, MADV_HUGEPAGE);
    #endif
        return start;
    }
    /* Since Linux 5.14; elsewhere pages come when they are touched, as ever. */
    static void payvand_warm(void *start, unsigned long long size) {
    #if defined(__linux__)
        unsigned long long beginning = (unsigned long long)start & ~4095ull;
        (void)madvise((void *)beginning, (unsigned long long)start + size - beginning,
                      23 /* MADV_POPULATE_WRITE */);
    #else
        (void)start, (void)size;
    #endif
    }
    """
    void* payvand_reserve(u64 size)
    void payvand_warm(void* start, u64 size)
    int munmap(void* start, u64 size)


cdef void* arena_open(u64 size) except NULL nogil:
    """Reserve *size* bytes of zeros; MemoryError where the machine won't give them."""
    cdef void* start = arena_try(size)
    if start == NULL:
        with gil:
            raise MemoryError(f"the machine refused to reserve {size} bytes of address space")
    return start


cdef void* arena_try(u64 size) noexcept nogil:
    """Reserve *size* bytes of zeros; NULL where the machine won't give them."""
    return payvand_reserve(size)


cdef void arena_warm(void* start, u64 size) noexcept nogil:
    """Have the pages of a stretch at hand before they are touched.

    The first touch of a page costs more than all that is done in it, and who applies batches is
    waited for. What can't be had now comes when it is touched.
    """
    payvand_warm(start, size)


cdef void arena_close(void* start, u64 size) noexcept nogil:
    """Give the memory back."""
    if start != NULL:
        munmap(start, size)
