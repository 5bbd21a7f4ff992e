"""Sums of postings by account, from frames as they lie in the journal."""

from payvand.core.frame cimport Frame, Pieces
from payvand.core.types cimport u8, u32, u64, u128

# What adding a frame came to.
cdef enum Added:
    ADDED = 0
    ADDED_UNNAMED = 1       # a posting does not name its accounts
    ADDED_NO_MEMORY = 2

# An account's place in the table.
cdef struct Slot:
    u128 account
    u128 debits
    u128 credits
    bint taken

cdef class PostingSums:
    cdef Slot* slots
    cdef u64 slots_count            # a power of two
    cdef u64 accounts_count

    cdef Added add_pieces(self, const Pieces* pieces) noexcept nogil
    cdef Slot* slot_of(self, u128 account) noexcept nogil
    cdef bint grow(self) noexcept nogil
