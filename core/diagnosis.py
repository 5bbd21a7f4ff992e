"""Telling a torn tail from damage, where the last frame of a journal is not whole.

Segments are zeroed before they are written and never written twice, the next frame goes out only
once the one before is durable, and a frame's last byte is never zero. So a write that was under way
when the machine stopped leaves, of a single frame, what arrived, and zeros elsewhere:

* whole sectors of 512 bytes that are missing, in any choice, since disks write them in any order;
* or everything behind some byte, where the bytes went out in their order.

All else is damage to what was acknowledged: a good frame behind, bytes behind the frame's end, a
sector that is neither what its checksum says nor missing. What the two can't be told by is a
sector of the last frame that was lost afterwards and reads as zeros.
"""

import struct
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from payvand.core.checksum import crc32c_of
from payvand.core.frame import FAULTS, check_frame
from payvand.core.limits import FRAME_BYTES_MAX

__all__ = ["BLOCK", "SECTOR", "is_torn", "used_bytes"]

BLOCK = 4096
SECTOR = 512
_HEADER_BYTES = 128
_CHUNK = 1 << 20
_FAULT_NUMBERS = {name: number for number, name in FAULTS.items()}
_ABSENT = _FAULT_NUMBERS["absent"]
_BAD_TABLE = _FAULT_NUMBERS["sector table checksum mismatch"]
_BAD_BODY = _FAULT_NUMBERS["body checksum mismatch"]
_BEGINNING = struct.Struct("<IHHQ")  # magic, version, operation, sequence of a frame's header
_MAGIC = 0x31465650
_VERSION = 2

Bytes = npt.NDArray[np.uint8]


def used_bytes(data: Bytes, offset: int) -> int:
    """Return how many bytes from *offset* on reach to the last one that is not zero."""
    stop = len(data)
    while stop > offset:
        start = max(offset, stop - _CHUNK)
        found = data[start:stop].nonzero()[0]
        if len(found):
            return start + int(found[-1]) + 1 - offset
        stop = start
    return 0


def is_torn(data: Bytes, offset: int, sequence: int) -> bool:
    """Judge the bytes at *offset*, where frame *sequence* should be and is not whole."""
    used = used_bytes(data, offset)
    fault, length, _, _ = check_frame(data, offset)
    if _good_frame_behind(data, offset + max(length, BLOCK), sequence):
        return False
    if fault == _ABSENT:
        return used <= FRAME_BYTES_MAX  # the sector of the header never arrived
    if not length:
        return used < _HEADER_BYTES and _begins_frame(data[offset : offset + used], sequence)
    if used > length:
        return False  # a write under way leaves nothing behind its frame
    frame = np.zeros(length, np.uint8)
    arrived = data[offset : offset + length]
    frame[: len(arrived)] = arrived
    return _integer(frame, 8, 8) == sequence and _explained(frame, used)


def _begins_frame(beginning: Bytes, sequence: int) -> bool:
    """Tell whether the bytes can be the first of a header, the others being lost."""
    for operation in range(1, 6):
        expected = _BEGINNING.pack(_MAGIC, _VERSION, operation, sequence)
        if beginning[: len(expected)].tobytes() == expected[: len(beginning)]:
            return True
    return False


def _explained(frame: Bytes, used: int) -> bool:
    """Tell whether what is wrong with a frame, whose header is sound, is a write's doing.

    *used*: behind so many bytes there are only zeros.
    """
    fault, length, _, stop = check_frame(frame)
    if fault == _BAD_TABLE:
        # The checksums of what stands behind are lost, so of that nothing can be said.
        rest_of_table = frame[SECTOR:stop].reshape(-1, SECTOR)
        return used <= stop or not rest_of_table.any(axis=1).all()
    if fault != _BAD_BODY:
        return False
    # Bytes that went out in their order may end within a sector; the last of a frame is not zero.
    cut = (used - 1) // SECTOR if used < length else None
    for sector, (arrived, expected) in _body_sectors(frame):
        lost = sector == cut or not any(arrived)
        if not lost and crc32c_of(arrived) != expected:
            return False
    return True


def _body_sectors(frame: Bytes) -> Iterator[tuple[int, tuple[bytes, int]]]:
    """Iterate over the sectors of a body: place in the frame, bytes, checksum expected."""
    count = _integer(frame, 56, 4)
    first = -(-(_HEADER_BYTES + 4 * count) // SECTOR)
    for sector in range(first, len(frame) // SECTOR):
        expected = _integer(frame, _HEADER_BYTES + 4 * (sector - first), 4)
        yield sector, (frame[sector * SECTOR : (sector + 1) * SECTOR].tobytes(), expected)


def _good_frame_behind(data: Bytes, start: int, sequence: int) -> bool:
    """Tell whether the sound header of a later frame stands on a block boundary from *start* on."""
    whole = len(data) // BLOCK * BLOCK
    words = data[:whole].view("<u4")[:: BLOCK // 4]
    for block in (words[start // BLOCK :] == _MAGIC).nonzero()[0].tolist():
        at = start + block * BLOCK
        _, length, _, _ = check_frame(data, at)
        if length and _integer(data, at + 8, 8) > sequence:
            return True
    return False


def _integer(data: Bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size].tobytes(), "little")
