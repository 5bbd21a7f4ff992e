"""Runs of entries on disk: which accounts each effect on money touched, by account.

    entries-<first sequence, 16 digits>-<last sequence, 16 digits>.run

    block of 4,096 bytes   header: see `_HEADER`
    blocks                 keys, 510 a block, in order       (see `entries.pxd`)
    blocks                 stands, 56 a block, in the order of their keys
    blocks                 stretches, 72 a block, in order
    blocks                 what the blocks of the other sections begin with, 510 a block

A block is 4,080 bytes of rows and zeros, then magic, the block's number in the file, how many rows
it holds and its CRC-32C with this field as zero, 4 bytes each. The key that each block begins with
is kept in memory, 8 bytes for 255 movements, and stands in the last section; so to open a run reads
a five-hundredth of it, and a question a block or two.

Runs follow from the journal: what is missing or damaged is made again when the folder is opened.
"""

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.blocks import (
    BLOCK_BYTES,
    ROWS_BYTES,
    begin_writing,
    seal_blocks,
    wrong_block,
)
from payvand.core.checksum import crc32c_of
from payvand.core.entry_log import STAND, STRETCH
from payvand.core.errors import JournalCorrupt
from payvand.core.records import Records

__all__ = ["AnyRows", "EntryRun", "Keys", "RunDamaged", "RunWriter", "run_paths"]

BEGUN_BYTES = 1 << 20
KEY = np.dtype("<u8")
KEYS, STANDS, STRETCHES, FIRSTS = range(4)
SECTIONS = (KEY, STAND, STRETCH, KEY)
CACHED_BLOCKS = 64
READ_BLOCKS = 64
WRITTEN_BLOCKS = 64

_HEADER = struct.Struct("<IHH16sQQQQQQQQII")
"""Magic, version, level, journal id, first and last sequence, first number and the one behind the
last, count of keys, stands, stretches and firsts, zero, CRC-32C of the block (this field zero)."""
_MAGIC = 0x31455650  # "PVE1"
_VERSION = 1

AnyRows = npt.NDArray[Any]
Keys = npt.NDArray[np.uint64]


class RunDamaged(Exception):
    """A file is not a whole run of this journal."""


def run_paths(folder: Path) -> dict[tuple[int, int], Path]:
    """Return the runs of a folder by their first and last sequences."""
    found = {}
    for path in folder.glob("entries-*.run"):
        _, first, last = path.stem.split("-")
        found[int(first), int(last)] = path
    return found


def _rows_a_block(dtype: np.dtype[np.generic]) -> int:
    return ROWS_BYTES // dtype.itemsize


