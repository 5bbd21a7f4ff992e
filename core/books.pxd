"""The state of the ledger: accounts, the rows of transfers, reservations under way.

All of it is a function of the batches applied, in their order. Nothing here reads a clock, draws
a random number that shows in a result, or touches a file.

    row of a transfer = the number of its event among all events of all batches of transfers, from 0

So a row leads to the event's place in the journal, and it never moves. In memory a row has 8 bytes
of hash and 1 of state, in columns, and 18 to 36 bytes in the table of ids. The records themselves
are kept for the last rows alone where there is a journal to read the older ones from, and for all
where there is none.
"""

from payvand.core.copying cimport Copying
from payvand.core.entries cimport Entries
from payvand.core.ids cimport Ids
from payvand.core.index cimport Index, NO_ROW, hash_id, index_find
from payvand.core.past cimport Past
from payvand.core.quota_table cimport Quotas
from payvand.core.reservations cimport Reservation, Reservations
from payvand.core.store cimport Store, place_of_event
from payvand.core.types cimport (
    Account, After, Expired, QuotaUse, Resolved, Transfer, u8, u32, u64, u128,
)

# What stands behind a transfer's id.
cdef enum TransferState:
    STATE_UNKNOWN = 0
    STATE_SINGLE = 1        # posted in one step
    STATE_PENDING = 2
    STATE_POSTED = 3
    STATE_VOIDED = 4
    STATE_EXPIRED = 5
    STATE_FAILED = 6        # the id is burnt

# The rows of one batch.
cdef struct Span:
    u64 first_row
    u64 place               # of its frame in the journal, once that is written
    u64 last_created        # timestamp of the last transfer up to its end

# A step of a linked chain, to be walked backwards.
cdef enum UndoKind:
    UNDO_ACCOUNT = 0        # an account was another
    UNDO_RESERVE = 1        # a reservation was made
    UNDO_RELEASE = 2        # a reservation was under way
    UNDO_QUOTA = 3          # less was used of a quota

cdef union Before:
    Account account
    Reservation reservation
    QuotaUse used

cdef struct Undo:
    UndoKind kind
    u32 place               # row of the account or the quota, or place of the reservation
    Before before

# How the transfers stood before a chain.
cdef struct ChainStart:
    u64 row
    u64 created
    u64 last_created
    u64 trail[2]
    u64 stands              # of accounts with a history, noted before

cdef struct Books:
    u64 sequence            # of the last frame applied
    u64 timestamp           # of the last event or pulse
    u64 seed                # of the hashes of ids

    Account* accounts
    u128* limits            # one for each account: allowance on its limited side
    u32 accounts_count
    Index account_index

    u64 rows                # of transfer events, so far: the next one's row
    u64 oldest_row          # rows before it have left memory
    u64 rows_mask           # row & rows_mask = its place in the columns
    u64* hashes             # of the id bound to the row; 0: none
    u8* states              # one TransferState for each row
    Transfer* records       # as they took effect, at row & records_mask
    u64 records_mask
    u64 records_oldest      # rows before it have no record here
    Store* store            # where older records are read from; NULL where all are in memory
    Past* past              # what rows before `oldest_row` bound; NULL where all are in memory
    Ids ids
    Span* spans             # batch b at b & rows_mask
    u64 spans_count
    u64 spans_oldest
    u64 created             # transfers so far
    u64 last_created        # timestamp of the last one
    u64 trail[2]            # what became of all events, in two words; see `mark`

    Reservations reservations
    Quotas quotas
    Entries* entries        # where movements are noted; NULL where nobody asks for them

    Copying* copying        # the copy in the making, or NULL

    Undo* undo              # of the chain in hand
    u32 undo_count
    bint in_chain

    # What the last batch brought about beside its results.
    Expired* expired
    u32 expired_count
    Resolved* resolved
    u32 resolved_count
    After* after            # one for each event that took effect; NULL where nobody asked

cdef inline u32 find_account(const Books* books, u128 id) noexcept nogil:
    return index_find(&books.account_index, <const u8*>books.accounts, sizeof(Account), id,
                      hash_id(id, books.seed))

cdef inline u64 hash_transfer(const Books* books, u128 id) noexcept nogil:
    """Return the hash of a transfer's id, which is never 0."""
    cdef u64 hash = hash_id(id, books.seed)
    return hash if hash != 0 else 1

cdef inline bint has_record(const Books* books, u64 row) noexcept nogil:
    """Tell whether the record of a row is in memory."""
    return row >= books.records_oldest and row + books.records_mask + 1 > books.rows

cdef inline Transfer* record_at(const Books* books, u64 row) noexcept nogil:
    return &books.records[row & books.records_mask]

cdef inline u64 place_of_row(const Books* books, u64 row) noexcept nogil:
    """Return where the event of a row in memory stands in the journal."""
    cdef u64 low = books.spans_oldest
    cdef u64 high = books.spans_count
    cdef u64 middle
    cdef const Span* span
    while high - low > 1:
        middle = low + (high - low) // 2
        if books.spans[middle & books.rows_mask].first_row <= row:
            low = middle
        else:
            high = middle
    span = &books.spans[low & books.rows_mask]
    return place_of_event(span.place, row - span.first_row)

cdef inline void mark(Books* books, u128 id, u128 amount, u64 timestamp, u32 status) noexcept nogil:
    """Work an event that bound an id into the trail.

    The trail stands for all rows in the digest of the ledger, whether or not they are in memory.
    It tells apart what differs by accident; against intent stands the journal's chain.
    """
    cdef u64 first = fold(<u64>id ^ 0x9E3779B97F4A7C15u,
                          <u64>(id >> 64) ^ 0xD6E8FEB86659FD93u ^ status)
    cdef u64 second = fold(<u64>amount ^ 0xA0761D6478BD642Fu,
                           <u64>(amount >> 64) ^ 0xE7037ED1A0B428DBu ^ timestamp)
    books.trail[0] = (books.trail[0] << 7 | books.trail[0] >> 57) + (first ^ second)
    books.trail[1] = (books.trail[1] << 11 | books.trail[1] >> 53) ^ (first + second * 3)

cdef extern from * nogil:
    """
    static inline unsigned long long payvand_fold(unsigned long long left,
                                                  unsigned long long right) {
        payvand_u128 product = (payvand_u128)left * right;
        return (unsigned long long)product ^ (unsigned long long)(product >> 64);
    }
    """
    u64 fold "payvand_fold"(u64 left, u64 right)

cdef int books_open(Books* books, u64 seed) except -1
cdef int books_keep(Books* books, u64 rows, u64 records, Store* store, Past* past) except -1
cdef void books_close(Books* books) noexcept
cdef int books_reserve(Books* books, u64 accounts, u64 transfers) except -1 nogil
cdef void undo_account(Books* books, u32 row) noexcept nogil
cdef void undo_reserve(Books* books, u32 place) noexcept nogil
cdef void undo_release(Books* books, u32 place) noexcept nogil
cdef void undo_quota(Books* books, u32 place) noexcept nogil
cdef void begin_chain(Books* books, u64 row, ChainStart* start) noexcept nogil
cdef void end_chain(Books* books) noexcept nogil
cdef void roll_back(Books* books, const ChainStart* start, u64 end_row) noexcept nogil
cdef void roll_back_accounts(Books* books, u32 accounts_count) noexcept nogil
