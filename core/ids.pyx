"""The slower half of the table of ids: growing it, and taking a row back. See `ids.pxd`."""

from libc.stdlib cimport abort

from payvand.core.arena cimport arena_close, arena_open

assert sizeof(Bucket) == 64, "a bucket is a cache line"

cdef u32 FIRST_BITS = 10

# Buckets behind the last home, for ids that pass on. Homes are spread by a seeded hash, so that
# more than a few are never needed; a table that ran out would lose an id, and stops instead.
cdef u64 SPARE_BUCKETS = 1024


cdef inline u64 table_bytes(u32 shift) noexcept nogil:
    return ((<u64>1 << (64 - shift)) + SPARE_BUCKETS) * sizeof(Bucket)


cdef int ids_open(Ids* ids) except -1:
    """Make an empty table."""
    ids.shift = 64 - FIRST_BITS
    ids.buckets = <Bucket*>arena_open(table_bytes(ids.shift))
    ids.older = NULL
    return 0


cdef void ids_close(Ids* ids) noexcept:
    """Give the memory back."""
    if ids.buckets != NULL:
        arena_close(ids.buckets, table_bytes(ids.shift))
        ids.buckets = NULL
    if ids.older != NULL:
        arena_close(ids.older, table_bytes(ids.older_shift))
        ids.older = NULL


cdef int ids_reserve(Ids* ids, u64 live, u64 more, u64 newest_row, u64 oldest_row) except -1 nogil:
    """Make room for *more* rows beside *live* ones, so that `ids_insert` can't fail.

    Begins to double the table where it would hold more than 3.5 rows a bucket. Each call moves a
    stretch as long as half the rows that come, so that the old table is empty long before the new
    one is full.
    """
    cdef u64 homes = <u64>1 << (64 - ids.shift)
    cdef Bucket* larger
    while (live + more) * 2 > homes * 7:
        if ids.older != NULL:
            move_stretch(ids, homes, newest_row, oldest_row)
        larger = <Bucket*>arena_open(table_bytes(ids.shift - 1))
        ids.older = ids.buckets
        ids.older_shift = ids.shift
        ids.moved = 0
        ids.buckets = larger
        ids.shift -= 1
        homes *= 2
    if ids.older != NULL:
        move_stretch(ids, more // 2 + 16, newest_row, oldest_row)
    return 0


cdef void move_stretch(Ids* ids, u64 stretch, u64 newest_row, u64 oldest_row) noexcept nogil:
    """Move at least *stretch* homes into the larger table, up to one that let nothing pass on."""
    cdef u64 homes = <u64>1 << (64 - ids.older_shift)
    cdef u64 passed = 0
    cdef u64 slot
    cdef Bucket* bucket
    cdef u32 place
    while ids.moved < homes + SPARE_BUCKETS and (stretch > 0 or passed > oldest_row):
        bucket = &ids.older[ids.moved]
        for place in range(BUCKET_SLOTS):
            slot = bucket.slots[place]
            if slot != 0 and <u64>(<u32>newest_row - <u32>slot) <= newest_row - oldest_row:
                put_slot(&ids.buckets[slot >> ids.shift], slot,
                         newest_row - <u64>(<u32>newest_row - <u32>slot), newest_row, oldest_row)
        passed = bucket.passed
        ids.moved += 1
        if stretch > 0:
            stretch -= 1
    if ids.moved >= homes + SPARE_BUCKETS:
        if passed > oldest_row:
            abort()
        arena_close(ids.older, table_bytes(ids.older_shift))
        ids.older = NULL


cdef void ids_remove(Ids* ids, u64 hash, u64 row) noexcept nogil:
    """Take back a row that was added in the same batch."""
    cdef Bucket* bucket = home_of(ids, hash)
    cdef u64 slot = (((hash >> 32) | 1) << 32) | <u64><u32>row
    cdef u32 place
    while True:
        for place in range(BUCKET_SLOTS):
            if bucket.slots[place] == slot:
                bucket.slots[place] = 0
                return
        bucket += 1
