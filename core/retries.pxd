"""Telling a retry from another event under the same id."""

from payvand.core.books cimport Books
from payvand.core.types cimport Account, Transfer, u32

cdef u32 compare_account(const Account* event, const Account* account) noexcept nogil
cdef u32 compare_transfer(Books* books, const Transfer* event,
                          const Transfer* transfer) noexcept nogil
