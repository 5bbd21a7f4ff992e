"""Telling a retry from another event under the same id: the first field that differs is named."""

from payvand.core.books cimport hash_transfer
from payvand.core.lookup cimport Found, find_transfer
from payvand.core.statuses cimport *
from payvand.core.types cimport *

cdef enum:
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER
    BALANCING = TRANSFER_FLAG_BALANCING_DEBIT | TRANSFER_FLAG_BALANCING_CREDIT


cdef u32 compare_account(const Account* event, const Account* account) noexcept nogil:
    """Tell a retry from another account under the same id: name the first field that differs."""
    if event.flags != account.flags:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_FLAGS
    if event.user_data_128 != account.user_data_128:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_USER_DATA_128
    if event.user_data_64 != account.user_data_64:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_USER_DATA_64
    if event.user_data_32 != account.user_data_32:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_USER_DATA_32
    if event.ledger != account.ledger:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_LEDGER
    if event.code != account.code:
        return ACCOUNT_EXISTS_WITH_DIFFERENT_CODE
    return ACCOUNT_EXISTS


cdef u32 compare_transfer(Books* books, const Transfer* event,
                          const Transfer* transfer) noexcept nogil:
    """Tell a retry from another transfer under the same id: name the first field that differs.

    For a post or void, what the event leaves at zero stands for the pending transfer's own value.
    """
    cdef Found found
    cdef const Transfer* pending = transfer
    cdef bint ends = event.flags & ENDS_PENDING != 0
    if event.flags != transfer.flags:
        return TRANSFER_EXISTS_WITH_DIFFERENT_FLAGS
    if event.pending_id != transfer.pending_id:
        return TRANSFER_EXISTS_WITH_DIFFERENT_PENDING_ID
    if event.timeout != transfer.timeout:
        return TRANSFER_EXISTS_WITH_DIFFERENT_TIMEOUT
    if ends:
        find_transfer(books, transfer.pending_id, hash_transfer(books, transfer.pending_id),
                      &found)
        pending = &found.transfer
    if (event.debit_account_id != transfer.debit_account_id
            and not (ends and event.debit_account_id == 0)):
        return TRANSFER_EXISTS_WITH_DIFFERENT_DEBIT_ACCOUNT_ID
    if (event.credit_account_id != transfer.credit_account_id
            and not (ends and event.credit_account_id == 0)):
        return TRANSFER_EXISTS_WITH_DIFFERENT_CREDIT_ACCOUNT_ID
    if not same_amount(event, transfer, pending):
        return TRANSFER_EXISTS_WITH_DIFFERENT_AMOUNT
    if transfer.user_data_128 != (pending.user_data_128 if ends and event.user_data_128 == 0
                                  else event.user_data_128):
        return TRANSFER_EXISTS_WITH_DIFFERENT_USER_DATA_128
    if transfer.user_data_64 != (pending.user_data_64 if ends and event.user_data_64 == 0
                                 else event.user_data_64):
        return TRANSFER_EXISTS_WITH_DIFFERENT_USER_DATA_64
    if transfer.user_data_32 != (pending.user_data_32 if ends and event.user_data_32 == 0
                                 else event.user_data_32):
        return TRANSFER_EXISTS_WITH_DIFFERENT_USER_DATA_32
    if event.ledger != transfer.ledger and not (ends and event.ledger == 0):
        return TRANSFER_EXISTS_WITH_DIFFERENT_LEDGER
    if event.code != transfer.code and not (ends and event.code == 0):
        return TRANSFER_EXISTS_WITH_DIFFERENT_CODE
    return TRANSFER_EXISTS


cdef bint same_amount(const Transfer* event, const Transfer* transfer,
                      const Transfer* pending) noexcept nogil:
    """Tell whether a retry asks for the amount that the first one moved."""
    if event.flags & TRANSFER_FLAG_POST_PENDING_TRANSFER and event.amount == U128_MAX:
        return transfer.amount == pending.amount
    if event.flags & TRANSFER_FLAG_VOID_PENDING_TRANSFER and event.amount == 0:
        return True
    if event.flags & BALANCING:
        # The amount is an upper bound there.
        return event.amount >= transfer.amount
    return event.amount == transfer.amount
