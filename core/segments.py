"""The journal's reading side: segment files of frames, checked byte by byte and link by link.

A reader proves what it reads: every checksum, the sequence without gaps, and the SHA-256 chain from
frame to frame and over segment borders. Where a frame is wrong, it tells a torn tail (a write that
was under way when the machine stopped, never acknowledged) from damage to what was acknowledged.
"""

import mmap
import struct
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from payvand.core.checksum import crc32c_of
from payvand.core.diagnosis import BLOCK, is_torn, used_bytes
from payvand.core.errors import JournalCorrupt, JournalUnusable
from payvand.core.frame import FAULTS, Frame, check_frame, checked_frame

__all__ = [
    "SEGMENT_HEADER_BYTES",
    "SPARE_NAME",
    "JournalEnd",
    "JournalReader",
    "digest_of_frame",
    "first_sequences",
    "frame_at",
    "journal_id_of",
    "read_ahead",
    "read_frames",
]

FRAMES_AHEAD = 8
"""Frames proved and not yet taken by who reads ahead: at most 128 MiB, mostly 9."""
SEGMENT_HEADER_BYTES = 4096
SPARE_NAME = "segment.spare"
_SEGMENT_HEADER = struct.Struct("<IHHQ16s32s60sI")
_SEGMENT_MAGIC = 0x31535650
_LENGTHS = struct.Struct("<I44xQI")  # of a frame's header: magic, bytes of the body, sectors
_FRAME_MAGIC = 0x31465650
_SEGMENT_VERSION = 1
_GOOD, _ABSENT = 0, 1


@dataclass(frozen=True, slots=True)
class JournalEnd:
    """Where a journal ends: behind its last good frame.

    `torn` is the range of bytes behind it that a write left unfinished, or None.
    """

    journal_id: bytes
    segment: str
    offset: int
    sequence: int
    digest: bytes
    torn: tuple[int, int] | None


