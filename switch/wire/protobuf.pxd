"""The wire format of protobuf: fields out of bytes, and into them.

As lenient and as strict as the protobuf library, which the tests hold it against: varints needn't
be minimal, bits beyond the 64th of one are dropped, groups may be nested a hundred deep.
"""

from libc.string cimport memcpy

from payvand.core.types cimport u8, u32, u64

cdef enum:
    VARINT = 0
    FIXED_64 = 1
    BYTES = 2
    GROUP = 3
    GROUP_END = 4
    FIXED_32 = 5

cdef enum:
    DEPTH_MAX = 100
    SIZE_MAX = 0x7FFFFFFF

cdef struct Field:
    u32 number
    u32 wire_type
    bint minimal               # tag, and length or value, in as few bytes as they need
    u64 value                  # of a varint
    const u8* start            # of the bytes of a field that has a length
    u32 size


cdef inline const u8* read_varint(const u8* at, const u8* end, u64* value,
                                  bint* minimal) noexcept nogil:
    """Read a varint of at most ten bytes; return where it ends, or NULL where it is malformed."""
    cdef u64 read = 0
    cdef u32 shift = 0
    cdef u8 byte
    while at < end and shift < 70:
        byte = at[0]
        at += 1
        read |= <u64>(byte & 0x7F) << shift if shift < 64 else 0
        if byte < 0x80:
            if byte == 0 and shift > 0 or shift == 63 and byte > 1:
                minimal[0] = False
            value[0] = read
            return at
        shift += 7
    return NULL


cdef inline const u8* read_short(const u8* at, const u8* end, u64 most, u64* value,
                                 bint* minimal) noexcept nogil:
    """Read a varint of at most five bytes and at most *most*; NULL where it is another."""
    cdef const u8* after
    if at < end and at[0] < 0x80:
        value[0] = at[0]
        return at + 1
    after = read_varint(at, end, value, minimal)
    return NULL if after == NULL or after - at > 5 or value[0] > most else after


cdef inline const u8* read_field(const u8* at, const u8* end, u32 depth,
                                 Field* field) noexcept nogil:
    """Read a field whole, also one that nobody knows; return where it ends.

    NULL where it is malformed, and where it ends a group. *depth* is how many groups may
    be nested here.
    """
    cdef u64 tag, size
    field.minimal = True
    at = read_short(at, end, 0xFFFFFFFF, &tag, &field.minimal)
    if at == NULL:
        return NULL
    field.number = <u32>(tag >> 3)
    field.wire_type = tag & 7
    if field.wire_type == BYTES:
        at = read_short(at, end, SIZE_MAX, &size, &field.minimal)
        if at == NULL or size > <u64>(end - at):
            return NULL
        field.start = at
        field.size = <u32>size
        return at + size
    if field.wire_type == VARINT:
        return read_varint(at, end, &field.value, &field.minimal)
    return skip_rare(at, end, depth, field)

cdef const u8* skip_rare(const u8* at, const u8* end, u32 depth, Field* field) noexcept nogil


cdef inline u32 varint_bytes(u64 value) noexcept nogil:
    """Return how many bytes a varint takes."""
    cdef u32 size = 1
    while value > 0x7F:
        value >>= 7
        size += 1
    return size


cdef inline u8* write_varint(u8* out, u64 value) noexcept nogil:
    """Write a varint; return where the next byte goes."""
    while value > 0x7F:
        out[0] = <u8>(value & 0x7F | 0x80)
        out += 1
        value >>= 7
    out[0] = <u8>value
    return out + 1


cdef inline u8* write_bytes(u8* out, u8 tag, const u8* start, u32 size) noexcept nogil:
    """Write a field that has a length, its number below 16; return where the next byte goes."""
    out[0] = tag
    out = write_varint(out + 1, size)
    if size:
        memcpy(out, start, size)
    return out + size
