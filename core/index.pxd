"""An open-addressing index from a 128-bit id to a row of an arena.

    slot (8 bytes) = tag: upper half of the hash │ row + 1          0 = empty

Rows are structs whose first field is the id, so the index holds no keys: a tag that agrees is
checked against the row itself. 8 B a slot at a load of at most 1/2 = 16 B a row and one cache
miss in the index, one in the arena.

A row's home is given by the top bits of its hash, and so by its tag: slots move, when the table
grows or a row goes, without a look at the rows, and a growing table is written from front to back.
"""

from payvand.core.types cimport u8, u32, u64, u128

cdef enum:
    NO_ROW = 0xFFFFFFFFu

cdef struct Index:
    u64* slots
    u64 mask          # slots - 1
    u32 shift         # hash >> shift = home
    u64 used
    u64 seed          # so that nobody can choose ids that collide

cdef extern from * nogil:
    """
    /* The empty asm keeps GCC from taking a function that only prefetches for one without effect,
       calls to which it may drop, and does. */
    #define payvand_prefetch(address) \\
        do { __builtin_prefetch((address), 1, 3); __asm__ volatile(""); } while (0)
    #define payvand_prefetch_read(address) \\
        do { __builtin_prefetch((address), 0, 3); __asm__ volatile(""); } while (0)
    static inline payvand_u128 payvand_load_u128(const void *address) {
        payvand_u128 value;
        __builtin_memcpy(&value, address, sizeof value);
        return value;
    }
    static inline unsigned long long payvand_hash(payvand_u128 id, unsigned long long seed) {
        payvand_u128 m = (payvand_u128)((unsigned long long)id ^ seed)
                       * (0x9E3779B97F4A7C15ull ^ (unsigned long long)(id >> 64));
        unsigned long long h = (unsigned long long)m ^ (unsigned long long)(m >> 64)
                             ^ (unsigned long long)(id >> 64);
        h *= 0xD6E8FEB86659FD93ull;
        return h ^ (h >> 32);
    }
    """
    void prefetch "payvand_prefetch"(const void* address)
    void prefetch_read "payvand_prefetch_read"(const void* address)
    u128 load_u128 "payvand_load_u128"(const void* address)
    u64 hash_id "payvand_hash"(u128 id, u64 seed)

cdef inline void index_prefetch(const Index* index, u64 hash) noexcept nogil:
    prefetch_read(&index.slots[hash >> index.shift])

cdef inline u32 index_find(const Index* index, const u8* rows, u32 row_bytes, u128 id,
                           u64 hash) noexcept nogil:
    """Return the row that holds *id*, or NO_ROW."""
    cdef u64 tag = hash & 0xFFFFFFFF00000000u
    cdef u64 position = hash >> index.shift
    cdef u64 slot = index.slots[position]
    while slot != 0:
        if (slot & 0xFFFFFFFF00000000u) == tag:
            if load_u128(rows + <u64>((slot & 0xFFFFFFFFu) - 1) * row_bytes) == id:
                return <u32>((slot & 0xFFFFFFFFu) - 1)
        position = (position + 1) & index.mask
        slot = index.slots[position]
    return NO_ROW

cdef inline u32 index_likely_row(const Index* index, u64 hash) noexcept nogil:
    """Return the first row whose tag agrees, for a prefetch; NO_ROW where there is none."""
    cdef u64 tag = hash & 0xFFFFFFFF00000000u
    cdef u64 position = hash >> index.shift
    cdef u64 slot = index.slots[position]
    while slot != 0:
        if (slot & 0xFFFFFFFF00000000u) == tag:
            return <u32>((slot & 0xFFFFFFFFu) - 1)
        position = (position + 1) & index.mask
        slot = index.slots[position]
    return NO_ROW

cdef inline void index_insert(Index* index, u64 hash, u32 row) noexcept nogil:
    """Add a row whose id is not there yet; room was made by `index_reserve`."""
    cdef u64 position = hash >> index.shift
    while index.slots[position] != 0:
        position = (position + 1) & index.mask
    index.slots[position] = (hash & 0xFFFFFFFF00000000u) | (<u64>row + 1)
    index.used += 1

cdef int index_open(Index* index, u64 seed) except -1
cdef void index_close(Index* index) noexcept
cdef int index_reserve(Index* index, u64 more) except -1 nogil
cdef void index_remove(Index* index, u64 hash, u32 row) noexcept nogil
