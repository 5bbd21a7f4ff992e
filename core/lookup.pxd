"""What stands behind a transfer's id, wherever it is kept."""

from payvand.core.books cimport Books
from payvand.core.types cimport Transfer, u8, u32, u64, u128

# A transfer as it took effect, or the burning of an id.
cdef struct Found:
    Transfer transfer       # of a burnt id: id and timestamp alone
    u64 row
    u8 state                # TransferState
    u32 status              # why the id is burnt
    u32 decision            # of the stage before the ledger, where the id is burnt

cdef bint find_transfer(Books* books, u128 id, u64 hash, Found* found) noexcept nogil
cdef bint fetch_row(Books* books, u64 row, Found* found) noexcept nogil
cdef bint is_moment_taken(Books* books, u64 timestamp) noexcept nogil
