"""Features of events, online: compiled windows over keys' histories.

    engine = FeatureEngine(load_features(path))
    values = engine.process(events)             # u64[n, 2 + fields] → f64[n, features]

Keys are spread over a fixed number of partitions that share nothing. Threads share partitions out
among themselves, each writing the columns of its own keys; so neither the number of threads nor the
cut into batches changes a bit of what comes out, evictions included.

A batch meets memory at random: an index slot, a row and some entries for each group. They are asked
for some events ahead, so that the misses of one event overlap with the work on others.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from payvand.risk import layout

from libc.math cimport NAN
from libc.stdlib cimport calloc, free

from payvand.core.index cimport (
    hash_id, index_likely_row, index_prefetch, load_u128, prefetch,
)
from payvand.core.types cimport u8, u32, u64, u128
from payvand.risk.histories cimport (
    Histories, NONE, ends_of, entry_at, find_row, histories_close, histories_open, open_row, row_at,
)
from payvand.risk.plan cimport *
from payvand.risk.readings cimport read_all
from payvand.risk.windows cimport enter, flag_entry, slide

assert tuple(dtype.itemsize for dtype in layout.FEATURE_PLAN) == (
    sizeof(Condition), sizeof(Where), sizeof(WindowPlan), sizeof(Extremum), sizeof(Distinct),
    sizeof(Value), sizeof(Group), sizeof(Read))

KEYS_MAX = 1 << 20
ENTRIES_PER_KEY = 16

cdef enum:
    CACHE_LINE_WORDS = 8
    PREFETCH_LINES_MAX = 6


@dataclass(frozen=True, slots=True)
class KeyStatistics:
    """How the histories of one key stand."""

    key: tuple[str, ...]
    keys: int
    keys_max: int
    entries_max: int
    evicted: int
    forgotten: int
    bytes_per_key: int
    bytes_per_entry: int


cdef inline u128 key_of(const Group* group, const u64* event) noexcept nogil:
    cdef u64 words[2]
    words[0] = event[group.key_a]
    words[1] = event[group.key_b] if group.key_b else 0
    return load_u128(&words[0])


cdef inline u32 partition_of(u128 key) noexcept nogil:
    """Return the partition of a key; the same in every process."""
    return <u32>(hash_id(key, 0) >> 61)


cdef inline void prefetch_row(Touch* touch) noexcept nogil:
    """Ask for the row of an event's key, whose index slot has come by now."""
    cdef u32 line
    touch.row = index_likely_row(&touch.histories.keys, touch.hash)
    if touch.row != NONE:
        for line in range(min(touch.histories.group.row_words // CACHE_LINE_WORDS + 1,
                              <u32>PREFETCH_LINES_MAX)):
            prefetch(row_at(touch.histories, touch.row) + line * CACHE_LINE_WORDS)


cdef inline u64 pair_hash(const Histories* histories, u32 stream, const u64* event) noexcept nogil:
    """Return the hash of the pair that an event makes of its key and a distinct value."""
    cdef u64 words[2]
    words[0] = event[histories.group.key_a]
    words[1] = event[histories.distincts[stream].field]
    return hash_id(load_u128(&words[0]), histories.pair_index[stream].seed)


cdef inline void prefetch_pairs(const Histories* histories, const u64* event,
                                u32 step) noexcept nogil:
    """Ask for what tells distinct values: step 0 index slots, 1 pairs, 2 the pairs' last entries."""
    cdef u32 stream, pair
    for stream in range(histories.group.distincts_count):
        if step == 0:
            index_prefetch(&histories.pair_index[stream], pair_hash(histories, stream, event))
            continue
        pair = index_likely_row(&histories.pair_index[stream],
                                pair_hash(histories, stream, event))
        if pair == NONE:
            continue
        if step == 1:
            prefetch(&histories.pairs[stream][pair])
        else:
            prefetch(entry_at(histories, histories.pairs[stream][pair].position))


cdef inline void prefetch_entries(const Touch* touch) noexcept nogil:
    """Ask for the entries that may leave a window, the ones behind them, and the next one's place.

    About one entry leaves a window for each that enters, and the one behind it is looked at.
    """
    cdef const Histories* histories = touch.histories
    cdef const WindowPlan* window = histories.windows
    cdef const WindowPlan* end = window + histories.group.windows_count
    cdef u32 oldest
    cdef u64* row
    if touch.row == NONE:
        return
    row = row_at(histories, touch.row)
    if ends_of(row)[1] != NONE:
        prefetch(entry_at(histories, ends_of(row)[1]) + histories.entry_words)
    while window != end:
        if window.kind <= DELAYED:
            oldest = (<u32*>&row[window.state])[window.kind << 1]  # a delayed window's head
            if oldest != NONE:
                prefetch(entry_at(histories, oldest))
                prefetch(entry_at(histories, oldest) + histories.entry_words)
        window += 1


