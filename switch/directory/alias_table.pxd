"""All aliases in memory: rows, their names, an index by key, and the set hash over them.

    row (40 bytes) = key │ account │ where its name stands │ bank code │ neighbours in its leaf
    name           = a block of 8-byte units in the names' arena; freed blocks are used again by size
    index          = 8 bytes a slot, at most half full: 16 to 32 bytes an alias (see core/index.pxd)

Rows of one leaf of the set hash hang together, so that a leaf is listed without a search.
"""

from payvand.core.index cimport Index
from payvand.core.types cimport u8, u16, u32, u64, u128
from payvand.switch.directory.set_tree cimport LEAVES, SetTree

cdef enum:
    ALIASES_MAX = 100_000_000
    NAME_UNIT = 8
    NAME_UNITS_MAX = 70         # 140 characters of four bytes
    UNITS_MAX = 1 << 30         # 8 GiB of address space for names
    NO_NEIGHBOUR = 0xFFFFFFFFu

cdef packed struct Row:
    u128 key
    u64 account
    u32 name_at      # in units
    u16 name_bytes
    u16 bank_code
    u32 next         # in its leaf
    u32 previous

cdef packed struct Found:
    u64 account
    u16 bank_code
    u8 is_there

cdef class AliasTable:
    cdef Index index
    cdef Row* rows
    cdef u32 rows_used          # rows ever used; free ones are chained through `next`
    cdef u32 free_row
    cdef u8* names
    cdef u64 units_used
    cdef u32 free_names[NAME_UNITS_MAX + 1]   # by size in units; 0 = none
    cdef u32* leaves            # the first row of each leaf
    cdef readonly SetTree tree

    cdef u32 _new_row(self, u128 key) noexcept
    cdef u32 find_row(self, u128 key) noexcept nogil
    cdef void link(self, u32 row) noexcept nogil
    cdef void unlink(self, u32 row) noexcept nogil
    cdef void write_name(self, Row* row, const u8* name, u16 size) noexcept nogil
    cdef void free_name(self, Row* row) noexcept nogil
    cdef void digest(self, const Row* row, u8* digest) noexcept nogil
