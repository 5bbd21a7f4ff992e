"""Texts, eight characters of ASCII at a time and others one by one."""

from libc.string cimport memcpy

from payvand.core.types cimport u8, u32, u64

cdef u64 TOP_BITS = 0x8080808080808080


cdef bint read_text(const u8* start, u32 size, Text* text) noexcept nogil:
    """Take UTF-8 in (out: text); return False where it isn't well formed."""
    cdef const u8* at = start
    cdef const u8* end = start + size
    cdef u64 word
    cdef u32 continuations = 0
    cdef u8 first, second
    text.start, text.size, text.controls = start, size, False
    while at < end:
        if end - at >= 8:
            memcpy(&word, at, 8)
            if not word & TOP_BITS:
                text.controls |= has_controls(word)
                at += 8
                continue
        first = at[0]
        if first < 0x80:
            text.controls |= first < 0x20 or first == 0x7F
            at += 1
            continue
        if end - at < 2:
            return False
        second = at[1]
        if second & 0xC0 != 0x80 or first < 0xC2:
            return False
        if first < 0xE0:
            text.controls |= first == 0xC2 and second < 0xA0
            continuations += 1
            at += 2
        elif first < 0xF0:
            if (end - at < 3 or at[2] & 0xC0 != 0x80
                    or first == 0xE0 and second < 0xA0 or first == 0xED and second > 0x9F):
                return False
            continuations += 2
            at += 3
        else:
            if (end - at < 4 or first > 0xF4 or at[2] & 0xC0 != 0x80 or at[3] & 0xC0 != 0x80
                    or first == 0xF0 and second < 0x90 or first == 0xF4 and second > 0x8F):
                return False
            continuations += 3
            at += 4
    text.length = size - continuations
    return True


cdef inline bint has_controls(u64 word) noexcept nogil:
    """Tell whether one of eight bytes of ASCII is below a space, or is delete."""
    cdef u64 deletes = word ^ <u64>0x7F7F7F7F7F7F7F7F
    cdef u64 low = word - <u64>0x2020202020202020
    return (low | deletes - <u64>0x0101010101010101) & TOP_BITS != 0
