"""The layout of a snapshot file. See `snapshot.pxd`."""

from payvand.core.books cimport Span
from payvand.core.copying cimport Kept
from payvand.core.past cimport Carried, Late
from payvand.core.quota_table cimport QUOTA_EVENTS, QuotaRow
from payvand.core.reservations cimport Reservation
from payvand.core.types cimport u8, u32, u64

assert sizeof(BlockHeader) == BLOCK_HEADER_BYTES and sizeof(Head) == HEAD_BYTES
assert sizeof(Stretch) == 16 and sizeof(Span) == 24 and sizeof(Carried) == 24
assert sizeof(Late) == 32 and sizeof(Reservation) == 128 and sizeof(Holding) == 144
assert sizeof(Kept) == 160 and sizeof(QuotaRow) == 208 and <int>QUOTA_EVENTS == 16

# In the order of sections.
cdef u32[SECTIONS] SIZES = [
    sizeof(Stretch), sizeof(Span), sizeof(Carried), sizeof(Late), sizeof(u64), sizeof(u8),
    sizeof(Reservation), sizeof(Holding), sizeof(Kept), sizeof(Reservation), 1,
    sizeof(QuotaRow),
]


cdef u32 row_bytes(u32 kind) noexcept nogil:
    """Return the size of a row of a section."""
    return SIZES[kind]
