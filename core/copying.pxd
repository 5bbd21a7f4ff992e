"""A copy of the books in the making, while they go on changing.

A snapshot shows the books as they stood behind one frame. The accounts are copied in pieces between
batches; what a batch changes before its piece was copied is kept aside as it was, once. So the
pieces and what was kept aside together are the books of that moment, and no batch waits longer than
for one piece.

    accounts   │ copied ... │ copied │ not yet: the first change keeps the account aside ... │
                                     ↑ accounts_copied

Reservations likewise: one that ends before its place was copied is kept aside, once, even where the
chain that ended it breaks. At worst, memory holds the accounts and the reservations under way once
more.
"""

from payvand.core.reservations cimport Reservation
from payvand.core.types cimport Account, u8, u32, u64, u128

# An account as it stood, and its limit.
cdef packed struct Kept:
    Account account
    u128 limit
    u64 row
    u64 reserved

cdef struct Copying:
    u64 rows                    # of transfer events, at the moment that is shown
    u32 accounts_count
    u32 accounts_copied
    u64* kept_bits              # one for each account
    Kept* kept
    u64 kept_count
    u64 kept_warmed             # memory for so many is at hand
    u32 places_count            # of reservations
    u32 places_copied
    u64* ended_bits             # one for each place
    Reservation* ended
    u64 ended_count
    u64 ended_warmed

cdef inline void keep_account(Copying* copying, u32 row, const Account* accounts,
                              const u128* limits) noexcept nogil:
    """Keep an account aside before it changes, where it must be."""
    cdef Kept* kept
    if (row >= copying.accounts_copied and row < copying.accounts_count
            and not copying.kept_bits[row >> 6] >> (row & 63) & 1):
        copying.kept_bits[row >> 6] |= <u64>1 << (row & 63)
        kept = &copying.kept[copying.kept_count]
        kept.account = accounts[row]
        kept.limit = limits[row]
        kept.row = row
        kept.reserved = 0
        copying.kept_count += 1

cdef inline void keep_reservation(Copying* copying, u32 place,
                                  const Reservation* reservation) noexcept nogil:
    """Keep a reservation aside before it ends, where it must be."""
    if (place >= copying.places_copied and place < copying.places_count
            and reservation.row < copying.rows
            and not copying.ended_bits[place >> 6] >> (place & 63) & 1):
        copying.ended_bits[place >> 6] |= <u64>1 << (place & 63)
        copying.ended[copying.ended_count] = reservation[0]
        copying.ended_count += 1

cdef int copying_open(Copying* copying, u64 rows, u32 accounts, u32 places) noexcept nogil
cdef void copying_warm(Copying* copying) noexcept nogil
cdef void copying_close(Copying* copying) noexcept nogil
