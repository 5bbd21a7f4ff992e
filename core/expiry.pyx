"""Releasing reservations whose time has run out, in the order (time, row)."""

from payvand.core.books cimport STATE_EXPIRED
from payvand.core.copying cimport keep_account
from payvand.core.entries cimport entries_note_expired
from payvand.core.index cimport NO_ROW
from payvand.core.lookup cimport note_end
from payvand.core.quotas cimport use_quotas
from payvand.core.reservations cimport Reservation, release, take_due
from payvand.core.types cimport *


cdef void expire(Books* books, u64 now) noexcept nogil:
    """Release reservations due at or before *now*, in order; list them in `expired`.

    At most EXPIRED_MAX at once, so that a frame stays bounded; those left are released before the
    next batch and can't be posted meanwhile, since a post looks at the time itself.
    """
    cdef Reservation* reservation
    cdef Account* debit
    cdef Account* credit
    cdef Expired* expired
    cdef u32 place
    books.expired_count = 0
    while books.expired_count < EXPIRED_MAX:
        place = take_due(&books.reservations, now)
        if place == NO_ROW:
            break
        reservation = &books.reservations.places[place]
        debit = &books.accounts[reservation.debit_row]
        credit = &books.accounts[reservation.credit_row]
        if books.copying != NULL:
            keep_account(books.copying, reservation.debit_row, books.accounts, books.limits)
            keep_account(books.copying, reservation.credit_row, books.accounts, books.limits)
        debit.debits_pending -= reservation.amount
        credit.credits_pending -= reservation.amount
        if books.quotas.count:
            use_quotas(books, reservation.debit_row, reservation.credit_row, reservation.code, 0,
                       reservation.amount, 0, now)
        if reservation.flags & TRANSFER_FLAG_CLOSING_DEBIT:
            debit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
        if reservation.flags & TRANSFER_FLAG_CLOSING_CREDIT:
            credit.flags &= ~<u16>ACCOUNT_FLAG_CLOSED
        note_end(books, place, STATE_EXPIRED)
        if books.entries != NULL:
            entries_note_expired(books.entries, reservation.debit_row, reservation.credit_row)
        expired = &books.expired[books.expired_count]
        expired.id = reservation.id
        expired.debit_account_id = reservation.debit_account_id
        expired.credit_account_id = reservation.credit_account_id
        expired.amount = reservation.amount
        books.expired_count += 1
        release(&books.reservations, place)
