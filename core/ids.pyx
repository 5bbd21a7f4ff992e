"""The slower half of the table of ids: growing it, and taking a row back. See `ids.pxd`."""

from libc.stdlib cimport abort

from payvand.core.arena cimport arena_close, arena_open

assert sizeof(Bucket) == 64, "a bucket is a cache line"

cdef u64 FIRST_HOMES = 1 << 10

# Buckets behind the last home, for ids that pass on. Homes are spread by a seeded hash, so that
# more than a few are never needed; a table that ran out would lose an id, and stops instead.
cdef u64 SPARE_BUCKETS = 1024

cdef u64 WARMED_BYTES = 8 << 20     # at once


cdef inline u64 table_bytes(u64 homes) noexcept nogil:
    return (homes + SPARE_BUCKETS) * sizeof(Bucket)


cdef int ids_open(Ids* ids) except -1:
    """Make an empty table."""
    ids.homes = FIRST_HOMES
    ids.buckets = <Bucket*>arena_open(table_bytes(ids.homes))
    ids.older = NULL
    return 0


cdef void ids_close(Ids* ids) noexcept:
    """Give the memory back."""
    if ids.buckets != NULL:
        arena_close(ids.buckets, table_bytes(ids.homes))
        ids.buckets = NULL
    if ids.older != NULL:
        arena_close(ids.older, table_bytes(ids.older_homes))
        ids.older = NULL
    ids.cold = 0


cdef int ids_size(Ids* ids, u64 live) except -1:
    """Give an empty table room for so many rows at once, so that it isn't growing."""
    cdef u64 homes = ids.homes
    while live * 2 > homes * 7:
        homes *= 2
    if live * 2 <= ids.homes_wanted * 7:
        homes = max(ids.homes_wanted, FIRST_HOMES)
    ids_close(ids)
    ids.homes = homes
    ids.buckets = <Bucket*>arena_open(table_bytes(homes))
    return 0


cdef int ids_reserve(Ids* ids, u64 live, u64 more, u64 newest_row, u64 oldest_row) except -1 nogil:
    """Make room for *more* rows beside *live* ones, so that `ids_insert` can't fail.

    Begins to enlarge the table where it would hold more than 3.5 rows a bucket. Each call moves a
    stretch as long as the rows that come, so that the old table is empty long before the new one
    is full.
    """
    cdef Bucket* larger
    cdef u64 homes
    while (live + more) * 2 > ids.homes * 7:
        if ids.older != NULL:
            move_stretch(ids, ids.older_homes, newest_row, oldest_row)
        homes = ids.homes * 2
        if ids.homes_wanted * 4 > ids.homes * 5 and ids.homes_wanted < homes:
            homes = ids.homes_wanted
        larger = <Bucket*>arena_open(table_bytes(homes))
        ids.older = ids.buckets
        ids.older_homes = ids.homes
        ids.moved = 0
        ids.buckets = larger
        ids.homes = homes
        ids.cold = table_bytes(homes)
    if ids.older != NULL:
        move_stretch(ids, more + 16, newest_row, oldest_row)
    return 0


cdef void move_stretch(Ids* ids, u64 stretch, u64 newest_row, u64 oldest_row) noexcept nogil:
    """Move at least *stretch* homes into the larger table, up to one that let nothing pass on."""
    cdef u64 homes = ids.older_homes
    cdef u64 passed = 0
    cdef u64 slot
    cdef Bucket* bucket
    cdef u32 place
    while ids.moved < homes + SPARE_BUCKETS and (stretch > 0 or passed > oldest_row):
        bucket = &ids.older[ids.moved]
        for place in range(BUCKET_SLOTS):
            slot = bucket.slots[place]
            if slot != 0 and <u64>(<u32>newest_row - <u32>slot) <= newest_row - oldest_row:
                put_slot(&ids.buckets[(slot >> 32) * ids.homes >> 32], slot,
                         newest_row - <u64>(<u32>newest_row - <u32>slot), newest_row, oldest_row)
        passed = bucket.passed
        ids.moved += 1
        if stretch > 0:
            stretch -= 1
    if ids.moved >= homes + SPARE_BUCKETS:
        if passed > oldest_row:
            abort()
        arena_close(ids.older, table_bytes(ids.older_homes))
        ids.older = NULL


cdef u64 ids_take_cold(Ids* ids, u8** start) noexcept nogil:
    """Take the next stretch that is to be warmed (out: start); return its bytes, 0 for none.

    Rows move into a larger table from front to back, so it is warmed in that order, before them.
    """
    cdef u64 some = min(ids.cold, WARMED_BYTES)
    start[0] = <u8*>ids.buckets + table_bytes(ids.homes) - ids.cold
    ids.cold -= some
    return some


cdef void ids_remove(Ids* ids, u64 hash, u64 row) noexcept nogil:
    """Take back a row that was added in the same batch."""
    cdef Bucket* bucket = home_of(ids, tag_of(hash))
    cdef u64 slot = tag_of(hash) << 32 | <u64><u32>row
    cdef u32 place
    while True:
        for place in range(BUCKET_SLOTS):
            if bucket.slots[place] == slot:
                bucket.slots[place] = 0
                return
        bucket += 1
