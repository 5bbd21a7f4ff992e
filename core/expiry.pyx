"""The order in which reservations run out: a binary heap by (time, row).

A reservation that is posted or voided before its time leaves its entry in the heap; the entry is
passed over when its time comes. So a heap holds at most what was reserved within one timeout, and
ending a reservation costs nothing here. Rows come in the order of timestamps, which settles ties.
"""

from payvand.core.books cimport STATE_EXPIRED, STATE_PENDING, Due, find_account
from payvand.core.types cimport *


cdef inline bint before(Due left, Due right) noexcept nogil:
    return left.expires_at < right.expires_at or (left.expires_at == right.expires_at
                                                  and left.row < right.row)


cdef void due_push(Books* books, u64 when, u32 row) noexcept nogil:
    """Add a reservation."""
    cdef u64 position = books.due_count
    cdef u64 parent
    cdef Due entry
    entry.expires_at = when
    entry.row = row
    books.due_count += 1
    while position > 0:
        parent = (position - 1) >> 1
        if not before(entry, books.due[parent]):
            break
        books.due[position] = books.due[parent]
        position = parent
    books.due[position] = entry


cdef void due_pop(Books* books) noexcept nogil:
    """Take the first entry out."""
    cdef u64 position = 0
    cdef u64 child
    cdef Due entry
    books.due_count -= 1
    entry = books.due[books.due_count]
    while True:
        child = 2 * position + 1
        if child >= books.due_count:
            break
        if child + 1 < books.due_count and before(books.due[child + 1], books.due[child]):
            child += 1
        if not before(books.due[child], entry):
            break
        books.due[position] = books.due[child]
        position = child
    books.due[position] = entry


cdef inline bint counts(const Books* books, Due entry) noexcept nogil:
    """Tell whether an entry stands for a reservation that is still under way."""
    return (entry.row < books.transfers_count
            and books.states[entry.row] == STATE_PENDING
            and expires_at(&books.transfers[entry.row]) == entry.expires_at)


cdef u64 next_due(Books* books) noexcept nogil:
    """Return when the next reservation runs out, in ns; 0 where none is under way."""
    while books.due_count > 0 and not counts(books, books.due[0]):
        due_pop(books)
    return books.due[0].expires_at if books.due_count > 0 else 0


cdef void expire(Books* books, u64 now) noexcept nogil:
    """Release reservations due at or before *now*, in order; list them in `expired`.

    At most EXPIRED_MAX at once, so that a frame stays bounded; those left are released before the
    next batch and can't be posted meanwhile, since a post looks at the time itself.
    """
    cdef Transfer* pending
    cdef Account* debit
    cdef Account* credit
    cdef Expired* expired
    cdef u32 row
    books.expired_count = 0
    while (books.due_count > 0 and books.due[0].expires_at <= now
           and books.expired_count < EXPIRED_MAX):
        row = books.due[0].row
        if counts(books, books.due[0]):
            pending = &books.transfers[row]
            debit = &books.accounts[find_account(books, pending.debit_account_id)]
            credit = &books.accounts[find_account(books, pending.credit_account_id)]
            debit.debits_pending -= pending.amount
            credit.credits_pending -= pending.amount
            if pending.flags & TRANSFER_FLAG_CLOSING_DEBIT:
                debit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
            if pending.flags & TRANSFER_FLAG_CLOSING_CREDIT:
                credit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
            books.states[row] = STATE_EXPIRED
            expired = &books.expired[books.expired_count]
            expired.id = pending.id
            expired.debit_account_id = pending.debit_account_id
            expired.credit_account_id = pending.credit_account_id
            expired.amount = pending.amount
            books.expired_count += 1
        due_pop(books)