cdef const u8* start_of(array):
    """Return where an array of the plan begins; NULL where it is empty."""
    cdef const u8[::1] view
    if array.size == 0:
        return NULL
    view = array.view(np.uint8).reshape(-1)
    return &view[0]


cdef class FeatureEngine:
    """Compute the features of a file over a stream of events."""

    def __cinit__(self, features, *, keys_max=KEYS_MAX, entries_per_key=ENTRIES_PER_KEY):
        cdef u32 part, group
        cdef Histories* histories
        cdef const Group* shape
        if not PARTITIONS <= keys_max <= 1 << 28 or not 1 <= entries_per_key <= 1 << 10:
            raise ValueError(f"keys_max must be from {PARTITIONS} to 2**28 and entries_per_key "
                             f"from 1 to 1,024, got {keys_max} and {entries_per_key}")
        self.plan = plan = layout.lay_out(features)
        self.features = features
        self.event_fields = 2 + len(features.fields)
        self.outputs = plan.outputs
        self.units_per_second = plan.units_per_second
        self.keys_max = keys_max
        self.tables.wheres = <const Where*>start_of(plan.wheres)
        self.tables.conditions = <const Condition*>start_of(plan.conditions)
        self.tables.values = <const u64*>start_of(plan.values)
        self.tables.kept = <const Value*>start_of(plan.kept)
        self.tables.reads = <const Read*>start_of(plan.reads)
        self.tables.fades = <const u64*>start_of(layout.FADES)
        self.groups, self.groups_count = <const Group*>start_of(plan.groups), len(plan.groups)
        self.fields, self.fields_count = <const Read*>start_of(plan.fields), len(plan.fields)
        self.derived, self.derived_count = <const Read*>start_of(plan.derived), len(plan.derived)
        self.histories = <Histories*>calloc(PARTITIONS * max(self.groups_count, 1),
                                            sizeof(Histories))
        if self.histories == NULL:
            raise MemoryError("no memory for the partitions")
        rows = -(-keys_max // PARTITIONS)
        for part in range(PARTITIONS):
            for group in range(self.groups_count):
                shape = &self.groups[group]
                histories = &self.histories[part * self.groups_count + group]
                histories_open(
                    histories, shape,
                    <const WindowPlan*>start_of(plan.windows) + shape.windows_first,
                    <const Extremum*>start_of(plan.extrema) + shape.extrema_first,
                    <const Distinct*>start_of(plan.distincts) + shape.distincts_first,
                    rows, rows * entries_per_key)

    def __dealloc__(self):
        cdef u32 place
        if self.histories != NULL:
            for place in range(PARTITIONS * self.groups_count):
                histories_close(&self.histories[place])
            free(self.histories)

    # --- without the GIL ---------------------------------------------------------------------

    cdef u64 late_after(self, const u64* events, u64 count) noexcept nogil:
        """Return the place of the first event that is older than the one before, or *count*."""
        cdef u64 place, before = self.time
        for place in range(count):
            if events[place * self.event_fields] < before:
                return place
            before = events[place * self.event_fields]
        return count

    cdef void advance(self, const u64* events, u64 count, double* outputs) noexcept nogil:
        """Take in events in the order of their times (in: events; out: outputs, row by row)."""
        self.advance_part(events, count, outputs, 0, 1)
        self.finish(events, count, outputs)

    cdef void advance_part(self, const u64* events, u64 count, double* outputs, u32 part,
                           u32 parts) noexcept nogil:
        """Do the work for every *parts*-th partition, from *part* on.

        Groups share nothing, so a block of events goes through one group after the other: each
        pass over the block asks for what the next one reads.
        """
        cdef u64 first = 0
        cdef u32 group
        while first < count:
            for group in range(self.groups_count):
                self.advance_block(&events[first * self.event_fields],
                                   <u32>min(count - first, <u64>BLOCK_EVENTS),
                                   &outputs[first * self.outputs], group, part, parts)
            first += BLOCK_EVENTS

    cdef void advance_block(self, const u64* events, u32 count, double* outputs, u32 group,
                            u32 part, u32 parts) noexcept nogil:
        """Take a block through one group: the events whose keys are among those of *part*."""
        cdef const Group* shape = &self.groups[group]
        cdef Touch touches[BLOCK_EVENTS]
        cdef Touch* touch
        cdef u32 place, partition, touched = 0
        cdef u128 key
        for place in range(count):
            key = key_of(shape, &events[place * self.event_fields])
            partition = partition_of(key)
            if parts > 1 and partition % parts != part:
                continue
            touch = &touches[touched]
            touched += 1
            touch.place = place
            touch.histories = &self.histories[partition * self.groups_count + group]
            touch.hash = hash_id(key, touch.histories.keys.seed)
            index_prefetch(&touch.histories.keys, touch.hash)
            prefetch_pairs(touch.histories, &events[place * self.event_fields], 0)
        for place in range(touched):
            touch = &touches[place]
            prefetch_row(touch)
            prefetch_pairs(touch.histories, &events[touch.place * self.event_fields], 1)
        if shape.horizon:
            for place in range(touched):
                touch = &touches[place]
                prefetch_entries(touch)
                prefetch_pairs(touch.histories, &events[touch.place * self.event_fields], 2)
        for place in range(touched):
            touch = &touches[place]
            self.advance_key(&events[touch.place * self.event_fields],
                             &outputs[touch.place * self.outputs], touch)

    cdef void advance_key(self, const u64* event, double* outputs,
                          const Touch* touch) noexcept nogil:
        """Take an event through one group."""
        cdef Histories* histories = touch.histories
        cdef const Group* shape = histories.group
        cdef u128 key = key_of(shape, event)
        cdef u32 place = find_row(histories, key, touch.hash)
        cdef u64* row
        if place == NONE:
            place = open_row(histories, key, touch.hash)
        row = row_at(histories, place)
        slide(histories, &self.tables, row, event[EVENT_TIME])
        read_all(histories, &self.tables, row, event[EVENT_TIME], shape.before_first,
                 shape.before_count, outputs)
        enter(histories, &self.tables, place, event)
        read_all(histories, &self.tables, row, event[EVENT_TIME], shape.after_first,
                 shape.after_count, outputs)

    cdef void finish(self, const u64* events, u64 count, double* outputs) noexcept nogil:
        """Write the features of the events alone, then those derived of others."""
        cdef u64 place
        cdef u32 index
        cdef double* row
        for place in range(count):
            row = &outputs[place * self.outputs]
            for index in range(self.fields_count):
                row[self.fields[index].output] = read_plain(
                    &self.fields[index], &events[place * self.event_fields],
                    self.units_per_second)
            for index in range(self.derived_count):
                row[self.derived[index].output] = read_derived(&self.derived[index], row)
        if count:
            self.time = events[(count - 1) * self.event_fields]

    cdef inline Histories* histories_of(self, const u64* event, u32 group) noexcept nogil:
        return &self.histories[
            partition_of(key_of(&self.groups[group], event)) * self.groups_count + group]

    cdef u64 flag_all(self, const u64* events, const char* flagged, u64 count) noexcept nogil:
        """Set or take flags; return how many events no history holds any more."""
        cdef u64 place, missed = 0
        cdef u32 group, row
        cdef bint found
        cdef Histories* histories
        cdef const u64* event
        for place in range(count):
            event = &events[place * self.event_fields]
            found = False
            for group in range(self.groups_count):
                histories = self.histories_of(event, group)
                if not histories.group.flags:
                    continue
                row = find_row(histories, key_of(histories.group, event),
                               hash_id(key_of(histories.group, event), histories.keys.seed))
                if row != NONE and flag_entry(histories, row_at(histories, row), event,
                                              flagged[place] != 0):
                    found = True
            missed += not found
        return missed

    # --- from Python -------------------------------------------------------------------------

    def process(self, events, *, threads=1):
        """Take in events, u64[n, 2 + fields] in the order of their times → f64[n, features]."""
        outputs = np.empty((len(events), self.outputs), np.float64)
        cdef const u64[:, ::1] rows = self._checked(events)
        cdef double[:, ::1] out = outputs
        cdef u64 count = len(events)
        cdef u64 late
        if count == 0:
            return outputs
        late = self.late_after(&rows[0, 0], count)
        if late < count:
            raise ValueError(f"event {late} is older than the one before it")
        if threads == 1:
            with nogil:
                self.advance(&rows[0, 0], count, &out[0, 0])
            return outputs
        if not 1 <= threads <= PARTITIONS:
            raise ValueError(f"threads must be from 1 to {PARTITIONS}, got {threads}")
        with ThreadPoolExecutor(threads) as pool:
            for done in [pool.submit(self._process_part, rows, out, part, threads)
                         for part in range(threads)]:
                done.result()
        self.finish(&rows[0, 0], count, &out[0, 0])
        return outputs

    def _process_part(self, const u64[:, ::1] events, double[:, ::1] outputs, u32 part, u32 parts):
        with nogil:
            self.advance_part(&events[0, 0], events.shape[0], &outputs[0, 0], part, parts)

    def flag(self, events, flagged):
        """Tell which of some past events were frauds, bool[n]; return how many are forgotten."""
        cdef const u64[:, ::1] rows = self._checked(events)
        flags = np.ascontiguousarray(flagged, np.int8)
        cdef const char[::1] marks = flags
        cdef u64 count = len(events)
        cdef u64 missed
        if len(flags) != len(events):
            raise ValueError(f"{len(flags)} flags of {len(events)} events")
        if count == 0:
            return 0
        with nogil:
            missed = self.flag_all(&rows[0, 0], <const char*>&marks[0], count)
        return missed

    def _checked(self, events):
        if (not isinstance(events, np.ndarray) or events.dtype != np.uint64 or events.ndim != 2
                or events.shape[1] != self.event_fields):
            raise TypeError(f"events must be u64[n, {self.event_fields}]: time, id, "
                            f"{', '.join(self.features.fields)}")
        return np.ascontiguousarray(events)

    def statistics(self):
        """Return how the histories of each key stand."""
        return [self._statistics_of(group) for group in range(self.groups_count)]

    def _statistics_of(self, u32 group):
        cdef u32 part
        cdef const Group* shape = &self.groups[group]
        cdef const Histories* histories
        keys = evicted = forgotten = rows_max = chunks_max = 0
        for part in range(PARTITIONS):
            histories = &self.histories[part * self.groups_count + group]
            keys += histories.keys.used
            evicted += histories.evicted
            forgotten += histories.forgotten
            rows_max += histories.rows_max
            chunks_max += histories.chunks_max
        names = ("time", "id", *self.features.fields)
        key = (names[shape.key_a], *([names[shape.key_b]] if shape.key_b else []))
        # An index has at most four slots of eight bytes for a row; a chunk's link is shared by 4.
        entry = (8 * shape.entry_words + 2 + shape.distincts_count * (24 + 32)
                 if shape.horizon else 0)
        return KeyStatistics(key, keys, rows_max, chunks_max * 4, evicted, forgotten,
                             8 * shape.row_words + 32, entry)

    def digest(self):
        """Return SHA-256 of the state: equal for equal histories, however they were cut."""
        sha = hashlib.sha256(self.time.to_bytes(8, "little"))
        cdef u32 place
        cdef const Histories* histories
        cdef const u8* start
        cdef u64 size
        for place in range(PARTITIONS * self.groups_count):
            histories = &self.histories[place]
            if histories.rows_used:
                start = <const u8*>histories.rows
                size = <u64>histories.rows_used * histories.group.row_words * 8
                sha.update(<const u8[:size]>start)
            if histories.chunks_used:
                start = <const u8*>histories.chunks
                size = <u64>histories.chunks_used * histories.chunk_words * 8
                sha.update(<const u8[:size]>start)
        return sha.digest()


cdef inline double read_plain(const Read* read, const u64* event,
                              u64 units_per_second) noexcept nogil:
    """Return a field of the event, or its hour or weekday."""
    cdef u64 number
    if read.operation == READ_FIELD:
        return <double>event[read.field]
    number = (event[EVENT_TIME] + read.offset) // units_per_second // 3600
    if read.operation == READ_HOUR:
        number %= 24
    else:
        number = (number // 24 + 3) % 7  # 1970 began on a Thursday
    if not read.has_within:
        return <double>number
    if read.within_first <= read.within_last:
        return <double>(read.within_first <= number <= read.within_last)
    return <double>(number >= read.within_first or number <= read.within_last)


cdef inline double read_derived(const Read* read, const double* outputs) noexcept nogil:
    """Return a ratio or z-score of other features; what is no number is empty."""
    cdef double value
    if read.operation == READ_RATIO:
        value = outputs[read.inputs[1]]
        value = outputs[read.inputs[0]] / value if value != 0.0 else NAN
    else:
        value = outputs[read.inputs[2]]
        value = ((outputs[read.inputs[0]] - outputs[read.inputs[1]]) / value if value != 0.0
                 else NAN)
    return read.empty if value != value else value
