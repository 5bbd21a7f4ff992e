"""The table of quotas: where they are found, and in which period a moment is. See `quota_table.pxd`."""

from libc.string cimport memcpy, memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.index cimport (
    NO_ROW, hash_id, index_close, index_find, index_insert, index_open, index_reserve,
)
from payvand.core.types cimport *

assert sizeof(Quota) == 128 and sizeof(QuotaUse) == 64 and sizeof(QuotaRow) == 208
assert sizeof(Pair) == 32

cdef int quotas_open(Quotas* quotas, u64 seed) except -1:
    """Make a table without a quota (out: quotas)."""
    quotas.rows = <QuotaRow*>arena_open(QUOTAS_MAX * sizeof(QuotaRow))
    quotas.pairs = <Pair*>arena_open(QUOTAS_MAX * sizeof(Pair))
    index_open(&quotas.by_id, seed)
    index_open(&quotas.by_pair, seed)
    return 0


cdef void quotas_close(Quotas* quotas) noexcept:
    """Give the memory back."""
    arena_close(quotas.rows, QUOTAS_MAX * sizeof(QuotaRow))
    arena_close(quotas.pairs, QUOTAS_MAX * sizeof(Pair))
    index_close(&quotas.by_id)
    index_close(&quotas.by_pair)


cdef int quotas_reserve(Quotas* quotas, u64 more) except -1 nogil:
    """Make room in the indices, so that setting can't fail."""
    index_reserve(&quotas.by_id, more)
    index_reserve(&quotas.by_pair, more)
    return 0


cdef u32 find_quota(const Quotas* quotas, u128 id) noexcept nogil:
    """Return the row of a quota, or NO_ROW."""
    return index_find(&quotas.by_id, <const u8*>quotas.rows, sizeof(QuotaRow), id,
                      hash_id(id, quotas.by_id.seed))


cdef void enter_quota(Quotas* quotas, u32 place) noexcept nogil:
    """Enter a row into the indices, at the front of its pair."""
    cdef QuotaRow* row = &quotas.rows[place]
    cdef u32 pair = find_pair(quotas, row.debit_row, row.credit_row)
    cdef u128 key
    if pair == NO_ROW:
        pair = quotas.pairs_count
        key = pair_key(row.debit_row, row.credit_row)
        quotas.pairs[pair].key = key
        quotas.pairs[pair].count = 0
        row.next = 0
        index_insert(&quotas.by_pair, hash_id(key, quotas.by_pair.seed), pair)
        quotas.pairs_count += 1
    else:
        row.next = quotas.pairs[pair].first + 1
    quotas.pairs[pair].first = place
    quotas.pairs[pair].count += 1
    quotas.netting += row.quota.flags & QUOTA_FLAG_NETTING != 0
    index_insert(&quotas.by_id, hash_id(row.quota.id, quotas.by_id.seed), place)


cdef void end_period(Quotas* quotas, u32 event) noexcept nogil:
    """Follow a frame with a tag, once all of it is applied."""
    if 0 < event < <u32>QUOTA_EVENTS:
        quotas.events[event] += 1
