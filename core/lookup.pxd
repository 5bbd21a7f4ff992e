"""What stands behind a transfer's id, wherever it is kept."""

from payvand.core.books cimport Books
from payvand.core.copying cimport keep_reservation
from payvand.core.filter cimport filter_passes
from payvand.core.ids cimport NO_TRANSFER, ids_find
from payvand.core.reservations cimport Reservation
from payvand.core.types cimport Transfer, u8, u32, u64, u128

# A transfer as it took effect, or the burning of an id.
cdef struct Found:
    Transfer transfer       # of a burnt id: id and timestamp alone
    u8 state                # TransferState
    u32 status              # why the id is burnt
    u32 decision            # of the stage before the ledger, where the id is burnt

cdef inline bint may_be_bound(const Books* books, u64 hash) noexcept nogil:
    """Tell whether an id with this hash may be bound to something; False is certain."""
    if ids_find(&books.ids, hash, books.rows, books.oldest_row, books.hashes, books.rows_mask,
                0) != NO_TRANSFER:
        return True
    return (books.past != NULL and books.past.filter != NULL
            and filter_passes(books.past.filter, hash))

cdef inline void note_end(Books* books, u32 place, u8 state) noexcept nogil:
    """Note what becomes of the reservation in a place, which is to be released next."""
    cdef const Reservation* reservation = &books.reservations.places[place]
    if books.copying != NULL:
        keep_reservation(books.copying, place, reservation)
    if books.past == NULL or reservation.row >= books.past.leaving:
        books.states[reservation.row & books.rows_mask] = state
    else:
        note_late_end(books, reservation, state)

cdef bint find_transfer(Books* books, u128 id, u64 hash, Found* found) noexcept nogil
cdef bint fetch_row(Books* books, u64 row, Found* found) noexcept nogil
cdef void note_late_end(Books* books, const Reservation* reservation, u8 state) noexcept nogil
cdef void inherit(Transfer* transfer, const Transfer* pending) noexcept nogil
cdef bint is_moment_taken(Books* books, u64 timestamp) noexcept nogil
