"""Reservations under way: pending transfers that are neither posted, voided nor expired.

They are what posting, voiding and expiry meet, so they are kept whole, by id, whatever the horizon
is; memory is bounded by how many there are at once. A place is used again once its reservation
has ended.

    place = the transfer's 128 bytes; in `pending_id`, which is 0 in a pending transfer, stand its
            row and those of both accounts

The order in which they run out is a binary heap by (time, row). Ending a reservation leaves its
entry in the heap, where it no longer counts; a heap of which more than half doesn't count is
packed. So both the heap and the cost of an ending are bounded by what is under way.
"""

from payvand.core.index cimport Index
from payvand.core.types cimport Transfer, u16, u32, u64, u128

cdef packed struct Reservation:
    u128 id
    u128 debit_account_id
    u128 credit_account_id
    u128 amount
    u64 row                 # of the transfer; NO_TRANSFER where the place is free
    u32 debit_row           # of the account
    u32 credit_row
    u128 user_data_128
    u64 user_data_64
    u32 user_data_32
    u32 timeout
    u32 ledger
    u16 code
    u16 flags
    u64 timestamp

# When a reservation runs out.
cdef struct Due:
    u64 expires_at
    u64 row
    u32 place

cdef struct Reservations:
    Reservation* places
    u32 places_count        # used at any time
    u32* free               # stack of free places
    u32 free_count
    u32 timed_count         # under way, with a timeout
    Index index             # by id
    Due* due
    u64 due_count

cdef inline u32 under_way(const Reservations* reservations) noexcept nogil:
    return reservations.places_count - reservations.free_count

cdef inline u64 expires_at(const Reservation* reservation) noexcept nogil:
    """Return when a reservation runs out, in ns; it has a timeout and no overflow."""
    return reservation.timestamp + <u64>reservation.timeout * 1_000_000_000u

cdef int reservations_open(Reservations* reservations, u64 seed) except -1
cdef void reservations_close(Reservations* reservations) noexcept
cdef int reservations_reserve(Reservations* reservations, u64 more) except -1 nogil
cdef u32 find_reservation(const Reservations* reservations, u128 id, u64 hash) noexcept nogil
cdef u32 reserve(Reservations* reservations, const Transfer* transfer, u64 hash, u64 row,
                 u32 debit_row, u32 credit_row) noexcept nogil
cdef void release(Reservations* reservations, u32 place) noexcept nogil
cdef void restore(Reservations* reservations, u32 place,
                  const Reservation* reservation) noexcept nogil
cdef void as_transfer(const Reservation* reservation, Transfer* transfer) noexcept nogil
cdef u64 next_due(Reservations* reservations) noexcept nogil
cdef u32 take_due(Reservations* reservations, u64 now) noexcept nogil
