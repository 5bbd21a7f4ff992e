"""All aliases in memory. See `alias_table.pxd` for what lies where.

A look-up costs two cache misses, one in the index and one in the rows. Those of a batch are asked
for ahead of their use, some dozens at a time, so their waits overlap.
"""

import os

import numpy as np

from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.checksum cimport sha256
from payvand.core.index cimport (
    NO_ROW,
    hash_id,
    index_close,
    index_find,
    index_insert,
    index_likely_row,
    index_open,
    index_prefetch,
    index_remove,
    index_reserve,
    load_u128,
    prefetch_read,
)
from payvand.core.records import U128
from payvand.switch.directory.set_tree cimport path_of

globals()["ALIASES_MAX"] = ALIASES_MAX
MASK_64 = (1 << 64) - 1
NAME_BYTES_MAX = NAME_UNITS_MAX * NAME_UNIT
FOUND = np.dtype([("account", "<u8"), ("bank_code", "<u2"), ("is_there", "?")])

assert sizeof(Row) == 40
assert FOUND.itemsize == sizeof(Found)

cdef enum:
    AHEAD = 32          # look-ups whose memory is asked for at once
    DIGITS_MAX = 36     # fit into 120 bits


class DirectoryFull(Exception):
    """No more aliases or names fit; nothing was changed."""


