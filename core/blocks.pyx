"""Blocks of 4,096 bytes, each under its own checksum: rows and zeros, then a tail of 16 bytes."""

from payvand.core.checksum cimport crc32c
from payvand.core.types cimport u8, u32, u64

cdef extern from "<fcntl.h>" nogil:
    """
    #ifndef _GNU_SOURCE
    #define _GNU_SOURCE
    #endif
    #include <fcntl.h>
    static void payvand_begin_writing(int fd, unsigned long long start, unsigned long long size) {
    #if defined(__linux__)
        (void)sync_file_range(fd, (off_t)start, (off_t)size, SYNC_FILE_RANGE_WRITE);
    #else
        (void)fd, (void)start, (void)size;
    #endif
    }
    """
    void payvand_begin_writing(int fd, u64 start, u64 size)

cdef enum:
    BYTES = 4096
    TAIL_BYTES = 16
    MAGIC = 0x31425645          # "EVB1"

cdef packed struct Tail:
    u32 magic
    u32 number                  # of the block in the file
    u32 rows                    # how many it holds
    u32 checksum                # CRC-32C of the block, this field as zero

assert sizeof(Tail) == TAIL_BYTES

BLOCK_BYTES = BYTES
ROWS_BYTES = BYTES - TAIL_BYTES


cdef Tail* tail_of(const u8* block) noexcept nogil:
    return <Tail*>(block + BYTES - TAIL_BYTES)


def seal_blocks(u8[::1] image, u32 number, u64 rows, u32 rows_a_block):
    cdef u64 count = <u64>image.shape[0] // BYTES
    cdef u64 index
    cdef Tail* tail
    assert count * BYTES == <u64>image.shape[0] and rows <= count * rows_a_block
    with nogil:
        for index in range(count):
            tail = tail_of(&image[index * BYTES])
            tail.magic = MAGIC
            tail.number = number + <u32>index
            tail.rows = <u32>min(rows - index * rows_a_block, <u64>rows_a_block)
            tail.checksum = 0
            tail.checksum = crc32c(0, &image[index * BYTES], BYTES)


def begin_writing(int fd, u64 start, u64 size):
    with nogil:
        payvand_begin_writing(fd, start, size)


def wrong_block(const u8[::1] image, u32 number, u64 rows, u32 rows_a_block):
    cdef u64 count = <u64>image.shape[0] // BYTES
    cdef u64 index
    cdef u64 wrong = count
    cdef const Tail* tail
    cdef u32 zero = 0
    cdef u32 checksum
    with nogil:
        for index in range(count):
            tail = tail_of(&image[index * BYTES])
            checksum = crc32c(0, &image[index * BYTES], BYTES - 4)
            checksum = crc32c(checksum, <const u8*>&zero, 4)
            if (tail.magic != MAGIC or tail.number != number + <u32>index
                    or tail.rows != <u32>min(rows - index * rows_a_block, <u64>rows_a_block)
                    or tail.checksum != checksum):
                wrong = index
                break
    return None if wrong == count else int(wrong)