class JournalReader:
    """Read the frames of a folder in order; after the last, `end` says where the journal ends."""

    def __init__(
        self, folder: Path, *, after: int = 0, digest: bytes | None = None, strict: bool = False
    ) -> None:
        """Read frames with a sequence greater than *after*.

        With `after` > 0 reading begins in the segment that holds the next frame, and the chain is
        proved from that segment's beginning on; or, given the *digest* of the frame *after*, from
        right behind that frame. A *strict* reader names damage that costs nothing
        too: a byte that changed where nothing was ever written.
        """
        self.folder = folder
        self.after = after
        self.strict = strict
        self._after_digest = digest
        self.end: JournalEnd | None = None
        self.place = (0, 0)
        """Of the frame given last: the segment's number in the order of the files, from 0, and
        where in it the frame begins."""
        self._digest = bytes(32)
        self._sequence = 0
        self._journal_id = b""

    def segments(self) -> list[Path]:
        """Return the segment files, oldest first."""
        return sorted(self.folder.glob(f"segment-{'[0-9]' * 16}.journal"))

    def __iter__(self) -> Iterator[Frame]:
        segments = self.segments()
        first = 0
        for index, path in enumerate(segments):
            if _first_sequence(path) <= self.after + 1:
                first = index
        for index in range(first, len(segments)):
            self.place = (index, 0)
            yield from self._read(
                segments[index], begin=index == first, last=index == len(segments) - 1
            )
        if self.strict:
            self._check_spare(self.folder / SPARE_NAME)

    def _map(self, path: Path) -> mmap.mmap:
        try:
            with path.open("rb") as file:
                if (size := path.stat().st_size) < SEGMENT_HEADER_BYTES:
                    raise self._corrupt(path, 0, size, "segment cut short")
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as error:
            raise _unreadable(path, error) from error
        if hasattr(mmap, "MADV_WILLNEED"):
            data.madvise(mmap.MADV_WILLNEED)  # the disk reads on while frames are proved
        return data

    def _read(self, path: Path, *, begin: bool, last: bool) -> Iterator[Frame]:
        data = self._map(path)
        self._check_header(path, data, begin=begin)
        offset = self._go_behind(path, data) if begin else SEGMENT_HEADER_BYTES
        while True:
            fault, length, start, stop = check_frame(data, offset)
            if fault != _GOOD:
                break
            frame = checked_frame(data, offset, length)
            if frame.sequence != self._sequence + 1:
                raise self._corrupt(
                    path, offset, offset + length, f"sequence {frame.sequence} out of order"
                )
            if frame.previous != self._digest:
                raise self._corrupt(
                    path, offset, offset + length, "chain broken: the frame before was changed"
                )
            self._sequence = frame.sequence
            self._digest = frame.digest
            self.place = (self.place[0], offset)
            offset += length
            if frame.sequence > self.after:
                yield frame
        torn = self._check_tail(path, data, offset, fault, (start, stop), last=last)
        self.end = JournalEnd(
            self._journal_id, path.name, offset, self._sequence, self._digest, torn
        )

    def _go_behind(self, path: Path, data: mmap.mmap) -> int:
        """Return where to begin to read: behind the frame *after*, where its digest is known."""
        if self._after_digest is None or self._sequence > self.after:
            return SEGMENT_HEADER_BYTES
        try:
            offset = _place_in(data, _first_sequence(path), self.after + 1)
        except (ValueError, struct.error):
            return SEGMENT_HEADER_BYTES  # from there on it will be told what is wrong
        self._sequence, self._digest = self.after, self._after_digest
        return offset

    def _check_header(self, path: Path, data: mmap.mmap, *, begin: bool) -> None:
        block = data[:SEGMENT_HEADER_BYTES]
        magic, version, _, first, journal_id, previous, _, checksum = _SEGMENT_HEADER.unpack(
            block[: _SEGMENT_HEADER.size]
        )
        blank = block[: _SEGMENT_HEADER.size - 4] + bytes(4) + block[_SEGMENT_HEADER.size :]
        if magic != _SEGMENT_MAGIC or crc32c_of(blank) != checksum:
            raise self._corrupt(path, 0, SEGMENT_HEADER_BYTES, "segment header checksum mismatch")
        if version != _SEGMENT_VERSION:
            raise JournalUnusable(
                f"{path} has format version {version}, this program reads {_SEGMENT_VERSION}",
                hint="use the program that wrote it, or a newer one",
            )
        if first != _first_sequence(path):
            raise self._corrupt(path, 0, SEGMENT_HEADER_BYTES, "the file bears another's name")
        if begin:
            if self.after == 0 and first != 1:
                raise self._corrupt(path, 0, SEGMENT_HEADER_BYTES, "earlier segments are missing")
            self._sequence, self._digest, self._journal_id = first - 1, previous, journal_id
        elif (first, previous, journal_id) != (
            self._sequence + 1,
            self._digest,
            self._journal_id,
        ):
            raise self._corrupt(
                path, 0, SEGMENT_HEADER_BYTES, "does not follow the segment before it"
            )

    def _check_tail(
        self,
        path: Path,
        data: mmap.mmap,
        offset: int,
        fault: int,
        wrong: tuple[int, int],
        *,
        last: bool,
    ) -> tuple[int, int] | None:
        """Judge what stands behind the last good frame: nothing, a torn write, or damage."""
        view = np.frombuffer(data, np.uint8)
        used = used_bytes(view, offset)
        if used == 0:
            return None
        stop = offset + used
        if self.strict and fault == _ABSENT and view[offset:stop].nonzero()[0].size == 1:
            raise self._corrupt(path, stop - 1, stop, "a lone byte where nothing was written")
        if not last or not is_torn(view, offset, self._sequence + 1):
            start, stop = (offset, stop) if fault == _ABSENT else wrong
            raise self._corrupt(path, start, stop, FAULTS[fault])
        return offset, -(-stop // BLOCK) * BLOCK

    def _check_spare(self, path: Path) -> None:
        """Check that the segment made ready for later holds nothing, or its header at most."""
        if not path.exists() or path.stat().st_size < SEGMENT_HEADER_BYTES:
            return
        view = np.frombuffer(self._map(path), np.uint8)
        # The write of the header may have been cut off, even within its magic.
        beginning = view[: min(4, used_bytes(view, 0))].tobytes()
        begun = _SEGMENT_MAGIC.to_bytes(4, "little").startswith(beginning)
        start = SEGMENT_HEADER_BYTES if begun else 0
        if used := used_bytes(view, start):
            raise self._corrupt(
                path, start, start + used, "not zero, but nothing was written there"
            )

    def _corrupt(self, path: Path, start: int, stop: int, what: str) -> JournalCorrupt:
        return JournalCorrupt(path.name, self._sequence + 1, start, stop, what)


def read_ahead(reader: JournalReader) -> Iterator[tuple[Frame, tuple[int, int]]]:
    """Iterate over the frames of a reader, each with its place; see `JournalReader.place`.

    They are read and proved on a thread of their own, up to `FRAMES_AHEAD` before their turn. What
    the reader raises is raised when its turn comes.
    """
    frames = iter(reader)

    def step() -> tuple[Frame, tuple[int, int]] | None:
        frame = next(frames, None)
        return None if frame is None else (frame, reader.place)

    pool = ThreadPoolExecutor(1, "read-ahead")
    try:
        ahead = deque(pool.submit(step) for _ in range(FRAMES_AHEAD))
        while (found := ahead.popleft().result()) is not None:
            ahead.append(pool.submit(step))
            yield found
    finally:
        pool.shutdown(cancel_futures=True)


def _first_sequence(path: Path) -> int:
    return int(path.stem.removeprefix("segment-"))


def first_sequences(folder: Path) -> list[int]:
    """Return the sequence of the first frame of each segment of a folder, in their order."""
    return sorted(_first_sequence(path) for path in folder.glob("segment-*.journal"))


def read_frames(folder: Path, after: int = 0) -> Iterator[Frame]:
    """Iterate over the frames of a journal with a sequence greater than *after*.

    Raises JournalCorrupt where bytes are not what was written. A torn tail ends the iteration.
    """
    return iter(JournalReader(folder, after=after))


def frame_at(path: Path, offset: int) -> Frame:
    """Return the frame that begins at an offset of a segment, proved by itself alone.

    Raises JournalCorrupt, JournalUnusable.
    """
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise _unreadable(path, error) from error
    with data:
        fault, length, start, stop = check_frame(data, offset)
        if fault != _GOOD:
            raise JournalCorrupt(path.name, 0, start, stop, FAULTS[fault])
        return checked_frame(data, offset, length)


def digest_of_frame(folder: Path, sequence: int) -> bytes | None:
    """Return the digest of a frame; None where it isn't found, or isn't sound.

    Goes from header to header through the one segment that can hold it.
    """
    firsts = [first for first in first_sequences(folder) if first <= sequence]
    if not firsts:
        return None
    path = folder / f"segment-{firsts[-1]:016d}.journal"
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            offset = _place_in(data, firsts[-1], sequence)
            return Frame(data[offset : offset + _length_at(data, offset)]).digest
    except (OSError, ValueError, struct.error):
        return None


def _place_in(data: mmap.mmap, first: int, sequence: int) -> int:
    """Return where a frame stands in a segment that begins with frame *first*, by the headers."""
    offset = SEGMENT_HEADER_BYTES
    for _ in range(first, sequence):
        offset += _length_at(data, offset)
    return offset


def _length_at(data: mmap.mmap, offset: int) -> int:
    """Return the length of the frame whose header stands at *offset*; ValueError for none."""
    magic, body, sectors = _LENGTHS.unpack_from(data, offset)
    if magic != _FRAME_MAGIC:
        raise ValueError(f"no frame begins at {offset}")
    head = -(-(128 + 4 * sectors) // 512) * 512
    length: int = -(-(head + body + 16) // BLOCK) * BLOCK
    return length


def journal_id_of(folder: Path) -> bytes | None:
    """Return the id in the first segment of a folder, unproved; None where there is none."""
    for first in first_sequences(folder)[:1]:
        path = folder / f"segment-{first:016d}.journal"
        try:
            with path.open("rb") as file:
                head = file.read(_SEGMENT_HEADER.size)
        except OSError as error:
            raise _unreadable(path, error) from error
        if len(head) == _SEGMENT_HEADER.size:
            identity: bytes = _SEGMENT_HEADER.unpack(head)[4]
            return identity
    return None


def _unreadable(path: Path, error: OSError) -> JournalUnusable:
    return JournalUnusable(
        f"can't read {path}: {error}", hint="give this user the right to read it"
    )
