"""Windows over a key's history: what leaves them, what enters, what is read of them.

An event goes through a group in four steps: `slide` lets leave what is too old by now, features
that leave out the event are read, `enter` adds it, and the others are read. A window of width W
holds at t the entries at t' with t - W < t' <= t; with a delay D those with t - D - W < t' <= t - D.

Every entry enters and leaves each window once, so that the cost is O(1) amortised. Minima and
maxima stay so by a stack: an entry is taken off it when a later one reaches its value, for it can't
be the extremum of any window again. What is left is in order, and the extremum of a window is the
first of the stack that is young enough: each window has a pointer to it which only moves forward,
and all windows share the stack.

The number of distinct values is that of entries that are the last with their value: an entry loses
the mark when its value comes again.
"""

from payvand.core.index cimport load_u128
from payvand.core.types cimport u8, u16, u32, u64, u128
from payvand.risk.histories cimport (
    Histories, NONE, after, append_entry, drop_oldest, ends_of, entry_at, find_pair, is_full,
    open_pair, row_at,
)
from payvand.risk.plan cimport *
from payvand.risk.wide cimport *

cdef u64 VALUE_MAX = (<u64>1 << 48) - 1

cdef enum:
    FADED_SUM_BITS = 16        # fraction bits of a fading sum
    FADED_SQUARES_BITS = 8
    FADED_COUNT_BITS = 32


# --- leaving -------------------------------------------------------------------------------------

