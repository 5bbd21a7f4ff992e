"""Moving money: the ordered checks of one transfer event, then its effect.

Each event is validated wholly before anything is written; from the line that says so it can't
fail. The order of the checks is the order of precedence of the result codes.

A batch meets memory at random: two accounts and one index slot an event. All of it is asked for
a few events ahead, so that the misses of one event overlap with the work on others.
"""

from payvand.core.books cimport (
    STATE_EXPIRED, STATE_PENDING, STATE_POSTED, STATE_SINGLE, STATE_VOIDED, find_account,
    find_failure, find_transfer, roll_back, undo_account, undo_pending,
)
from payvand.core.expiry cimport due_push, expires_at
from payvand.core.index cimport (
    NO_ROW, hash_id, index_find, index_insert, index_likely_row, index_prefetch, prefetch,
)
from payvand.core.retries cimport compare_transfer
from payvand.core.stage cimport DECISION_ACTION_MASK, DECISION_DECLINE
from payvand.core.statuses cimport *
from payvand.core.types cimport *

cdef u64 TIMESTAMP_MAX = (<u64>1 << 63) - 1

cdef enum:
    PREFETCH_SLOTS_AHEAD = 16
    PREFETCH_ROWS_AHEAD = 8
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER
    CLOSING = TRANSFER_FLAG_CLOSING_DEBIT | TRANSFER_FLAG_CLOSING_CREDIT
    BALANCING = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT


cdef void create_transfers(Books* books, const Transfer* events, const u32* decisions, u32 count,
                           u64 base, Result* results) noexcept nogil:
    """Apply a batch (in: events, decisions or NULL; out: results, one for each event, in order).

    Room was made by `books_reserve`, and what was due has expired. Event i has the timestamp
    base + 1 + i. A transient failure burns the id of the event that failed itself.
    """
    cdef u32 index, other, status, decision
    cdef u32 chain_start = NO_ROW
    cdef u32 chain_transfers = 0
    cdef bint chain_broken = False
    cdef u64 timestamp
    books.resolved_count = 0
    books.undo_count = 0
    books.in_chain = False
    for index in range(min(count, <u32>PREFETCH_SLOTS_AHEAD)):
        prefetch_slots(books, &events[index])
    for index in range(count):
        if index + PREFETCH_SLOTS_AHEAD < count:
            prefetch_slots(books, &events[index + PREFETCH_SLOTS_AHEAD])
        if index + PREFETCH_ROWS_AHEAD < count:
            prefetch_rows(books, &events[index + PREFETCH_ROWS_AHEAD])
        timestamp = base + 1 + index
        decision = decisions[index] if decisions != NULL else 0
        status = CREATED
        if events[index].flags & TRANSFER_FLAG_LINKED:
            if chain_start == NO_ROW:
                chain_start = index
                chain_transfers = books.transfers_count
                books.in_chain = True
                books.undo_count = 0
            if index == count - 1:
                status = TRANSFER_LINKED_EVENT_CHAIN_OPEN
        if status == CREATED:
            if chain_broken:
                status = TRANSFER_LINKED_EVENT_FAILED
            else:
                status = create_transfer(books, &events[index], &events[0], decision, index,
                                         base + count, &timestamp)
        results[index].status = status
        results[index].timestamp = timestamp
        results[index].reserved = 0
        if chain_start != NO_ROW:
            if status != CREATED and not chain_broken:
                chain_broken = True
                roll_back(books, books.accounts_count, chain_transfers)
                forget_resolved(books, chain_start)
                for other in range(chain_start, index):
                    results[other].status = TRANSFER_LINKED_EVENT_FAILED
                    results[other].timestamp = base + 1 + other
            if not events[index].flags & TRANSFER_FLAG_LINKED:
                chain_start = NO_ROW
                chain_broken = False
                books.in_chain = False
                books.undo_count = 0
        if status != CREATED and is_transient(status):
            burn(books, events[index].id, status, decision, base + 1 + index)
    books.in_chain = False
    books.timestamp = base + count


