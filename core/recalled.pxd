"""What was brought in of old transfers for the batch in hand: where they stand, and the records.

A cache of what never changes: the place that a run gives for an id, and the event at a place. What
it doesn't know is looked for one by one, with the same outcome. `recall` fills it.
"""

from payvand.core.store cimport PLACE_STATE_MASK, Event
from payvand.core.types cimport u8, u32, u64

cdef struct Recalled:
    u64 hash                    # of the id
    u64 place                   # as a run has it, or the place of a row in memory; 0: in neither
    Event event

# A row with what it is ordered by.
cdef struct Ranked:
    u64 key
    u64 row

cdef struct RecalledList:
    const u8* ids               # of the batch in hand, or NULL
    u64 stride                  # from one to the next, in bytes
    u32 ids_count
    bint are_transfers          # in which pending ids stand too
    bint is_filled
    Recalled* rows
    u32 count
    u32* table                  # by the hash: row + 1; 0 = empty
    Ranked* ranking

cdef enum:
    RECALLED_MAX = 4 * 8190     # ids, pending ids, and the pending ids of what was found
    TABLE_SLOTS = 1 << 17

cdef inline const Recalled* find_recalled(const RecalledList* recalled, u64 hash) noexcept nogil:
    """Return what was brought in for an id, by its hash, or NULL."""
    cdef u64 slot = hash & (TABLE_SLOTS - 1)
    if recalled.count == 0:
        return NULL
    while recalled.table[slot] != 0:
        if recalled.rows[recalled.table[slot] - 1].hash == hash:
            return &recalled.rows[recalled.table[slot] - 1]
        slot = (slot + 1) & (TABLE_SLOTS - 1)
    return NULL

cdef inline bint is_at(const Recalled* row, u64 place) noexcept nogil:
    """Tell whether a row, or NULL, is the event at a place."""
    return row != NULL and (row.place ^ place) <= PLACE_STATE_MASK

cdef inline bint is_of_run(const Recalled* row) noexcept nogil:
    """Tell whether a row's place is that of a run, which says what became of it too."""
    return row.place & PLACE_STATE_MASK != 0

cdef int recalled_open(RecalledList* recalled) except -1
cdef void recalled_close(RecalledList* recalled) noexcept
cdef void recalled_begin(RecalledList* recalled, const void* ids, u32 count, u64 stride,
                         bint are_transfers) noexcept nogil
cdef void recalled_end(RecalledList* recalled) noexcept nogil
cdef Recalled* add_recalled(RecalledList* recalled, u64 hash) noexcept nogil
cdef void drop_recalled(RecalledList* recalled) noexcept nogil
