"""Opening accounts and setting their limits."""

from payvand.core.books cimport Books
from payvand.core.types cimport Account, Limit, Result, u32, u64

cdef void create_accounts(Books* books, const Account* events, u32 count, u64 base,
                          Result* results) noexcept nogil
cdef void set_limits(Books* books, const Limit* events, u32 count, u64 base,
                     Result* results) noexcept nogil