cdef class AliasTable:
    """All aliases in memory. One thread uses it."""

    def __cinit__(self):
        self.tree = SetTree()
        self.free_row = NO_ROW
        self.units_used = 1  # 0 stands for no block
        self.leaves = <u32*>calloc(LEAVES, sizeof(u32))
        if self.leaves == NULL:
            raise MemoryError("no room for the leaves of the set hash")
        for leaf in range(LEAVES):
            self.leaves[leaf] = NO_NEIGHBOUR
        self.rows = <Row*>arena_open(<u64>ALIASES_MAX * sizeof(Row))
        self.names = <u8*>arena_open(<u64>UNITS_MAX * NAME_UNIT)
        # Customers choose their aliases, so nobody may know which of them collide.
        index_open(&self.index, int.from_bytes(os.urandom(8), "little"))

    def __dealloc__(self):
        index_close(&self.index)
        arena_close(self.rows, <u64>ALIASES_MAX * sizeof(Row))
        arena_close(self.names, <u64>UNITS_MAX * NAME_UNIT)
        free(self.leaves)

    def __len__(self):
        return self.index.used

    def put(self, keys, accounts, bank_codes, names):
        cdef const u64[:, ::1] words = _words(keys)
        cdef const u64[::1] account = np.ascontiguousarray(accounts, np.uint64)
        cdef const u16[::1] bank_code = np.ascontiguousarray(bank_codes, np.uint16)
        cdef u64 count = len(keys), new = 0, units = 0
        cdef u64 at
        cdef u32 row
        cdef u128 key
        cdef bytes name
        if not len(account) == len(bank_code) == len(names) == count:
            raise ValueError("keys, accounts, bank codes and names are not of one number")
        for name in names:
            if len(name) > NAME_BYTES_MAX:
                raise ValueError(f"a name has at most {NAME_BYTES_MAX} bytes, not {len(name)}")
            units += (len(name) + NAME_UNIT - 1) // NAME_UNIT
        if self.index.used + count > ALIASES_MAX:
            raise DirectoryFull(f"the directory holds at most {ALIASES_MAX} aliases")
        if self.units_used + units > UNITS_MAX:
            raise DirectoryFull("no room for more names")
        index_reserve(&self.index, count)
        # From here on nothing fails.
        for at in range(count):
            name = names[at]
            key = load_u128(&words[at, 0])
            row = self.find_row(key)
            if row == NO_ROW:
                row = self._new_row(key)
                new += 1
            else:
                self.unlink(row)
                self.free_name(&self.rows[row])
            self.rows[row].account = account[at]
            self.rows[row].bank_code = bank_code[at]
            self.write_name(&self.rows[row], name, len(name))
            self.link(row)
        return new

    def has_room(self, u64 count):
        return (
            self.index.used + count <= ALIASES_MAX
            and self.units_used + count * NAME_UNITS_MAX <= UNITS_MAX
        )

    def remove(self, keys):
        cdef const u64[:, ::1] words = _words(keys)
        cdef u64 removed = 0
        cdef Py_ssize_t at
        cdef u32 row
        cdef u128 key
        for at in range(words.shape[0]):
            key = load_u128(&words[at, 0])
            row = self.find_row(key)
            if row == NO_ROW:
                continue
            self.unlink(row)
            self.free_name(&self.rows[row])
            index_remove(&self.index, hash_id(key, self.index.seed), row)
            self.rows[row].next = self.free_row
            self.free_row = row
            removed += 1
        return removed

    def find(self, keys):
        cdef const u64[:, ::1] words = _words(keys)
        cdef Py_ssize_t count = words.shape[0], start = 0
        answers = np.zeros(count, FOUND)
        cdef u8[:, ::1] found = answers.view(np.uint8).reshape(count, sizeof(Found))
        with nogil:
            while start < count:
                find_some(
                    self,
                    &words[start, 0],
                    <Found*>&found[start, 0],
                    min(<Py_ssize_t>AHEAD, count - start),
                )
                start += AHEAD
        return answers

    def name(self, key):
        cdef u32 row = self.find_row(<u128><u64>(key >> 64) << 64 | <u64>(key & MASK_64))
        if row == NO_ROW:
            return None
        return (self.names + <u64>self.rows[row].name_at * NAME_UNIT)[:self.rows[row].name_bytes]

    def leaf(self, u32 index):
        cdef u8[32] digest
        if index >= LEAVES:
            raise ValueError(f"a leaf is below {LEAVES}, not {index}")
        entries = []
        cdef u32 row = self.leaves[index]
        while row != NO_NEIGHBOUR:
            self.digest(&self.rows[row], digest)
            key = int.from_bytes((<u8*>&self.rows[row].key)[:16], "little")
            entries.append((key, (<u8*>digest)[:32]))
            row = self.rows[row].next
        return entries

    def statistics(self):
        return {
            "aliases": self.index.used,
            "row_bytes": <u64>self.rows_used * sizeof(Row),
            "name_bytes": self.units_used * NAME_UNIT,
            "index_bytes": (self.index.mask + 1) * sizeof(u64),
            "set_hash_bytes": 2 * LEAVES * 40 + LEAVES * sizeof(u32),
        }

    cdef u32 _new_row(self, u128 key) noexcept:
        cdef u32 row = self.free_row
        if row != NO_ROW:
            self.free_row = self.rows[row].next
        else:
            row = self.rows_used
            self.rows_used += 1
        self.rows[row].key = key
        index_insert(&self.index, hash_id(key, self.index.seed), row)
        return row

    cdef u32 find_row(self, u128 key) noexcept nogil:
        return index_find(
            &self.index, <u8*>self.rows, sizeof(Row), key, hash_id(key, self.index.seed)
        )

    cdef void link(self, u32 row) noexcept nogil:
        """Hang a row into its leaf and count it in the set hash."""
        cdef u8[32] digest
        cdef u8[16] key
        big_endian(self.rows[row].key, key)
        cdef u32 path = path_of(key)
        cdef u32 following = self.leaves[path]
        self.rows[row].next = following
        self.rows[row].previous = NO_NEIGHBOUR
        if following != NO_NEIGHBOUR:
            self.rows[following].previous = row
        self.leaves[path] = row
        self.digest(&self.rows[row], digest)
        self.tree.put(path, digest)

    cdef void unlink(self, u32 row) noexcept nogil:
        """Take a row out of its leaf and out of the set hash, before anything of it changes."""
        cdef u8[32] digest
        cdef u8[16] key
        big_endian(self.rows[row].key, key)
        cdef u32 path = path_of(key)
        cdef u32 before = self.rows[row].previous
        cdef u32 following = self.rows[row].next
        if before == NO_NEIGHBOUR:
            self.leaves[path] = following
        else:
            self.rows[before].next = following
        if following != NO_NEIGHBOUR:
            self.rows[following].previous = before
        self.digest(&self.rows[row], digest)
        self.tree.take(path, digest)

    cdef void write_name(self, Row* row, const u8* name, u16 size) noexcept nogil:
        """Keep a name; the caller saw that there is room."""
        cdef u32 units = (size + NAME_UNIT - 1) // NAME_UNIT
        cdef u32 at = self.free_names[units]
        if at:
            memcpy(&self.free_names[units], self.names + <u64>at * NAME_UNIT, sizeof(u32))
        else:
            at = <u32>self.units_used
            self.units_used += units
        memcpy(self.names + <u64>at * NAME_UNIT, name, size)
        row.name_at = at
        row.name_bytes = size

    cdef void free_name(self, Row* row) noexcept nogil:
        """Keep the block of a name for another of its size; the next free one is noted in it."""
        cdef u32 units = (row.name_bytes + NAME_UNIT - 1) // NAME_UNIT
        if units:
            memcpy(self.names + <u64>row.name_at * NAME_UNIT, &self.free_names[units], sizeof(u32))
            self.free_names[units] = row.name_at
        row.name_bytes = 0

    cdef void digest(self, const Row* row, u8* digest) noexcept nogil:
        """Digest (out) all that a row says: key, account, bank code, name; numbers big-endian."""
        cdef u8[26] head
        cdef int place
        big_endian(row.key, head)
        for place in range(8):
            head[16 + place] = <u8>(row.account >> (56 - 8 * place))
        head[24] = row.bank_code >> 8
        head[25] = row.bank_code & 0xFF
        sha256(head, 26, self.names + <u64>row.name_at * NAME_UNIT, row.name_bytes, digest)


