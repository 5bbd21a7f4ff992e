"""What was brought in of old transfers for the batch in hand. See `recalled.pxd`."""

from libc.string cimport memset

from payvand.core.arena cimport arena_close, arena_open


cdef int recalled_open(RecalledList* recalled) except -1:
    """Make an empty list; its pages cost only once they are used."""
    memset(recalled, 0, sizeof(RecalledList))
    recalled.rows = <Recalled*>arena_open(RECALLED_MAX * sizeof(Recalled))
    recalled.table = <u32*>arena_open(TABLE_SLOTS * sizeof(u32))
    recalled.ranking = <Ranked*>arena_open(RECALLED_MAX * sizeof(Ranked))
    return 0


cdef void recalled_close(RecalledList* recalled) noexcept:
    """Give the memory back."""
    arena_close(recalled.rows, RECALLED_MAX * sizeof(Recalled))
    arena_close(recalled.table, TABLE_SLOTS * sizeof(u32))
    arena_close(recalled.ranking, RECALLED_MAX * sizeof(Ranked))


cdef void recalled_begin(RecalledList* recalled, const void* ids, u32 count, u64 stride,
                         bint are_transfers) noexcept nogil:
    """Begin a batch: so many ids, a *stride* apart, each the first field where it is a record."""
    recalled.ids = <const u8*>ids
    recalled.ids_count = count
    recalled.stride = stride
    recalled.are_transfers = are_transfers
    recalled.is_filled = False


cdef void recalled_end(RecalledList* recalled) noexcept nogil:
    """Forget the batch, and what was brought in for it."""
    recalled.ids = NULL
    drop_recalled(recalled)


cdef Recalled* add_recalled(RecalledList* recalled, u64 hash) noexcept nogil:
    """Add an id by its hash; return its row, to be filled, or NULL where it has one already."""
    cdef u64 slot = hash & (TABLE_SLOTS - 1)
    cdef Recalled* row
    while recalled.table[slot] != 0:
        if recalled.rows[recalled.table[slot] - 1].hash == hash:
            return NULL
        slot = (slot + 1) & (TABLE_SLOTS - 1)
    row = &recalled.rows[recalled.count]
    recalled.count += 1
    recalled.table[slot] = recalled.count
    row.hash = hash
    row.place = 0
    return row


cdef void drop_recalled(RecalledList* recalled) noexcept nogil:
    """Empty the list."""
    if recalled.count > 0:
        memset(recalled.table, 0, TABLE_SLOTS * sizeof(u32))
    recalled.count = 0
