"""Where IBANs lead, as tables that are read without the GIL.

    bank code ──► 1,000 cells ──┐
                                ├──► row of a participant
    whole IBAN ──► open probe ──┘    (first, where it is in the table)
"""

from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy

from payvand.core.types cimport u8, u16, u32, u64
from payvand.switch.wire.text cimport Text

ROWS_MAX = 0xFFFF


cdef Unit unit_of(code) except *:
    """Return a unit's code as C has it."""
    cdef Unit unit
    text = code.encode("ascii")
    if len(text) > UNIT_BYTES_MAX:
        raise ValueError(f"the unit {code!r} has more than {UNIT_BYTES_MAX} letters")
    unit.size = <u32>len(text)
    memcpy(unit.code, <const u8*>text, len(text))
    return unit


cdef class RouteTable:
    """The routes of one state of the directory."""

    def __init__(self, by_bank_code, by_iban, units):
        cdef u32 entries = 1 << (2 * len(by_iban) + 1).bit_length()
        cdef RouteRow* row
        cdef IbanEntry* entry
        assert self.rows == NULL, "a table of routes is made once"
        self.routes = tuple({id(route): route for route in
                             (*by_bank_code.values(), *by_iban.values())}.values())
        rows = {id(route): place for place, route in enumerate(self.routes)}
        if len(self.routes) > ROWS_MAX or len(units) > UNITS_MAX:
            raise ValueError(f"{len(self.routes)} routes and {len(units)} units; a table holds at "
                             f"most {ROWS_MAX} and {UNITS_MAX}")
        self.rows = <RouteRow*>calloc(max(len(self.routes), 1), sizeof(RouteRow))
        self.by_iban = <IbanEntry*>calloc(entries, sizeof(IbanEntry))
        if self.rows == NULL or self.by_iban == NULL:
            raise MemoryError("no memory for the table of routes")
        self.iban_mask = entries - 1
        self.units_count = <u32>len(units)
        for place, unit in enumerate(units):
            self.units[<u32>place] = unit_of(unit)
        for place, route in enumerate(self.routes):
            row = &self.rows[<u32>place]
            row.position, row.ledger, row.auto_accept = (
                route.position, route.ledger, route.auto_accept)
            row.sends, row.receives = route.sends, route.receives
            row.unit = unit_of(route.unit)
        for code, route in by_bank_code.items():
            if len(code) != 3 or not code.isascii() or not code.isdigit():
                raise ValueError(f"the bank code {code!r} isn't three digits")
            self.by_bank_code[<u32>int(code)] = rows[id(route)] + 1
        for iban, route in by_iban.items():
            text = iban.encode("ascii")
            if len(text) != IBAN_BYTES:
                raise ValueError(f"the IBAN of {route.name!r} isn't {IBAN_BYTES} characters")
            entry = self.entry(text)
            memcpy(entry.iban, <const u8*>text, IBAN_BYTES)
            entry.row = rows[id(route)] + 1

    def __dealloc__(self):
        free(self.rows)
        free(self.by_iban)

    cdef IbanEntry* entry(self, const u8* iban) noexcept nogil:
        """Return the entry of an IBAN, or the empty one where its probe ends."""
        cdef u64 first, last
        cdef u32 place
        memcpy(&first, iban + 2, 8)
        memcpy(&last, iban + 18, 8)
        place = <u32>((first ^ last) * <u64>0x9E3779B97F4A7C15 >> 32)
        while True:
            place &= self.iban_mask
            if self.by_iban[place].row == 0 or not memcmp(self.by_iban[place].iban, iban,
                                                          IBAN_BYTES):
                return &self.by_iban[place]
            place += 1

    cdef const RouteRow* find(self, const u8* iban) noexcept nogil:
        """Return where a well-formed IBAN leads, or NULL where to nobody."""
        cdef u16 row = self.entry(iban).row
        if row == 0:
            row = self.by_bank_code[bank_code(iban)]
        return NULL if row == 0 else &self.rows[row - 1]

    cdef bint keeps(self, const Text* unit) noexcept nogil:
        """Tell whether the switch keeps books in a unit."""
        cdef u32 index
        for index in range(self.units_count):
            if is_unit(unit, &self.units[index]):
                return True
        return False

    def find_route(self, iban):
        """Return where a well-formed *iban* leads, or None."""
        text = iban.encode("ascii")
        cdef const RouteRow* row = self.find(text)
        return None if row == NULL else self.routes[row - self.rows]
