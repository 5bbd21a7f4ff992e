"""Moving money: a batch of transfer events."""

from payvand.core.books cimport Books
from payvand.core.types cimport Result, Transfer, u32, u64

cdef void create_transfers(Books* books, const Transfer* events, const u32* decisions, u32 count,
                           u64 base, Result* results) noexcept nogil
