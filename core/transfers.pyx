"""Moving money: the ordered checks of one transfer event, then its effect.

Each event is validated wholly before anything is written; from the line that says so it can't
fail. The order of the checks is the order of precedence of the result codes.

A batch meets memory at random: a bucket of ids, two slots of the index of accounts and the accounts
themselves, or a reservation. All of it is asked for some events ahead, in the order in which one
leads to the other, so that the misses of one event overlap with the work on others. What is learnt
on the way (the hashes, the rows that are likely meant) is kept in the event's `Sight`.
"""

from libc.string cimport memcpy

from payvand.core.amounts cimport balance, check_amount
from payvand.core.books cimport (
    STATE_FAILED, STATE_PENDING, STATE_POSTED, STATE_SINGLE, STATE_VOIDED,
    ChainStart, begin_chain, end_chain, hash_transfer, mark, record_at, roll_back, undo_account,
    undo_release, undo_reserve,
)
from payvand.core.copying cimport keep_account
from payvand.core.entries cimport entries_begin_batch, entries_blank, entries_note
from payvand.core.filter cimport filter_block
from payvand.core.ids cimport NO_TRANSFER, ids_insert, ids_prefetch
from payvand.core.index cimport (
    NO_ROW, hash_id, index_find, index_likely_row, index_prefetch, prefetch, prefetch_read,
)
from payvand.core.lookup cimport Found, find_transfer, inherit, may_be_bound, note_end
from payvand.core.quotas cimport check_quotas, use_quotas
from payvand.core.recalled cimport recalled_begin, recalled_end
from payvand.core.reservations cimport (
    Reservation, as_transfer, expires_at, find_reservation, release, reserve,
)
from payvand.core.retries cimport compare_transfer
from payvand.core.stage cimport DECISION_ACTION_MASK, DECISION_DECLINE
from payvand.core.statuses cimport *
from payvand.core.types cimport *

cdef enum:
    # How many events ahead a step is taken; what it asks for is there when the next one needs it.
    AHEAD_SLOTS = 24
    AHEAD_ROWS = 14
    AHEAD_ACCOUNTS = 7          # of a reservation
    SIGHTS = 32
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER
    CLOSING = TRANSFER_FLAG_CLOSING_DEBIT | TRANSFER_FLAG_CLOSING_CREDIT
    BALANCING = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT

# What is known of an event before its turn. The rows are likely, not certain.
cdef struct Sight:
    u64 hash                # of its id
    u64 debit_hash
    u64 credit_hash
    u64 pending_hash
    u32 debit_row
    u32 credit_row
    u32 place               # of the reservation that it ends

# An event in its turn.
cdef struct Turn:
    const Transfer* event
    const Sight* sight
    u32 index               # in the batch
    u32 decision
    u64 moment              # when it takes effect
    u64 timestamp           # of its result


