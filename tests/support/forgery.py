"""Frames with sound checksums and a lie in them, for proofs that must not believe checksums."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from payvand.core.checksum import crc32c_of
from payvand.core.frame import Frame
from payvand.core.segments import read_frames

HEADER_BYTES, BLOCK = 128, 4096


def forge_last_frame(folder: Path, *, field: str, value: Any) -> int:
    """Set the first of an array *field* of a journal's last frame, and seal the frame again."""
    *_, frame = read_frames(folder)
    forged = bytearray(frame.raw)
    array = getattr(frame, field)
    at = array.__array_interface__["data"][0] - np.frombuffer(frame.raw, "u1").ctypes.data
    forged[at : at + array.itemsize] = np.array([value], array.dtype).tobytes()
    _seal(forged)
    Frame(bytes(forged))  # its checksums are right
    segment = next(path for path in folder.glob("segment-*.journal") if _holds(path, frame.raw))
    segment.write_bytes(segment.read_bytes().replace(frame.raw, bytes(forged)))
    return frame.sequence


def _holds(segment: Path, raw: bytes) -> bool:
    return raw in segment.read_bytes()


def _seal(frame: bytearray) -> None:
    """Compute the block table and the header's checksum."""
    (blocks,) = struct.unpack_from("<I", frame, 56)
    head = HEADER_BYTES + -(-blocks * 4 // HEADER_BYTES) * HEADER_BYTES
    for block in range(blocks):
        start = min(head + block * BLOCK, len(frame))
        piece = bytes(frame[start : min(start + BLOCK, len(frame))])
        struct.pack_into("<I", frame, HEADER_BYTES + 4 * block, crc32c_of(piece))
    struct.pack_into("<I", frame, HEADER_BYTES - 4, 0)
    struct.pack_into("<I", frame, HEADER_BYTES - 4, crc32c_of(bytes(frame[:head])))
