"""Files of old ids, cut off or refused at any call: nothing is lost, and no effect comes twice.

A client commits far beyond a small horizon on a recording disk, so that runs are written, merged,
named by snapshots and deleted. From the log, what the disk may hold after a crash is made for every
call. Whatever is left of the runs, the journal gives them back.
"""

import errno
import os
from pathlib import Path

import pytest

from payvand.core.snapshot_reading import SnapshotReader
from payvand.core.snapshots import snapshots
from payvand.core.statuses import TransferStatus
from tests.support import disk
from tests.support.crash_images import Image, crash_images
from tests.support.disk import Entry
from tests.support.forgetful_client import BATCH_ROWS, batch
from tests.support.journaled_ledger import JournaledLedger
from tests.support.ledger_records import Transfer

CLIENT = "tests.support.forgetful_client"
SOAK = os.environ.get("PAYVAND_SOAK") == "1"
BATCHES = 300 if SOAK else 110
IMAGES = 3000 if SOAK else 90
RETRIED_ROWS = 30
SINGLE = 1
EXISTS = TransferStatus.EXISTS

FAILURES = {
    "a run can't be begun": f"openat:6:{errno.ENOSPC}",
    "the disk is full": f"pwrite:40:{errno.ENOSPC}:on",
    "a flush fails": f"sync:60:{errno.EIO}:on",
    "a run can't be put in place": f"renameat:9:{errno.EROFS}:on",
}


def batched(events: list[Transfer], size: int) -> list[list[Transfer]]:
    """Cut events into batches."""
    return [events[start : start + size] for start in range(0, len(events), size)]


def acknowledged_rows(image: Image) -> int:
    """Return how many transfers had been acknowledged: batches go one by one."""
    assert image.acknowledged == {str(n) for n in range(len(image.acknowledged))}
    return len(image.acknowledged) * BATCH_ROWS


def check(folder: Path, acknowledged: int, place: str) -> None:
    """Check that all ids have their answer, before and after they are sent again, and no more."""
    ledger = JournaledLedger(folder, seed=5)
    try:
        rows = ledger.books.transfers_count
        assert acknowledged <= rows <= acknowledged + BATCH_ROWS, place
        states = ledger.states(range(1, rows + 2))
        assert [each.state for each in states] == [SINGLE] * rows + [0], place
        sent = [event for number in range(rows // BATCH_ROWS) for event in batch(number)]
        for events in batched(sent, RETRIED_ROWS):
            answers = ledger.create_transfers(events, 10**6)
            assert {answer.status for answer in answers} == {EXISTS}, place
        assert ledger.books.totals(1)["debits_posted"] == rows * 10, place
    finally:
        ledger.close()
    check_files(folder)


def check_files(folder: Path) -> None:
    """Check that of a closed folder's files of ids none is unfinished."""
    assert list(folder.glob("*.part")) == []
    for path in snapshots(folder):
        for name in SnapshotReader(path).run_names():
            assert (folder / name).exists(), f"{path.name} names {name}"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Return the log of a run."""
    folder = tmp_path_factory.mktemp("recorded")
    arguments = [str(folder / "journal"), str(BATCHES)]
    assert disk.run(CLIENT, arguments, log=folder / "log", every_file=True) == ""
    return list(disk.read_log(folder / "log"))


def test_a_crash_at_any_call_leaves_an_answer_for_every_id(
    recorded: list[Entry], tmp_path: Path
) -> None:
    images = list(crash_images(recorded, seed=17, choices=1))
    named = [name for image in images for name in image.files]
    assert any(name.endswith(".part") for name in named)
    assert any(name.startswith("snapshot-") for name in named)
    for image in images[:: max(len(images) // IMAGES, 1)]:
        image.write(tmp_path)
        check(tmp_path, acknowledged_rows(image), image.place)


@pytest.mark.parametrize("fail", FAILURES.values(), ids=FAILURES)
def test_a_refusal_of_the_disk_is_told_and_loses_nothing(tmp_path: Path, fail: str) -> None:
    folder, log = tmp_path / "journal", tmp_path / "log"
    said = disk.run(CLIENT, [str(folder), str(BATCHES)], log=log, fail=fail, every_file=True)
    code = int(fail.split(":")[2])
    assert os.strerror(code) in said
    assert "free or repair the disk" in said or "start again" in said
    marks = [entry for entry in disk.read_log(log) if entry.call == disk.Call.MARK]
    assert 0 < len(marks) < BATCHES
    check(folder, len(marks) * BATCH_ROWS, fail)