cdef void create_transfers(Books* books, const Transfer* events, const u32* decisions, u32 count,
                           u64 base, Result* results) noexcept nogil:
    """Apply a batch (in: events, decisions or NULL; out: results, one for each event, in order).

    Room was made by `books_reserve`, and what was due has expired. Event i has the timestamp
    base + 1 + i. A transient failure burns the id of the event that failed itself.
    """
    cdef Sight sights[SIGHTS]
    cdef Turn turn
    cdef ChainStart start
    cdef u32 index, other, status
    cdef u32 chain_start = NO_ROW
    cdef bint chain_broken = False
    cdef u64 first_row = books.rows
    books.resolved_count = 0
    if books.past != NULL:
        recalled_begin(&books.past.recalled, events, count, sizeof(Transfer), True)
    begin_span(books)
    if books.entries != NULL:
        entries_begin_batch(books.entries, first_row, count)
    end_chain(books)
    for index in range(min(count, <u32>AHEAD_SLOTS)):
        see_slots(books, &events[index], &sights[index % SIGHTS])
    for index in range(min(count, <u32>AHEAD_ROWS)):
        see_rows(books, &events[index], &sights[index % SIGHTS])
    for index in range(count):
        if index + AHEAD_SLOTS < count:
            see_slots(books, &events[index + AHEAD_SLOTS],
                      &sights[(index + AHEAD_SLOTS) % SIGHTS])
        if index + AHEAD_ROWS < count:
            see_rows(books, &events[index + AHEAD_ROWS], &sights[(index + AHEAD_ROWS) % SIGHTS])
        if index + AHEAD_ACCOUNTS < count:
            see_accounts(books, &sights[(index + AHEAD_ACCOUNTS) % SIGHTS])
        turn.event = &events[index]
        turn.sight = &sights[index % SIGHTS]
        turn.index = index
        turn.decision = decisions[index] if decisions != NULL else 0
        turn.moment = turn.timestamp = base + 1 + index
        books.rows = first_row + index
        books.hashes[books.rows & books.rows_mask] = 0
        if books.entries != NULL:
            entries_blank(books.entries, books.rows)
        status = CREATED
        if turn.event.flags & TRANSFER_FLAG_LINKED:
            if chain_start == NO_ROW:
                chain_start = index
                begin_chain(books, books.rows, &start)
            if index == count - 1:
                status = TRANSFER_LINKED_EVENT_CHAIN_OPEN
        if status == CREATED:
            if chain_broken:
                status = TRANSFER_LINKED_EVENT_FAILED
            else:
                status = create_transfer(books, &turn, &events[0], base + count)
        results[index].status = status
        results[index].timestamp = turn.timestamp
        results[index].reserved = 0
        if chain_start != NO_ROW:
            if status != CREATED and not chain_broken:
                chain_broken = True
                roll_back(books, &start, books.rows)
                forget_resolved(books, chain_start)
                for other in range(chain_start, index):
                    results[other].status = TRANSFER_LINKED_EVENT_FAILED
                    results[other].timestamp = base + 1 + other
            if not turn.event.flags & TRANSFER_FLAG_LINKED:
                chain_start = NO_ROW
                chain_broken = False
                end_chain(books)
        if status != CREATED and is_transient(status):
            burn(books, &turn, status, base + 1 + index)
    end_chain(books)
    if books.past != NULL:
        recalled_end(&books.past.recalled)
    books.rows = first_row + count
    books.spans[(books.spans_count - 1) & books.rows_mask].last_created = books.last_created
    books.timestamp = base + count


cdef inline void begin_span(Books* books) noexcept nogil:
    """Note where the rows of a batch begin."""
    books.spans[books.spans_count & books.rows_mask].first_row = books.rows
    books.spans[books.spans_count & books.rows_mask].place = 0
    books.spans_count += 1


cdef inline void see_slots(const Books* books, const Transfer* event, Sight* sight) noexcept nogil:
    """Ask for the memory that the ids of an event lead to (out: sight)."""
    sight.hash = hash_transfer(books, event.id)
    ids_prefetch(&books.ids, sight.hash)
    if books.past != NULL and books.past.filter != NULL:
        prefetch_read(filter_block(books.past.filter, sight.hash))
    if event.flags & ENDS_PENDING:
        sight.pending_hash = hash_transfer(books, event.pending_id)
        index_prefetch(&books.reservations.index, sight.pending_hash)
    else:
        sight.debit_hash = hash_id(event.debit_account_id, books.seed)
        sight.credit_hash = hash_id(event.credit_account_id, books.seed)
        index_prefetch(&books.account_index, sight.debit_hash)
        index_prefetch(&books.account_index, sight.credit_hash)


cdef inline void see_rows(const Books* books, const Transfer* event, Sight* sight) noexcept nogil:
    """Ask for the records that the slots lead to (in and out: sight)."""
    sight.place = NO_ROW
    if event.flags & ENDS_PENDING:
        sight.place = index_likely_row(&books.reservations.index, sight.pending_hash)
        if sight.place != NO_ROW:
            prefetch(&books.reservations.places[sight.place])
            prefetch(<const u8*>&books.reservations.places[sight.place] + 64)
    else:
        sight.debit_row = index_likely_row(&books.account_index, sight.debit_hash)
        sight.credit_row = index_likely_row(&books.account_index, sight.credit_hash)
        prefetch_account(books, sight.debit_row)
        prefetch_account(books, sight.credit_row)


