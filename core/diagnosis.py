"""Telling a torn tail from damage, where the last frame of a journal is not whole.

Segments are zeroed before they are written and never written twice, and the next frame goes out
only once the one before is durable. So a write that was under way leaves a frame with zeros where
sectors, or the rest of one, did not arrive, and nothing behind it. Damage looks otherwise:

* a good frame stands behind: the one before was acknowledged;
* one byte explains the wrong checksum: a torn write is not a single wrong byte;
* nothing in the frame is missing: no sector ends in zeros, yet the checksums disagree.
"""

import mmap
import struct

import numpy as np

from payvand.core.checksum import crc32c_of
from payvand.core.frame import check_frame

__all__ = ["is_torn", "one_byte_explains"]

BLOCK = 4096
SECTOR = 512
HEADER_BYTES = 128
_GOOD, _BAD_BODY = 0, 7
_MAGIC = 0x31465650


def is_torn(data: mmap.mmap | bytes, offset: int, sequence: int) -> bool:
    """Judge the bytes at *offset*, where frame *sequence* should be and is not whole."""
    if _good_frame_behind(data, offset, sequence):
        return False
    head = data[offset : offset + HEADER_BYTES]
    if not any(head):
        return True  # the header's sector never arrived
    block_count = struct.unpack_from("<I", head, 56)[0]
    head_bytes = HEADER_BYTES + -(-block_count * 4 // HEADER_BYTES) * HEADER_BYTES
    if offset + head_bytes > len(data):
        return not _dense(data[offset : offset + SECTOR])
    region = data[offset : offset + head_bytes]
    checksum = struct.unpack_from("<I", region, HEADER_BYTES - 4)[0]
    blank = region[: HEADER_BYTES - 4] + bytes(4) + region[HEADER_BYTES:]
    if crc32c_of(blank) != checksum:
        return not one_byte_explains(blank, checksum) and not _dense(region)
    body_bytes = struct.unpack_from("<Q", head, 48)[0]
    stop = offset + -(-(head_bytes + body_bytes) // BLOCK) * BLOCK
    bad = []
    for block in range(block_count):
        start = min(offset + head_bytes + block * BLOCK, stop)
        piece = data[start : min(start + BLOCK, stop)]
        expected = struct.unpack_from("<I", region, HEADER_BYTES + 4 * block)[0]
        if crc32c_of(piece) != expected:
            bad.append((piece, expected))
    if len(bad) == 1 and one_byte_explains(*bad[0]):
        return False
    return bool(bad) and any(not _dense(piece) for piece, _ in bad)


def _good_frame_behind(data: mmap.mmap | bytes, offset: int, sequence: int) -> bool:
    """Tell whether a whole header of a later frame stands on a block boundary further on."""
    words = np.frombuffer(data, "<u4", count=len(data) // 4)[:: BLOCK // 4]
    for block in np.nonzero(words == _MAGIC)[0].tolist():
        at = block * BLOCK
        if at > offset:
            fault, _, _ = check_frame(data, at)
            if fault in (_GOOD, _BAD_BODY):
                later: int = struct.unpack_from("<Q", data, at + 8)[0]
                if later > sequence:
                    return True
    return False


def _dense(piece: bytes) -> bool:
    """Tell whether every sector that the piece touches arrived to its end."""
    return all(piece[min(at + SECTOR, len(piece)) - 1] for at in range(0, len(piece), SECTOR))


def one_byte_explains(piece: bytes, expected: int) -> bool:
    """Tell whether changing a single byte of *piece* gives it the checksum *expected*.

    CRC-32C is linear: what a changed byte does to the checksum depends on its value and its
    distance from the end alone, so one walk from the end tries all places and values.
    """
    difference = crc32c_of(piece) ^ expected
    if difference == 0:
        return False
    # What each of the 255 changes of the last byte does, then of the byte before, and so on.
    effects = np.array(
        [crc32c_of(bytes([value])) ^ crc32c_of(b"\0") for value in range(1, 256)], np.uint32
    )
    table = np.array([_table_entry(value) for value in range(256)], np.uint32)
    for _ in range(len(piece)):
        if (effects == difference).any():
            return True
        effects = (effects >> np.uint32(8)) ^ table[effects & np.uint32(0xFF)]
    return False


def _table_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value