cdef inline void prefetch_slots(const Books* books, const Transfer* event) noexcept nogil:
    index_prefetch(&books.transfer_index, hash_id(event.id, books.transfer_index.seed))
    index_prefetch(&books.account_index,
                   hash_id(event.debit_account_id, books.account_index.seed))
    index_prefetch(&books.account_index,
                   hash_id(event.credit_account_id, books.account_index.seed))
    if event.pending_id != 0:
        index_prefetch(&books.transfer_index,
                       hash_id(event.pending_id, books.transfer_index.seed))


cdef inline void prefetch_rows(const Books* books, const Transfer* event) noexcept nogil:
    cdef u32 row = index_likely_row(&books.account_index,
                                    hash_id(event.debit_account_id, books.account_index.seed))
    if row != NO_ROW:
        prefetch(&books.accounts[row])
        prefetch(<const u8*>&books.accounts[row] + 64)
    row = index_likely_row(&books.account_index,
                           hash_id(event.credit_account_id, books.account_index.seed))
    if row != NO_ROW:
        prefetch(&books.accounts[row])
        prefetch(<const u8*>&books.accounts[row] + 64)
    if event.pending_id != 0:
        row = index_likely_row(&books.transfer_index,
                               hash_id(event.pending_id, books.transfer_index.seed))
        if row != NO_ROW:
            prefetch(&books.transfers[row])
            prefetch(<const u8*>&books.transfers[row] + 64)


cdef inline bint is_transient(u32 status) noexcept nogil:
    """Tell whether a failure depends on the books of the moment and so burns the id."""
    return (status == TRANSFER_DEBIT_ACCOUNT_NOT_FOUND
            or status == TRANSFER_CREDIT_ACCOUNT_NOT_FOUND
            or status == TRANSFER_PENDING_TRANSFER_NOT_FOUND
            or status == TRANSFER_EXCEEDS_CREDITS
            or status == TRANSFER_EXCEEDS_DEBITS
            or status == TRANSFER_DEBIT_ACCOUNT_ALREADY_CLOSED
            or status == TRANSFER_CREDIT_ACCOUNT_ALREADY_CLOSED
            or status == TRANSFER_DECLINED)


cdef void burn(Books* books, u128 id, u32 status, u32 decision, u64 timestamp) noexcept nogil:
    """Keep an id from ever having an effect, with what burnt it."""
    cdef u32 row = books.failures_count
    books.failures[row].id = id
    books.failures[row].timestamp = timestamp
    books.failures[row].status = status
    books.failures[row].decision = decision
    index_insert(&books.failure_index, hash_id(id, books.failure_index.seed), row)
    books.failures_count = row + 1


cdef void forget_resolved(Books* books, u32 chain_start) noexcept nogil:
    """Take back the moved amounts noted by events of a chain that broke."""
    while (books.resolved_count > 0
           and books.resolved[books.resolved_count - 1].index >= chain_start):
        books.resolved_count -= 1


cdef inline void note_resolved(Books* books, u32 index, u128 asked, u128 moved) noexcept nogil:
    """Note the amount that moved where it is not the amount asked for."""
    cdef Resolved* resolved
    if asked != moved:
        resolved = &books.resolved[books.resolved_count]
        resolved.amount = moved
        resolved.index = index
        resolved.reserved_32 = 0
        resolved.reserved_64 = 0
        books.resolved_count += 1


