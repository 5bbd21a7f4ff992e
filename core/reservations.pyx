"""Reservations under way, and the order in which they run out. See `reservations.pxd`."""

from libc.string cimport memcpy

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.ids cimport NO_TRANSFER
from payvand.core.index cimport (
    NO_ROW, hash_id, index_close, index_find, index_insert, index_open, index_remove,
    index_reserve,
)
from payvand.core.types cimport u8

assert sizeof(Reservation) == sizeof(Transfer), "a reservation stands in a transfer's place"

# Address space, not memory: a page costs only once it is touched.
cdef u64 RESERVATIONS_MAX = 1 << 28
cdef u64 DUE_MAX = 4 * RESERVATIONS_MAX

cdef u64 PACKED_FROM = 4096     # entries; a smaller heap is left as it is


cdef int reservations_open(Reservations* reservations, u64 seed) except -1:
    """Make an empty set; what *reservations* holds is zero."""
    reservations.places = <Reservation*>arena_open(RESERVATIONS_MAX * sizeof(Reservation))
    reservations.free = <u32*>arena_open(RESERVATIONS_MAX * sizeof(u32))
    reservations.due = <Due*>arena_open(DUE_MAX * sizeof(Due))
    index_open(&reservations.index, seed)
    return 0


cdef void reservations_close(Reservations* reservations) noexcept:
    """Give all memory back."""
    arena_close(reservations.places, RESERVATIONS_MAX * sizeof(Reservation))
    arena_close(reservations.free, RESERVATIONS_MAX * sizeof(u32))
    arena_close(reservations.due, DUE_MAX * sizeof(Due))
    index_close(&reservations.index)


cdef int reservations_reserve(Reservations* reservations, u64 more) except -1 nogil:
    """Make room for *more*, so that `reserve` can't fail."""
    if reservations.places_count + more > RESERVATIONS_MAX:
        with gil:
            raise MemoryError(f"more than {RESERVATIONS_MAX} reservations are under way")
    index_reserve(&reservations.index, more)
    if (reservations.due_count > PACKED_FROM
            and reservations.due_count > 2 * <u64>reservations.timed_count):
        pack_due(reservations)
    return 0


cdef u32 find_reservation(const Reservations* reservations, u128 id, u64 hash) noexcept nogil:
    """Return the place of the reservation under an id, or NO_ROW."""
    return index_find(&reservations.index, <const u8*>reservations.places, sizeof(Reservation), id,
                      hash)


cdef u32 reserve(Reservations* reservations, const Transfer* transfer, u64 hash, u64 row,
                 u32 debit_row, u32 credit_row) noexcept nogil:
    """Add a pending transfer; return its place."""
    cdef u32 place
    cdef Reservation* reservation
    if reservations.free_count > 0:
        reservations.free_count -= 1
        place = reservations.free[reservations.free_count]
    else:
        place = reservations.places_count
        reservations.places_count += 1
    reservation = &reservations.places[place]
    memcpy(reservation, transfer, sizeof(Reservation))
    reservation.row = row
    reservation.debit_row = debit_row
    reservation.credit_row = credit_row
    index_insert(&reservations.index, hash, place)
    if reservation.timeout != 0:
        reservations.timed_count += 1
        push_due(reservations, expires_at(reservation), row, place)
    return place


cdef void release(Reservations* reservations, u32 place) noexcept nogil:
    """Take a reservation out: it has ended."""
    cdef Reservation* reservation = &reservations.places[place]
    index_remove(&reservations.index, hash_id(reservation.id, reservations.index.seed), place)
    if reservation.timeout != 0:
        reservations.timed_count -= 1
    reservation.row = NO_TRANSFER
    reservations.free[reservations.free_count] = place
    reservations.free_count += 1


cdef void restore(Reservations* reservations, u32 place,
                  const Reservation* reservation) noexcept nogil:
    """Put back what the last `release` took out of *place*; its entry is still in the heap."""
    reservations.free_count -= 1
    reservations.places[place] = reservation[0]
    index_insert(&reservations.index, hash_id(reservation.id, reservations.index.seed), place)
    if reservation.timeout != 0:
        reservations.timed_count += 1


cdef void as_transfer(const Reservation* reservation, Transfer* transfer) noexcept nogil:
    """Write the pending transfer behind a reservation (out: transfer)."""
    memcpy(transfer, reservation, sizeof(Transfer))
    transfer.pending_id = 0


# --- the heap --------------------------------------------------------------------------------


cdef inline bint before(Due left, Due right) noexcept nogil:
    return left.expires_at < right.expires_at or (left.expires_at == right.expires_at
                                                  and left.row < right.row)


cdef inline bint counts(const Reservations* reservations, Due entry) noexcept nogil:
    """Tell whether an entry stands for a reservation that is still under way."""
    return reservations.places[entry.place].row == entry.row


cdef void push_due(Reservations* reservations, u64 when, u64 row, u32 place) noexcept nogil:
    cdef u64 position = reservations.due_count
    cdef u64 parent
    cdef Due entry
    entry.expires_at = when
    entry.row = row
    entry.place = place
    reservations.due_count += 1
    while position > 0:
        parent = (position - 1) >> 1
        if not before(entry, reservations.due[parent]):
            break
        reservations.due[position] = reservations.due[parent]
        position = parent
    reservations.due[position] = entry


cdef void sift_down(Reservations* reservations, u64 position, Due entry) noexcept nogil:
    """Put an entry in at *position* or below, wherever the order wants it."""
    cdef u64 child
    while True:
        child = 2 * position + 1
        if child >= reservations.due_count:
            break
        if (child + 1 < reservations.due_count
                and before(reservations.due[child + 1], reservations.due[child])):
            child += 1
        if not before(reservations.due[child], entry):
            break
        reservations.due[position] = reservations.due[child]
        position = child
    reservations.due[position] = entry


cdef void pop_due(Reservations* reservations) noexcept nogil:
    reservations.due_count -= 1
    sift_down(reservations, 0, reservations.due[reservations.due_count])


cdef void pack_due(Reservations* reservations) noexcept nogil:
    """Drop the entries that no longer count, and order the rest anew."""
    cdef u64 position
    cdef u64 kept = 0
    for position in range(reservations.due_count):
        if counts(reservations, reservations.due[position]):
            reservations.due[kept] = reservations.due[position]
            kept += 1
    reservations.due_count = kept
    position = kept // 2
    while position > 0:
        position -= 1
        sift_down(reservations, position, reservations.due[position])


cdef u64 next_due(Reservations* reservations) noexcept nogil:
    """Return when the next reservation runs out, in ns; 0 where none is under way."""
    while reservations.due_count > 0 and not counts(reservations, reservations.due[0]):
        pop_due(reservations)
    return reservations.due[0].expires_at if reservations.due_count > 0 else 0


cdef u32 take_due(Reservations* reservations, u64 now) noexcept nogil:
    """Return the place of the next reservation due at or before *now*, or NO_ROW.

    Takes its entry out of the heap; the caller ends the reservation.
    """
    cdef Due entry
    while reservations.due_count > 0 and reservations.due[0].expires_at <= now:
        entry = reservations.due[0]
        pop_due(reservations)
        if counts(reservations, entry):
            return entry.place
    return NO_ROW