cdef void slide(Histories* histories, const Tables* tables, u64* row, u64 time) noexcept nogil:
    """Bring a key's windows to *time*, and drop what none of them needs any more."""
    cdef const WindowPlan* window
    cdef u32* ends = ends_of(row)
    cdef u32 place
    for place in range(histories.group.windows_count):
        window = &histories.windows[place]
        if window.kind == SLIDING:
            slide_window(histories, window, row, time)
        elif window.kind == DELAYED:
            slide_delayed(histories, window, row, time)
        elif window.kind == TUMBLING:
            tumble(window, row, (time + window.offset) // window.width)
        else:
            fade(window, row, tick_of(time, window.width), tables.fades)
    while (ends[0] != NONE
           and time - entry_at(histories, ends[0])[ENTRY_TIME] >= histories.group.horizon):
        drop_oldest(histories, row)


cdef inline void slide_window(const Histories* histories, const WindowPlan* window, u64* row,
                              u64 time) noexcept nogil:
    cdef u32* state = <u32*>&row[window.state]
    cdef u32 newest = ends_of(row)[1]
    cdef const u64* entry
    while state[0] != NONE:
        entry = entry_at(histories, state[0])
        if time - entry[ENTRY_TIME] < window.width:
            break
        leave(window, row, entry)
        state[0] = after(histories, state[0], newest)
    if window.least:
        front_to(histories, window, <u32*>&row[window.least], window.least_links, time)
    if window.greatest:
        front_to(histories, window, <u32*>&row[window.greatest], window.greatest_links, time)


cdef inline void slide_delayed(const Histories* histories, const WindowPlan* window, u64* row,
                               u64 time) noexcept nogil:
    """Let in what is old enough, then out what is too old."""
    cdef u32* state = <u32*>&row[window.state]
    cdef u32 newest = ends_of(row)[1]
    cdef const u64* entry
    while state[2] != NONE:
        entry = entry_at(histories, state[2])
        if time - entry[ENTRY_TIME] < window.delay:
            break
        count_entry(window, row, entry)
        state[2] = after(histories, state[2], newest)
    while state[0] != state[2]:
        entry = entry_at(histories, state[0])
        if time - entry[ENTRY_TIME] < window.delay + window.width:
            break
        leave(window, row, entry)
        state[0] = after(histories, state[0], newest)


cdef inline void leave(const WindowPlan* window, u64* row, const u64* entry) noexcept nogil:
    """Take an entry out of a window that counts it."""
    cdef u32* state = <u32*>&row[window.state]
    cdef u64 marks = entry[ENTRY_MARKS]
    if not marks >> window.where & 1:
        return
    state[1] -= 1
    if window.sum:
        wide_subtract(&row[window.sum], entry[window.value])
    if window.squares:
        wide_subtract_square(&row[window.squares], entry[window.value])
    if window.kind == DELAYED and marks >> MARK_FLAGGED & 1:
        state[3] -= 1
        if window.flagged_sum:
            wide_subtract(&row[window.flagged_sum], entry[window.value])
    if window.distinct and marks >> (MARK_DISTINCT + window.distinct_stream) & 1:
        (<u32*>&row[window.distinct])[0] -= 1


cdef inline void front_to(const Histories* histories, const WindowPlan* window, u32* front,
                          u16 links, u64 time) noexcept nogil:
    """Move a window's pointer into its stack to the first entry that is young enough."""
    cdef const u64* entry
    while front[0] != NONE:
        entry = entry_at(histories, front[0])
        if time - entry[ENTRY_TIME] < window.width:
            break
        front[0] = (<const u32*>&entry[links])[0]


cdef inline void tumble(const WindowPlan* window, u64* row, u64 bucket) noexcept nogil:
    """Begin anew where the window's time is over."""
    if row[window.state] == bucket:
        return
    row[window.state] = bucket
    row[window.state + 1] = 0
    if window.sum:
        row[window.sum] = row[window.sum + 1] = 0
    if window.squares:
        row[window.squares] = row[window.squares + 1] = 0
    if window.distinct:
        row[window.distinct] = 0


cdef inline void fade(const WindowPlan* window, u64* row, u64 tick,
                      const u64* fades) noexcept nogil:
    cdef u64 ticks = tick - row[window.state]
    if ticks == 0:
        return
    row[window.state] = tick
    row[window.state + 1] = fade_word(row[window.state + 1], ticks, fades)
    if window.sum:
        fade_words(&row[window.sum], ticks, fades)
    if window.squares:
        fade_words(&row[window.squares], ticks, fades)


cdef void forget_entry(Histories* histories, u64* row) noexcept nogil:
    """Take a key's oldest entry out of every window, before its time, and drop it."""
    cdef u32* ends = ends_of(row)
    cdef u32 position = ends[0]
    cdef u32 place, following = after(histories, position, ends[1])
    cdef u64* entry = entry_at(histories, position)
    cdef const WindowPlan* window
    cdef u32* state
    for place in range(histories.group.windows_count):
        window = &histories.windows[place]
        if window.kind != SLIDING and window.kind != DELAYED:
            continue
        state = <u32*>&row[window.state]
        if window.kind == DELAYED and state[2] == position:
            state[2] = following
            state[0] = following
        elif state[0] == position:
            leave(window, row, entry)
            state[0] = following
        if window.least and (<u32*>&row[window.least])[0] == position:
            (<u32*>&row[window.least])[0] = (<u32*>&entry[window.least_links])[0]
        if window.greatest and (<u32*>&row[window.greatest])[0] == position:
            (<u32*>&row[window.greatest])[0] = (<u32*>&entry[window.greatest_links])[0]
    drop_oldest(histories, row)


# --- entering ------------------------------------------------------------------------------------

cdef void enter(Histories* histories, const Tables* tables, u32 place,
                const u64* event) noexcept nogil:
    """Add an event to its key's windows, which stand at its time."""
    cdef const Group* group = histories.group
    cdef u64* row = row_at(histories, place)
    cdef u64 marks = marks_of(group, tables, event)
    cdef u64 time = event[EVENT_TIME]
    cdef u64 scratch[ENTRY_WORDS_MAX]
    cdef u64* entry = scratch
    cdef u32 position = NONE
    cdef u32 index
    cdef const Where* where
    row[ROW_LAST] = time
    for index in range(group.wheres_count):
        where = &tables.wheres[group.wheres_first + index]
        if where.moments and marks >> index & 1:
            # Both words stand a time higher than they say, since a fresh row holds zeros.
            if row[where.moments] == 0:
                row[where.moments] = time + 1
            row[where.moments + 1] = time + 1
    if group.horizon and marks:
        while is_full(histories, row):
            forget_entry(histories, row)
            histories.forgotten += 1
        position = append_entry(histories, place)
        entry = entry_at(histories, position)
    fill(group, tables, event, marks, entry)
    if position != NONE:
        for index in range(group.extrema_count):
            push_extremum(histories, &histories.extrema[index], row, entry, position)
        for index in range(group.distincts_count):
            mark_distinct(histories, index, row, entry, position)
    for index in range(group.windows_count):
        enter_window(&histories.windows[index], histories, row, entry, position)


cdef inline u64 marks_of(const Group* group, const Tables* tables,
                         const u64* event) noexcept nogil:
    """Return which of the group's wheres an event meets."""
    cdef u64 marks = group.marks
    cdef u32 index, condition, value
    cdef const Where* where
    cdef const Condition* terms
    cdef bint met
    for index in range(group.wheres_count):
        where = &tables.wheres[group.wheres_first + index]
        if where.conditions_count == 0:
            continue
        met = True
        for condition in range(where.conditions_count):
            terms = &tables.conditions[where.conditions_first + condition]
            met = False
            for value in range(terms.values_count):
                if event[terms.field] == tables.values[terms.values_first + value]:
                    met = True
            if not met:
                break
        marks |= <u64>met << index
    return marks


cdef inline void fill(const Group* group, const Tables* tables, const u64* event, u64 marks,
                      u64* entry) noexcept nogil:
    """Write what an entry keeps of an event."""
    cdef u32 index
    cdef u64 value
    cdef const Value* kept
    entry[ENTRY_TIME] = event[EVENT_TIME]
    entry[ENTRY_MARKS] = marks
    for index in range(group.values_count):
        kept = &tables.kept[group.values_first + index]
        value = event[kept.field]
        entry[kept.word] = VALUE_MAX if kept.clamped and value > VALUE_MAX else value
    if group.id_word:
        entry[group.id_word] = event[EVENT_ID]


cdef inline void count_entry(const WindowPlan* window, u64* row,
                             const u64* entry) noexcept nogil:
    """Add an entry to a window's count and sums."""
    cdef u32* state = <u32*>&row[window.state]
    cdef u64 marks = entry[ENTRY_MARKS]
    if not marks >> window.where & 1:
        return
    state[1] += 1
    if window.sum:
        wide_add(&row[window.sum], entry[window.value])
    if window.squares:
        wide_add_square(&row[window.squares], entry[window.value])
    if window.kind == DELAYED and marks >> MARK_FLAGGED & 1:
        state[3] += 1
        if window.flagged_sum:
            wide_add(&row[window.flagged_sum], entry[window.value])


cdef inline void enter_window(const WindowPlan* window, const Histories* histories, u64* row,
                              const u64* entry, u32 position) noexcept nogil:
    cdef u32* state = <u32*>&row[window.state]
    if window.kind == SLIDING:
        if position == NONE:
            return
        if state[0] == NONE:
            state[0] = position
        count_entry(window, row, entry)
        if entry[ENTRY_MARKS] >> window.where & 1:
            if window.least:
                lead(histories, window, <u32*>&row[window.least], entry, position, False)
            if window.greatest:
                lead(histories, window, <u32*>&row[window.greatest], entry, position, True)
    elif window.kind == DELAYED:
        if position == NONE:
            return
        if state[0] == NONE:
            state[0] = position
        if state[2] == NONE:
            state[2] = position
    elif entry[ENTRY_MARKS] >> window.where & 1:
        if window.kind == TUMBLING:
            enter_tumbling(window, row, entry)
        else:
            row[window.state + 1] += <u64>1 << FADED_COUNT_BITS
            if window.sum:
                wide_add_shifted(&row[window.sum], entry[window.value], FADED_SUM_BITS)
            if window.squares:
                wide_add_square_shifted(&row[window.squares], entry[window.value],
                                        FADED_SQUARES_BITS)


cdef inline void enter_tumbling(const WindowPlan* window, u64* row,
                                const u64* entry) noexcept nogil:
    cdef u32* counts = <u32*>&row[window.state + 1]
    cdef u64 value = entry[window.value]
    if window.sum:
        wide_add(&row[window.sum], value)
    if window.squares:
        wide_add_square(&row[window.squares], value)
    if window.least and (counts[0] == 0 or value < row[window.least]):
        row[window.least] = value
    if window.greatest and (counts[0] == 0 or value > row[window.greatest]):
        row[window.greatest] = value
    counts[0] += 1


cdef inline void lead(const Histories* histories, const WindowPlan* window, u32* front,
                      const u64* entry, u32 position, bint is_greatest) noexcept nogil:
    """Point a window at its new extremum, where the newest entry is one."""
    cdef u64 standing
    if front[0] != NONE:
        standing = entry_at(histories, front[0])[window.value]
        if (standing > entry[window.value]) if is_greatest else (standing < entry[window.value]):
            return
    front[0] = position


cdef inline void push_extremum(const Histories* histories, const Extremum* extremum, u64* row,
                               u64* entry, u32 position) noexcept nogil:
    """Put an entry on a stack, in the place of those whose value it reaches."""
    cdef u32* back = <u32*>&row[extremum.back]
    cdef u32 bottom = (<u32*>&row[extremum.bottom])[0]
    cdef u32* links = <u32*>&entry[extremum.links]
    cdef u64 value = entry[extremum.value]
    cdef u64* standing
    if not entry[ENTRY_MARKS] >> extremum.where & 1:
        return
    if bottom == NONE:
        back[0] = NONE
    while back[0] != NONE:
        standing = entry_at(histories, back[0])
        if (standing[extremum.value] > value if extremum.is_greatest
                else standing[extremum.value] < value):
            break
        back[0] = NONE if back[0] == bottom else (<u32*>&standing[extremum.links])[1]
    links[0] = NONE
    links[1] = back[0]
    if back[0] != NONE:
        (<u32*>&entry_at(histories, back[0])[extremum.links])[0] = position
    back[0] = position


cdef inline void mark_distinct(Histories* histories, u32 stream, u64* row, u64* entry,
                               u32 position) noexcept nogil:
    """Make an entry the last one with its value, in all windows that count distinct ones."""
    cdef const Distinct* distinct = &histories.distincts[stream]
    cdef const WindowPlan* window
    cdef u64 words[2]
    cdef u128 key
    cdef u64 time = entry[ENTRY_TIME]
    cdef u64 before = 0
    cdef u64* former
    cdef u32 pair, index
    cdef bint known, counted
    if not entry[ENTRY_MARKS] >> distinct.where & 1:
        return
    words[0] = row[0]
    words[1] = entry[distinct.value]
    key = load_u128(&words[0])
    pair = find_pair(histories, stream, key)
    known = pair != NONE
    if known:
        former = entry_at(histories, histories.pairs[stream][pair].position)
        former[ENTRY_MARKS] &= ~(<u64>1 << (MARK_DISTINCT + stream))
        before = former[ENTRY_TIME]
    else:
        pair = open_pair(histories, stream, key)
    histories.pairs[stream][pair].position = position
    entry[ENTRY_MARKS] |= <u64>1 << (MARK_DISTINCT + stream)
    for index in range(histories.group.windows_count):
        window = &histories.windows[index]
        if not window.distinct or window.distinct_stream != stream:
            continue
        if window.kind == TUMBLING:
            counted = known and (before + window.offset) // window.width == row[window.state]
        else:
            counted = known and time - before < window.width
        (<u32*>&row[window.distinct])[0] += not counted


# --- flags ---------------------------------------------------------------------------------------

cdef bint flag_entry(Histories* histories, u64* row, const u64* event,
                     bint flagged) noexcept nogil:
    """Set or take the flag of a key's entry, found by time and id; False where it is gone.

    Walks the key's entries: flags are rare, and a word for an index over them is not spent.
    """
    cdef const Group* group = histories.group
    cdef u32 newest = ends_of(row)[1]
    cdef u32 position = ends_of(row)[0]
    cdef u32 index
    cdef u64* entry = NULL
    while position != NONE:
        entry = entry_at(histories, position)
        if entry[ENTRY_TIME] > event[EVENT_TIME]:
            return False
        if entry[ENTRY_TIME] == event[EVENT_TIME] and entry[group.id_word] == event[EVENT_ID]:
            break
        position = after(histories, position, newest)
    if position == NONE:
        return False
    if (entry[ENTRY_MARKS] >> MARK_FLAGGED & 1) == flagged:
        return True
    for index in range(group.windows_count):
        if histories.windows[index].kind == DELAYED:
            flag_window(histories, &histories.windows[index], row, position, flagged)
    entry[ENTRY_MARKS] ^= <u64>1 << MARK_FLAGGED
    return True


cdef void flag_window(const Histories* histories, const WindowPlan* window, u64* row,
                      u32 position, bint flagged) noexcept nogil:
    """Count a flag that changes, where the window counts its entry already."""
    cdef u32* state = <u32*>&row[window.state]
    cdef u32 newest = ends_of(row)[1]
    cdef u32 other = state[0]
    cdef const u64* entry = entry_at(histories, position)
    if not entry[ENTRY_MARKS] >> window.where & 1:
        return
    while other != state[2] and other != position:
        other = after(histories, other, newest)
    if other == state[2]:
        return
    if flagged:
        state[3] += 1
        if window.flagged_sum:
            wide_add(&row[window.flagged_sum], entry[window.value])
    else:
        state[3] -= 1
        if window.flagged_sum:
            wide_subtract(&row[window.flagged_sum], entry[window.value])