def _blocks(count: int, dtype: np.dtype[np.generic]) -> int:
    return -(-count // _rows_a_block(dtype))


class RunWriter:
    """Write one run: its sections one after the other, each in pieces."""

    def __init__(
        self, folder: Path, journal_id: bytes, span: tuple[int, int], numbers: tuple[int, int]
    ) -> None:
        """Begin a run of the frames of *span*, first and last, whose movements are *numbers*."""
        self.path = folder / f"entries-{span[0]:016d}-{span[1]:016d}.run"
        self._part = self.path.with_suffix(".part")
        self._file = self._part.open("wb", buffering=0)
        self._file.write(bytes(BLOCK_BYTES))
        self._head = (journal_id, *span, *numbers)
        self._blocks = 1
        self._unbegun = 0
        self._counts: list[int] = []
        self._firsts: list[list[Keys]] = []

    def add(self, section: int, pieces: Iterator[AnyRows]) -> None:
        """Write a section; sections come in their order."""
        dtype = SECTIONS[section]
        size = _rows_a_block(dtype)
        firsts: list[Keys] = []
        count, rest = 0, np.zeros(0, dtype)
        some = size * WRITTEN_BLOCKS
        for piece in (
            rows[start : start + some] for rows in pieces for start in range(0, len(rows), some)
        ):
            rest = np.concatenate([rest, piece])
            whole = len(rest) // size * size
            self._write(rest[:whole], size, firsts)
            count += whole
            rest = rest[whole:]
        self._write(rest, size, firsts)
        self._counts.append(count + len(rest))
        self._firsts.append(firsts)

    def _write(self, rows: AnyRows, size: int, firsts: list[Keys]) -> None:
        if not len(rows):
            return
        count = -(-len(rows) // size)
        firsts.append(_keys(rows)[::size].copy())
        image = bytearray(count * BLOCK_BYTES)
        view = np.frombuffer(image, np.uint8).reshape(count, BLOCK_BYTES)
        raw = rows.view(np.uint8)
        width = size * rows.dtype.itemsize
        whole = len(rows) // size
        view[:whole, :width] = raw[: whole * width].reshape(whole, width)
        if whole < count:
            view[whole, : len(raw) - whole * width] = raw[whole * width :]
        seal_blocks(image, self._blocks, len(rows), size)
        rest = memoryview(image)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._blocks += count
        self._unbegun += len(image)
        if self._unbegun >= BEGUN_BYTES:
            # In small pieces: the journal waits behind each of them.
            begin_writing(
                self._file.fileno(), self._blocks * BLOCK_BYTES - self._unbegun, self._unbegun
            )
            self._unbegun = 0

    def finish(self, level: int) -> "EntryRun":
        """Put the run under its name, and open it."""
        firsts = [np.concatenate([np.zeros(0, KEY), *some]) for some in self._firsts]
        self.add(FIRSTS, iter(firsts))
        journal_id, *numbers = self._head
        fields = (_MAGIC, _VERSION, level, journal_id, *numbers, *self._counts, 0)
        header = _HEADER.pack(*fields, 0).ljust(BLOCK_BYTES, b"\0")
        checksum = crc32c_of(header)
        header = _HEADER.pack(*fields, checksum).ljust(BLOCK_BYTES, b"\0")
        os.pwrite(self._file.fileno(), header, 0)
        os.fsync(self._file.fileno())
        self._file.close()
        # The folder is flushed with the snapshot that relies on the name; before, it may be lost.
        self._part.rename(self.path)
        return EntryRun(self.path, header, firsts)

    def abandon(self) -> None:
        """Give up a run that was begun."""
        self._file.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


def _keys(rows: AnyRows) -> Keys:
    """Return what rows are ordered by."""
    if rows.dtype == KEY:
        return rows
    column: Keys = rows["key" if rows.dtype == STAND else "first"]
    return column


class EntryRun:
    """A run that is asked. Whoever asks keeps it from being closed meanwhile."""

    def __init__(self, path: Path, header: bytes, firsts: list[Keys]) -> None:
        """Open a run whose *header* was proved, with the keys that its blocks begin with."""
        self.path = path
        fields = _HEADER.unpack(header[: _HEADER.size])
        self.level: int = fields[2]
        self.journal_id: bytes = fields[3]
        self.first_sequence, self.last_sequence, self.first, self.end = fields[4:8]
        self.counts: tuple[int, ...] = fields[8:12]
        self._firsts = firsts
        self._starts = [1]
        for dtype, count in zip(SECTIONS, self.counts, strict=True):
            self._starts.append(self._starts[-1] + _blocks(count, dtype))
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._cache: dict[tuple[int, int], AnyRows] = {}

    @classmethod
    def open(cls, path: Path, journal_id: bytes) -> "EntryRun":
        """Open a file, and prove its header and what it keeps in memory.

        Raises RunDamaged where it is no whole run of the journal.
        """
        with path.open("rb") as file:
            header = file.read(BLOCK_BYTES)
        if len(header) < BLOCK_BYTES:
            raise RunDamaged(path.name)
        fields = _HEADER.unpack(header[: _HEADER.size])
        blank = _HEADER.pack(*fields[:-1], 0).ljust(BLOCK_BYTES, b"\0")
        if (fields[0], fields[1], fields[3]) != (_MAGIC, _VERSION, journal_id) or (
            crc32c_of(blank) != fields[-1] or header[_HEADER.size :] != blank[_HEADER.size :]
        ):
            raise RunDamaged(path.name)
        run = cls(path, header, [])
        try:
            firsts = np.concatenate([np.zeros(0, KEY), *run.pieces(FIRSTS)])
        except JournalCorrupt as fault:
            run.close()
            raise RunDamaged(path.name) from fault
        for section in (KEYS, STANDS, STRETCHES):
            run._firsts.append(firsts[: run._count_blocks(section)])
            firsts = firsts[run._count_blocks(section) :]
        return run

    def close(self) -> None:
        """Give up the file."""
        os.close(self._fd)

    # --- asking ------------------------------------------------------------------------------

    def keys(self, low: int, high: int, backwards: bool, most: int) -> Keys:
        """Return up to *most* keys from *low* up to *high*: the first ones, or the last."""
        begin, end = self._block_of(KEYS, low), self._block_of(KEYS, high) + 1
        found = [np.zeros(0, KEY)]
        count = 0
        blocks = range(begin, min(end, self._count_blocks(KEYS)))
        for block in reversed(blocks) if backwards else blocks:
            rows = self._block(KEYS, block)
            rows = rows[
                np.searchsorted(rows, np.uint64(low)) : np.searchsorted(rows, np.uint64(high))
            ]
            found.append(rows[::-1] if backwards else rows)
            count += len(rows)
            if count >= most:
                break
        return np.concatenate(found)[:most]

    def stretches_of(self, numbers: Keys) -> Records:
        """Return STRETCH[n], the frames of movements of this run."""
        table = np.zeros(len(numbers), STRETCH)
        blocks = np.searchsorted(self._firsts[STRETCHES], numbers, side="right") - 1
        for block in np.unique(blocks):
            rows = self._block(STRETCHES, int(block))
            mine = blocks == block
            places = np.searchsorted(rows["first"], numbers[mine], side="right") - 1
            table[mine] = rows[places]
        return table

    def stretches(self, number: int, most: int) -> Records:
        """Return STRETCH[k], frames from that of a movement on."""
        block = self._block_of(STRETCHES, number)
        rows: Records = self._block(STRETCHES, block)
        start = int(np.searchsorted(rows["first"], np.uint64(number), side="right")) - 1
        return rows[max(start, 0) :][:most]

    def first_beyond(self, field: str, value: int) -> Records | None:
        """Return the first frame, a STRETCH, whose *field* is greater than *value*, or None."""
        low, high = 0, self._count_blocks(STRETCHES)
        while low < high:
            middle = (low + high) // 2
            if int(self._block(STRETCHES, middle)[field][-1]) > value:
                high = middle
            else:
                low = middle + 1
        if low == self._count_blocks(STRETCHES):
            return None
        rows: Records = self._block(STRETCHES, low)
        found: Records = rows[int(np.searchsorted(rows[field], np.uint64(value), side="right"))]
        return found

    def stand(self, key: int) -> Records | None:
        """Return the STAND under a key, or None."""
        if not self.counts[STANDS] or int(self._firsts[STANDS][0]) > key:
            return None
        rows: Records = self._block(STANDS, self._block_of(STANDS, key))
        place = int(np.searchsorted(rows["key"], np.uint64(key)))
        found: Records | None = (
            rows[place] if place < len(rows) and int(rows["key"][place]) == key else None
        )
        return found

    def last(self, field: str) -> int:
        """Return a field of the last frame."""
        return int(self._block(STRETCHES, self._count_blocks(STRETCHES) - 1)[field][-1])

    # --- merging -----------------------------------------------------------------------------

    def block_firsts(self, section: int) -> Keys:
        """Return the keys that the blocks of a section begin with."""
        return self._firsts[section]

    def pieces(self, section: int) -> Iterator[AnyRows]:
        """Iterate over the rows of a section."""
        for block in range(0, self._count_blocks(section), READ_BLOCKS):
            yield self._read(section, block, min(READ_BLOCKS, self._count_blocks(section) - block))

    def slice(self, section: int, low: int, high: int) -> AnyRows:
        """Return the rows of a section with keys from *low* up to *high*."""
        begin = self._block_of(section, low)
        end = min(self._block_of(section, high) + 1, self._count_blocks(section))
        rows = (
            self._read(section, begin, end - begin)
            if end > begin
            else np.zeros(0, SECTIONS[section])
        )
        keys = _keys(rows)
        start, stop = np.searchsorted(keys, np.array([low, high], np.uint64))
        return rows[start:stop]

    # --- blocks ------------------------------------------------------------------------------

    def _count_blocks(self, section: int) -> int:
        return self._starts[section + 1] - self._starts[section]

    def _block_of(self, section: int, key: int) -> int:
        """Return the block that holds a key, or would."""
        place = int(np.searchsorted(self._firsts[section], np.uint64(key), side="right")) - 1
        return max(place, 0)

    def _block(self, section: int, block: int) -> AnyRows:
        found = self._cache.get((section, block))
        if found is None:
            if len(self._cache) >= CACHED_BLOCKS:
                self._cache.clear()
            found = self._cache[section, block] = self._read(section, block, 1)
        return found

    def _read(self, section: int, block: int, count: int) -> AnyRows:
        """Read blocks of a section, and prove them."""
        first = self._starts[section] + block
        raw = os.pread(self._fd, count * BLOCK_BYTES, first * BLOCK_BYTES)
        dtype = SECTIONS[section]
        size = _rows_a_block(dtype)
        rows = min(self.counts[section] - block * size, count * size)
        wrong = wrong_block(raw, first, rows, size)
        if len(raw) < count * BLOCK_BYTES or wrong is not None:
            raise self._corrupt(first + (wrong or 0))
        view = np.frombuffer(raw, np.uint8).reshape(count, BLOCK_BYTES)
        whole = np.ascontiguousarray(view[:, : size * dtype.itemsize])
        return whole.reshape(-1)[: rows * dtype.itemsize].view(dtype)

    def _corrupt(self, block: int) -> JournalCorrupt:
        """Set the file aside, so that it is made again when the folder is opened next."""
        with contextlib.suppress(OSError):
            self.path.rename(self.path.with_suffix(".damaged"))
        return JournalCorrupt(
            self.path.name,
            self.first_sequence,
            block * BLOCK_BYTES,
            (block + 1) * BLOCK_BYTES,
            "a run of entries is damaged, and was set aside: open the folder again to make it anew",
        )
