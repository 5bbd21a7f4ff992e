"""The memory behind the state of the ledger, and the undoing of a broken chain. See `books.pxd`."""

from libc.string cimport memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.entries cimport entries_blank
from payvand.core.ids cimport ids_close, ids_open, ids_remove, ids_reserve
from payvand.core.index cimport index_close, index_open, index_remove, index_reserve
from payvand.core.past cimport past_drop_late, past_reserve
from payvand.core.quota_table cimport QUOTAS_PER_TRANSFER_MAX, quotas_close, quotas_open
from payvand.core.reservations cimport (
    release, reservations_close, reservations_open, reservations_reserve, restore,
)
from payvand.core.types cimport BATCH_EVENTS_MAX, EXPIRED_MAX

# Address space, not memory: a page costs only once it is touched.
cdef u64 ACCOUNTS_MAX = 1 << 26
cdef u64 ROWS_MAX = 1 << 29
# Both accounts, the reservation and the quotas of each.
cdef u64 UNDO_MAX = (3 + QUOTAS_PER_TRANSFER_MAX) * BATCH_EVENTS_MAX


cdef int books_open(Books* books, u64 seed) except -1:
    """Make empty books. *seed* keeps ids from being chosen to collide; it shows in no result."""
    memset(books, 0, sizeof(Books))
    books.seed = seed
    books.accounts = <Account*>arena_open(ACCOUNTS_MAX * sizeof(Account))
    books.limits = <u128*>arena_open(ACCOUNTS_MAX * sizeof(u128))
    index_open(&books.account_index, seed)
    books.rows_mask = books.records_mask = ROWS_MAX - 1
    books.hashes = <u64*>arena_open(ROWS_MAX * sizeof(u64))
    books.states = <u8*>arena_open(ROWS_MAX * sizeof(u8))
    books.records = <Transfer*>arena_open(ROWS_MAX * sizeof(Transfer))
    books.spans = <Span*>arena_open(ROWS_MAX * sizeof(Span))
    ids_open(&books.ids)
    reservations_open(&books.reservations, seed)
    quotas_open(&books.quotas, seed)
    books.undo = <Undo*>arena_open(UNDO_MAX * sizeof(Undo))
    books.resolved = <Resolved*>arena_open(BATCH_EVENTS_MAX * sizeof(Resolved))
    books.expired = <Expired*>arena_open(EXPIRED_MAX * sizeof(Expired))
    return 0


cdef int books_keep(Books* books, u64 rows, u64 records, Store* store, Past* past) except -1:
    """Keep the last *rows* and *records* in memory alone, powers of two, and read older ones.

    For empty books. Rows go into *past* before so many later ones have come, records into *store*.
    """
    if rows > ROWS_MAX or records > rows or rows & (rows - 1) or records & (records - 1):
        raise ValueError(f"{rows} rows and {records} records must be powers of two, "
                         f"the second not greater, up to {ROWS_MAX}")
    books.rows_mask = rows - 1
    books.records_mask = records - 1
    books.store = store
    books.past = past
    # Enough for the rows that are there before some go into the past, and a few batches.
    books.ids.homes_wanted = (past.due_rows + 32 * BATCH_EVENTS_MAX) // 3
    return 0


cdef void books_close(Books* books) noexcept:
    """Give all memory back."""
    arena_close(books.accounts, ACCOUNTS_MAX * sizeof(Account))
    arena_close(books.limits, ACCOUNTS_MAX * sizeof(u128))
    index_close(&books.account_index)
    arena_close(books.hashes, ROWS_MAX * sizeof(u64))
    arena_close(books.states, ROWS_MAX * sizeof(u8))
    arena_close(books.records, ROWS_MAX * sizeof(Transfer))
    arena_close(books.spans, ROWS_MAX * sizeof(Span))
    ids_close(&books.ids)
    reservations_close(&books.reservations)
    quotas_close(&books.quotas)
    arena_close(books.undo, UNDO_MAX * sizeof(Undo))
    arena_close(books.resolved, BATCH_EVENTS_MAX * sizeof(Resolved))
    arena_close(books.expired, EXPIRED_MAX * sizeof(Expired))


