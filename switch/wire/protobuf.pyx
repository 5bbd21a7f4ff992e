"""The rare fields of protobuf's wire format: those of fixed width, and groups."""

from payvand.core.types cimport u8, u32


cdef const u8* skip_rare(const u8* at, const u8* end, u32 depth, Field* field) noexcept nogil:
    """Step over a field of fixed width or a group whose tag was read before *at*."""
    cdef Field inner
    cdef u32 size
    if field.wire_type == FIXED_64 or field.wire_type == FIXED_32:
        size = 8 if field.wire_type == FIXED_64 else 4
        return at + size if end - at >= size else NULL
    if field.wire_type != GROUP or depth == 0:
        return NULL
    while True:
        at = read_field_or_end(at, end, depth - 1, &inner)
        if at == NULL:
            return NULL
        if inner.wire_type == GROUP_END:
            return at if inner.number == field.number else NULL


cdef const u8* read_field_or_end(const u8* at, const u8* end, u32 depth,
                                 Field* field) noexcept nogil:
    """Read a field, or the tag that ends the group around it."""
    cdef u64 tag
    cdef bint minimal
    cdef const u8* after = read_short(at, end, 0xFFFFFFFF, &tag, &minimal)
    if after != NULL and tag & 7 == GROUP_END:
        field.wire_type = GROUP_END
        field.number = <u32>(tag >> 3)
        return after
    return read_field(at, end, depth, field)
