"""Frames with sound checksums and a lie in them, for proofs that must not believe checksums."""

import struct
from pathlib import Path
from typing import Any

import numpy as np

from payvand.core.checksum import crc32c_of
from payvand.core.frame import Frame
from payvand.core.segments import read_frames

HEADER_BYTES, SECTOR_BYTES = 128, 512


def forge_last_frame(folder: Path, *, field: str, value: Any) -> int:
    """Set the first of an array *field* of a journal's last frame, and seal the frame again."""
    *_, frame = read_frames(folder)
    forged = bytearray(frame.raw)
    array = getattr(frame, field)
    at = array.__array_interface__["data"][0] - np.frombuffer(frame.raw, "u1").ctypes.data
    forged[at : at + array.itemsize] = np.array([value], array.dtype).tobytes()
    seal(forged)
    Frame(bytes(forged))  # its checksums are right
    segment = next(path for path in folder.glob("segment-*.journal") if _holds(path, frame.raw))
    segment.write_bytes(segment.read_bytes().replace(frame.raw, bytes(forged)))
    return frame.sequence


def _holds(segment: Path, raw: bytes) -> bool:
    return raw in segment.read_bytes()


def seal(frame: bytearray) -> None:
    """Compute the sector table and the checksums of the header and of the table."""
    (sectors,) = struct.unpack_from("<I", frame, 56)
    head = -(-(HEADER_BYTES + sectors * 4) // SECTOR_BYTES) * SECTOR_BYTES
    for number in range((len(frame) - head) // SECTOR_BYTES):
        start = head + number * SECTOR_BYTES
        checksum = crc32c_of(bytes(frame[start : start + SECTOR_BYTES]))
        struct.pack_into("<I", frame, HEADER_BYTES + 4 * number, checksum)
    table = crc32c_of(bytes(frame[HEADER_BYTES:head]))
    struct.pack_into("<I", frame, HEADER_BYTES - 8, table)
    struct.pack_into("<I", frame, HEADER_BYTES - 4, crc32c_of(bytes(frame[: HEADER_BYTES - 4])))