cdef int books_reserve(Books* books, u64 accounts, u64 transfers) except -1 nogil:
    """Make room for a batch before anything of it is applied, so that applying can't fail."""
    if (books.accounts_count + accounts > ACCOUNTS_MAX
            or books.rows - books.oldest_row + transfers > books.rows_mask + 1):
        with gil:
            raise MemoryError(f"the books are full: {ACCOUNTS_MAX} accounts, or "
                              f"{books.rows_mask + 1} transfer events in memory")
    index_reserve(&books.account_index, accounts)
    if transfers:
        ids_reserve(&books.ids, books.rows - books.oldest_row, transfers, books.rows,
                    books.oldest_row)
        reservations_reserve(&books.reservations, transfers)
    if books.past != NULL:
        past_reserve(books.past, transfers + EXPIRED_MAX)
    return 0


cdef void undo_account(Books* books, u32 row) noexcept nogil:
    """Remember an account before an event of a chain changes it."""
    cdef Undo* undo = &books.undo[books.undo_count]
    undo.kind = UNDO_ACCOUNT
    undo.place = row
    undo.before.account = books.accounts[row]
    books.undo_count += 1


cdef void undo_reserve(Books* books, u32 place) noexcept nogil:
    """Remember a reservation that an event of a chain has made."""
    cdef Undo* undo = &books.undo[books.undo_count]
    undo.kind = UNDO_RESERVE
    undo.place = place
    books.undo_count += 1


cdef void undo_release(Books* books, u32 place) noexcept nogil:
    """Remember a reservation before an event of a chain ends it."""
    cdef Undo* undo = &books.undo[books.undo_count]
    undo.kind = UNDO_RELEASE
    undo.place = place
    undo.before.reservation = books.reservations.places[place]
    books.undo_count += 1


cdef void undo_quota(Books* books, u32 place) noexcept nogil:
    """Remember what was used of a quota before an event of a chain uses or gives back some."""
    cdef Undo* undo = &books.undo[books.undo_count]
    undo.kind = UNDO_QUOTA
    undo.place = place
    undo.before.used = books.quotas.rows[place].used
    books.undo_count += 1


cdef void begin_chain(Books* books, u64 row, ChainStart* start) noexcept nogil:
    """Begin to remember (out: start) what the events of a chain from *row* on do."""
    start.row = row
    start.created = books.created
    start.last_created = books.last_created
    start.trail = books.trail
    if books.entries != NULL:
        start.stands = books.entries.stands_count
    books.in_chain = True
    books.undo_count = 0


cdef void end_chain(Books* books) noexcept nogil:
    """Let what the chain in hand did stand."""
    books.in_chain = False
    books.undo_count = 0


cdef void roll_back(Books* books, const ChainStart* start, u64 end_row) noexcept nogil:
    """Undo all that the chain in hand did up to, without, *end_row*.

    Entries in the heap of expiries are left: an entry counts only while its reservation is under
    way.
    """
    cdef Undo* undo
    cdef u64 row
    cdef u64* hash
    while books.undo_count > 0:
        books.undo_count -= 1
        undo = &books.undo[books.undo_count]
        if undo.kind == UNDO_ACCOUNT:
            books.accounts[undo.place] = undo.before.account
        elif undo.kind == UNDO_RESERVE:
            release(&books.reservations, undo.place)
        elif undo.kind == UNDO_QUOTA:
            books.quotas.rows[undo.place].used = undo.before.used
        else:
            restore(&books.reservations, undo.place, &undo.before.reservation)
            row = undo.before.reservation.row
            if row >= books.oldest_row:
                books.states[row & books.rows_mask] = STATE_PENDING
            if books.past != NULL and row < books.past.leaving:
                past_drop_late(books.past, hash_transfer(books, undo.before.reservation.id))
    for row in range(start.row, end_row):
        hash = &books.hashes[row & books.rows_mask]
        if hash[0] != 0:
            ids_remove(&books.ids, hash[0], row)
            hash[0] = 0
            books.states[row & books.rows_mask] = STATE_UNKNOWN
        if books.entries != NULL:
            entries_blank(books.entries, row)
    if books.entries != NULL:
        books.entries.stands_count = start.stands
    books.created = start.created
    books.last_created = start.last_created
    books.trail = start.trail


cdef void roll_back_accounts(Books* books, u32 accounts_count) noexcept nogil:
    """Take back the accounts beyond the first *accounts_count*, opened by a chain that broke."""
    cdef u32 row
    while books.accounts_count > accounts_count:
        row = books.accounts_count - 1
        index_remove(&books.account_index, hash_id(books.accounts[row].id, books.seed), row)
        memset(&books.accounts[row], 0, sizeof(Account))
        books.limits[row] = 0
        books.accounts_count = row
