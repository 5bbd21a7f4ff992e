"""A list of keys: is one in it? Open addressing, at most half full; keys are hashes already."""

from libc.stdlib cimport calloc, free

from payvand.core.types cimport u32, u64


cdef class KeyList:
    """Hold keys, once and for all."""

    def __cinit__(self, keys):
        cdef u64 position, key
        distinct = set(keys)
        slots = 1 << (2 * len(distinct) + 1).bit_length()
        self.count = len(distinct)
        self.mask = slots - 1
        self.slots = <u64*>calloc(slots, sizeof(u64))
        if self.slots == NULL:
            raise MemoryError(f"no memory for {len(distinct)} keys")
        for value in distinct:
            key = value
            if key == 0:
                self.holds_zero = True
                continue
            position = key & self.mask
            while self.slots[position] != 0:
                position = (position + 1) & self.mask
            self.slots[position] = key

    def __dealloc__(self):
        free(self.slots)

    cdef bint holds(self, u64 key) noexcept nogil:
        """Tell whether a key is in the list."""
        cdef u64 position = key & self.mask
        if key == 0:
            return self.holds_zero
        while self.slots[position] != 0:
            if self.slots[position] == key:
                return True
            position = (position + 1) & self.mask
        return False

    def __contains__(self, key):
        return self.holds(key)

    def __len__(self):
        return self.count
