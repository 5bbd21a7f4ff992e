"""What a reader says of a journal whose bytes are not what was written.

Damage to what was acknowledged is named by file, frame and range of bytes, and is never taken for
a torn tail, which is dropped; a torn tail is dropped and never taken for damage, which would keep
a sound journal from being opened.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.core.checksum import crc32c_of
from payvand.core.engine import Engine
from payvand.core.errors import JournalCorrupt
from payvand.core.known_end import KNOWN_END_NAME
from payvand.core.records import u128_array
from payvand.core.segments import SPARE_NAME, JournalEnd, JournalReader
from tests.support.journals import Placed, placed, single, transfers, write
from tests.support.progress import SOAK, counted

SECTOR = 512
BLOCK = 4096


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a journal of every kind of frame; tests put back what they change in it."""
    folder = tmp_path_factory.mktemp("journal")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def frames(sound: Path) -> list[Placed]:
    """Return the frames of the sound journal with their places."""
    return list(placed(sound))


@pytest.fixture(scope="module")
def last(frames: list[Placed]) -> Placed:
    """Return the last frame whose write took more than one block."""
    return frames[-1]


class Changed:
    """A file with other bytes in a place, until the end of the block."""

    def __init__(self, path: Path, start: int, content: bytes) -> None:
        self.path, self.start, self.content = path, start, content

    def __enter__(self) -> None:
        self.before = self.path.read_bytes()
        stop = self.start + len(self.content)
        self.path.write_bytes(self.before[: self.start] + self.content + self.before[stop:])

    def __exit__(self, *_: object) -> None:
        self.path.write_bytes(self.before)


def read(folder: Path, *, strict: bool = True) -> JournalEnd:
    """Read a journal to its end."""
    reader = JournalReader(folder, strict=strict)
    for _ in reader:
        pass
    assert reader.end is not None
    return reader.end


def damage(folder: Path) -> JournalCorrupt:
    """Return what a strict reader says is damaged."""
    with pytest.raises(JournalCorrupt) as caught:
        read(folder)
    return caught.value


