"""Rows of the directory as COPY sends them. See `copied_rows.pxd`."""

import numpy as np

from libc.string cimport memcmp, memcpy

from payvand.core.records import U128
from payvand.core.types cimport u16, u32

cdef enum:
    HEADER_BYTES = 19
    COLUMNS = 4
    KEY_BYTES = 16
    NUMERIC_DIGITS_MAX = 5      # 19 decimal digits
    ROWS_MAX = 1 << 16          # put at once


cdef extern from *:
    u16 __builtin_bswap16(u16 word) noexcept nogil
    u32 __builtin_bswap32(u32 word) noexcept nogil
    u64 __builtin_bswap64(u64 word) noexcept nogil


cdef class CopiedRows:
    """Puts into a table what COPY sends. Feed it all chunks in order; then `has_ended` is true."""

    def __init__(self, AliasTable table not None):
        self.table = table
        self.rest = b""

    def feed(self, bytes chunk not None):
        cdef bytes content = self.rest + chunk if self.rest else chunk
        cdef const u8* start = content
        cdef Py_ssize_t size = len(content), at = 0, row_bytes
        cdef u64[:, ::1] keys
        cdef u64[::1] accounts
        cdef u16[::1] bank_codes
        cdef Py_ssize_t count
        cdef const u8* row
        if not self.has_begun:
            if size < HEADER_BYTES:
                self.rest = content
                return
            if memcmp(start, b"PGCOPY\n\xff\r\n\0", 11) != 0:
                raise ValueError("this is no binary COPY")
            self.has_begun = True
            at = HEADER_BYTES
        while True:
            key_array = np.empty(ROWS_MAX, U128)
            account_array = np.empty(ROWS_MAX, np.uint64)
            bank_code_array = np.empty(ROWS_MAX, np.uint16)
            keys = key_array.view(np.uint64).reshape(ROWS_MAX, 2)
            accounts, bank_codes = account_array, bank_code_array
            names = []
            count = 0
            while count < ROWS_MAX:
                row_bytes = self._row_bytes(start + at, size - at)
                if row_bytes < 0:
                    break
                row = start + at + 6
                keys[count, 1] = word_at(row)
                keys[count, 0] = word_at(row + 8)
                row += KEY_BYTES
                bank_codes[count] = half_at(row + 4)
                row += 6
                accounts[count] = numeric_at(row + 4)
                row += 4 + length_at(row)
                names.append((row + 4)[: length_at(row)])
                at += row_bytes
                count += 1
            self.table.put(
                key_array[:count], account_array[:count], bank_code_array[:count], names
            )
            self.rows += count
            if count < ROWS_MAX:
                break
        self.rest = content[at:]

    cdef Py_ssize_t _row_bytes(self, const u8* at, Py_ssize_t left) except -2:
        """Return the length of the row at a place, or -1 where it hasn't come to its end."""
        cdef Py_ssize_t used = 2
        cdef u32 length
        cdef int column
        if left < 2 or self.has_ended:
            return -1
        if half_at(at) == 0xFFFF:
            self.has_ended = True
            return -1
        if half_at(at) != COLUMNS:
            raise ValueError(f"a row has {COLUMNS} columns, not {half_at(at)}")
        for column in range(COLUMNS):
            if left < used + 4:
                return -1
            length = length_at(at + used)
            if (
                (column == 0 and length != KEY_BYTES)
                or (column == 1 and length != 2)
                or (column == 2 and not 8 <= length <= 8 + 2 * NUMERIC_DIGITS_MAX)
                or length > 1 << 16  # NULL too
            ):
                raise ValueError(f"column {column} has {length} bytes")
            used += 4 + length
        return used if left >= used else -1


cdef inline u16 half_at(const u8* at) noexcept nogil:
    cdef u16 half
    memcpy(&half, at, 2)
    return __builtin_bswap16(half)


cdef inline u32 length_at(const u8* at) noexcept nogil:
    cdef u32 length
    memcpy(&length, at, 4)
    return __builtin_bswap32(length)


cdef inline u64 word_at(const u8* at) noexcept nogil:
    cdef u64 word
    memcpy(&word, at, 8)
    return __builtin_bswap64(word)


cdef inline u64 numeric_at(const u8* at) noexcept nogil:
    """Return a numeric that is a whole number: digits that are zero at its end aren't sent."""
    cdef int digits = half_at(at), weight = half_at(at + 2), place
    cdef u64 number = 0
    for place in range(weight + 1 if digits else 0):
        number = number * 10_000 + (half_at(at + 8 + 2 * place) if place < digits else 0)
    return number
