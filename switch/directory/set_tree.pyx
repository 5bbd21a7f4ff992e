"""A set hash in the form of a tree. See `set_tree.pxd`."""

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from payvand.core.checksum cimport sha256
from payvand.core.types cimport u8, u32, u64

LEVEL_MAX = LEVELS


cdef extern from *:
    u64 __builtin_bswap64(u64 word) noexcept nogil


cdef u32 path_of(const u8* key) noexcept nogil:
    cdef u8[32] digest
    sha256(key, 16, key, 0, digest)
    return <u32>digest[0] << 8 | digest[1]


cdef class SetTree:
    """A set hash in the form of a tree: counts and sums of digests by the path of their keys."""

    def __cinit__(self):
        self.table = <Node*>calloc(2 * LEAVES, sizeof(Node))
        if self.table == NULL:
            raise MemoryError("no room for a set hash")

    def __dealloc__(self):
        free(self.table)

    def nodes(self, int level, indexes):
        cdef u64 index
        cdef u64[4] words
        cdef Node* node
        cdef int place
        if not 0 <= level <= LEVELS:
            raise ValueError(f"a level is 0 to {LEVELS}, not {level}")
        found = []
        for index in indexes:
            if index >> level:
                raise ValueError(f"level {level} has {1 << level} nodes, so no node {index}")
            node = &self.table[(<u64>1 << level) + index]
            for place in range(4):
                words[3 - place] = __builtin_bswap64(node.sum[place])
            found.append((node.count, (<u8*>words)[:32]))
        return found

    cdef void put(self, u32 path, const u8* digest) noexcept nogil:
        cdef u64[4] words
        cdef u64 at = LEAVES + path
        words_of(digest, words)
        while at:
            self.table[at].count += 1
            add(self.table[at].sum, words)
            at >>= 1

    cdef void take(self, u32 path, const u8* digest) noexcept nogil:
        cdef u64[4] words
        cdef u64 at = LEAVES + path
        cdef u64 carry = 1
        cdef int place
        words_of(digest, words)
        # Subtraction is adding the complement and one.
        for place in range(4):
            words[place] = ~words[place] + carry
            carry = 1 if carry and not words[place] else 0
        while at:
            self.table[at].count -= 1
            add(self.table[at].sum, words)
            at >>= 1


cdef inline void words_of(
    const u8* digest,
    u64* words,  # out: four, the lowest first
) noexcept nogil:
    cdef int place
    cdef u64 word
    for place in range(4):
        memcpy(&word, digest + 24 - 8 * place, 8)
        words[place] = __builtin_bswap64(word)


cdef inline void add(
    u64* total,  # in and out: four words
    const u64* words,
) noexcept nogil:
    cdef u64 carry = 0, word
    cdef int place
    for place in range(4):
        word = total[place] + carry
        carry = word < carry
        total[place] = word + words[place]
        carry += total[place] < word