cdef u32 create_transfer(Books* books, const Transfer* event, const Transfer* first, u32 decision,
                         u32 index, u64 batch_end, u64* timestamp) noexcept nogil:
    """Check what needs no account, tell retries, and go on by the kind of event.

    *timestamp* goes in as the event's own and comes out as the result's.
    """
    cdef u32 row
    cdef u64 moment = timestamp[0]
    cdef bint imported = event.flags & TRANSFER_FLAG_IMPORTED != 0
    if imported != (first.flags & TRANSFER_FLAG_IMPORTED != 0):
        return (TRANSFER_IMPORTED_EVENT_NOT_EXPECTED if imported
                else TRANSFER_IMPORTED_EVENT_EXPECTED)
    if imported:
        if event.timestamp == 0 or event.timestamp > TIMESTAMP_MAX:
            return TRANSFER_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if event.timestamp >= batch_end:
            return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
        moment = event.timestamp
    elif event.timestamp != 0:
        return TRANSFER_TIMESTAMP_MUST_BE_ZERO
    if event.flags & ~TRANSFER_FLAGS_KNOWN:
        return TRANSFER_RESERVED_FLAG
    if event.id == 0:
        return TRANSFER_ID_MUST_NOT_BE_ZERO
    if event.id == U128_MAX:
        return TRANSFER_ID_MUST_NOT_BE_INT_MAX
    row = find_transfer(books, event.id)
    if row != NO_ROW:
        timestamp[0] = books.transfers[row].timestamp
        return compare_transfer(books, event, &books.transfers[row])
    row = find_failure(books, event.id)
    if row != NO_ROW:
        return TRANSFER_ID_ALREADY_FAILED
    if decision & DECISION_ACTION_MASK == DECISION_DECLINE:
        return TRANSFER_DECLINED
    if event.flags & ENDS_PENDING:
        return end_pending(books, event, index, moment, timestamp)
    return move(books, event, index, moment, timestamp)


cdef u32 move(Books* books, const Transfer* event, u32 index, u64 moment,
              u64* timestamp) noexcept nogil:
    """Apply a single or a pending transfer that takes effect at *moment*."""
    cdef u32 debit_row, credit_row, status
    cdef Account* debit
    cdef Account* credit
    cdef u128 amount
    cdef bint pending = event.flags & TRANSFER_FLAG_PENDING != 0
    if event.debit_account_id == 0:
        return TRANSFER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if event.debit_account_id == U128_MAX:
        return TRANSFER_DEBIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if event.credit_account_id == 0:
        return TRANSFER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_ZERO
    if event.credit_account_id == U128_MAX:
        return TRANSFER_CREDIT_ACCOUNT_ID_MUST_NOT_BE_INT_MAX
    if event.debit_account_id == event.credit_account_id:
        return TRANSFER_ACCOUNTS_MUST_BE_DIFFERENT
    if event.pending_id != 0:
        return TRANSFER_PENDING_ID_MUST_BE_ZERO
    if not pending:
        if event.timeout != 0:
            return TRANSFER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
        if event.flags & CLOSING:
            return TRANSFER_CLOSING_TRANSFER_MUST_BE_PENDING
    if event.ledger == 0:
        return TRANSFER_LEDGER_MUST_NOT_BE_ZERO
    if event.code == 0:
        return TRANSFER_CODE_MUST_NOT_BE_ZERO
    debit_row = find_account(books, event.debit_account_id)
    if debit_row == NO_ROW:
        return TRANSFER_DEBIT_ACCOUNT_NOT_FOUND
    credit_row = find_account(books, event.credit_account_id)
    if credit_row == NO_ROW:
        return TRANSFER_CREDIT_ACCOUNT_NOT_FOUND
    debit = &books.accounts[debit_row]
    credit = &books.accounts[credit_row]
    if debit.ledger != credit.ledger:
        return TRANSFER_ACCOUNTS_MUST_HAVE_THE_SAME_LEDGER
    if event.ledger != debit.ledger:
        return TRANSFER_TRANSFER_MUST_HAVE_THE_SAME_LEDGER_AS_ACCOUNTS
    if event.flags & TRANSFER_FLAG_IMPORTED:
        status = check_imported(books, event, debit, credit)
        if status != CREATED:
            return status
    if debit.flags & ACCOUNT_FLAG_CLOSED:
        return TRANSFER_DEBIT_ACCOUNT_ALREADY_CLOSED
    if credit.flags & ACCOUNT_FLAG_CLOSED:
        return TRANSFER_CREDIT_ACCOUNT_ALREADY_CLOSED
    amount = event.amount
    if event.flags & BALANCING:
        amount = balance(books, event, debit_row, credit_row)
    status = check_amount(books, event, debit_row, credit_row, amount, moment)
    if status != CREATED:
        return status

    # From here on the transfer must succeed.
    undo_account(books, debit_row)
    undo_account(books, credit_row)
    record(books, event, moment, amount, STATE_PENDING if pending else STATE_SINGLE)
    note_resolved(books, index, event.amount, amount)
    if pending:
        debit.debits_pending += amount
        credit.credits_pending += amount
        if event.flags & TRANSFER_FLAG_CLOSING_DEBIT:
            debit.flags |= ACCOUNT_FLAG_CLOSED
        if event.flags & TRANSFER_FLAG_CLOSING_CREDIT:
            credit.flags |= ACCOUNT_FLAG_CLOSED
        if event.timeout != 0:
            due_push(books, moment + <u64>event.timeout * 1_000_000_000u,
                     books.transfers_count - 1)
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
    timestamp[0] = moment
    return CREATED


