"""Texts: whether they are UTF-8, how many characters they have, whether some of them control."""

from payvand.core.types cimport u8, u32

cdef struct Text:
    const u8* start
    u32 size                   # in bytes
    u32 length                 # in characters
    bint controls              # holds U+0000 to U+001F or U+007F to U+009F

cdef bint read_text(const u8* start, u32 size, Text* text) noexcept nogil
