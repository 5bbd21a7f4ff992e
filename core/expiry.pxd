"""The order in which reservations run out."""

from payvand.core.books cimport Books
from payvand.core.types cimport Transfer, u32, u64

cdef inline u64 expires_at(const Transfer* transfer) noexcept nogil:
    """Return when a pending transfer runs out, in ns; it has a timeout and no overflow."""
    return transfer.timestamp + <u64>transfer.timeout * 1_000_000_000u

cdef void due_push(Books* books, u64 when, u32 row) noexcept nogil
cdef u64 next_due(Books* books) noexcept nogil
cdef void expire(Books* books, u64 now) noexcept nogil
