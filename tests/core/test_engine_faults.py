"""A disk that fails: the engine stops at once, retries nothing, and loses nothing acknowledged.

The engine runs in a process of its own, on a disk that fails at a chosen call; see
`tests/support/disk.py`. What the client of that process was told is held against what the folder
holds afterwards.
"""

import asyncio
import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from payvand.core.engine import Engine
from payvand.core.errors import JournalUnusable
from payvand.core.records import u128_array
from payvand.core.segments import JournalReader
from tests.support import disk
from tests.support.disk import Call, Entry
from tests.support.journals import accounts, single, transfers
from tests.support.plain_client import Record

SEGMENT_BYTES = 64 << 10
CALLS = 150
BLOCK = 4096
SINGLE = 1

FAILURES = {
    "a flush fails": (f"sync:9:{errno.EIO}", "Input/output error"),
    "a write fails": (f"append:7:{errno.EIO}", "Input/output error"),
    "the disk is full": (f"append:6:{errno.ENOSPC}:on", "No space left on device"),
    "half of a write arrives": (f"append:4:{errno.ENOSPC}:short", "No space left on device"),
    "no segment has room": (f"fallocate:3:{errno.ENOSPC}:on", "No space left on device"),
    "no segment can be made": (f"openat:3:{errno.EMFILE}:on", "Too many open files"),
    "a segment can't be put in place": (f"renameat:2:{errno.EROFS}", "Read-only file system"),
}


def client(folder: Path, *, log: Path | None = None, fail: str = "") -> Record:
    """Run a client on the failing disk to its end, and return what it was told."""
    arguments = [str(folder), str(SEGMENT_BYTES), str(CALLS)]
    printed = disk.run("tests.support.plain_client", arguments, log=log, fail=fail)
    return Record(**json.loads(printed))


def check_kept(folder: Path, record: Record) -> None:
    """Check that what was acknowledged is there, whole, and that the folder can be used on."""

    async def scene() -> None:
        async with await Engine.open(folder) as engine:
            ids = range(1, CALLS + 1)
            parts = [u128_array(ids), *[u128_array((id << 64) + n for id in ids) for n in (1, 2)]]
            states = [(await engine.states(part))["state"].tolist() for part in parts]
            for id in ids:
                assert len({part[id - 1] for part in states}) == 1, "a submission is half there"
                assert id not in record.acknowledged or states[0][id - 1] == SINGLE
            totals = engine.ledger.totals(1)
            assert totals["debits_posted"] == totals["credits_posted"]
            await engine.create_accounts(accounts(1, 2))
            again = await engine.create_transfers(transfers(single(10**9)))
            assert again.results["status"].tolist() == [0xFFFF_FFFF]

    asyncio.run(scene())
    assert JournalReader(folder, strict=True).folder == folder
    for _ in JournalReader(folder, strict=True):
        pass


def touches_after_failure(entries: list[Entry]) -> list[Entry]:
    """Return what was done after the failure to files that frames are in."""
    spares: set[int] = set()
    failed = False
    touches = []
    for entry in entries:
        if entry.call == Call.OPEN:
            spares.add(entry.fd)
        elif entry.call == Call.RENAME and not entry.failed:
            spares.clear()
        elif failed and entry.call in (Call.WRITE, Call.SYNC) and entry.fd not in {-1, *spares}:
            touches.append(entry)
        failed = failed or entry.failed != 0
    return touches


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_a_failure_stops_the_engine_at_once_and_loses_nothing_acknowledged(
    tmp_path: Path, fail: tuple[str, str]
) -> None:
    folder, log = tmp_path / "journal", tmp_path / "log"
    record = client(folder, log=log, fail=fail[0])
    assert 0 < len(record.acknowledged) < CALLS
    assert set(record.refused) == {"JournalStopped"}
    assert set(record.later) == {"JournalStopped"}
    assert fail[1] in record.said
    assert "start again" in record.said
    entries = list(disk.read_log(log))
    assert any(entry.failed for entry in entries)
    if not fail[0].startswith(("openat", "fallocate")):  # made ahead, a segment may fail
        assert touches_after_failure(entries) == []
    check_kept(folder, record)


def test_without_a_failure_all_is_acknowledged(tmp_path: Path) -> None:
    """The twin of the above, so that its failures are the disk's."""
    record = client(tmp_path)
    assert record.acknowledged == sorted(record.acknowledged)
    assert len(record.acknowledged) == CALLS
    assert (record.refused, record.later) == ([], ["EngineClosed"])
    check_kept(tmp_path, record)


