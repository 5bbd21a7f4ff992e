"""Applying a journaled frame to a ledger again."""

from payvand.core.books cimport Books
from payvand.core.frame cimport Pieces
from payvand.core.stage cimport Stage
from payvand.core.types cimport Result, u32, u64

cdef u32 apply_pieces(Books* books, const Pieces* pieces, u64 base, Result* results) except? 0xFFFFFFFE nogil
cdef int replay_pieces(Books* books, Stage stage, const Pieces* pieces, Result* results) except -1 nogil
