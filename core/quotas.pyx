"""Setting quotas, holding transfers against them, and counting what is used. See `quota_table.pxd`."""

from libc.string cimport memcpy, memset

from payvand.core.books cimport find_account, undo_quota
from payvand.core.ids cimport NO_TRANSFER
from payvand.core.index cimport NO_ROW
from payvand.core.quota_table cimport *
from payvand.core.reservations cimport Reservation
from payvand.core.statuses cimport *
from payvand.core.types cimport *


# --- transfers -------------------------------------------------------------------------------

cdef u32 check_quotas(const Books* books, u32 debit_row, u32 credit_row, u16 code, u128 amount,
                      u64 timestamp) noexcept nogil:
    """Return CREATED where a transfer keeps every quota that it counts against."""
    cdef const Quotas* quotas = &books.quotas
    cdef u32 status = check_pair(quotas, first_of(quotas, debit_row, credit_row), code, amount,
                                 timestamp)
    if status != CREATED:
        return status
    return check_pair(quotas, first_of(quotas, debit_row, NO_ROW), code, amount, timestamp)


cdef u32 check_pair(const Quotas* quotas, u32 place, u16 code, u128 amount,
                    u64 timestamp) noexcept nogil:
    cdef const QuotaRow* row
    cdef u128 used, received
    while place:
        row = &quotas.rows[place - 1]
        place = row.next
        if not is_for(row, code):
            continue
        if amount > row.quota.amount_max:
            return TRANSFER_EXCEEDS_TRANSFER_QUOTA
        # No sum overflows: all of it stands in the counters of the accounts too.
        used, received = row.used.pending + amount, 0
        if row.used.period == period_at(quotas, &row.quota, timestamp):
            used, received = used + row.used.posted, row.used.received
        if used > row.quota.sum_max and used - row.quota.sum_max > received:
            return (TRANSFER_EXCEEDS_PERIOD_QUOTA if row.credit_row == NO_ROW
                    else TRANSFER_EXCEEDS_BILATERAL_QUOTA)
    return CREATED


cdef void use_quotas(Books* books, u32 debit_row, u32 credit_row, u16 code, u128 reserved,
                     u128 released, u128 posted, u64 timestamp) noexcept nogil:
    """Count what an event does: amounts that it reserves, releases and posts."""
    cdef Quotas* quotas = &books.quotas
    use_pair(books, first_of(quotas, debit_row, credit_row), code, reserved, released, posted,
             timestamp)
    use_pair(books, first_of(quotas, debit_row, NO_ROW), code, reserved, released, posted,
             timestamp)
    if quotas.netting and posted:
        receive(books, first_of(quotas, credit_row, debit_row), code, posted, timestamp)


cdef void use_pair(Books* books, u32 place, u16 code, u128 reserved, u128 released, u128 posted,
                   u64 timestamp) noexcept nogil:
    cdef QuotaRow* row
    while place:
        row = &books.quotas.rows[place - 1]
        if is_for(row, code):
            touch_use(books, place - 1, timestamp)
            row.used.pending += reserved
            row.used.pending -= released
            row.used.posted += posted
        place = row.next


cdef void receive(Books* books, u32 place, u16 code, u128 posted, u64 timestamp) noexcept nogil:
    """Make room in the quotas of the other way round that net."""
    cdef QuotaRow* row
    while place:
        row = &books.quotas.rows[place - 1]
        if row.quota.flags & QUOTA_FLAG_NETTING and is_for(row, code):
            touch_use(books, place - 1, timestamp)
            row.used.received += posted
        place = row.next


cdef inline void touch_use(Books* books, u32 place, u64 timestamp) noexcept nogil:
    """Get ready for a change of what is used: in a new period nothing is posted yet."""
    cdef QuotaRow* row = &books.quotas.rows[place]
    cdef u64 period = period_at(&books.quotas, &row.quota, timestamp)
    if books.in_chain:
        undo_quota(books, place)
    if row.used.period != period:
        row.used.period = period
        row.used.posted = row.used.received = 0


# --- setting ---------------------------------------------------------------------------------

cdef void set_quotas(Books* books, const Quota* events, u32 count, u64 base,
                     Result* results) noexcept nogil:
    """Set quotas (in: events; out: results, one for each event, in order).

    Room was made by `quotas_reserve`. One that is new counts what is reserved already, and what is
    posted from now on. One that is there keeps what is used of it; a maximum below that stays
    legal: it stops further use and takes nothing back.
    """
    cdef u32 first_new = books.quotas.count
    cdef u32 index
    for index in range(count):
        results[index].status = set_quota(books, &events[index], base + 1 + index)
        results[index].timestamp = base + 1 + index
        results[index].reserved = 0
    if books.quotas.count > first_new:
        count_reserved(books, first_new)
    books.timestamp = base + count


