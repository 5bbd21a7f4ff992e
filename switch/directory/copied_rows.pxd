"""Rows of the table `reference.alias` as PostgreSQL's binary COPY sends them, into an `AliasTable`.

    11 + 4 + 4 bytes of header, then rows, then -1

    row = 4 ‖ 16 key ‖ 2 bank_code ‖ 8 + 2n account, a numeric of n base-10,000 digits ‖ length name

Numbers are big-endian, and a length of four bytes stands before each column. Chunks end anywhere.
"""

from payvand.core.types cimport u8, u64
from payvand.switch.directory.alias_table cimport AliasTable

cdef class CopiedRows:
    cdef AliasTable table
    cdef bytes rest             # of a row whose end has not come yet
    cdef bint has_begun
    cdef readonly bint has_ended
    cdef readonly u64 rows

    cdef Py_ssize_t _row_bytes(self, const u8* at, Py_ssize_t left) except -2
