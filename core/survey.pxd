"""Questions that go through all accounts, or all reservations, of the books."""

from payvand.core.books cimport Books
from payvand.core.types cimport u32, u64, u128

# The accounts of one ledger and code. A sum is `carries` * 2**128 + `sums`.
cdef struct Kind:
    u32 ledger
    u32 code
    u64 accounts
    u128 sums[4]                # in the order of the balances in an account's record
    u64 carries[4]

cdef list aggregate(const Books* books, u32 ledger, u32 code)
cdef object pending_on(const Books* books, u32 account_row)
