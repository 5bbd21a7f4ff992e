"""Keys, what is computed of each, and the events of each that a window may still need.

See `histories.pxd` for the structure and its bounds.
"""

import os

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.index cimport (
    hash_id, index_close, index_find, index_insert, index_open, index_remove, index_reserve,
    load_u128,
)
from payvand.core.types cimport u8, u32, u64, u128
from payvand.risk.plan cimport *

assert sizeof(Pair) == 24


cdef int histories_open(Histories* histories, const Group* group, const WindowPlan* windows,
                        const Extremum* extrema, const Distinct* distincts, u32 keys_max,
                        u32 entries_max) except -1:
    """Reserve the arenas; the windows, extrema and distincts are the group's own."""
    cdef u32 stream
    histories.group = group
    histories.windows = windows
    histories.extrema = extrema
    histories.distincts = distincts
    histories.rows_max = keys_max
    histories.rows_free = NONE
    histories.chunks_max = max(entries_max // CHUNK_ENTRIES, 4) if group.horizon else 0
    histories.chunks_free = NONE
    histories.entry_words = group.entry_words
    histories.chunk_words = 1 + CHUNK_ENTRIES * group.entry_words
    # Which slot of an index a key falls on is chance; nothing else depends on the seed.
    index_open(&histories.keys, int.from_bytes(os.urandom(8), "little"))
    histories.rows = <u64*>arena_open(<u64>keys_max * group.row_words * 8)
    index_reserve(&histories.keys, keys_max)
    if histories.chunks_max:
        histories.chunks = <u64*>arena_open(
            <u64>histories.chunks_max * histories.chunk_words * 8)
    for stream in range(group.distincts_count):
        histories.pairs_free[stream] = NONE
        index_open(&histories.pair_index[stream], int.from_bytes(os.urandom(8), "little"))
        histories.pairs[stream] = <Pair*>arena_open(
            <u64>histories.chunks_max * CHUNK_ENTRIES * sizeof(Pair))
        index_reserve(&histories.pair_index[stream], histories.chunks_max * CHUNK_ENTRIES)
    return 0


cdef void histories_close(Histories* histories) noexcept:
    """Give the arenas back."""
    cdef u32 stream
    if histories.group == NULL:
        return
    index_close(&histories.keys)
    arena_close(histories.rows, <u64>histories.rows_max * histories.group.row_words * 8)
    arena_close(histories.chunks, <u64>histories.chunks_max * histories.chunk_words * 8)
    for stream in range(histories.group.distincts_count):
        index_close(&histories.pair_index[stream])
        arena_close(histories.pairs[stream],
                    <u64>histories.chunks_max * CHUNK_ENTRIES * sizeof(Pair))


# --- rows ----------------------------------------------------------------------------------------

cdef u32 find_row(const Histories* histories, u128 key, u64 hash) noexcept nogil:
    """Return the row of a key, or NONE."""
    return index_find(&histories.keys, <u8*>histories.rows, histories.group.row_words * 8, key,
                      hash)


cdef u32 open_row(Histories* histories, u128 key, u64 hash) noexcept nogil:
    """Give a key a row whose windows are empty; another key is evicted where there is none."""
    cdef u32 row, word
    cdef u64* words
    cdef const Group* group = histories.group
    if histories.rows_free == NONE and histories.rows_used == histories.rows_max:
        evict(histories, NONE)
    if histories.rows_free != NONE:
        row = histories.rows_free
        words = row_at(histories, row)
        histories.rows_free = ends_of(words)[0]
    else:
        row = histories.rows_used
        histories.rows_used += 1
        words = row_at(histories, row)
    words[0] = <u64>key
    words[1] = <u64>(key >> 64)
    for word in range(2, group.row_words):
        words[word] = 0
    ends_of(words)[0] = NONE
    ends_of(words)[1] = NONE
    (<u32*>&words[ROW_STANDING])[1] = 1
    for word in range(group.windows_count):
        empty_window(&histories.windows[word], words)
    for word in range(group.extrema_count):
        (<u32*>&words[histories.extrema[word].back])[0] = NONE
    index_insert(&histories.keys, hash, row)
    return row


cdef void empty_window(const WindowPlan* window, u64* row) noexcept nogil:
    """Make a window of a fresh row, all zeros so far, point at no entry."""
    cdef u32* state = <u32*>&row[window.state]
    if window.kind == SLIDING or window.kind == DELAYED:
        state[0] = NONE
        if window.kind == DELAYED:
            state[2] = NONE
        if window.least:
            (<u32*>&row[window.least])[0] = NONE
        if window.greatest:
            (<u32*>&row[window.greatest])[0] = NONE
    elif window.kind == TUMBLING:
        row[window.state] = <u64>-1


cdef bint evict(Histories* histories, u32 spared) noexcept nogil:
    """Let the quietest of the keys under the hand go; False where there is none but *spared*."""
    cdef u32 step, place, chosen = NONE
    cdef u64* row
    cdef u64 quietest = <u64>-1
    for step in range(histories.rows_used + HAND_ROWS):
        if step % HAND_ROWS == 0 and chosen != NONE:
            break
        if histories.hand >= histories.rows_used:
            histories.hand = 0
        place = histories.hand
        histories.hand += 1
        row = row_at(histories, place)
        if place != spared and (<u32*>&row[ROW_STANDING])[1] and row[ROW_LAST] < quietest:
            chosen = place
            quietest = row[ROW_LAST]
    if chosen == NONE:
        return False
    free_row(histories, chosen)
    histories.evicted += 1
    return True


cdef void free_row(Histories* histories, u32 place) noexcept nogil:
    """Take back a row and all its chunks."""
    cdef u64* row = row_at(histories, place)
    cdef u32* ends = ends_of(row)
    cdef u128 key = load_u128(row)
    while ends[0] != NONE:
        drop_oldest(histories, row)
    index_remove(&histories.keys, hash_id(key, histories.keys.seed), place)
    (<u32*>&row[ROW_STANDING])[1] = 0
    ends[0] = histories.rows_free
    histories.rows_free = place


# --- entries -------------------------------------------------------------------------------------

cdef u32 append_entry(Histories* histories, u32 place) noexcept nogil:
    """Make room for an entry behind a key's newest one, where `is_full` says no."""
    cdef u64* row = row_at(histories, place)
    cdef u32* ends = ends_of(row)
    cdef u32* chunks = <u32*>&row[ROW_STANDING]
    cdef u32 position, chunk
    if ends[1] != NONE and ends[1] & 3 != 3:
        ends[1] += 1
        return ends[1]
    while histories.chunks_free == NONE and histories.chunks_used == histories.chunks_max:
        # Every key but this one may hold no chunk; then this one holds at most a quarter of all,
        # so going on round the hand finds chunks before it has evicted everybody else.
        evict(histories, place)
    if histories.chunks_free != NONE:
        chunk = histories.chunks_free
        histories.chunks_free = <u32>link_of(histories, chunk)[0]
    else:
        chunk = histories.chunks_used
        histories.chunks_used += 1
    position = chunk << 2
    if ends[1] == NONE:
        ends[0] = position
    else:
        link_of(histories, ends[1] >> 2)[0] = position
    ends[1] = position
    chunks[0] += 1
    return position


cdef void drop_oldest(Histories* histories, u64* row) noexcept nogil:
    """Drop a key's oldest entry, which no window counts any more."""
    cdef u32* ends = ends_of(row)
    cdef u32 position = ends[0]
    cdef u32 chunk = position >> 2
    cdef u32 stream
    cdef u64* entry = entry_at(histories, position)
    for stream in range(histories.group.distincts_count):
        if entry[ENTRY_MARKS] >> (MARK_DISTINCT + stream) & 1:
            close_pair(histories, stream, row[0], entry[histories.distincts[stream].value])
    ends[0] = after(histories, position, ends[1])
    if ends[0] == NONE:
        ends[1] = NONE
    if ends[0] == NONE or ends[0] >> 2 != chunk:
        link_of(histories, chunk)[0] = histories.chunks_free
        histories.chunks_free = chunk
        (<u32*>&row[ROW_STANDING])[0] -= 1


# --- pairs ---------------------------------------------------------------------------------------

cdef u32 find_pair(const Histories* histories, u32 stream, u128 key) noexcept nogil:
    """Return the place of a pair, or NONE."""
    return index_find(&histories.pair_index[stream], <u8*>histories.pairs[stream], sizeof(Pair),
                      key, hash_id(key, histories.pair_index[stream].seed))


cdef u32 open_pair(Histories* histories, u32 stream, u128 key) noexcept nogil:
    """Make a pair that isn't there; there are never more than entries."""
    cdef u32 place = histories.pairs_free[stream]
    if place != NONE:
        histories.pairs_free[stream] = histories.pairs[stream][place].position
    else:
        place = histories.pairs_used[stream]
        histories.pairs_used[stream] += 1
    histories.pairs[stream][place].key = key
    index_insert(&histories.pair_index[stream], hash_id(key, histories.pair_index[stream].seed),
                 place)
    return place


cdef void close_pair(Histories* histories, u32 stream, u64 key, u64 value) noexcept nogil:
    """Take a pair out whose last entry is dropped."""
    cdef u64 words[2]
    cdef u128 pair
    words[0] = key
    words[1] = value
    pair = load_u128(&words[0])
    cdef u32 place = find_pair(histories, stream, pair)
    index_remove(&histories.pair_index[stream],
                 hash_id(pair, histories.pair_index[stream].seed), place)
    histories.pairs[stream][place].position = histories.pairs_free[stream]
    histories.pairs_free[stream] = place
