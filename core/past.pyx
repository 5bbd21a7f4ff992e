"""The past: rows older than the horizon, whose ids have left memory. See `past.pxd`."""

import os

from payvand.core.errors import JournalCorrupt, JournalUnusable

from libc.stdlib cimport calloc, free
from libc.string cimport memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.filter cimport filter_close
from payvand.core.index cimport (
    NO_ROW, index_close, index_find, index_insert, index_open, index_remove, index_reserve,
)
from payvand.core.recalled cimport recalled_close, recalled_open
from payvand.core.runs cimport RUN_DAMAGED, run_close


# Address space, not memory: as many as there can be reservations.
cdef u64 LATE_MAX = 1 << 28


cdef Past* past_open(u64 due_rows, u64 seed) except NULL:
    """Make an empty past, into which rows go once *due_rows* are in memory."""
    cdef Past* past = <Past*>calloc(1, sizeof(Past))
    if past == NULL:
        raise MemoryError("no memory for the past")
    past.due_rows = due_rows
    past.snapshot_at = ~<u64>0
    open_list(&past.late, seed)
    open_list(&past.taken, seed)
    recalled_open(&past.recalled)
    return past


cdef int open_list(LateList* late, u64 seed) except -1:
    late.entries = <Late*>arena_open(LATE_MAX * sizeof(Late))
    index_open(&late.index, seed)
    return 0


cdef void past_close(Past* past) noexcept:
    """Close the runs; give the memory back."""
    cdef u32 index
    close_list(&past.late)
    close_list(&past.taken)
    recalled_close(&past.recalled)
    for index in range(past.runs_count):
        run_close(past.runs[index])
    filter_close(past.filter)
    free(past.carried)
    free(past)


cdef void close_list(LateList* late) noexcept:
    arena_close(late.entries, LATE_MAX * sizeof(Late))
    index_close(&late.index)


cdef int past_raise(const Past* past) except -1:
    """Raise what keeps old ids from being written or found."""
    if past.fault == RUN_DAMAGED:
        raise JournalCorrupt("ids-*.run", 0, 0, 0, "a run of old ids is damaged")
    raise JournalUnusable(f"can't write or read old ids: {os.strerror(past.fault)}",
                          hint="free or repair the disk under the journal's folder")


cdef int past_reserve(Past* past, u64 more) except -1 nogil:
    """Make room for reservations that end late, so that `past_add_late` can't fail."""
    index_reserve(&past.late.index, more)
    return 0


cdef void past_add_late(Past* past, u128 id, u64 hash, u64 row, u64 place) noexcept nogil:
    """Note what became of a reservation whose row has left, or is leaving, memory."""
    cdef Late* late = &past.late.entries[past.late.count]
    late.id = id
    late.row = row
    late.place = place
    index_insert(&past.late.index, hash, <u32>past.late.count)
    past.late.count += 1


cdef void past_drop_late(Past* past, u64 hash) noexcept nogil:
    """Take back the note made last."""
    past.late.count -= 1
    index_remove(&past.late.index, hash, <u32>past.late.count)


cdef void late_clear(LateList* late) noexcept nogil:
    """Empty a list."""
    late.count = 0
    memset(late.index.slots, 0, (late.index.mask + 1) * sizeof(u64))
    late.index.used = 0


cdef u64 carried_place(const Past* past, u64 row) noexcept nogil:
    """Return the place of the event that made a carried reservation."""
    cdef u64 low = 0
    cdef u64 high = past.carried_count
    cdef u64 middle
    while high - low > 1:
        middle = low + (high - low) // 2
        if past.carried[middle].row <= row:
            low = middle
        else:
            high = middle
    return past.carried[low].place


cdef const Late* find_late(const Past* past, u128 id, u64 hash) noexcept nogil:
    """Return the note of a reservation that has ended late, or NULL."""
    cdef u32 row = index_find(&past.late.index, <const u8*>past.late.entries, sizeof(Late), id,
                              hash)
    if row != NO_ROW:
        return &past.late.entries[row]
    row = index_find(&past.taken.index, <const u8*>past.taken.entries, sizeof(Late), id, hash)
    return &past.taken.entries[row] if row != NO_ROW else NULL
