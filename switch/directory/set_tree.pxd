"""A set hash in the form of a tree, by which two copies of a set find where they differ.

Each entry has a *path*, 16 bits that its key alone gives, and a *digest* of 256 bits of all that it
says. A node of the tree holds how many entries lie below it and the sum of their digests modulo
2**256. Level 0 is the root, level 16 the leaves; node n of a level has the nodes 2n and 2n + 1
below it. So a sum does not depend on the order in which entries came, an entry is taken back by
subtraction, and a change touches 17 nodes.

    node = count (8 bytes) │ sum (four words of 64 bits, the lowest first); 2**17 nodes = 5 MB
"""

from payvand.core.types cimport u8, u32, u64

cdef enum:
    LEVELS = 16
    LEAVES = 1 << LEVELS

cdef struct Node:
    u64 count
    u64 sum[4]

cdef class SetTree:
    cdef Node* table    # node n of level l is table[(1 << l) + n]

    cdef void put(self, u32 path, const u8* digest) noexcept nogil
    cdef void take(self, u32 path, const u8* digest) noexcept nogil

cdef u32 path_of(const u8* key) noexcept nogil    # 16 bytes, big-endian
