"""A copy of the books in the making, while they go on changing. See `copying.pxd`."""

from libc.string cimport memset

from payvand.core.arena cimport arena_close, arena_try, arena_warm

assert sizeof(Kept) == 160

cdef u64 ROWS_WARMED = 1 << 16      # ahead; some 10 MB


cdef int copying_open(Copying* copying, u64 rows, u32 accounts, u32 places) noexcept nogil:
    """Begin a copy of the books as they stand now; return 0 or an errno (out: copying)."""
    memset(copying, 0, sizeof(Copying))
    copying.rows = rows
    copying.accounts_count = accounts
    copying.places_count = places
    copying.kept_bits = <u64*>arena_try(bits_bytes(accounts))
    copying.kept = <Kept*>arena_try((<u64>accounts + 1) * sizeof(Kept))
    copying.ended_bits = <u64*>arena_try(bits_bytes(places))
    copying.ended = <Reservation*>arena_try((<u64>places + 1) * sizeof(Reservation))
    if (copying.kept_bits == NULL or copying.kept == NULL or copying.ended_bits == NULL
            or copying.ended == NULL):
        copying_close(copying)
        return 12               # ENOMEM
    return 0


cdef void copying_warm(Copying* copying) noexcept nogil:
    """Have memory at hand for what is likely kept aside next; called while batches go on."""
    copying.kept_warmed += warm_ahead(<u8*>copying.kept, sizeof(Kept), copying.kept_count,
                                      copying.kept_warmed, copying.accounts_count)
    copying.ended_warmed += warm_ahead(<u8*>copying.ended, sizeof(Reservation),
                                       copying.ended_count, copying.ended_warmed,
                                       copying.places_count)


cdef u64 warm_ahead(u8* rows, u64 row_bytes, u64 count, u64 warmed, u64 rows_max) noexcept nogil:
    """Warm rows behind those used and those warmed before, where these are few; return how many."""
    cdef u64 first = max(count, warmed)
    cdef u64 end = min(first + ROWS_WARMED, rows_max)
    if count == 0 or first - count >= ROWS_WARMED or end <= first:
        return 0
    arena_warm(rows + first * row_bytes, (end - first) * row_bytes)
    return end - warmed


cdef void copying_close(Copying* copying) noexcept nogil:
    """Give the memory back."""
    arena_close(copying.kept_bits, bits_bytes(copying.accounts_count))
    arena_close(copying.kept, (<u64>copying.accounts_count + 1) * sizeof(Kept))
    arena_close(copying.ended_bits, bits_bytes(copying.places_count))
    arena_close(copying.ended, (<u64>copying.places_count + 1) * sizeof(Reservation))
    memset(copying, 0, sizeof(Copying))


cdef inline u64 bits_bytes(u32 rows) noexcept nogil:
    return ((<u64>rows >> 6) + 1) * sizeof(u64)
