"""The slower half of the index: making room, and taking a row back. See `index.pxd`."""

from payvand.core.arena cimport arena_close, arena_open

cdef u32 FIRST_BITS = 12


cdef int index_open(Index* index, u64 seed) except -1:
    """Make an empty index."""
    index.slots = <u64*>arena_open((<u64>1 << FIRST_BITS) * sizeof(u64))
    index.mask = (<u64>1 << FIRST_BITS) - 1
    index.shift = 64 - FIRST_BITS
    index.used = 0
    index.seed = seed
    return 0


cdef void index_close(Index* index) noexcept:
    """Give the memory back."""
    if index.slots != NULL:
        arena_close(index.slots, (index.mask + 1) * sizeof(u64))
        index.slots = NULL


cdef int index_reserve(Index* index, u64 more) except -1 nogil:
    """Make room for *more* rows, so that `index_insert` can't fail.

    Doubles the table where it would be more than half full; the load stays at 1/2 or below and
    probes stay short.
    """
    cdef u64 slots = index.mask + 1
    cdef u64 wanted = slots
    cdef u64 position, slot
    cdef u64* old = index.slots
    cdef Index grown = index[0]
    while (index.used + more) * 2 > wanted:
        wanted *= 2
        grown.shift -= 1
    if wanted == slots:
        return 0
    grown.slots = <u64*>arena_open(wanted * sizeof(u64))
    grown.mask = wanted - 1
    grown.used = 0
    for position in range(slots):
        slot = old[position]
        if slot != 0:
            index_insert(&grown, slot, <u32>((slot & 0xFFFFFFFFu) - 1))
    index[0] = grown
    arena_close(old, slots * sizeof(u64))
    return 0


cdef void index_remove(Index* index, u64 hash, u32 row) noexcept nogil:
    """Take *row* out and close the gap, so that no probe ends too early."""
    cdef u64 position = hash >> index.shift
    cdef u64 hole, home, slot
    while (index.slots[position] & 0xFFFFFFFFu) != <u64>row + 1:
        position = (position + 1) & index.mask
    hole = position
    while True:
        position = (position + 1) & index.mask
        slot = index.slots[position]
        if slot == 0:
            break
        home = slot >> index.shift
        # A slot may move into the hole unless its home lies after the hole on its way here.
        if ((position - home) & index.mask) >= ((position - hole) & index.mask):
            index.slots[hole] = slot
            hole = position
    index.slots[hole] = 0
    index.used -= 1
