"""Opening accounts and setting their limits: the ordered checks of one event, then its effect."""

from payvand.core.books cimport find_account, roll_back_accounts
from payvand.core.copying cimport keep_account
from payvand.core.index cimport NO_ROW, hash_id, index_insert
from payvand.core.lookup cimport is_moment_taken
from payvand.core.retries cimport compare_account
from payvand.core.statuses cimport *
from payvand.core.types cimport *


cdef void create_accounts(Books* books, const Account* events, u32 count, u64 base,
                          Result* results) noexcept nogil:
    """Apply a batch (in: events; out: results, one for each event, in order).

    Room was made by `books_reserve`. Event i has the timestamp base + 1 + i.
    """
    cdef u32 index, other, status
    cdef u32 chain_start = NO_ROW
    cdef u32 chain_accounts = 0
    cdef bint chain_broken = False
    cdef u64 timestamp
    for index in range(count):
        timestamp = base + 1 + index
        status = CREATED
        if events[index].flags & ACCOUNT_FLAG_LINKED:
            if chain_start == NO_ROW:
                chain_start = index
                chain_accounts = books.accounts_count
            if index == count - 1:
                status = ACCOUNT_LINKED_EVENT_CHAIN_OPEN
        if status == CREATED:
            if chain_broken:
                status = ACCOUNT_LINKED_EVENT_FAILED
            else:
                status = create_account(books, &events[index], &events[0], base + count,
                                        &timestamp)
        results[index].status = status
        results[index].timestamp = timestamp
        results[index].reserved = 0
        if chain_start != NO_ROW:
            if status != CREATED and not chain_broken:
                chain_broken = True
                roll_back_accounts(books, chain_accounts)
                for other in range(chain_start, index):
                    results[other].status = ACCOUNT_LINKED_EVENT_FAILED
                    results[other].timestamp = base + 1 + other
            if not events[index].flags & ACCOUNT_FLAG_LINKED:
                chain_start = NO_ROW
                chain_broken = False
    books.timestamp = base + count


cdef u32 create_account(Books* books, const Account* event, const Account* first, u64 batch_end,
                        u64* timestamp) noexcept nogil:
    """Apply one event; *timestamp* goes in as the event's and comes out as the result's."""
    cdef u32 row, status
    cdef u64 opened_at = timestamp[0]
    cdef bint imported = event.flags & ACCOUNT_FLAG_IMPORTED != 0
    cdef Account* account
    if imported != (first.flags & ACCOUNT_FLAG_IMPORTED != 0):
        return (ACCOUNT_IMPORTED_EVENT_NOT_EXPECTED if imported
                else ACCOUNT_IMPORTED_EVENT_EXPECTED)
    if imported:
        if event.timestamp == 0 or event.timestamp > TIMESTAMP_MAX:
            return ACCOUNT_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if event.timestamp >= batch_end:
            return ACCOUNT_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
        opened_at = event.timestamp
    elif event.timestamp != 0:
        return ACCOUNT_TIMESTAMP_MUST_BE_ZERO
    if event.reserved != 0:
        return ACCOUNT_RESERVED_FIELD
    if event.flags & ~ACCOUNT_FLAGS_KNOWN:
        return ACCOUNT_RESERVED_FLAG
    if event.id == 0:
        return ACCOUNT_ID_MUST_NOT_BE_ZERO
    if event.id == U128_MAX:
        return ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    row = find_account(books, event.id)
    if row != NO_ROW:
        status = compare_account(event, &books.accounts[row])
        if status == ACCOUNT_EXISTS:
            timestamp[0] = books.accounts[row].timestamp
        return status
    if (event.flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS
            and event.flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS):
        return ACCOUNT_FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if event.debits_pending != 0:
        return ACCOUNT_DEBITS_PENDING_MUST_BE_ZERO
    if event.debits_posted != 0:
        return ACCOUNT_DEBITS_POSTED_MUST_BE_ZERO
    if event.credits_pending != 0:
        return ACCOUNT_CREDITS_PENDING_MUST_BE_ZERO
    if event.credits_posted != 0:
        return ACCOUNT_CREDITS_POSTED_MUST_BE_ZERO
    if event.ledger == 0:
        return ACCOUNT_LEDGER_MUST_NOT_BE_ZERO
    if event.code == 0:
        return ACCOUNT_CODE_MUST_NOT_BE_ZERO
    if imported and not is_free_moment(books, opened_at):
        return ACCOUNT_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS

    # From here on the account must be opened.
    row = books.accounts_count
    account = &books.accounts[row]
    account[0] = event[0]
    account.timestamp = opened_at
    books.limits[row] = 0
    index_insert(&books.account_index, hash_id(event.id, books.seed), row)
    books.accounts_count = row + 1
    timestamp[0] = opened_at
    return CREATED


cdef bint is_free_moment(Books* books, u64 timestamp) noexcept nogil:
    """Tell whether an imported account may bear this timestamp.

    It must be later than every account's, and no transfer's own: timestamps are unique across
    both.
    """
    if books.accounts_count and timestamp <= books.accounts[books.accounts_count - 1].timestamp:
        return False
    return not is_moment_taken(books, timestamp)


cdef void set_limits(Books* books, const Limit* events, u32 count, u64 base,
                     Result* results) noexcept nogil:
    """Set the allowance on the limited side of accounts (in: events; out: results).

    A limit below what is in use stays legal: it stops further use and takes nothing back.
    """
    cdef u32 index, row, status
    for index in range(count):
        row = find_account(books, events[index].account_id)
        if row == NO_ROW:
            status = 1      # LimitStatus.ACCOUNT_NOT_FOUND
        elif not books.accounts[row].flags & (ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS
                                              | ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS):
            status = 2      # LimitStatus.ACCOUNT_HAS_NO_LIMITED_SIDE
        else:
            if books.copying != NULL:
                keep_account(books.copying, row, books.accounts, books.limits)
            books.limits[row] = events[index].limit
            status = CREATED
        results[index].status = status
        results[index].timestamp = base + 1 + index
        results[index].reserved = 0
    books.timestamp = base + count
