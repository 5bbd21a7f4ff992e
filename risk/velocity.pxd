"""The payments that velocity limits count: a log in the order of time, and windows over it.

    log      ┌─────────┬─────────┬─────────┬─────────┬─────────┐  positions go round; the oldest
             │ A 10:00 │ B 10:01 │ A 10:02 │ A 10:03 │ B 10:04 │  payment is forgotten first
             └────┬────┴─────────┴─▲──┬────┴─▲───────┴─────────┘
                  └────── next ────┘  └ next ┘
    row of A   oldest ─ newest │ window 0: oldest in it, count, sum │ window 1: … │

Payments of one account form a list through the log. A window of an account knows the oldest of
them that it counts; as time passes that pointer walks the list, so every payment enters and
leaves a window once: O(1) amortised, sums exact. An account has a row as long as the log holds a
payment of it, so the log's length bounds everything.

Worst case, where no account pays twice: 48 B of log, 16 B of each of two indexes and a row of
32 B + 24 B a window, for each payment kept. With 4 windows 208 B; a million of them 208 MB,
touched only as payments come.
"""

from payvand.core.index cimport Index
from payvand.core.types cimport Transfer, u8, u32, u64, u128

cdef enum:
    WINDOWS_MAX = 32           # bits of Entry.windows
    NONE = 0xFFFFFFFFu

cdef packed struct Entry:
    u128 id                    # of the payment
    u64 timestamp
    u64 amount
    u32 row                    # of the account
    u32 next                   # position of the account's next payment
    u32 windows                # bit w: window w counts it
    u32 reserved

cdef packed struct Row:
    u128 account
    u32 oldest                 # position of the first payment in the log
    u32 newest
    u64 reserved

cdef packed struct Window:
    u128 sum
    u32 oldest                 # position of the first payment that counts, or NONE
    u32 count

cdef struct WindowShape:
    u64 width_ns
    u32 count_max              # more than these are over the limit anyway and aren't counted
    u32 ledger                 # 0: all
    u32 codes                  # bit c: payments of code c

cdef class Velocity:
    cdef Entry* entries
    cdef u8* rows
    cdef Index ids
    cdef Index accounts
    cdef WindowShape shapes[WINDOWS_MAX]
    cdef readonly u32 windows_count
    cdef readonly u32 payments_max
    cdef readonly u32 row_bytes
    cdef readonly u64 forgotten
    cdef u32 oldest            # position
    cdef u32 payments
    cdef u32 rows_used
    cdef u32 rows_free         # first of the list of free rows, linked by Row.oldest

    cdef bint knows(self, u128 id) noexcept nogil
    cdef u32 matching(self, const Transfer* payment) noexcept nogil
    cdef u32 slide(self, u64 account, u64 timestamp) noexcept nogil
    cdef void count(self, const Transfer* payment, u64 timestamp, u32 row) noexcept nogil
    cdef Window* windows_of(self, u32 row) noexcept nogil

    cdef void prefetch_slots(self, const Transfer* payment, u32 ahead) noexcept nogil
    cdef void prefetch_rows(self, const Transfer* payment) noexcept nogil

    cdef void forget_oldest(self, u64 timestamp) noexcept nogil
    cdef void leave(self, Window* window, u32 bit) noexcept nogil
    cdef u32 open_row(self, u64 account) noexcept nogil
    cdef void free_row(self, u32 row) noexcept nogil

    cdef bytes row_bytes_of(self, u32 row)

    cdef bytes save(self)
    cdef bint load(self, bytes state) except -1