cdef inline void see_accounts(const Books* books, const Sight* sight) noexcept nogil:
    """Ask for the accounts that a reservation leads to."""
    if sight.place != NO_ROW and books.reservations.places[sight.place].row != NO_TRANSFER:
        prefetch_account(books, books.reservations.places[sight.place].debit_row)
        prefetch_account(books, books.reservations.places[sight.place].credit_row)


cdef inline void prefetch_account(const Books* books, u32 row) noexcept nogil:
    if row != NO_ROW:
        prefetch(&books.accounts[row])
        prefetch(<const u8*>&books.accounts[row] + 64)
        if books.copying != NULL:
            prefetch_read(&books.limits[row])       # it may have to be kept aside


cdef inline u32 account_row(const Books* books, u128 id, u32 likely, u64 hash) noexcept nogil:
    """Return the row of an account, which is most often the likely one; NO_ROW for none."""
    if likely != NO_ROW and books.accounts[likely].id == id:
        return likely
    return index_find(&books.account_index, <const u8*>books.accounts, sizeof(Account), id, hash)


cdef inline bint is_transient(u32 status) noexcept nogil:
    """Tell whether a failure depends on the books of the moment and so burns the id."""
    return (status == TRANSFER_DEBIT_ACCOUNT_NOT_FOUND
            or status == TRANSFER_CREDIT_ACCOUNT_NOT_FOUND
            or status == TRANSFER_PENDING_TRANSFER_NOT_FOUND
            or status == TRANSFER_EXCEEDS_CREDITS
            or status == TRANSFER_EXCEEDS_DEBITS
            or status == TRANSFER_EXCEEDS_TRANSFER_QUOTA
            or status == TRANSFER_EXCEEDS_BILATERAL_QUOTA
            or status == TRANSFER_EXCEEDS_PERIOD_QUOTA
            or status == TRANSFER_DEBIT_ACCOUNT_ALREADY_CLOSED
            or status == TRANSFER_CREDIT_ACCOUNT_ALREADY_CLOSED
            or status == TRANSFER_DECLINED)


cdef void burn(Books* books, const Turn* turn, u32 status, u64 timestamp) noexcept nogil:
    """Keep an id from ever having an effect, with what burnt it in the place of the amount."""
    cdef Transfer* record = record_at(books, books.rows)
    record[0] = turn.event[0]
    record.amount = <u128>status | <u128>turn.decision << 32
    record.timestamp = timestamp
    bind(books, turn.sight.hash, STATE_FAILED)
    mark(books, record.id, record.amount, timestamp, status)


cdef inline void bind(Books* books, u64 hash, u8 state) noexcept nogil:
    """Bind the id with this hash to the row in hand."""
    books.hashes[books.rows & books.rows_mask] = hash
    books.states[books.rows & books.rows_mask] = state
    ids_insert(&books.ids, hash, books.rows, books.oldest_row)


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


cdef u32 create_transfer(Books* books, Turn* turn, const Transfer* first,
                         u64 batch_end) noexcept nogil:
    """Check what needs no account, tell retries, and go on by the kind of event."""
    cdef const Transfer* event = turn.event
    cdef bint imported = event.flags & TRANSFER_FLAG_IMPORTED != 0
    if imported != (first.flags & TRANSFER_FLAG_IMPORTED != 0):
        return (TRANSFER_IMPORTED_EVENT_NOT_EXPECTED if imported
                else TRANSFER_IMPORTED_EVENT_EXPECTED)
    if imported:
        if event.timestamp == 0 or event.timestamp > TIMESTAMP_MAX:
            return TRANSFER_IMPORTED_EVENT_TIMESTAMP_OUT_OF_RANGE
        if event.timestamp >= batch_end:
            return TRANSFER_IMPORTED_EVENT_TIMESTAMP_MUST_NOT_ADVANCE
        turn.moment = event.timestamp
    elif event.timestamp != 0:
        return TRANSFER_TIMESTAMP_MUST_BE_ZERO
    if event.flags & ~TRANSFER_FLAGS_KNOWN:
        return TRANSFER_RESERVED_FLAG
    if event.id == 0:
        return TRANSFER_ID_MUST_NOT_BE_ZERO
    if event.id == U128_MAX:
        return TRANSFER_ID_MUST_NOT_BE_INT_MAX
    if may_be_bound(books, turn.sight.hash):
        return retry(books, turn)
    return go_on(books, turn)


