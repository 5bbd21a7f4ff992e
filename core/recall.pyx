"""Bringing in at once what a batch will ask of old transfers.

An old transfer is found through runs on disk and read from the journal, a dozen reads for each. A
batch sent again would pay that for every event. So the first event that has to be read brings in
what all others of the batch are going to ask for:

    ids that may be old, by their hashes  ──►  runs: pages asked for ahead, then read in their order
    places found, as in the journal       ──►  frames: read whole, or their sectors asked for ahead

so that the disk has many reads to do at a time, and none is done twice. Ending a reservation leads
to one more transfer, the pending one; these are brought in thereafter.
"""

from libc.stdlib cimport qsort

from payvand.core.books cimport Books, has_record, hash_transfer, place_of_row
from payvand.core.filter cimport filter_block, filter_passes
from payvand.core.ids cimport NO_TRANSFER, ids_find
from payvand.core.index cimport load_u128, prefetch_read
from payvand.core.past cimport Past
from payvand.core.recalled cimport (
    Ranked, Recalled, RecalledList, add_recalled, drop_recalled,
)
from payvand.core.runs cimport Run, run_ask, run_find
from payvand.core.store cimport store_ask_event, store_ask_frame, store_hold, store_read
from payvand.core.types cimport *

cdef enum:
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER
    PREFETCH_AHEAD = 16
    ASKED_AHEAD = 256           # events whose sectors are under way at once
    HELD_FROM = 128             # events of a frame that make it worth reading whole


cdef void recall(Books* books) noexcept nogil:
    """Bring in what the batch in hand will ask for; a fault is noted where it arose."""
    cdef RecalledList* recalled = &books.past.recalled
    cdef const u8* at
    cdef u32 index, found
    recalled.is_filled = True
    for index in range(recalled.ids_count):
        at = recalled.ids + index * recalled.stride
        add_old(books, load_u128(at))
        if recalled.are_transfers and (<const Transfer*>at).pending_id != 0:
            add_old(books, (<const Transfer*>at).pending_id)
    bring_in(books, 0)
    found = recalled.count
    for index in range(found):
        if (recalled.rows[index].place != 0 and recalled.rows[index].event.status == CREATED
                and recalled.rows[index].event.transfer.flags & ENDS_PENDING):
            add_old(books, recalled.rows[index].event.transfer.pending_id)
    bring_in(books, found)


cdef void add_old(Books* books, u128 id) noexcept nogil:
    """Add an id that may have to be read from disk."""
    cdef u64 hash = hash_transfer(books, id)
    cdef u64 row = ids_find(&books.ids, hash, books.rows, books.oldest_row, books.hashes,
                            books.rows_mask, 0)
    cdef Recalled* added
    if row != NO_TRANSFER:
        if not has_record(books, row):
            added = add_recalled(&books.past.recalled, hash)
            if added != NULL:
                added.place = place_of_row(books, row)
    elif books.past.filter != NULL and filter_passes(books.past.filter, hash):
        add_recalled(&books.past.recalled, hash)


cdef void bring_in(Books* books, u32 first) noexcept nogil:
    """Find the places of the rows from *first* on, and read their events."""
    find_places(books, first)
    if books.past.fault or not read_events(books, first):
        drop_recalled(&books.past.recalled)


cdef void find_places(Books* books, u32 first) noexcept nogil:
    """Look for rows without a place in all runs, the newest first."""
    cdef Past* past = books.past
    cdef RecalledList* recalled = &past.recalled
    cdef u32 count = 0
    cdef u32 row
    cdef u32 number = past.runs_count
    for row in range(first, recalled.count):
        if recalled.rows[row].place == 0:
            recalled.ranking[count].key = recalled.rows[row].hash
            recalled.ranking[count].row = row
            count += 1
    qsort(recalled.ranking, count, sizeof(Ranked), compare_ranked)
    while number > 0 and count > 0 and not past.fault:
        number -= 1
        count = find_in_run(past, past.runs[number], count)


cdef u32 find_in_run(Past* past, Run* run, u32 count) noexcept nogil:
    """Find places in one run; return how many rows, first in the ranking, are without one."""
    cdef RecalledList* recalled = &past.recalled
    cdef Ranked* ranking = recalled.ranking
    cdef Recalled* row
    cdef u64 asked = 0
    cdef u32 index
    cdef u32 left = 0
    for index in range(count):
        if index + PREFETCH_AHEAD < count:
            prefetch_read(filter_block(run.filter, ranking[index + PREFETCH_AHEAD].key))
        if filter_passes(run.filter, ranking[index].key):
            run_ask(run, ranking[index].key, &asked)
    for index in range(count):
        row = &recalled.rows[ranking[index].row]
        if not past.fault:
            past.fault = run_find(run, row.hash, 0, &row.place)
        if row.place == 0:
            ranking[left] = ranking[index]
            left += 1
    return left


cdef bint read_events(Books* books, u32 first) noexcept nogil:
    """Read the events of all rows from *first* on that have a place; False after a fault."""
    cdef RecalledList* recalled = &books.past.recalled
    cdef Ranked* ranking = recalled.ranking
    cdef u32 count = 0
    cdef u32 row, begin, end, index
    for row in range(first, recalled.count):
        if recalled.rows[row].place != 0:
            ranking[count].key = recalled.rows[row].place
            ranking[count].row = row
            count += 1
    qsort(ranking, count, sizeof(Ranked), compare_ranked)
    begin = 0
    while begin < count:
        end = min(begin + ASKED_AHEAD, count)
        for index in range(begin, end):
            store_ask_frame(books.store, ranking[index].key)
        for index in range(begin, end):
            if not is_held(ranking, count, index):
                store_ask_event(books.store, ranking[index].key)
        for index in range(begin, end):
            row = <u32>ranking[index].row
            if is_held(ranking, count, index) and not store_hold(books.store, ranking[index].key):
                return False
            if not store_read(books.store, ranking[index].key, &recalled.rows[row].event):
                return False
        begin = end
    return True


cdef inline bint is_held(const Ranked* ranking, u32 count, u32 index) noexcept nogil:
    """Tell whether so many events of a frame are wanted that it is read whole."""
    cdef u32 last = index // HELD_FROM * HELD_FROM + HELD_FROM
    return last < count and ranking[index].key >> 16 == ranking[last].key >> 16


cdef int compare_ranked(const void* left, const void* right) noexcept nogil:
    cdef u64 one = (<const Ranked*>left).key
    cdef u64 other = (<const Ranked*>right).key
    return (one > other) - (one < other)