cdef u32 set_quota(Books* books, const Quota* event, u64 timestamp) noexcept nogil:
    cdef Quotas* quotas = &books.quotas
    cdef u32 place, debit_row
    cdef u32 credit_row = NO_ROW
    cdef Quota* quota
    if event.id == 0:
        return QUOTA_ID_MUST_NOT_BE_ZERO
    if event.id == U128_MAX:
        return QUOTA_ID_MUST_NOT_BE_INT_MAX
    if event.reserved != 0 or event.timestamp != 0:
        return QUOTA_RESERVED_FIELD
    if event.flags & ~QUOTA_FLAGS_KNOWN:
        return QUOTA_RESERVED_FLAG
    if event.codes == 0:
        return QUOTA_CODES_MUST_NOT_BE_ZERO
    if event.period and event.event:
        return QUOTA_PERIOD_AND_EVENT_ARE_MUTUALLY_EXCLUSIVE
    if event.event >= QUOTA_EVENTS:
        return QUOTA_EVENT_OUT_OF_RANGE
    if event.flags & QUOTA_FLAG_NETTING and event.credit_account_id == 0:
        return QUOTA_NETTING_NEEDS_A_CREDIT_ACCOUNT
    if event.debit_account_id == event.credit_account_id:
        return QUOTA_ACCOUNTS_MUST_BE_DIFFERENT
    debit_row = find_account(books, event.debit_account_id)
    if debit_row == NO_ROW:
        return QUOTA_DEBIT_ACCOUNT_NOT_FOUND
    if event.credit_account_id != 0:
        credit_row = find_account(books, event.credit_account_id)
        if credit_row == NO_ROW:
            return QUOTA_CREDIT_ACCOUNT_NOT_FOUND
    place = find_quota(quotas, event.id)
    if place != NO_ROW:
        quota = &quotas.rows[place].quota
        if (quota.debit_account_id != event.debit_account_id
                or quota.credit_account_id != event.credit_account_id
                or quota.codes != event.codes or quota.period != event.period
                or quota.offset != event.offset or quota.event != event.event
                or quota.flags != event.flags):
            return QUOTA_EXISTS_WITH_DIFFERENT_TERMS
        quota.amount_max, quota.sum_max = event.amount_max, event.sum_max
        quota.user_data_128, quota.timestamp = event.user_data_128, timestamp
        return CREATED
    return add_quota(books, event, debit_row, credit_row, timestamp)


cdef u32 add_quota(Books* books, const Quota* event, u32 debit_row, u32 credit_row,
                   u64 timestamp) noexcept nogil:
    """Add a quota that is new."""
    cdef Quotas* quotas = &books.quotas
    cdef u32 pair = find_pair(quotas, debit_row, credit_row)
    cdef QuotaRow* row
    if quotas.count == QUOTAS_MAX:
        return QUOTA_TOO_MANY
    if pair != NO_ROW and quotas.pairs[pair].count == QUOTAS_PER_PAIR_MAX:
        return QUOTA_TOO_MANY_FOR_THE_ACCOUNTS
    row = &quotas.rows[quotas.count]
    memset(row, 0, sizeof(QuotaRow))
    row.quota = event[0]
    row.quota.timestamp = timestamp
    row.used.period = period_at(quotas, event, timestamp)
    row.debit_row, row.credit_row = debit_row, credit_row
    enter_quota(quotas, quotas.count)
    quotas.count += 1
    return CREATED


cdef void count_reserved(Books* books, u32 first_new) noexcept nogil:
    """Count what is reserved against the quotas from *first_new* on."""
    cdef const Reservation* reservation
    cdef u32 place
    for place in range(books.reservations.places_count):
        reservation = &books.reservations.places[place]
        if reservation.row == NO_TRANSFER:
            continue
        count_pair(&books.quotas, reservation, first_new, first_of(
            &books.quotas, reservation.debit_row, reservation.credit_row))
        count_pair(&books.quotas, reservation, first_new, first_of(
            &books.quotas, reservation.debit_row, NO_ROW))


cdef void count_pair(Quotas* quotas, const Reservation* reservation, u32 first_new,
                     u32 place) noexcept nogil:
    cdef QuotaRow* row
    while place:
        row = &quotas.rows[place - 1]
        if place - 1 >= first_new and is_for(row, reservation.code):
            row.used.pending += reservation.amount
        place = row.next


# --- reading ---------------------------------------------------------------------------------

cdef void quota_use(const Books* books, u32 place, u8* out) noexcept nogil:
    """Write a quota and what is used of it now (out: QUOTA_USE)."""
    cdef const QuotaRow* row = &books.quotas.rows[place]
    cdef QuotaUse used = row.used
    cdef u64 period = period_at(&books.quotas, &row.quota, books.timestamp)
    if used.period != period:
        used.period, used.posted, used.received = period, 0, 0
    memcpy(out, &row.quota, sizeof(Quota))
    memcpy(out + sizeof(Quota), &used, sizeof(QuotaUse))
