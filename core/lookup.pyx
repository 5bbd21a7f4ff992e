"""What stands behind a transfer's id, wherever it is kept.

Most ids that a batch brings are new, and the table of ids says so with one cache miss. What is
here is the other case: a retry, a late post, a question.
"""

from payvand.core.books cimport (
    STATE_FAILED, STATE_PENDING, STATE_UNKNOWN, has_record, hash_transfer, place_of_row,
    record_at,
)
from payvand.core.index cimport NO_ROW
from payvand.core.past cimport Late, Past, carried_place, find_late, past_add_late
from payvand.core.recall cimport recall
from payvand.core.recalled cimport Recalled, find_recalled, is_at, is_of_run
from payvand.core.reservations cimport as_transfer, find_reservation
from payvand.core.runs cimport run_find
from payvand.core.store cimport (
    PLACE_STATE_MASK, Event, find_moment, store_read,
)
from payvand.core.types cimport *

cdef enum:
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER


cdef bint find_transfer(Books* books, u128 id, u64 hash, Found* found) noexcept nogil:
    """Find what an id is bound to (out: found); False where it is bound to nothing."""
    cdef u64 row
    cdef u32 others = 0
    while True:
        row = ids_find(&books.ids, hash, books.rows, books.oldest_row, books.hashes,
                       books.rows_mask, others)
        if row == NO_TRANSFER:
            break
        if fetch_row(books, row, found) and found.transfer.id == id:
            return True
        others += 1
    if (books.past != NULL and books.past.filter != NULL
            and filter_passes(books.past.filter, hash)):
        return find_past(books, id, hash, found)
    return False


cdef bint find_past(Books* books, u128 id, u64 hash, Found* found) noexcept nogil:
    """Find what an id that passed the filter was bound to beyond the horizon (out: found)."""
    cdef Past* past = books.past
    cdef u32 place_under_way = find_reservation(&books.reservations, id, hash)
    cdef const Late* late
    cdef const Recalled* recalled
    cdef u64 place
    cdef u32 run, others
    cdef int failure
    if place_under_way != NO_ROW:
        found.state = STATE_PENDING
        found.status = CREATED
        found.decision = 0
        as_transfer(&books.reservations.places[place_under_way], &found.transfer)
        return True
    late = find_late(past, id, hash)
    if late != NULL:
        return read_place(books, hash, late.place, found)
    recalled = find_recalled(&past.recalled, hash)
    if recalled != NULL and recalled.place == 0:
        return False
    if recalled != NULL and is_of_run(recalled) and recalled.event.transfer.id == id:
        return read_place(books, hash, recalled.place, found)
    run = past.runs_count
    while run > 0:
        run -= 1
        others = 0
        while True:
            failure = run_find(past.runs[run], hash, others, &place)
            if failure:
                past.fault = failure
                return False
            if place == 0:
                break
            if not read_place(books, hash, place, found):
                return False
            if found.transfer.id == id:
                return True
            others += 1
    return False


cdef bint fetch_row(Books* books, u64 row, Found* found) noexcept nogil:
    """Read a row in memory (out: found); False where the event bound no id."""
    found.state = books.states[row & books.rows_mask]
    if books.hashes[row & books.rows_mask] == 0:
        found.state = STATE_UNKNOWN
        return False
    if not has_record(books, row):
        return read_place(books, books.hashes[row & books.rows_mask],
                          place_of_row(books, row) | found.state, found)
    found.transfer = record_at(books, row)[0]
    found.status = CREATED
    found.decision = 0
    if found.state == STATE_FAILED:
        found.status = <u32>found.transfer.amount
        found.decision = <u32>(found.transfer.amount >> 32)
        found.transfer.amount = 0
    return True


cdef bint read_place(Books* books, u64 hash, u64 place, Found* found) noexcept nogil:
    """Read the event at a place, with its state, as it took effect (out: found).

    *hash* is that of its id. The first event of a batch that has to be read brings in all of them.
    """
    cdef Event event
    cdef Found pending
    cdef const Recalled* recalled = find_recalled(&books.past.recalled, hash)
    if not is_at(recalled, place) and books.past.recalled.ids_count > 1 and (
            books.past.recalled.ids != NULL and not books.past.recalled.is_filled):
        recall(books)
        recalled = find_recalled(&books.past.recalled, hash)
    if is_at(recalled, place):
        event = recalled.event
    elif not store_read(books.store, place, &event):
        return False
    found.state = place & PLACE_STATE_MASK
    found.transfer = event.transfer
    found.status = event.status
    found.decision = event.decision if event.status != CREATED else 0
    if event.status != CREATED:
        found.transfer.amount = 0
    elif event.transfer.flags & ENDS_PENDING:
        if not find_transfer(books, event.transfer.pending_id,
                             hash_transfer(books, event.transfer.pending_id), &pending):
            return False
        inherit(&found.transfer, &pending.transfer)
    return True


cdef void note_late_end(Books* books, const Reservation* reservation, u8 state) noexcept nogil:
    """Note what became of a reservation whose row has left memory or is about to."""
    cdef u64 row = reservation.row
    cdef u64 place
    if row >= books.oldest_row:
        books.states[row & books.rows_mask] = state
        place = place_of_row(books, row)
    else:
        place = carried_place(books.past, row)
    past_add_late(books.past, reservation.id, hash_transfer(books, reservation.id), row,
                  place | state)


cdef void inherit(Transfer* transfer, const Transfer* pending) noexcept nogil:
    """Fill what a post or void left at zero from its pending transfer."""
    transfer.debit_account_id = pending.debit_account_id
    transfer.credit_account_id = pending.credit_account_id
    transfer.ledger = pending.ledger
    transfer.code = pending.code
    if transfer.user_data_128 == 0:
        transfer.user_data_128 = pending.user_data_128
    if transfer.user_data_64 == 0:
        transfer.user_data_64 = pending.user_data_64
    if transfer.user_data_32 == 0:
        transfer.user_data_32 = pending.user_data_32


cdef bint is_moment_taken(Books* books, u64 timestamp) noexcept nogil:
    """Tell whether a transfer bears this timestamp.

    Transfers stand in the order of their timestamps. So the batch that could hold it is found by
    halving, and then its rows are gone through.
    """
    cdef u64 low = books.spans_oldest
    cdef u64 high = books.spans_count
    cdef u64 middle, row, end
    cdef Found found
    if timestamp > books.last_created:
        return False
    if books.past != NULL and timestamp <= books.past.last_created:
        return find_moment(books.store, timestamp)
    while low < high:
        middle = low + (high - low) // 2
        if books.spans[middle & books.rows_mask].last_created < timestamp:
            low = middle + 1
        else:
            high = middle
    end = (books.spans[(low + 1) & books.rows_mask].first_row if low + 1 < books.spans_count
           else books.rows)
    for row in range(books.spans[low & books.rows_mask].first_row, end):
        if (fetch_row(books, row, &found) and found.state != STATE_FAILED
                and found.transfer.timestamp >= timestamp):
            return found.transfer.timestamp == timestamp
    return False