cdef void find_some(
    AliasTable table,
    const u64* words,  # two for each key
    Found* found,  # out
    Py_ssize_t count,  # at most AHEAD
) noexcept nogil:
    cdef u128[AHEAD] keys
    cdef u64[AHEAD] hashes
    cdef Py_ssize_t at
    cdef u32 row
    for at in range(count):
        keys[at] = load_u128(&words[2 * at])
        hashes[at] = hash_id(keys[at], table.index.seed)
        index_prefetch(&table.index, hashes[at])
    for at in range(count):
        row = index_likely_row(&table.index, hashes[at])
        if row != NO_ROW:
            prefetch_read(&table.rows[row])
    for at in range(count):
        row = index_find(&table.index, <u8*>table.rows, sizeof(Row), keys[at], hashes[at])
        if row != NO_ROW:
            found[at].account = table.rows[row].account
            found[at].bank_code = table.rows[row].bank_code
            found[at].is_there = True


def keys_of_digits(u64 kind, texts):
    """Return the keys of aliases of one kind from their digits, 0 where an item is no number."""
    if not isinstance(texts, np.ndarray) or texts.dtype.kind != "S" or texts.ndim != 1:
        raise ValueError("give a one-dimensional NumPy array of bytes")
    width = max(texts.dtype.itemsize, 1)
    rows_ = np.ascontiguousarray(texts.astype(f"S{width}", copy=False))
    cdef const u8[:, ::1] rows = rows_.view(np.uint8).reshape(len(texts), width)
    keys = np.zeros(len(texts), U128)
    cdef u64[:, ::1] out = keys.view(np.uint64).reshape(len(texts), 2)
    cdef Py_ssize_t at, place, size = width
    cdef u128 number
    cdef u8 digit
    with nogil:
        for at in range(rows.shape[0]):
            number = 0
            for place in range(size):
                digit = rows[at, place] - c"0"
                if digit > 9:
                    break
                number = number * 10 + digit
            else:
                place = size
            # Behind the digits comes nothing but padding.
            if 0 < place <= DIGITS_MAX and is_zero(&rows[at, 0] + place, size - place):
                out[at, 0] = <u64>number
                out[at, 1] = <u64>(number >> 64) | kind << 56
    return keys


cdef inline void big_endian(
    u128 number,
    u8* text,  # out: 16 bytes
) noexcept nogil:
    cdef int place
    for place in range(16):
        text[15 - place] = <u8>(number >> (8 * place))


cdef object _words(object keys):
    """Return keys as rows of two words each."""
    if not isinstance(keys, np.ndarray) or keys.dtype != U128 or keys.ndim != 1:
        raise ValueError("give a one-dimensional array of keys")
    return np.ascontiguousarray(keys).view(np.uint64).reshape(len(keys), 2)


cdef inline bint is_zero(const u8* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t place
    for place in range(size):
        if text[place]:
            return False
    return True