cdef u32 check_imported(const Books* books, const Transfer* event, const Account* debit,
                        const Account* credit) noexcept nogil:
    """Check the timestamp that an imported event brings along."""
    cdef u32 low = 0
    cdef u32 high = books.accounts_count
    cdef u32 middle
    if (books.transfers_count
            and event.timestamp <= books.transfers[books.transfers_count - 1].timestamp):
        return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    # Timestamps are unique across accounts and transfers; accounts stand in their order.
    while low < high:
        middle = low + (high - low) // 2
        if books.accounts[middle].timestamp < event.timestamp:
            low = middle + 1
        else:
            high = middle
    if low < books.accounts_count and books.accounts[low].timestamp == event.timestamp:
        return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS
    if event.timestamp <= debit.timestamp:
        return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_DEBIT_ACCOUNT
    if event.timestamp <= credit.timestamp:
        return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_POSTDATE_CREDIT_ACCOUNT
    if event.timeout != 0:
        return TRANSFER_IMPORTED_EVENT_TIMEOUT_MUST_BE_ZERO
    return CREATED


cdef inline bint overflows(u128 left, u128 right) noexcept nogil:
    return <u128>(left + right) < left


cdef inline u128 headroom(u128 backing, u128 limit, u128 used) noexcept nogil:
    """Return how much more may be used: backing + limit - used, floored at 0 and capped at max."""
    cdef u128 allowed = U128_MAX if overflows(backing, limit) else backing + limit
    return allowed - used if allowed > used else <u128>0


cdef inline bint exceeds(u128 backing, u128 limit, u128 used) noexcept nogil:
    """Tell whether *used* is beyond backing + limit; then even an amount of 0 is refused."""
    return used > backing + limit if not overflows(backing, limit) else False


cdef u128 balance(const Books* books, const Transfer* event, u32 debit_row,
                  u32 credit_row) noexcept nogil:
    """Reduce a balancing transfer's amount to what the balances allow."""
    cdef const Account* debit = &books.accounts[debit_row]
    cdef const Account* credit = &books.accounts[credit_row]
    cdef u128 amount = event.amount
    cdef u128 allowed
    if event.flags & TRANSFER_FLAG_BALANCING_DEBIT:
        allowed = headroom(debit.credits_posted,
                           books.limits[debit_row]
                           if debit.flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS
                           else <u128>0,
                           debit.debits_posted + debit.debits_pending)
        if amount > allowed:
            amount = allowed
    if event.flags & TRANSFER_FLAG_BALANCING_CREDIT:
        allowed = headroom(credit.debits_posted,
                           books.limits[credit_row]
                           if credit.flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS
                           else <u128>0,
                           credit.credits_posted + credit.credits_pending)
        if amount > allowed:
            amount = allowed
    return amount


