"""Rows on their way from memory into the past: choosing, gathering, forgetting them.

Choosing and forgetting are done under the lock of the ledger and take no time to speak of; between
them batches go on. A reservation of the rows that ends in between is noted twice, in its state and
as late, and so in two runs: the same answer, wherever it is found.
"""

from libc.stdlib cimport free, malloc, qsort

from payvand.core.books cimport STATE_PENDING, Span, hash_transfer
from payvand.core.filter cimport filter_add
from payvand.core.past cimport LateList, Past, late_clear
from payvand.core.store cimport place_of_event
from payvand.core.types cimport *

cdef enum:
    NO_MEMORY = 12              # ENOMEM


cdef void leaving_choose(Leaving* leaving, Books* books, u64 rows) noexcept nogil:
    """Choose the oldest rows, whole batches, about so many (out: leaving). Under the lock."""
    cdef Past* past = books.past
    cdef LateList late = past.taken
    leaving.first_row = books.oldest_row
    leaving.first_span = leaving.end_span = books.spans_oldest
    while (leaving.end_span + 1 < books.spans_count
           and books.spans[leaving.end_span & books.rows_mask].first_row
           < leaving.first_row + rows):
        leaving.end_span += 1
    leaving.end_row = books.spans[leaving.end_span & books.rows_mask].first_row
    leaving.carried = NULL
    leaving.filter = past.filter
    past.taken = past.late
    past.late = late
    past.leaving = leaving.end_row


cdef int leaving_gather(Leaving* leaving, Books* books, Entry* entries) noexcept nogil:
    """Collect the ids bound by the rows, and the reservations under way (out: leaving, entries).

    Returns 0 or an errno.
    """
    cdef const Span* span
    cdef Carried* carried
    cdef u64 row, hash, place, number
    cdef u8 state
    cdef int failure
    leaving.carried_count = 0
    leaving.carried = <Carried*>malloc(
        (books.past.carried_count + leaving.end_row - leaving.first_row + 1) * sizeof(Carried))
    failure = keep_carried(leaving, books, entries) if leaving.carried != NULL else NO_MEMORY
    if failure:
        return failure
    for number in range(leaving.first_span, leaving.end_span):
        span = &books.spans[number & books.rows_mask]
        for row in range(span.first_row, books.spans[(number + 1) & books.rows_mask].first_row):
            hash = books.hashes[row & books.rows_mask]
            if hash == 0:
                continue
            state = books.states[row & books.rows_mask]
            place = place_of_event(span.place, row - span.first_row)
            if state == STATE_PENDING:
                carried = &leaving.carried[leaving.carried_count]
                carried.row = row
                carried.place = place
                carried.hash = hash
                filter_add(leaving.filter, hash)
                leaving.carried_count += 1
            else:
                entries[leaving.entries_count].hash = hash
                entries[leaving.entries_count].place = place | state
                leaving.entries_count += 1
    return 0


cdef int keep_carried(Leaving* leaving, Books* books, Entry* entries) noexcept nogil:
    """Go on carrying the reservations that haven't ended; take along the ends of the others."""
    cdef LateList* taken = &books.past.taken
    cdef Carried* carried
    cdef u64 index
    cdef u64 ended = 0
    cdef u64* rows = <u64*>malloc((taken.count + 1) * sizeof(u64))
    if rows == NULL:
        return NO_MEMORY
    for index in range(taken.count):
        rows[index] = taken.entries[index].row
        entries[index].hash = hash_transfer(books, taken.entries[index].id)
        entries[index].place = taken.entries[index].place
    leaving.entries_count = taken.count
    qsort(rows, taken.count, sizeof(u64), compare_rows)
    for index in range(books.past.carried_count):
        carried = &books.past.carried[index]
        while ended < taken.count and rows[ended] < carried.row:
            ended += 1
        if ended == taken.count or rows[ended] != carried.row:
            leaving.carried[leaving.carried_count] = carried[0]
            leaving.carried_count += 1
    free(rows)
    return 0


cdef int compare_rows(const void* left, const void* right) noexcept nogil:
    cdef u64 one = (<const u64*>left)[0]
    cdef u64 other = (<const u64*>right)[0]
    return (one > other) - (one < other)


cdef void leaving_forget(Leaving* leaving, Books* books) noexcept nogil:
    """Forget the rows in memory; from now on the past answers for them. Under the lock."""
    cdef Past* past = books.past
    cdef Carried* carried = past.carried
    past.filter = leaving.filter
    past.runs[past.runs_count] = leaving.run
    past.runs_count += 1
    past.carried = leaving.carried
    past.carried_count = leaving.carried_count
    past.last_created = books.spans[(leaving.end_span - 1) & books.rows_mask].last_created
    late_clear(&past.taken)
    books.oldest_row = leaving.end_row
    books.spans_oldest = leaving.end_span
    leaving.carried = carried
