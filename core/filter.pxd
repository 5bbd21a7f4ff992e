"""Blocked Bloom filters over the ids that left memory: what a filter doesn't know is not there.

    block (64 bytes, one cache line) = 8 words; an id sets one bit in each

One filter knows all of them, so that a new id costs one cache miss, however long the history is.
At 16 bits an id, the least it is run at, one new id in 500 passes by chance. Each run has a small
one of its own, of 10 bits an id, by which an old id finds its run; one in 120 passes by chance, and
a page is read in vain.
"""

from payvand.core.types cimport u32, u64

cdef extern from * nogil:
    """
    static inline unsigned long long payvand_scaled(unsigned long long hash,
                                                    unsigned long long count) {
        return (unsigned long long)(((payvand_u128)hash * count) >> 64);
    }
    """
    u64 scaled "payvand_scaled"(u64 hash, u64 count)

cdef enum:
    FILTER_WORDS = 8
    FILTER_BITS_LEAST = 16      # an id, when it is full
    FILTER_BITS_OF_RUN = 10

cdef struct Filter:
    u64* words
    u64 blocks
    u64 capacity                # ids
    u64 count                   # ids added, those added twice among them

cdef inline u64* filter_block(const Filter* filter, u64 hash) noexcept nogil:
    return &filter.words[scaled(hash, filter.blocks) * FILTER_WORDS]

cdef inline bint filter_passes(const Filter* filter, u64 hash) noexcept nogil:
    """Tell whether an id with this hash may have been added; False is certain."""
    cdef const u64* block = filter_block(filter, hash)
    cdef u64 bits = hash * 0x9E3779B97F4A7C15u >> 16
    cdef u32 word
    for word in range(FILTER_WORDS):
        if not (block[word] >> (bits & 63)) & 1:
            return False
        bits >>= 6
    return True

cdef inline void filter_add(Filter* filter, u64 hash) noexcept nogil:
    cdef u64* block = filter_block(filter, hash)
    cdef u64 bits = hash * 0x9E3779B97F4A7C15u >> 16
    cdef u32 word
    for word in range(FILTER_WORDS):
        block[word] |= <u64>1 << (bits & 63)
        bits >>= 6
    filter.count += 1

cdef Filter* filter_open(u64 capacity, u32 bits) noexcept nogil
cdef void filter_close(Filter* filter) noexcept nogil
