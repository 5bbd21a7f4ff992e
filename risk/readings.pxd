"""Features read from where they stand in a key's row."""

from payvand.core.types cimport u32, u64
from payvand.risk.histories cimport Histories
from payvand.risk.windows cimport Tables

cdef void read_all(const Histories* histories, const Tables* tables, const u64* row, u64 time,
                   u32 first, u32 count, double* outputs) noexcept nogil
