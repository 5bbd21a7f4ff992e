"""Noting the accounts of each movement while batches are applied. See `entries.pxd`."""

from libc.string cimport memcpy

from payvand.core.types cimport *

cdef enum:
    BATCH_MOVEMENTS = BATCH_EVENTS_MAX + EXPIRED_MAX    # at most


cdef bint entries_have_room(const Entries* entries) noexcept nogil:
    """Tell whether the greatest batch fits."""
    return (entries.count - entries.oldest + BATCH_MOVEMENTS <= entries.movements_mask + 1
            and entries.next_sequence - entries.oldest_sequence < entries.stretches_mask
            and (entries.stands_count - entries.oldest_stand + 2 * BATCH_EVENTS_MAX
                 <= entries.stands_mask + 1))


cdef bint entries_are_due(const Entries* entries) noexcept nogil:
    """Tell whether there is enough for a run, or a run is wanted."""
    return (entries.is_wanted
            or entries.count - entries.oldest >= entries.due
            or entries.next_sequence - entries.oldest_sequence > entries.stretches_mask // 2
            or entries.stands_count - entries.oldest_stand > entries.stands_mask // 2)


cdef void note_stands(Entries* entries, u64 number, const Movement* movement,
                      const Account* debit, const Account* credit) noexcept nogil:
    """Note how those of two accounts that have a history stand behind a movement."""
    cdef Stand* stand
    if debit.flags & ACCOUNT_FLAG_HISTORY:
        stand = &entries.stands[entries.stands_count & entries.stands_mask]
        stand.key = <u64>movement.debit_row << KEY_ACCOUNT_SHIFT | number << 1
        memcpy(&stand.balances, &debit.debits_pending, sizeof(Balances))
        entries.stands_count += 1
    if credit.flags & ACCOUNT_FLAG_HISTORY:
        stand = &entries.stands[entries.stands_count & entries.stands_mask]
        stand.key = <u64>movement.credit_row << KEY_ACCOUNT_SHIFT | number << 1 | 1
        memcpy(&stand.balances, &credit.debits_pending, sizeof(Balances))
        entries.stands_count += 1


cdef void entries_end_frame(Entries* entries, u64 sequence, u64 timestamp, u64 last_created,
                            u32 expired_count, u32 record_count) noexcept nogil:
    """Note the frame whose movements these were."""
    cdef Stretch* stretch = &entries.stretches[sequence & entries.stretches_mask]
    stretch.sequence = sequence
    stretch.first = entries.first
    stretch.timestamp = timestamp
    stretch.last_created = last_created
    stretch.place = 0
    stretch.movements = <u32>(entries.count - entries.first)
    stretch.expired_count = expired_count
    stretch.record_count = record_count
    stretch.reserved = 0
    entries.first = entries.count
    entries.next_sequence = sequence + 1