cdef u32 check_amount(const Books* books, const Transfer* event, u32 debit_row, u32 credit_row,
                      u128 amount, u64 moment) noexcept nogil:
    """Check that no counter overflows and no limit is crossed; pending counts as used."""
    cdef const Account* debit = &books.accounts[debit_row]
    cdef const Account* credit = &books.accounts[credit_row]
    if event.flags & TRANSFER_FLAG_PENDING:
        if overflows(amount, debit.debits_pending):
            return TRANSFER_OVERFLOWS_DEBITS_PENDING
        if overflows(amount, credit.credits_pending):
            return TRANSFER_OVERFLOWS_CREDITS_PENDING
    if overflows(amount, debit.debits_posted):
        return TRANSFER_OVERFLOWS_DEBITS_POSTED
    if overflows(amount, credit.credits_posted):
        return TRANSFER_OVERFLOWS_CREDITS_POSTED
    if overflows(amount, debit.debits_pending + debit.debits_posted):
        return TRANSFER_OVERFLOWS_DEBITS
    if overflows(amount, credit.credits_pending + credit.credits_posted):
        return TRANSFER_OVERFLOWS_CREDITS
    if moment + <u64>event.timeout * 1_000_000_000u > TIMESTAMP_MAX:
        return TRANSFER_OVERFLOWS_TIMEOUT
    if (debit.flags & ACCOUNT_FLAG_DEBITS_MUST_NOT_EXCEED_CREDITS
            and exceeds(debit.credits_posted, books.limits[debit_row],
                        debit.debits_pending + debit.debits_posted + amount)):
        return TRANSFER_EXCEEDS_CREDITS
    if (credit.flags & ACCOUNT_FLAG_CREDITS_MUST_NOT_EXCEED_DEBITS
            and exceeds(credit.debits_posted, books.limits[credit_row],
                        credit.credits_pending + credit.credits_posted + amount)):
        return TRANSFER_EXCEEDS_DEBITS
    return CREATED


cdef inline void record(Books* books, const Transfer* event, u64 moment, u128 amount,
                        u8 state) noexcept nogil:
    """Append the row of a transfer that takes effect."""
    cdef u32 row = books.transfers_count
    cdef Transfer* transfer = &books.transfers[row]
    transfer[0] = event[0]
    transfer.amount = amount
    transfer.timestamp = moment
    books.states[row] = state
    index_insert(&books.transfer_index, hash_id(event.id, books.transfer_index.seed), row)
    books.transfers_count = row + 1


