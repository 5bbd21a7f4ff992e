"""Where IBANs lead, for C: made once from the routes of a directory, and never changed."""

from payvand.core.types cimport u8, u16, u32, u64
from payvand.switch.wire.text cimport Text

cdef enum:
    IBAN_BYTES = 26
    UNIT_BYTES_MAX = 8
    UNITS_MAX = 8

cdef struct Unit:
    u32 size
    u8 code[UNIT_BYTES_MAX]

# What the payment path needs to know of a participant.
cdef struct RouteRow:
    u64 position               # its position account
    u32 ledger
    Unit unit
    bint auto_accept
    bint sends                 # whether new payments may come from it
    bint receives              # and go to it

# An entry of the table of whole IBANs.
cdef struct IbanEntry:
    u8 iban[IBAN_BYTES]
    u16 row                    # plus 1; 0: an empty entry

cdef class RouteTable:
    cdef RouteRow* rows
    cdef u16 by_bank_code[1000]        # row plus 1; 0: nobody
    cdef IbanEntry* by_iban
    cdef u32 iban_mask                 # entries - 1
    cdef Unit units[UNITS_MAX]         # that the switch keeps books in
    cdef u32 units_count
    cdef readonly tuple routes

    cdef IbanEntry* entry(self, const u8* iban) noexcept nogil
    cdef const RouteRow* find(self, const u8* iban) noexcept nogil
    cdef bint keeps(self, const Text* unit) noexcept nogil


cdef Unit unit_of(code) except *


cdef inline bint is_unit(const Text* text, const Unit* unit) noexcept nogil:
    cdef u32 index
    if text.size != unit.size:
        return False
    for index in range(unit.size):
        if text.start[index] != unit.code[index]:
            return False
    return True


cdef inline u32 bank_code(const u8* iban) noexcept nogil:
    """Return the number that the three digits after the check digits make."""
    return (iban[4] - c"0") * 100 + (iban[5] - c"0") * 10 + iban[6] - c"0"
