"""What a request to submit holds at its top, found without reading its payments."""

from payvand.core.types cimport u8, u32, u64

cdef enum:
    PACKED_BYTES = 96
    PACKED_PAYLOAD_BYTES = 128     # of a packed payment without its texts, at most
    FIELD_PAYMENTS = 1             # of the request
    FIELD_PACKED = 2
    FIELD_PACKED_TEXTS = 3

# Why a request can't be taken as a whole.
cdef enum:
    WHOLE = 0
    MALFORMED = 1
    MALFORMED_PAYMENT = 2
    MIXED = 3
    PACKED_UNEVEN = 4
    PACKED_TEXTS_UNEVEN = 5
    TOO_MANY = 6

cdef struct Contents:
    const u8* start
    const u8* end
    u32 count                      # of payments, in whichever form
    const u8* packed               # NULL where payments come as messages
    u32 packed_bytes
    const u8* texts
    u32 texts_bytes
    u64 payload_bytes_max          # of all payments as the books keep them
    u32 broken
    u64 detail                     # a number of bytes or a payment's place

cdef void survey(const u8* start, u64 size, Contents* contents) noexcept nogil
cdef object fault_of(const Contents* contents)
