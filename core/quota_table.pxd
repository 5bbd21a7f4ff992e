"""Quotas: how much may be debited from an account, in one transfer and within a period.

A quota is for transfers of some codes from one account, to whomever or to one other account. What
counts against it is what is reserved, whenever that was, and what was posted in the period: a
reservation counts in the period in which it is posted, as it does in a settlement window. Where it
nets, what the other account sent back in the period, posted, makes room again.

    used = pending + posted          a transfer is let through where   used + amount ≤ maximum + received

Where nobody has set a quota, all this costs one comparison an event.

    (debit row, credit row or none) ──by_pair──► Pair ──► quota ──► quota …      at most 8
"""

from payvand.core.index cimport Index, NO_ROW, hash_id, index_find
from payvand.core.types cimport Quota, QuotaUse, u8, u16, u32, u64, u128

cdef enum:
    QUOTAS_MAX = 1 << 20
    QUOTAS_PER_PAIR_MAX = 8
    QUOTA_EVENTS = 16               # tags of frames that may end a period are below
    # A transfer counts against its pair, its debit account alone, and the other way round.
    QUOTAS_PER_TRANSFER_MAX = 3 * QUOTAS_PER_PAIR_MAX

# A quota and what is used of it; the id comes first, for the index.
cdef packed struct QuotaRow:
    Quota quota
    QuotaUse used
    u32 debit_row
    u32 credit_row                  # NO_ROW: whoever
    u32 next                        # row of the pair's next quota, plus 1; 0 for none
    u32 reserved

# Two accounts, or one and whoever, between which quotas hold.
cdef packed struct Pair:
    u128 key
    u32 first                       # row of its first quota
    u32 count
    u64 reserved

cdef struct Quotas:
    QuotaRow* rows
    u32 count
    u32 netting                     # how many of them net
    Index by_id
    Pair* pairs
    u32 pairs_count
    Index by_pair
    u64 events[16]                  # frames of each tag so far: the number of its period

cdef inline u128 pair_key(u32 debit_row, u32 credit_row) noexcept nogil:
    """Return what the pair of a quota is found by; never 0."""
    return <u128>(<u64>debit_row + 1) << 64 | (0 if credit_row == NO_ROW else <u64>credit_row + 1)

cdef inline u32 find_pair(const Quotas* quotas, u32 debit_row, u32 credit_row) noexcept nogil:
    """Return where the pair of two accounts is, or NO_ROW; of one account and whoever likewise."""
    cdef u128 key = pair_key(debit_row, credit_row)
    return index_find(&quotas.by_pair, <const u8*>quotas.pairs, sizeof(Pair), key,
                      hash_id(key, quotas.by_pair.seed))

cdef inline u32 first_of(const Quotas* quotas, u32 debit_row, u32 credit_row) noexcept nogil:
    """Return the row of the first quota of a pair, plus 1; 0 where it has none."""
    cdef u32 pair = find_pair(quotas, debit_row, credit_row)
    return 0 if pair == NO_ROW else quotas.pairs[pair].first + 1

cdef inline bint is_for(const QuotaRow* row, u16 code) noexcept nogil:
    return code < 64 and row.quota.codes >> code & 1

cdef inline u64 period_at(const Quotas* quotas, const Quota* quota, u64 timestamp) noexcept nogil:
    """Return the number of the period of a quota that a moment is in."""
    if quota.event:
        return quotas.events[quota.event]
    if quota.period:
        return (timestamp // <u64>1_000_000_000 + quota.offset) // quota.period
    return 0

cdef int quotas_open(Quotas* quotas, u64 seed) except -1
cdef void quotas_close(Quotas* quotas) noexcept
cdef int quotas_reserve(Quotas* quotas, u64 more) except -1 nogil
cdef u32 find_quota(const Quotas* quotas, u128 id) noexcept nogil
cdef void enter_quota(Quotas* quotas, u32 place) noexcept nogil
cdef void end_period(Quotas* quotas, u32 event) noexcept nogil