def test_a_segment_that_could_not_be_made_ahead_is_made_when_it_is_needed(tmp_path: Path) -> None:
    record = client(tmp_path, fail=f"openat:2:{errno.ENOSPC}")
    assert len(record.acknowledged) == CALLS
    check_kept(tmp_path, record)


def test_half_a_segment_gives_its_room_back(tmp_path: Path) -> None:
    """A full disk is not kept full by the segment that did not fit on it."""
    folder, log = tmp_path / "journal", tmp_path / "log"
    record = client(folder, log=log, fail=f"fallocate:2:{errno.ENOSPC}:on")
    assert set(record.refused) == {"JournalStopped"}
    assert not (folder / "segment.spare").exists()
    check_kept(folder, record)


def test_a_disk_without_direct_writes_will_do(tmp_path: Path) -> None:
    record = client(tmp_path, fail=f"openat:1:{errno.EINVAL}")
    assert len(record.acknowledged) == CALLS
    check_kept(tmp_path, record)


def test_a_disk_that_allocates_nothing_will_do(tmp_path: Path) -> None:
    record = client(tmp_path, fail=f"fallocate:1:{errno.EOPNOTSUPP}:on")
    assert len(record.acknowledged) == CALLS
    check_kept(tmp_path, record)


def test_a_disk_full_from_the_first_is_told_when_the_folder_is_opened(tmp_path: Path) -> None:
    record = client(tmp_path, fail=f"pwrite:1:{errno.ENOSPC}:on")
    assert (record.acknowledged, record.refused) == ([], ["JournalUnusable"])
    assert "can't begin a segment: No space left on device" in record.said
    assert "free or repair the disk" in record.said
    assert len(client(tmp_path).acknowledged) == CALLS


def test_nothing_is_seen_before_it_is_durable(tmp_path: Path) -> None:
    """While a flush hangs, a state that it holds is not told to anybody, nor followed."""
    hold = tmp_path / "hold"
    with disk.start("tests.support.held_client", [str(tmp_path / "journal"), str(hold)],
                    hold=hold) as process:  # fmt: skip
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out) == {"seen_while_held": [], "seen_after": ["call", "follow", "states"]}


# --- what the file system itself refuses -----------------------------------------------------


@contextmanager
def as_nobody() -> Iterator[None]:
    """Be somebody whom the file system can refuse: root it refuses nothing."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_folder_that_may_not_be_written_is_told() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o555)
        with as_nobody(), pytest.raises(JournalUnusable, match=r"Permission denied.*writable"):
            asyncio.run(Engine.open(folder))
        assert list(folder.iterdir()) == []
    finally:
        shutil.rmtree(folder)


def test_segments_that_may_not_be_read_are_told() -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        client(folder)
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)
        JournalReader(folder).segments()[1].chmod(0o000)
        with as_nobody(), pytest.raises(JournalUnusable, match=r"can't read.*right to read"):
            asyncio.run(Engine.open(folder))
        JournalReader(folder).segments()[1].chmod(0o444)
        JournalReader(folder).segments()[-1].chmod(0o444)
        with as_nobody(), pytest.raises(JournalUnusable, match="Permission denied"):
            asyncio.run(Engine.open(folder))
        asyncio.run(_open_and_close(folder))
    finally:
        shutil.rmtree(folder)


async def _open_and_close(folder: Path) -> None:
    async with await Engine.open(folder):
        pass


def test_a_limit_on_the_size_of_files_is_told(tmp_path: Path) -> None:
    """The kernel's own refusal, with no disk of ours between."""
    arguments = [sys.executable, "-m", "tests.support.plain_client", str(tmp_path)]

    def limit(bytes_max: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    def run(segment_bytes: int, bytes_max: int) -> Record:
        done = subprocess.run(
            [*arguments, str(segment_bytes), str(CALLS)],
            cwd=disk.ROOT,
            preexec_fn=lambda: limit(bytes_max),
            capture_output=True,
            text=True,
            check=True,
        )
        return Record(**json.loads(done.stdout))

    record = run(1 << 20, 100 << 10)
    assert record.refused == ["JournalUnusable"]
    assert "File too large" in record.said
    record = run(2 * BLOCK, 2 * BLOCK)
    assert set(record.refused) == {"JournalStopped"}
    assert "File too large" in record.said
    check_kept(tmp_path, record)
