"""The table from the ids of recent transfers to their rows; old rows fall out by themselves.

    bucket (64 bytes, one cache line) = │ slot │ slot │ slot │ slot │ slot │ slot │ slot │ passed │
    slot = upper half of the hash, its lowest bit set │ lower half of the row      0 = empty

A row counts while it is not older than the oldest row in memory. A slot whose row no longer counts
is free: the next id that comes to its bucket takes it. So forgetting costs nothing, no slot is ever
emptied for it, and no table is ever swept.

An id whose home bucket is full goes to the next one, and leaves in `passed` its row + 1. Whoever
looks for an id goes on to the next bucket while the row that passed still counts.

The home is given by the upper half of the hash, and so by the slot itself: the table grows without
a look at the ids, a stretch of buckets with each batch, and no batch pays for all of it. A tag says
little in a large table, so a slot that agrees is held against the row's whole hash; and a hash that
agrees against the id itself, in the record, by whoever asked.

At most 3.5 rows a bucket, so that few are full: 18 to 36 bytes a row, and one cache miss.
"""

from payvand.core.index cimport prefetch
from payvand.core.types cimport u8, u32, u64

cdef enum:
    BUCKET_SLOTS = 7

cdef struct Bucket:
    u64 slots[BUCKET_SLOTS]
    u64 passed

cdef struct Ids:
    Bucket* buckets
    u64 homes
    Bucket* older           # a smaller table on its way into this one, or NULL
    u64 older_homes
    u64 moved               # homes below it have moved
    u64 homes_wanted        # a good size to stay at; 0: none is known
    u64 cold                # bytes at the end of the table that nobody has touched, about

cdef extern from *:
    """
    #define PAYVAND_NO_TRANSFER (~0ull)
    """
    const u64 NO_TRANSFER "PAYVAND_NO_TRANSFER"


cdef inline u64 tag_of(u64 hash) noexcept nogil:
    return hash >> 32 | 1


cdef inline Bucket* home_of(const Ids* ids, u64 tag) noexcept nogil:
    """Return the home of a tag: tags rise with homes, whatever their number is."""
    if ids.older != NULL and (tag * ids.older_homes >> 32) >= ids.moved:
        return &ids.older[tag * ids.older_homes >> 32]
    return &ids.buckets[tag * ids.homes >> 32]


cdef inline void ids_prefetch(const Ids* ids, u64 hash) noexcept nogil:
    prefetch(home_of(ids, tag_of(hash)))


cdef inline u64 ids_find(const Ids* ids, u64 hash, u64 next_row, u64 oldest_row,
                         const u64* hashes, u64 mask, u32 skip) noexcept nogil:
    """Return the row with this hash among those from *oldest_row* up to, without, *next_row*.

    *hashes* holds the hash of row r at place r & *mask*. *skip* passes over so many rows that have
    the hash: two ids may share one. NO_TRANSFER where there is none.
    """
    cdef u64 tag = tag_of(hash)
    cdef const Bucket* bucket = home_of(ids, tag)
    cdef u64 row
    cdef u32 place
    while True:
        for place in range(BUCKET_SLOTS):
            if bucket.slots[place] >> 32 == tag:
                row = next_row - <u64>(<u32>next_row - <u32>bucket.slots[place])
                if row >= oldest_row and row < next_row and hashes[row & mask] == hash:
                    if skip == 0:
                        return row
                    skip -= 1
        if bucket.passed <= oldest_row:
            return NO_TRANSFER
        bucket += 1


cdef inline void ids_insert(Ids* ids, u64 hash, u64 row, u64 oldest_row) noexcept nogil:
    """Add a row that no slot holds yet; room was made by `ids_reserve`."""
    put_slot(home_of(ids, tag_of(hash)), tag_of(hash) << 32 | <u64><u32>row, row, row, oldest_row)


cdef inline u64 ids_home(const Ids* ids, u64 hash) noexcept nogil:
    """Return the number of an id's home bucket, in a table that isn't growing."""
    return tag_of(hash) * ids.homes >> 32


cdef inline bint ids_insert_before(Ids* ids, u64 hash, u64 row, u64 end) noexcept nogil:
    """Add a row to a table from which none has left, before bucket *end*; False where it's full."""
    cdef u64 number = ids_home(ids, hash)
    cdef Bucket* bucket
    cdef u32 place
    while number < end:
        bucket = &ids.buckets[number]
        for place in range(BUCKET_SLOTS):
            if bucket.slots[place] == 0:
                bucket.slots[place] = tag_of(hash) << 32 | <u64><u32>row
                return True
        if bucket.passed < row + 1:
            bucket.passed = row + 1
        number += 1
    return False


cdef inline void put_slot(Bucket* bucket, u64 slot, u64 row, u64 newest_row,
                          u64 oldest_row) noexcept nogil:
    """Write a slot into the first free place from its home bucket on."""
    cdef u32 place
    while True:
        for place in range(BUCKET_SLOTS):
            if (bucket.slots[place] == 0
                    or <u64>(<u32>newest_row - <u32>bucket.slots[place])
                    > newest_row - oldest_row):
                bucket.slots[place] = slot
                return
        if bucket.passed < row + 1:
            bucket.passed = row + 1
        bucket += 1


cdef int ids_open(Ids* ids) except -1
cdef void ids_close(Ids* ids) noexcept
cdef int ids_size(Ids* ids, u64 live) except -1
cdef int ids_reserve(Ids* ids, u64 live, u64 more, u64 newest_row, u64 oldest_row) except -1 nogil
cdef u64 ids_take_cold(Ids* ids, u8** start) noexcept nogil
cdef void ids_remove(Ids* ids, u64 hash, u64 row) noexcept nogil
