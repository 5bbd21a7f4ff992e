"""How far a journal is known to reach: the one thing that its last segment can't say of itself.

    known-end     68 bytes, put in place whole: a sequence, and the SHA-256 of that frame

It is written when a journal is closed and when a segment was begun, never on the way of a commit. A
journal that ends before it, or has another frame there, has lost what was acknowledged: a segment
that was deleted, an older copy put in its place, a tail that became zeros.
"""

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from payvand.core.checksum import crc32c_of
from payvand.core.errors import SnapshotDamaged

__all__ = ["KNOWN_END_NAME", "KnownEnd", "read_known_end", "write_known_end"]

KNOWN_END_NAME = "known-end"
_PART = "known-end.part"
_LAYOUT = struct.Struct("<4sHHQ16s32s")
_MAGIC = b"PVE1"
_VERSION = 1
_BYTES = _LAYOUT.size + 4


@dataclass(frozen=True, slots=True)
class KnownEnd:
    """A frame that was on stable storage."""

    journal_id: bytes
    sequence: int
    digest: bytes
    """SHA-256 of the frame, 32 bytes."""


def write_known_end(folder_fd: int, known: KnownEnd) -> None:
    """Put down, durably and whole or not at all, how far a journal reaches; raises OSError."""
    content = _LAYOUT.pack(_MAGIC, _VERSION, 0, known.sequence, known.journal_id, known.digest)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    descriptor = os.open(_PART, flags, 0o600, dir_fd=folder_fd)
    try:
        os.pwrite(descriptor, content + crc32c_of(content).to_bytes(4, "little"), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(_PART, KNOWN_END_NAME, src_dir_fd=folder_fd, dst_dir_fd=folder_fd)
    os.fsync(folder_fd)


def read_known_end(folder: Path) -> KnownEnd | None:
    """Return how far a journal is known to reach; None where nothing says so.

    Raises SnapshotDamaged where the file is not what was written.
    """
    try:
        content = (folder / KNOWN_END_NAME).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotDamaged(KNOWN_END_NAME, 0, _BYTES, f"can't be read: {error}") from error
    if len(content) != _BYTES or crc32c_of(content[:-4]).to_bytes(4, "little") != content[-4:]:
        raise SnapshotDamaged(KNOWN_END_NAME, 0, max(len(content), _BYTES), "checksum mismatch")
    magic, version, _, sequence, journal_id, digest = _LAYOUT.unpack(content[:-4])
    if (magic, version) != (_MAGIC, _VERSION):
        raise SnapshotDamaged(KNOWN_END_NAME, 0, _BYTES, f"of version {version}, not {_VERSION}")
    return KnownEnd(journal_id, sequence, digest)