cdef u32 retry(Books* books, Turn* turn) noexcept nogil:
    """Answer for an id that is bound already."""
    cdef Found found
    cdef u32 status
    if not find_transfer(books, turn.event.id, turn.sight.hash, &found):
        return go_on(books, turn)       # another id has the same hash, or passed the filter
    if found.state == STATE_FAILED:
        return TRANSFER_ID_ALREADY_FAILED
    status = compare_transfer(books, turn.event, &found.transfer)
    if status == TRANSFER_EXISTS:
        turn.timestamp = found.transfer.timestamp
    return status


cdef inline u32 go_on(Books* books, Turn* turn) noexcept nogil:
    """Apply an event whose id is new."""
    if turn.decision & DECISION_ACTION_MASK == DECISION_DECLINE:
        return TRANSFER_DECLINED
    if turn.event.flags & ENDS_PENDING:
        return end_pending(books, turn)
    return move(books, turn)


cdef u32 move(Books* books, Turn* turn) noexcept nogil:
    """Apply a single or a pending transfer."""
    cdef const Transfer* event = turn.event
    cdef u32 debit_row, credit_row, place, status
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
    debit_row = account_row(books, event.debit_account_id, turn.sight.debit_row,
                            turn.sight.debit_hash)
    if debit_row == NO_ROW:
        return TRANSFER_DEBIT_ACCOUNT_NOT_FOUND
    credit_row = account_row(books, event.credit_account_id, turn.sight.credit_row,
                             turn.sight.credit_hash)
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
    status = check_amount(books, event, debit_row, credit_row, amount, turn.moment)
    if status == CREATED and books.quotas.count:
        status = check_quotas(books, debit_row, credit_row, event.code, amount, turn.timestamp)
    if status != CREATED:
        return status

    # From here on the transfer must succeed.
    touch(books, debit_row)
    touch(books, credit_row)
    if books.quotas.count:
        use_quotas(books, debit_row, credit_row, event.code, amount if pending else <u128>0, 0,
                   <u128>0 if pending else amount, turn.timestamp)
    record(books, turn, amount, STATE_PENDING if pending else STATE_SINGLE)
    if pending:
        debit.debits_pending += amount
        credit.credits_pending += amount
        if event.flags & TRANSFER_FLAG_CLOSING_DEBIT:
            debit.flags |= ACCOUNT_FLAG_CLOSED
        if event.flags & TRANSFER_FLAG_CLOSING_CREDIT:
            credit.flags |= ACCOUNT_FLAG_CLOSED
        place = reserve(&books.reservations, record_at(books, books.rows), turn.sight.hash,
                        books.rows, debit_row, credit_row)
        if books.in_chain:
            undo_reserve(books, place)
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
    if books.entries != NULL:
        entries_note(books.entries, books.rows, debit_row, credit_row, debit, credit)
    if books.after != NULL:
        note_after(&books.after[turn.index], debit, credit)
    return CREATED


cdef void note_after(After* after, const Account* debit, const Account* credit) noexcept nogil:
    """Note how both accounts stand after a transfer."""
    # The four balances stand side by side in an account's record.
    memcpy(&after.debit, &debit.debits_pending, sizeof(Balances))
    memcpy(&after.credit, &credit.debits_pending, sizeof(Balances))


cdef inline void touch(Books* books, u32 account_row) noexcept nogil:
    """Get ready for a change of an account."""
    if books.in_chain:
        undo_account(books, account_row)
    if books.copying != NULL:
        keep_account(books.copying, account_row, books.accounts, books.limits)


cdef u32 check_imported(const Books* books, const Transfer* event, const Account* debit,
                        const Account* credit) noexcept nogil:
    """Check the timestamp that an imported event brings along."""
    cdef u32 low = 0
    cdef u32 high = books.accounts_count
    cdef u32 middle
    if books.created and event.timestamp <= books.last_created:
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


