"""Which payments were tried lately: so that a retry isn't taken for another attempt.

A ring of the last ids with an index over it: 16 B and at most 32 B of index an id. What has fallen
out of the ring counts as new.
"""

import hashlib
import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.index cimport (
    NO_ROW, hash_id, index_close, index_find, index_insert, index_open, index_remove,
    index_reserve,
)
from payvand.core.types cimport u8, u32, u64, u128

assert sizeof(Attempt) == 16


cdef class Attempts:
    """Remember the ids of the last attempts."""

    def __cinit__(self, attempts_max):
        if not 0 < attempts_max <= 1 << 30 or attempts_max & (attempts_max - 1):
            raise ValueError(f"attempts_max must be a power of two, got {attempts_max}")
        self.attempts_max = attempts_max
        self.ring = <Attempt*>arena_open(<u64>self.attempts_max * sizeof(Attempt))
        index_open(&self.index, int.from_bytes(os.urandom(8), "little"))
        index_reserve(&self.index, self.attempts_max)

    def __dealloc__(self):
        arena_close(self.ring, <u64>self.attempts_max * sizeof(Attempt))
        index_close(&self.index)

    cdef bint enter(self, u128 id) noexcept nogil:
        """Remember an id; tell whether it is new."""
        cdef u64 hash = hash_id(id, self.index.seed)
        cdef u32 place
        if index_find(&self.index, <u8*>self.ring, sizeof(Attempt), id, hash) != NO_ROW:
            return False
        if self.count == self.attempts_max:
            index_remove(&self.index, hash_id(self.ring[self.oldest].id, self.index.seed),
                         self.oldest)
            self.oldest = (self.oldest + 1) & (self.attempts_max - 1)
            self.count -= 1
        place = (self.oldest + self.count) & (self.attempts_max - 1)
        self.ring[place].id = id
        index_insert(&self.index, hash, place)
        self.count += 1
        return True

    cdef bytes save(self):
        """Return the ids, the oldest first."""
        cdef bytes state = PyBytes_FromStringAndSize(NULL, self.count * sizeof(Attempt))
        cdef u8* out = <u8*>PyBytes_AS_STRING(state)
        cdef u32 first = min(self.count, self.attempts_max - self.oldest)
        memcpy(out, &self.ring[self.oldest], first * sizeof(Attempt))
        memcpy(out + first * sizeof(Attempt), self.ring, (self.count - first) * sizeof(Attempt))
        return state

    cdef int load(self, bytes state) except -1:
        """Take over what `save` returned, at most as many ids as there is room for."""
        cdef const u8* saved = state
        cdef u64 index
        for index in range(<u64>len(state) // sizeof(Attempt)):
            self.enter((<const Attempt*>saved)[index].id)
        return 0

    def digest(self):
        """Return SHA-256 of the ids in their order: 32 bytes."""
        sha = hashlib.sha256()
        cdef u32 step
        cdef Attempt* attempt
        for step in range(self.count):
            attempt = &self.ring[(self.oldest + step) & (self.attempts_max - 1)]
            sha.update((<u8*>attempt)[:16])
        return sha.digest()
