"""What stands behind a transfer's id, wherever it is kept.

Most ids that a batch brings are new, and the table of ids says so with one cache miss. What is
here is the other case: a retry, a late post, a question.
"""

from payvand.core.books cimport STATE_FAILED, STATE_UNKNOWN, record_at
from payvand.core.ids cimport NO_TRANSFER, ids_find
from payvand.core.types cimport *


cdef bint find_transfer(Books* books, u128 id, u64 hash, Found* found) noexcept nogil:
    """Find what an id is bound to (out: found); False where it is bound to nothing."""
    cdef u64 row
    cdef u32 others = 0
    while True:
        row = ids_find(&books.ids, hash, books.rows, books.oldest_row, books.hashes,
                       books.rows_mask, others)
        if row == NO_TRANSFER:
            return False
        if fetch_row(books, row, found) and found.transfer.id == id:
            return True
        others += 1


cdef bint fetch_row(Books* books, u64 row, Found* found) noexcept nogil:
    """Read the row of an event (out: found); False where the event bound no id."""
    found.row = row
    found.state = books.states[row & books.rows_mask]
    if books.hashes[row & books.rows_mask] == 0:
        found.state = STATE_UNKNOWN
        return False
    found.transfer = record_at(books, row)[0]
    found.status = CREATED
    found.decision = 0
    if found.state == STATE_FAILED:
        found.status = <u32>found.transfer.amount
        found.decision = <u32>(found.transfer.amount >> 32)
        found.transfer.amount = 0
    return True


cdef bint is_moment_taken(Books* books, u64 timestamp) noexcept nogil:
    """Tell whether a transfer bears this timestamp.

    Transfers stand in the order of their timestamps. So the batch that could hold it is found by
    halving, and then its rows are gone through.
    """
    cdef u64 low = 0
    cdef u64 high = books.spans_count
    cdef u64 middle, row, end
    cdef Found found
    if timestamp > books.last_created:
        return False
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
