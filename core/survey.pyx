"""Questions that go through all accounts, or all reservations, of the books. See `survey.pxd`.

They take a moment for each: some 15 ns an account, 5 ns a reservation. The ledger stands still
meanwhile, so that what is found is of one moment.
"""

import numpy as np

from payvand.core import records
from payvand.core.values import Aggregate

from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memset

from payvand.core.ids cimport NO_TRANSFER
from payvand.core.reservations cimport Reservation, as_transfer
from payvand.core.types cimport Account, Transfer, u8

cdef enum:
    KINDS_FIRST = 64            # room for so many, until there are more


# All kinds met so far, and an open-addressing table over them.
cdef struct Kinds:
    Kind* kinds
    u64 count
    u64 room
    u64* slots                  # number of the kind + 1; twice as many as there is room
    u64 mask


cdef list aggregate(const Books* books, u32 ledger, u32 code):
    """Return an `Aggregate` for each kind of account, by ledger and code; 0 asks for all."""
    cdef Kinds kinds
    cdef u64 index
    cdef bint enough
    memset(&kinds, 0, sizeof(Kinds))
    try:
        with nogil:
            enough = grow(&kinds) and gather(&kinds, books, ledger, code)
        if not enough:
            raise MemoryError("no memory for the kinds of account")
        found = [as_aggregate(&kinds.kinds[index]) for index in range(kinds.count)]
    finally:
        free(kinds.kinds)
        free(kinds.slots)
    found.sort(key=lambda each: (each.ledger, each.code))
    return found


cdef object as_aggregate(const Kind* kind):
    cdef u32 index
    sums = [<object><u64>(kind.sums[index] >> 64) << 64 | <u64>kind.sums[index]
            | <object>kind.carries[index] << 128 for index in range(4)]
    return Aggregate(kind.ledger, kind.code, kind.accounts, *sums)


cdef bint gather(Kinds* kinds, const Books* books, u32 ledger, u32 code) noexcept nogil:
    """Add every account that is asked for to its kind; False where there is no memory."""
    cdef const Account* account
    cdef Kind* kind = NULL
    cdef u32 row
    for row in range(books.accounts_count):
        account = &books.accounts[row]
        if (ledger and account.ledger != ledger) or (code and account.code != code):
            continue
        if kind == NULL or kind.ledger != account.ledger or kind.code != account.code:
            kind = kind_of(kinds, account.ledger, account.code)
            if kind == NULL:
                return False
        kind.accounts += 1
        add(kind, 0, account.debits_pending)
        add(kind, 1, account.debits_posted)
        add(kind, 2, account.credits_pending)
        add(kind, 3, account.credits_posted)
    return True


cdef inline void add(Kind* kind, u32 balance, u128 amount) noexcept nogil:
    kind.sums[balance] += amount
    if kind.sums[balance] < amount:
        kind.carries[balance] += 1


cdef Kind* kind_of(Kinds* kinds, u32 ledger, u32 code) noexcept nogil:
    """Return the kind, added where it is new; NULL where there is no memory."""
    cdef u64 slot = home(kinds, ledger, code)
    cdef Kind* kind
    while kinds.slots[slot] != 0:
        kind = &kinds.kinds[kinds.slots[slot] - 1]
        if kind.ledger == ledger and kind.code == code:
            return kind
        slot = (slot + 1) & kinds.mask
    if kinds.count == kinds.room:
        return kind_of(kinds, ledger, code) if grow(kinds) else NULL
    kind = &kinds.kinds[kinds.count]
    memset(kind, 0, sizeof(Kind))
    kind.ledger = ledger
    kind.code = code
    kinds.count += 1
    kinds.slots[slot] = kinds.count
    return kind


cdef inline u64 home(const Kinds* kinds, u32 ledger, u32 code) noexcept nogil:
    return ((<u64>ledger << 16 | code) * 0x9E3779B97F4A7C15u >> 20) & kinds.mask


cdef bint grow(Kinds* kinds) noexcept nogil:
    """Make room for twice as many kinds; False where there is no memory."""
    cdef u64 room = max(kinds.room * 2, <u64>KINDS_FIRST)
    cdef Kind* larger = <Kind*>realloc(kinds.kinds, room * sizeof(Kind))
    cdef u64 index, slot
    if larger == NULL:
        return False
    kinds.kinds = larger
    free(kinds.slots)
    kinds.slots = <u64*>calloc(2 * room, sizeof(u64))
    if kinds.slots == NULL:
        return False
    kinds.room = room
    kinds.mask = 2 * room - 1
    for index in range(kinds.count):
        slot = home(kinds, kinds.kinds[index].ledger, kinds.kinds[index].code)
        while kinds.slots[slot] != 0:
            slot = (slot + 1) & kinds.mask
        kinds.slots[slot] = index + 1
    return True


cdef object pending_on(const Books* books, u32 account_row):
    """Return TRANSFER[k], the reservations under way on an account, oldest first."""
    cdef const Reservation* places = books.reservations.places
    cdef u32 place
    cdef u64 count = 0
    cdef u64 taken = 0
    with nogil:
        for place in range(books.reservations.places_count):
            count += is_on(&places[place], account_row)
    table = np.zeros(count, records.TRANSFER)
    cdef u8[::1] out = table.view(np.uint8)
    if count:
        with nogil:
            for place in range(books.reservations.places_count):
                if is_on(&places[place], account_row):
                    as_transfer(&places[place], <Transfer*>&out[taken * sizeof(Transfer)])
                    taken += 1
    return table[np.argsort(table["timestamp"])]


cdef inline bint is_on(const Reservation* reservation, u32 account_row) noexcept nogil:
    return (reservation.row != NO_TRANSFER
            and (reservation.debit_row == account_row or reservation.credit_row == account_row))
