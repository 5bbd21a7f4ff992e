"""The state of the ledger: accounts, transfers, failed ids, reservations under way.

All of it is a function of the batches applied, in their order. Nothing here reads a clock, draws
a random number that shows in a result, or touches a file.
"""

from payvand.core.index cimport Index, NO_ROW, hash_id, index_find
from payvand.core.types cimport Account, Expired, Resolved, Transfer, u8, u32, u64, u128

# What stands behind a transfer's id.
cdef enum TransferState:
    STATE_UNKNOWN = 0
    STATE_SINGLE = 1        # posted in one step
    STATE_PENDING = 2
    STATE_POSTED = 3
    STATE_VOIDED = 4
    STATE_EXPIRED = 5
    STATE_FAILED = 6        # the id is burnt; `Failure` says by what

# An id burnt by a transient failure. A retry is told so and has no effect.
cdef packed struct Failure:
    u128 id
    u64 timestamp
    u32 status
    u32 decision

# A reservation's place in the order of expiry.
cdef struct Due:
    u64 expires_at
    u32 row

# What an account was before a linked chain touched it.
cdef struct Undo:
    u32 account_row         # NO_ROW where `pending_row` is meant
    u32 pending_row
    u8 pending_state
    Account account

cdef struct Books:
    u64 timestamp           # of the last event or pulse

    Account* accounts
    u128* limits            # one for each account: allowance on its limited side
    u32 accounts_count
    Index account_index

    Transfer* transfers
    u8* states              # one TransferState for each transfer
    u32 transfers_count
    Index transfer_index

    Failure* failures
    u32 failures_count
    Index failure_index

    Due* due                # binary heap by (expires_at, row); entries of ended ones are passed over
    u64 due_count

    Undo* undo              # of the chain in hand, to be walked backwards
    u32 undo_count
    bint in_chain

    # What the last batch brought about beside its results.
    Expired* expired
    u32 expired_count
    Resolved* resolved
    u32 resolved_count

cdef inline u32 find_account(const Books* books, u128 id) noexcept nogil:
    return index_find(&books.account_index, <const u8*>books.accounts, sizeof(Account), id,
                      hash_id(id, books.account_index.seed))

cdef inline u32 find_transfer(const Books* books, u128 id) noexcept nogil:
    return index_find(&books.transfer_index, <const u8*>books.transfers, sizeof(Transfer), id,
                      hash_id(id, books.transfer_index.seed))

cdef inline u32 find_failure(const Books* books, u128 id) noexcept nogil:
    if books.failures_count == 0:
        return NO_ROW
    return index_find(&books.failure_index, <const u8*>books.failures, sizeof(Failure), id,
                      hash_id(id, books.failure_index.seed))

cdef int books_open(Books* books, u64 seed) except -1
cdef void books_close(Books* books) noexcept
cdef int books_reserve(Books* books, u64 accounts, u64 transfers) except -1 nogil
cdef void undo_account(Books* books, u32 row) noexcept nogil
cdef void undo_pending(Books* books, u32 row) noexcept nogil
cdef void roll_back(Books* books, u32 accounts_count, u32 transfers_count) noexcept nogil