cdef u32 end_pending(Books* books, const Transfer* event, u32 index, u64 moment,
                     u64* timestamp) noexcept nogil:
    """Apply a post or a void of a pending transfer."""
    cdef u32 row, debit_row, credit_row, status
    cdef const Transfer* pending
    cdef Account* debit
    cdef Account* credit
    cdef u128 amount, asked
    cdef bint voids = event.flags & TRANSFER_FLAG_VOID_PENDING_TRANSFER != 0
    if voids and event.flags & TRANSFER_FLAG_POST_PENDING_TRANSFER:
        return TRANSFER_FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if event.flags & (TRANSFER_FLAG_PENDING | BALANCING | CLOSING):
        return TRANSFER_FLAGS_ARE_MUTUALLY_EXCLUSIVE
    if event.pending_id == 0:
        return TRANSFER_PENDING_ID_MUST_NOT_BE_ZERO
    if event.pending_id == U128_MAX:
        return TRANSFER_PENDING_ID_MUST_NOT_BE_INT_MAX
    if event.pending_id == event.id:
        return TRANSFER_PENDING_ID_MUST_BE_DIFFERENT
    if event.timeout != 0:
        return TRANSFER_TIMEOUT_RESERVED_FOR_PENDING_TRANSFER
    row = find_transfer(books, event.pending_id)
    if row == NO_ROW:
        return TRANSFER_PENDING_TRANSFER_NOT_FOUND
    pending = &books.transfers[row]
    status = check_pending(event, pending, voids, &amount)
    if status != CREATED:
        return status
    if books.states[row] == STATE_POSTED:
        return TRANSFER_PENDING_TRANSFER_ALREADY_POSTED
    if books.states[row] == STATE_VOIDED:
        return TRANSFER_PENDING_TRANSFER_ALREADY_VOIDED
    if books.states[row] == STATE_EXPIRED or (pending.timeout != 0
                                              and expires_at(pending) <= moment):
        return TRANSFER_PENDING_TRANSFER_EXPIRED
    debit_row = find_account(books, pending.debit_account_id)
    credit_row = find_account(books, pending.credit_account_id)
    debit = &books.accounts[debit_row]
    credit = &books.accounts[credit_row]
    if event.flags & TRANSFER_FLAG_IMPORTED:
        status = check_imported(books, event, debit, credit)
        if status != CREATED:
            return status
    if not voids:
        if debit.flags & ACCOUNT_FLAG_CLOSED:
            return TRANSFER_DEBIT_ACCOUNT_ALREADY_CLOSED
        if credit.flags & ACCOUNT_FLAG_CLOSED:
            return TRANSFER_CREDIT_ACCOUNT_ALREADY_CLOSED

    # From here on the post or void must succeed.
    undo_account(books, debit_row)
    undo_account(books, credit_row)
    undo_pending(books, row)
    asked = event.amount
    record(books, event, moment, amount, STATE_SINGLE)
    inherit(&books.transfers[books.transfers_count - 1], pending)
    note_resolved(books, index, asked, amount)
    debit.debits_pending -= pending.amount
    credit.credits_pending -= pending.amount
    if voids:
        books.states[row] = STATE_VOIDED
        if pending.flags & TRANSFER_FLAG_CLOSING_DEBIT:
            debit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
        if pending.flags & TRANSFER_FLAG_CLOSING_CREDIT:
            credit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
    else:
        books.states[row] = STATE_POSTED
        debit.debits_posted += amount
        credit.credits_posted += amount
    timestamp[0] = moment
    return CREATED


cdef u32 check_pending(const Transfer* event, const Transfer* pending, bint voids,
                       u128* amount) noexcept nogil:
    """Check that a post or void agrees with its pending transfer (out: the amount it moves)."""
    if not pending.flags & TRANSFER_FLAG_PENDING:
        return TRANSFER_PENDING_TRANSFER_NOT_PENDING
    if event.debit_account_id != 0 and event.debit_account_id != pending.debit_account_id:
        return TRANSFER_PENDING_TRANSFER_HAS_DIFFERENT_DEBIT_ACCOUNT_ID
    if event.credit_account_id != 0 and event.credit_account_id != pending.credit_account_id:
        return TRANSFER_PENDING_TRANSFER_HAS_DIFFERENT_CREDIT_ACCOUNT_ID
    if event.ledger != 0 and event.ledger != pending.ledger:
        return TRANSFER_PENDING_TRANSFER_HAS_DIFFERENT_LEDGER
    if event.code != 0 and event.code != pending.code:
        return TRANSFER_PENDING_TRANSFER_HAS_DIFFERENT_CODE
    amount[0] = event.amount
    if voids:
        if event.amount == 0:
            amount[0] = pending.amount
    elif event.amount == U128_MAX:
        amount[0] = pending.amount
    if amount[0] > pending.amount:
        return TRANSFER_EXCEEDS_PENDING_TRANSFER_AMOUNT
    if voids and amount[0] < pending.amount:
        return TRANSFER_PENDING_TRANSFER_HAS_DIFFERENT_AMOUNT
    return CREATED


cdef inline void inherit(Transfer* transfer, const Transfer* pending) noexcept nogil:
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
