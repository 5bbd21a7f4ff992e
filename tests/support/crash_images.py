"""What a disk may hold after a crash: images of a folder, made from the log of a recorded run.

Between two calls a machine can stop. What was written and flushed is there. Of what was written
since, each sector of 512 bytes may have arrived or not, in any choice; or the bytes arrived in
their order up to some one. A file's new name is there once the folder was flushed, and before that
may be.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.support.disk import Call, Entry

SECTOR = 512


@dataclass(frozen=True)
class Image:
    """The files of a folder after a crash, and what had been acknowledged before it."""

    place: str
    """Where the crash was and what arrived, for a failing test to tell."""
    files: dict[str, bytes]
    acknowledged: frozenset[str]

    def write(self, folder: Path) -> None:
        """Put the files into a folder in the place of what it held."""
        for path in folder.iterdir():
            path.unlink()
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


@dataclass
class _File:
    flushed: bytearray = field(default_factory=bytearray)
    waiting: list[tuple[int, bytes]] = field(default_factory=list)  # offset, content

    def flush(self) -> None:
        for offset, content in self.waiting:
            _put(self.flushed, offset, content)
        self.waiting.clear()

    def after_crash(self, choose: "_Choice") -> bytes:
        content = bytearray(self.flushed)
        for offset, piece in self.waiting:
            for start, part in choose.arrived(piece):
                _put(content, offset + start, part)
        return bytes(content)


def _put(content: bytearray, offset: int, piece: bytes) -> None:
    content.extend(bytes(max(0, offset + len(piece) - len(content))))
    content[offset : offset + len(piece)] = piece


class _Choice:
    """Decides what of a write arrived."""

    def __init__(self, random: Random, how: str) -> None:
        self.random, self.how = random, how

    def arrived(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        if self.how == "all":
            yield 0, piece
        elif self.how == "bytes":
            yield 0, piece[: self.random.randrange(len(piece))]
        elif self.how == "sectors":
            share = self.random.choice([0.1, 0.5, 0.9])
            for start in range(0, len(piece), SECTOR):
                if self.random.random() < share:
                    yield start, piece[start : start + SECTOR]


class _Disk:
    """The folder's state while a log is walked through."""

    def __init__(self) -> None:
        self.open: dict[int, _File] = {}
        self.names: dict[str, _File] = {}  # as flushed
        # Old and new names since the folder was flushed.
        self.renaming: list[tuple[str | None, str | None, _File]] = []

    def apply(self, entry: Entry) -> None:
        """Do what was done."""
        if entry.call == Call.OPEN and not entry.offset:
            self.open[entry.fd] = self.named(len(self.renaming))[entry.content.decode()]
        elif entry.call == Call.OPEN:
            self.open[entry.fd] = _File()
            self.renaming.append((None, entry.content.decode(), self.open[entry.fd]))
        elif entry.call == Call.WRITE:
            self.open[entry.fd].waiting.append((entry.offset, entry.content))
        elif entry.call == Call.ALLOCATE and not entry.failed:
            self.open[entry.fd].waiting.append((0, bytes(entry.offset)))
        elif entry.call == Call.SYNC and entry.fd >= 0:
            self.open[entry.fd].flush()
        elif entry.call == Call.SYNC:
            self.names = self.named(len(self.renaming))
            self.renaming.clear()
        elif entry.call == Call.RENAME:
            old, _, new = entry.content.decode().partition("/")
            self.renaming.append((old, new, self.named(len(self.renaming))[old]))
        elif entry.call == Call.UNLINK:
            name = entry.content.decode()
            self.renaming.append((name, None, self.named(len(self.renaming))[name]))
        elif entry.call == Call.CLOSE:
            del self.open[entry.fd]

    def named(self, count: int) -> dict[str, _File]:
        """Return the files by name where *count* changes since the last flush are there."""
        names = dict(self.names)
        for old, new, file in self.renaming[:count]:
            if old is not None:
                del names[old]
            if new is not None:
                names[new] = file
        return names

    def image(self, place: str, acknowledged: set[str], random: Random, how: str) -> Image:
        """Return what is there after a crash now."""
        renamed = len(self.renaming) if how == "all" else random.randrange(len(self.renaming) + 1)
        choice = _Choice(random, how)
        files = {name: file.after_crash(choice) for name, file in self.named(renamed).items()}
        return Image(f"{place}, {how}", files, frozenset(acknowledged))


def crash_images(entries: Iterable[Entry], *, seed: int, choices: int) -> Iterator[Image]:
    """Iterate over images of crashes after each call, *choices* of what arrived there."""
    disk, acknowledged, random = _Disk(), set[str](), Random(seed)
    for number, entry in enumerate(entries):
        if entry.call == Call.MARK:
            acknowledged.add(entry.content.decode())
            continue
        disk.apply(entry)
        place = f"after call {number}, {entry.call.name} {entry.offset}"
        yield disk.image(place, acknowledged, random, "all")
        if disk.renaming or any(file.waiting for file in disk.open.values()):
            yield disk.image(place, acknowledged, random, "none")
            for _ in range(choices):
                yield disk.image(place, acknowledged, random, random.choice(["sectors", "bytes"]))