def test_a_sound_journal_reads_to_its_end(sound: Path, frames: list[Placed]) -> None:
    end = read(sound)
    assert (end.sequence, end.torn) == (len(frames), None)
    assert (end.segment, end.offset) == (frames[-1].path.name, frames[-1].stop)
    assert {(frame.frame.operation, len(frame.frame.raw) // BLOCK) for frame in frames} >= {
        (1, 1), (2, 1), (2, 2), (3, 1), (5, 1),
    }  # fmt: skip


# --- damage ----------------------------------------------------------------------------------


def _every_byte(folder: Path, stride: int) -> Iterator[tuple[Path, int]]:
    for path in [*JournalReader(folder).segments(), folder / SPARE_NAME]:
        yield from ((path, at) for at in range(0, path.stat().st_size, stride))


def test_every_changed_byte_is_named(sound: Path, frames: list[Placed]) -> None:
    """Of every file: headers, tables, bodies, padding, and space that was never written."""
    masks = [0x01, 0x80, 0xFF] if SOAK else [0x10]
    places = list(_every_byte(sound, 1 if SOAK else 13))
    for path, at in counted(places, "bytes changed", len(places)):
        here = [each for each in frames if each.path == path and each.start <= at < each.stop]
        before = [each for each in frames if (each.path.name, each.start) <= (path.name, at)]
        with path.open("r+b") as file:
            original = os.pread(file.fileno(), 1, at)[0]
            for mask in masks:
                os.pwrite(file.fileno(), bytes([original ^ mask]), at)
                found = damage(sound)
                assert found.segment == path.name
                assert found.start <= at < found.stop
                if here:
                    assert found.sequence == here[0].frame.sequence
                    assert found.stop - found.start <= SECTOR
                elif at >= BLOCK:
                    assert found.sequence == before[-1].frame.sequence + 1
            os.pwrite(file.fileno(), bytes([original]), at)
    assert read(sound).torn is None


@pytest.mark.parametrize("arrived", [1, 2, 3, 4, 5, 100, BLOCK])
def test_a_header_of_the_spare_that_was_cut_off_is_no_damage(
    sound: Path, frames: list[Placed], arrived: int
) -> None:
    """It is written when the spare's turn comes, and again after a crash within that write."""
    with Changed(sound / SPARE_NAME, 0, frames[0].path.read_bytes()[:arrived]):
        assert read(sound).sequence == len(frames)


@settings(max_examples=settings.default.max_examples * 2)
@given(data=st.data())
def test_damage_to_the_last_frame_is_never_taken_for_a_torn_write(
    sound: Path, last: Placed, data: st.DataObject
) -> None:
    """Several bytes in several places, wherever no whole sector is lost."""
    content = bytearray(last.frame.raw)
    places = st.integers(0, len(content) - 1)
    for at in data.draw(st.lists(places, min_size=1, max_size=40, unique=True)):
        content[at] = data.draw(st.integers(1, 255)) ^ content[at]
    torn = [
        at
        for at in range(0, len(content), SECTOR)
        if not any(content[at : at + SECTOR]) and any(last.frame.raw[at : at + SECTOR])
    ]
    if torn or not content[-1] or content == last.frame.raw:
        return
    with Changed(last.path, last.start, bytes(content)):
        found = damage(sound)
        assert found.sequence == last.frame.sequence
        with pytest.raises(JournalCorrupt):
            read(sound, strict=False)


@given(garbage=st.binary(min_size=1, max_size=3000))
def test_appended_garbage_is_named(sound: Path, last: Placed, garbage: bytes) -> None:
    if not garbage[0] or garbage[:1] == b"P":
        return
    garbage = garbage[: last.path.stat().st_size - last.stop]
    with Changed(last.path, last.stop, garbage):
        found = damage(sound)
        assert found.sequence == last.frame.sequence + 1
        assert found.start <= last.stop < found.stop
        with pytest.raises(JournalCorrupt):
            read(sound, strict=False)


def test_a_copy_of_an_earlier_frame_behind_the_last_is_named(
    sound: Path, frames: list[Placed], last: Placed
) -> None:
    with Changed(last.path, last.stop, frames[1].frame.raw):
        found = damage(sound)
    assert "out of order" in found.what
    assert (found.segment, found.start) == (last.path.name, last.stop)


def test_a_frame_of_another_journal_breaks_the_chain(
    sound: Path, last: Placed, tmp_path: Path
) -> None:
    write(tmp_path)
    other = list(placed(tmp_path))[-1]
    with Changed(last.path, last.start, other.frame.raw):
        assert read(sound).torn is None  # the same content has the same bytes and the same chain
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()

    async def scene() -> None:
        async with await Engine.open(tmp_path, segment_bytes=1 << 16) as engine:
            for id in range(1, last.frame.sequence + 1):
                await engine.create_transfers(transfers(single(id)))

    asyncio.run(scene())
    other = list(placed(tmp_path))[-1]
    assert other.frame.sequence == last.frame.sequence
    with Changed(last.path, last.start, other.frame.raw):
        assert "chain broken" in damage(sound).what


def test_swapped_missing_and_renamed_segments_are_named(sound: Path, tmp_path: Path) -> None:
    def fresh() -> list[Path]:
        shutil.rmtree(tmp_path)
        shutil.copytree(sound, tmp_path)
        return JournalReader(tmp_path).segments()

    segments = fresh()
    middle = segments[1].read_bytes()
    segments[1].write_bytes(segments[2].read_bytes())
    segments[2].write_bytes(middle)
    assert damage(tmp_path).segment == segments[1].name

    segments = fresh()
    segments[0].unlink()
    assert "missing" in damage(tmp_path).what

    segments = fresh()
    segments[1].unlink()
    assert damage(tmp_path).segment == segments[2].name

    segments = fresh()
    segments[-1].rename(tmp_path / "segment-0000000000000099.journal")
    assert "another's name" in damage(tmp_path).what

    segments = fresh()
    (tmp_path / "segment-old.journal").write_bytes(b"somebody's note")
    assert read(tmp_path).segment == segments[-1].name

    segments = fresh()
    segments[1].write_bytes(segments[1].read_bytes()[:1000])
    assert "cut short" in damage(tmp_path).what


# --- torn writes -----------------------------------------------------------------------------


def check_torn(folder: Path, last: Placed) -> None:
    """Check that a reader drops the last frame alone, and names no damage."""
    for strict in (False, True):
        end = read(folder, strict=strict)
        assert end.sequence == last.frame.sequence - 1
        assert end.offset == last.start
        assert end.torn is None or end.torn[0] == last.start


def test_a_write_that_ended_at_any_byte_is_torn(sound: Path, last: Placed) -> None:
    """Whether the rest reads as zeros or the file ends there."""
    raw = last.frame.raw
    used = len(raw)
    for length in range(2, used, 1 if SOAK else 7):
        with Changed(last.path, last.start, raw[:length].ljust(used, b"\0")):
            check_torn(sound, last)
    for length in [*range(0, used, SECTOR), *range(2, used, 997)]:
        before = last.path.read_bytes()
        last.path.write_bytes(before[: last.start + length])
        check_torn(sound, last)
        last.path.write_bytes(before)


def test_a_write_of_which_any_sectors_are_missing_is_torn(sound: Path, last: Placed) -> None:
    sectors = range(len(last.frame.raw) // SECTOR)
    full = [at for at in sectors if any(last.frame.raw[at * SECTOR : (at + 1) * SECTOR])]
    for count in range(1, len(full) + 1):
        for lost in combinations(full, count):
            content = bytearray(last.frame.raw)
            for sector in lost:
                content[sector * SECTOR : (sector + 1) * SECTOR] = bytes(SECTOR)
            with Changed(last.path, last.start, bytes(content)):
                check_torn(sound, last)


@given(data=st.data())
def test_a_great_write_of_which_any_sectors_are_missing_is_torn(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """The sector table is longer than a sector there, and may itself be missing."""
    folder = _great(tmp_path_factory)
    *_, last = placed(folder)
    content = np.frombuffer(last.frame.raw, np.uint8).copy().reshape(-1, SECTOR)
    full = content.any(axis=1).nonzero()[0].tolist()
    table = [0, 1, 2, full[-1]]
    places = st.lists(st.sampled_from(full + table * 20), min_size=1, max_size=len(full))
    content[data.draw(places)] = 0
    if data.draw(st.booleans()):
        at = data.draw(st.sampled_from(full))
        content[at, data.draw(st.integers(0, SECTOR - 1)) :] = 0
        content[at + 1 :] = 0
    with Changed(last.path, last.start, content.tobytes()):
        check_torn(folder, last)


_great_folders: list[Path] = []


def _great(factory: pytest.TempPathFactory) -> Path:
    if not _great_folders:
        _great_folders.append(factory.mktemp("great"))

        async def scene() -> None:
            async with await Engine.open(_great_folders[0], segment_bytes=1 << 20) as engine:
                await engine.create_transfers(transfers(single(1)))
                await engine.create_transfers(transfers(*[single(10 + n) for n in range(2000)]))

        asyncio.run(scene())
    return _great_folders[0]


def test_after_a_torn_write_the_engine_goes_on(sound: Path, last: Placed, tmp_path: Path) -> None:
    """What was acknowledged before is there, the torn frame is not, and its id is free."""
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    (tmp_path / KNOWN_END_NAME).unlink()  # a machine that stopped has not closed its journal
    path = tmp_path / last.path.name
    content = bytearray(path.read_bytes())
    content[last.start + SECTOR : last.start + 2 * SECTOR] = bytes(SECTOR)
    path.write_bytes(content)

    async def scene() -> None:
        async with await Engine.open(tmp_path) as engine:
            assert engine.recovery.sequence == last.frame.sequence - 1
            assert engine.recovery.torn_bytes == len(last.frame.raw)
            assert (await engine.states(u128_array([1, 200])))["state"].tolist() == [1, 0]
            await engine.create_transfers(transfers(single(200)))
        async with await Engine.open(tmp_path) as engine:
            assert engine.recovery.torn_bytes == 0
            assert (await engine.states(u128_array([1, 200])))["state"].tolist() == [1, 1]

    asyncio.run(scene())
    assert read(tmp_path).sequence == last.frame.sequence


def test_a_lone_byte_in_unused_space_is_no_reason_not_to_open(
    sound: Path, last: Placed, tmp_path: Path
) -> None:
    shutil.copytree(sound, tmp_path, dirs_exist_ok=True)
    path = tmp_path / last.path.name
    with Changed(path, last.stop + 1000, b"\x04"):
        assert "lone byte" in damage(tmp_path).what

        async def scene() -> None:
            async with await Engine.open(tmp_path) as engine:
                assert engine.recovery.sequence == last.frame.sequence

        asyncio.run(scene())
        assert read(tmp_path).torn is None


def test_checksums_are_those_of_the_published_vector() -> None:
    assert crc32c_of(b"123456789") == 0xE3069283
    assert crc32c_of(b"123456789", portable=True) == 0xE3069283
