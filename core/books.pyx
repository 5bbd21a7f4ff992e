"""The memory behind the state of the ledger, and the undoing of a broken chain. See `books.pxd`."""

from libc.string cimport memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.index cimport index_close, index_open, index_remove, index_reserve
from payvand.core.types cimport BATCH_EVENTS_MAX, EXPIRED_MAX

# Address space, not memory: a page costs only once it is touched.
cdef u64 ACCOUNTS_MAX = 1 << 26
cdef u64 TRANSFERS_MAX = 1 << 29
cdef u64 FAILURES_MAX = 1 << 29
cdef u64 UNDO_MAX = 3 * BATCH_EVENTS_MAX      # both accounts and the pending transfer of each


cdef int books_open(Books* books, u64 seed) except -1:
    """Make empty books. *seed* keeps ids from being chosen to collide; it shows in no result."""
    memset(books, 0, sizeof(Books))
    books.accounts = <Account*>arena_open(ACCOUNTS_MAX * sizeof(Account))
    books.limits = <u128*>arena_open(ACCOUNTS_MAX * sizeof(u128))
    books.transfers = <Transfer*>arena_open(TRANSFERS_MAX * sizeof(Transfer))
    books.states = <u8*>arena_open(TRANSFERS_MAX * sizeof(u8))
    books.failures = <Failure*>arena_open(FAILURES_MAX * sizeof(Failure))
    books.due = <Due*>arena_open(TRANSFERS_MAX * sizeof(Due))
    books.undo = <Undo*>arena_open(UNDO_MAX * sizeof(Undo))
    books.resolved = <Resolved*>arena_open(BATCH_EVENTS_MAX * sizeof(Resolved))
    books.expired = <Expired*>arena_open(EXPIRED_MAX * sizeof(Expired))
    index_open(&books.account_index, seed)
    index_open(&books.transfer_index, seed)
    index_open(&books.failure_index, seed)
    return 0


cdef void books_close(Books* books) noexcept:
    """Give all memory back."""
    arena_close(books.accounts, ACCOUNTS_MAX * sizeof(Account))
    arena_close(books.limits, ACCOUNTS_MAX * sizeof(u128))
    arena_close(books.transfers, TRANSFERS_MAX * sizeof(Transfer))
    arena_close(books.states, TRANSFERS_MAX * sizeof(u8))
    arena_close(books.failures, FAILURES_MAX * sizeof(Failure))
    arena_close(books.due, TRANSFERS_MAX * sizeof(Due))
    arena_close(books.undo, UNDO_MAX * sizeof(Undo))
    arena_close(books.resolved, BATCH_EVENTS_MAX * sizeof(Resolved))
    arena_close(books.expired, EXPIRED_MAX * sizeof(Expired))
    index_close(&books.account_index)
    index_close(&books.transfer_index)
    index_close(&books.failure_index)


cdef int books_reserve(Books* books, u64 accounts, u64 transfers) except -1 nogil:
    """Make room for a batch before anything of it is applied, so that applying can't fail."""
    if (books.accounts_count + accounts > ACCOUNTS_MAX
            or books.transfers_count + transfers > TRANSFERS_MAX
            or books.failures_count + transfers > FAILURES_MAX
            or books.due_count + transfers > TRANSFERS_MAX):
        with gil:
            raise MemoryError(
                f"the books are full: {ACCOUNTS_MAX} accounts, {TRANSFERS_MAX} transfers"
            )
    index_reserve(&books.account_index, <const u8*>books.accounts, sizeof(Account), accounts)
    index_reserve(&books.transfer_index, <const u8*>books.transfers, sizeof(Transfer), transfers)
    index_reserve(&books.failure_index, <const u8*>books.failures, sizeof(Failure), transfers)
    return 0


cdef void undo_account(Books* books, u32 row) noexcept nogil:
    """Remember an account before a linked event changes it."""
    cdef Undo* undo
    if books.in_chain:
        undo = &books.undo[books.undo_count]
        undo.account_row = row
        undo.account = books.accounts[row]
        books.undo_count += 1


cdef void undo_pending(Books* books, u32 row) noexcept nogil:
    """Remember the state of a pending transfer before a linked event ends it."""
    cdef Undo* undo
    if books.in_chain:
        undo = &books.undo[books.undo_count]
        undo.account_row = NO_ROW
        undo.pending_row = row
        undo.pending_state = books.states[row]
        books.undo_count += 1


cdef void roll_back(Books* books, u32 accounts_count, u32 transfers_count) noexcept nogil:
    """Undo all that the chain in hand did; its new rows are those at and above the two counts.

    Entries in the heap of expiries are left: an entry counts only while its row is a pending
    transfer that is due at the entry's own time.
    """
    cdef Undo* undo
    cdef u32 row
    while books.undo_count > 0:
        books.undo_count -= 1
        undo = &books.undo[books.undo_count]
        if undo.account_row != NO_ROW:
            books.accounts[undo.account_row] = undo.account
        else:
            books.states[undo.pending_row] = undo.pending_state
    while books.transfers_count > transfers_count:
        row = books.transfers_count - 1
        index_remove(&books.transfer_index, <const u8*>books.transfers, sizeof(Transfer),
                     hash_id(books.transfers[row].id, books.transfer_index.seed), row)
        memset(&books.transfers[row], 0, sizeof(Transfer))
        books.states[row] = STATE_UNKNOWN
        books.transfers_count = row
    while books.accounts_count > accounts_count:
        row = books.accounts_count - 1
        index_remove(&books.account_index, <const u8*>books.accounts, sizeof(Account),
                     hash_id(books.accounts[row].id, books.account_index.seed), row)
        memset(&books.accounts[row], 0, sizeof(Account))
        books.limits[row] = 0
        books.accounts_count = row
