"""Keys, what is computed of each, and the events of each that a window may still need.

One `Histories` holds the keys of one group that fall into one partition. Rows and chunks are taken
from arenas and never move; a key's entries stand in a chain of chunks of four, oldest first:

    index ──► row ──► chunk ──► chunk ──► chunk      chunk = entry │ entry │ entry │ entry │ next
                      oldest                newest   position of an entry = 4 * chunk + place

Both arenas are bounded. Where a new key finds no row, or an entry no chunk, a key is evicted with
all its history: of the eight rows under a hand that goes round, the one whose last event is the
oldest. A key that fills a quarter of all chunks by itself forgets its own oldest entries instead.
Both are functions of the events alone, so a replay evicts the same keys.
"""

from payvand.core.index cimport Index
from payvand.core.types cimport u8, u32, u64, u128
from payvand.risk.plan cimport (
    Distinct, ENTRY_MARKS, Extremum, Group, ROW_ENDS, ROW_STANDING, WindowPlan,
)

cdef enum:
    NONE = 0xFFFFFFFFu
    DISTINCTS_MAX = 8
    CHUNK_ENTRIES = 4
    HAND_ROWS = 8

# The last event of a key that had a value.
cdef packed struct Pair:
    u128 key                   # the group's key and the value
    u32 position               # of its entry; free pairs: the next free one
    u32 reserved

cdef struct Histories:
    const Group* group
    const WindowPlan* windows
    const Extremum* extrema
    const Distinct* distincts
    Index keys
    u64* rows
    u32 rows_max
    u32 rows_used
    u32 rows_free
    u32 hand
    u64* chunks
    u32 chunks_max
    u32 chunks_used
    u32 chunks_free
    u32 chunk_words
    u32 entry_words
    Index pair_index[DISTINCTS_MAX]
    Pair* pairs[DISTINCTS_MAX]
    u32 pairs_used[DISTINCTS_MAX]
    u32 pairs_free[DISTINCTS_MAX]
    u64 evicted                # keys that went before their history was over
    u64 forgotten              # entries that a key's own newer ones pushed out

cdef inline u64* row_at(const Histories* histories, u32 row) noexcept nogil:
    return histories.rows + <u64>row * histories.group.row_words

cdef inline u64* entry_at(const Histories* histories, u32 position) noexcept nogil:
    return (histories.chunks + <u64>(position >> 2) * histories.chunk_words
            + (position & 3) * histories.entry_words)

cdef inline u64* link_of(const Histories* histories, u32 chunk) noexcept nogil:
    """Return the word of a chunk that leads to the next one, in the line of its last entry."""
    return (histories.chunks + <u64>chunk * histories.chunk_words
            + CHUNK_ENTRIES * histories.entry_words)

cdef inline u32* ends_of(u64* row) noexcept nogil:
    """Return the row's oldest and newest positions."""
    return <u32*>&row[ROW_ENDS]

cdef inline u32 after(const Histories* histories, u32 position, u32 newest) noexcept nogil:
    """Return the position behind an entry of a key, or NONE behind the newest."""
    if position == newest:
        return NONE
    if position & 3 != 3:
        return position + 1
    return <u32>link_of(histories, position >> 2)[0]

cdef inline bint is_full(const Histories* histories, u64* row) noexcept nogil:
    """Tell whether a key must forget an entry of its own before it gets another."""
    cdef u32 newest = ends_of(row)[1]
    return ((<u32*>&row[ROW_STANDING])[0] >= histories.chunks_max >> 2
            and newest != NONE and newest & 3 == 3)

cdef int histories_open(Histories* histories, const Group* group, const WindowPlan* windows,
                        const Extremum* extrema, const Distinct* distincts, u32 keys_max,
                        u32 entries_max) except -1
cdef void histories_close(Histories* histories) noexcept
cdef u32 find_row(const Histories* histories, u128 key, u64 hash) noexcept nogil
cdef u32 open_row(Histories* histories, u128 key, u64 hash) noexcept nogil
cdef u32 append_entry(Histories* histories, u32 row) noexcept nogil
cdef void drop_oldest(Histories* histories, u64* row) noexcept nogil
cdef u32 find_pair(const Histories* histories, u32 stream, u128 key) noexcept nogil
cdef u32 open_pair(Histories* histories, u32 stream, u128 key) noexcept nogil
