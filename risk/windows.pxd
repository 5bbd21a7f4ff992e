"""Windows over a key's history: what leaves them, what enters, what is read of them."""

from payvand.core.types cimport u32, u64
from payvand.risk.histories cimport Histories
from payvand.risk.plan cimport Condition, Read, Value, Where

# The tables that the plans of all groups point into.
cdef struct Tables:
    const Where* wheres
    const Condition* conditions
    const u64* values
    const Value* kept
    const Read* reads
    const u64* fades

cdef void slide(Histories* histories, const Tables* tables, u64* row, u64 time) noexcept nogil
cdef void enter(Histories* histories, const Tables* tables, u32 place,
                const u64* event) noexcept nogil
cdef bint flag_entry(Histories* histories, u64* row, const u64* event,
                     bint flagged) noexcept nogil
