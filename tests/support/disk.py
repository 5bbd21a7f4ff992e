"""A real program on a disk that records what reaches it and fails where it is told; see disk.c."""

import ctypes
import os
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

ROOT = Path(__file__).parent.parent.parent
_ENTRY = struct.Struct("<IiiIQQ")


class Call(IntEnum):
    """What a program did to the journal's files."""

    OPEN = 1
    WRITE = 2
    SYNC = 3
    RENAME = 4
    CLOSE = 5
    MARK = 6
    ALLOCATE = 7
    UNLINK = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One call, in the order in which they came; all threads of the program are in one order."""

    call: Call
    fd: int
    failed: int
    """The errno, or 0."""
    offset: int
    content: bytes
    """What was written, the file's name, both names, or the program's own words."""


@cache
def _library() -> Path:
    """Compile disk.c once for this run."""
    path = Path(mkdtemp(prefix="disk-")) / "disk.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    source = Path(__file__).with_name("disk.c")
    command = [compiler, "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", path, source, "-ldl"]
    subprocess.run(command, check=True)
    return path


def start(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path | None = None,
    fail: str = "",
    hold: Path | None = None,
    every_file: bool = False,
) -> subprocess.Popen[str]:
    """Start `python -m MODULE ARGUMENTS...` on the disk; *fail* is told as in disk.c.

    *every_file*: mind the files of ids and snapshots too, not the journal's alone.
    """
    # Behind what is preloaded already: a sanitizer's runtime must come first.
    preloaded = f"{os.environ.get('LD_PRELOAD', '')} {_library()}".strip()
    environment = {**os.environ, "LD_PRELOAD": preloaded}
    environment |= {"DISK_LOG": str(log)} if log else {}
    environment |= {"DISK_FAIL": fail} if fail else {}
    environment |= {"DISK_HOLD": str(hold)} if hold else {}
    environment |= {"DISK_ALL": "1"} if every_file else {}
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(
    module: str,
    arguments: Sequence[str],
    *,
    log: Path | None = None,
    fail: str = "",
    every_file: bool = False,
) -> str:
    """Run a module on the disk to its end and return what it printed."""
    with start(module, arguments, log=log, fail=fail, every_file=every_file) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def mark(words: str) -> None:
    """Write a program's own words between the entries of the log it is recorded in, if any."""
    if "DISK_LOG" in os.environ:
        content = words.encode()
        ctypes.CDLL(None).disk_mark(content, ctypes.c_uint64(len(content)))


def read_log(path: Path) -> Iterator[Entry]:
    """Iterate over the entries of a log."""
    with path.open("rb") as file:
        while head := file.read(_ENTRY.size):
            kind, fd, failed, _, offset, size = _ENTRY.unpack(head)
            yield Entry(Call(kind), fd, failed, offset, file.read(size))
