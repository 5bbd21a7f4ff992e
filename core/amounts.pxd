"""Amounts against balances and limits: what a balancing transfer may move, what an amount may not.

In a header, so that the checks of a transfer hold no call.
"""

from payvand.core.books cimport Books
from payvand.core.statuses cimport *
from payvand.core.types cimport *

cdef inline bint overflows(u128 left, u128 right) noexcept nogil:
    return <u128>(left + right) < left

cdef inline u128 headroom(u128 backing, u128 limit, u128 used) noexcept nogil:
    """Return how much more may be used: backing + limit - used, floored at 0 and capped at max."""
    cdef u128 allowed = U128_MAX if overflows(backing, limit) else backing + limit
    return allowed - used if allowed > used else <u128>0

cdef inline bint exceeds(u128 backing, u128 limit, u128 used) noexcept nogil:
    """Tell whether *used* is beyond backing + limit; then even an amount of 0 is refused."""
    return used > backing + limit if not overflows(backing, limit) else False

cdef inline u128 balance(const Books* books, const Transfer* event, u32 debit_row,
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

cdef inline u32 check_amount(const Books* books, const Transfer* event, u32 debit_row, u32 credit_row,
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