cdef inline Transfer* record(Books* books, Turn* turn, u128 amount, u8 state) noexcept nogil:
    """Write the row of a transfer that takes effect."""
    cdef Transfer* transfer = record_at(books, books.rows)
    transfer[0] = turn.event[0]
    transfer.amount = amount
    transfer.timestamp = turn.moment
    bind(books, turn.sight.hash, state)
    note_resolved(books, turn.index, turn.event.amount, amount)
    mark(books, transfer.id, amount, turn.moment, CREATED)
    books.created += 1
    books.last_created = turn.moment
    turn.timestamp = turn.moment
    return transfer


cdef u32 end_pending(Books* books, Turn* turn) noexcept nogil:
    """Apply a post or a void of a pending transfer."""
    cdef const Transfer* event = turn.event
    cdef u32 place
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
    place = turn.sight.place
    if (place == NO_ROW or books.reservations.places[place].row == NO_TRANSFER
            or books.reservations.places[place].id != event.pending_id):
        place = find_reservation(&books.reservations, event.pending_id, turn.sight.pending_hash)
        if place == NO_ROW:
            return refuse_ended(books, event, voids)
    return end_reservation(books, turn, place, voids)


cdef u32 refuse_ended(Books* books, const Transfer* event, bint voids) noexcept nogil:
    """Answer for a post or void of what is no reservation under way."""
    cdef Found found
    cdef u128 amount
    cdef u32 status
    if (not find_transfer(books, event.pending_id, hash_transfer(books, event.pending_id), &found)
            or found.state == STATE_FAILED):
        return TRANSFER_PENDING_TRANSFER_NOT_FOUND
    status = check_pending(event, &found.transfer, voids, &amount)
    if status != CREATED:
        return status
    if found.state == STATE_POSTED:
        return TRANSFER_PENDING_TRANSFER_ALREADY_POSTED
    if found.state == STATE_VOIDED:
        return TRANSFER_PENDING_TRANSFER_ALREADY_VOIDED
    return TRANSFER_PENDING_TRANSFER_EXPIRED


cdef u32 end_reservation(Books* books, Turn* turn, u32 place, bint voids) noexcept nogil:
    """Post or void the reservation in a place."""
    cdef Reservation* reservation = &books.reservations.places[place]
    cdef Transfer pending
    cdef Account* debit
    cdef Account* credit
    cdef u128 amount
    cdef u32 status
    as_transfer(reservation, &pending)
    status = check_pending(turn.event, &pending, voids, &amount)
    if status != CREATED:
        return status
    # By the clock: an imported event's own past moment says nothing of what has run out by now.
    if pending.timeout != 0 and expires_at(reservation) <= turn.timestamp:
        return TRANSFER_PENDING_TRANSFER_EXPIRED
    debit = &books.accounts[reservation.debit_row]
    credit = &books.accounts[reservation.credit_row]
    if turn.event.flags & TRANSFER_FLAG_IMPORTED:
        status = check_imported(books, turn.event, debit, credit)
        if status != CREATED:
            return status
    if not voids:
        if debit.flags & ACCOUNT_FLAG_CLOSED:
            return TRANSFER_DEBIT_ACCOUNT_ALREADY_CLOSED
        if credit.flags & ACCOUNT_FLAG_CLOSED:
            return TRANSFER_CREDIT_ACCOUNT_ALREADY_CLOSED

    # From here on the post or void must succeed.
    touch(books, reservation.debit_row)
    touch(books, reservation.credit_row)
    if books.in_chain:
        undo_release(books, place)
    if books.quotas.count:
        use_quotas(books, reservation.debit_row, reservation.credit_row, pending.code, 0,
                   pending.amount, <u128>0 if voids else amount, turn.timestamp)
    inherit(record(books, turn, amount, STATE_SINGLE), &pending)
    note_end(books, place, STATE_VOIDED if voids else STATE_POSTED)
    debit.debits_pending -= pending.amount
    credit.credits_pending -= pending.amount
    if voids:
        if pending.flags & TRANSFER_FLAG_CLOSING_DEBIT:
            debit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
        if pending.flags & TRANSFER_FLAG_CLOSING_CREDIT:
            credit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
    else:
        debit.debits_posted += amount
        credit.credits_posted += amount
    if books.entries != NULL:
        entries_note(books.entries, books.rows, reservation.debit_row, reservation.credit_row,
                     debit, credit)
    release(&books.reservations, place)
    if books.after != NULL:
        note_after(&books.after[turn.index], debit, credit)
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
