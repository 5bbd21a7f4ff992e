"""Entries: which accounts each effect on money touched, for the last stretch of the journal.

    number = of a movement among all movements of all frames, from 0: what ran out before a frame's
             first event, then its transfer events, those that failed among them
    key    = account: 26 bits │ number: 37 │ credited: 1         entries in the order of their keys
                                                                 are those of one account in a row

While batches are applied, both accounts of each movement are noted here, 8 bytes; a thread takes
them to sorted runs on disk (`account_index.py`), so that memory holds the last ones alone. Of accounts
with a history, how they stood behind each movement is noted beside it.

Numbers lead to frames, frames to their places in the journal: a run needs nothing else.
"""

from payvand.core.types cimport Account, Balances, u32, u64

cdef enum:
    NUMBER_BITS = 37
    KEY_ACCOUNT_SHIFT = NUMBER_BITS + 1
    NO_ACCOUNT = 0xFFFFFFFFu

cdef struct Movement:
    u32 debit_row           # of the account; NO_ACCOUNT where nothing moved
    u32 credit_row

# A frame and its movements.
cdef packed struct Stretch:
    u64 sequence
    u64 first               # number of its first movement
    u64 timestamp           # of its last event
    u64 last_created        # timestamp of the last transfer up to its end
    u64 place               # in the journal; 0 until it is written
    u32 movements           # how many
    u32 expired_count       # the first ones: what ran out
    u32 record_count
    u32 reserved

# How an account with a history stood behind a movement.
cdef packed struct Stand:
    u64 key
    Balances balances

cdef struct Entries:
    Movement* movements     # number n at n & movements_mask
    u64 movements_mask
    u64 count               # numbers given so far
    u64 oldest              # those before it are in runs
    Stretch* stretches      # of frame s at s & stretches_mask
    u64 stretches_mask
    u64 next_sequence       # of the frame in hand
    u64 oldest_sequence
    Stand* stands           # the i-th at i & stands_mask
    u64 stands_mask
    u64 stands_count
    u64 oldest_stand
    u64 first               # number of the first movement of the frame in hand
    u64 row_offset          # number of an event's movement - its row, in the batch in hand
    u64 due                 # so many movements, or their share of frames and stands, make a run
    bint is_wanted          # a run is to be written now
    int fault               # errno of what keeps runs from being written

cdef inline Movement* movement_at(const Entries* entries, u64 number) noexcept nogil:
    return &entries.movements[number & entries.movements_mask]

cdef inline void entries_begin_batch(Entries* entries, u64 first_row, u32 count) noexcept nogil:
    """Give numbers to the events of a batch of transfers."""
    entries.row_offset = entries.count - first_row
    entries.count += count

cdef inline void entries_blank(Entries* entries, u64 row) noexcept nogil:
    """Note that the event of a row moved nothing."""
    cdef Movement* movement = movement_at(entries, row + entries.row_offset)
    movement.debit_row = movement.credit_row = NO_ACCOUNT

cdef inline void entries_note(Entries* entries, u64 row, u32 debit_row, u32 credit_row,
                              const Account* debit, const Account* credit) noexcept nogil:
    """Note the accounts that the event of a row moved money between; they stand as it left them."""
    cdef Movement* movement = movement_at(entries, row + entries.row_offset)
    movement.debit_row = debit_row
    movement.credit_row = credit_row
    if (debit.flags | credit.flags) & 8:            # ACCOUNT_FLAG_HISTORY
        note_stands(entries, row + entries.row_offset, movement, debit, credit)

cdef inline void entries_note_expired(Entries* entries, u32 debit_row,
                                      u32 credit_row) noexcept nogil:
    """Note the accounts of a reservation that ran out."""
    cdef Movement* movement = movement_at(entries, entries.count)
    movement.debit_row = debit_row
    movement.credit_row = credit_row
    entries.count += 1

cdef bint entries_have_room(const Entries* entries) noexcept nogil
cdef bint entries_are_due(const Entries* entries) noexcept nogil
cdef void note_stands(Entries* entries, u64 number, const Movement* movement,
                      const Account* debit, const Account* credit) noexcept nogil
cdef void entries_end_frame(Entries* entries, u64 sequence, u64 timestamp, u64 last_created,
                            u32 expired_count, u32 record_count) noexcept nogil
