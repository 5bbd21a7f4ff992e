"""Crashes at every call of a recorded run: nothing acknowledged is lost, nothing is half there.

A client commits through the real engine on a recording disk. From the log, what the disk may hold
after a crash is made for every call and many choices of what arrived, and recovered from.
"""

import asyncio
from pathlib import Path

import pytest

from payvand.core.archive import Archive
from payvand.core.engine import Engine
from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.records import u128_array
from payvand.core.recovery import Recovery, recover
from payvand.core.segments import JournalReader
from payvand.core.snapshots import damaged_snapshots
from payvand.core.stage import Stage
from tests.support import disk
from tests.support.crash_images import Image, crash_images
from tests.support.disk import Entry
from tests.support.journals import accounts, single, transfers
from tests.support.progress import SOAK, counted

CALLS = 300 if SOAK else 60
CHOICES = 150 if SOAK else 8
POINTS_MIN = 10_000 if SOAK else 300
SEGMENT_BYTES = 32 << 10
SNAPSHOT_BYTES = 64 << 10
SINGLE = 1


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    """Return the log of a run."""
    folder = tmp_path_factory.mktemp("recorded")
    arguments = [str(folder / "journal"), str(SEGMENT_BYTES), str(CALLS)]
    disk.run("tests.support.plain_client", arguments, log=folder / "log")
    return list(disk.read_log(folder / "log"))


def recovered(folder: Path) -> tuple[Ledger, Recovery]:
    """Recover a folder as the engine does, and give it up again."""
    journal, ledger, stage = Journal(folder, segment_bytes=SEGMENT_BYTES), Ledger(), Stage()
    archive = Archive(ledger, journal, stage, horizon=1 << 16, records=1 << 16, snapshot_bytes=0)
    try:
        return ledger, recover(journal, ledger, stage, archive)
    finally:
        archive.stop()
        journal.close()


def check(ledger: Ledger, image: Image) -> int:
    """Check what a recovery found, and return how many submissions are there."""
    ids = range(1, CALLS + 1)
    parts = [ids, *[[(id << 64) + n for id in ids] for n in (1, 2)]]
    states = [ledger.states(u128_array(part))["state"].tolist() for part in parts]
    assert states[0] == states[1] == states[2], f"{image.place}: half there"
    there = {str(id) for id in ids if states[0][id - 1] == SINGLE}
    assert image.acknowledged <= there, f"{image.place}: lost {image.acknowledged - there}"
    totals = ledger.totals(1)
    assert totals["debits_posted"] == totals["credits_posted"] == len(there) * 30
    return len(there)


def test_a_crash_at_any_call_loses_nothing_acknowledged(
    recorded: list[Entry], tmp_path: Path
) -> None:
    points = torn = 0
    images = crash_images(recorded, seed=7, choices=CHOICES)
    for image in counted(images, "crash points, at least", POINTS_MIN):
        image.write(tmp_path)
        ledger, recovery = recovered(tmp_path)
        there = check(ledger, image)
        assert there - len(image.acknowledged) <= 8, "each caller has one call under way at most"
        torn += recovery.torn_bytes > 0
        points += 1
        # What was torn is gone for good: who reads after the recovery finds a sound journal.
        reader = JournalReader(tmp_path, strict=True)
        assert sum(1 for _ in reader) == recovery.sequence
        assert reader.end is not None
        assert reader.end.torn is None
    assert points >= POINTS_MIN
    assert torn >= points // 12, "the images tear too little to show anything"


def test_after_a_crash_the_engine_goes_on(recorded: list[Entry], tmp_path: Path) -> None:
    """A second life on what the first left, and a third that finds both."""

    async def go_on(image: Image) -> None:
        async with await Engine.open(tmp_path, segment_bytes=SEGMENT_BYTES) as engine:
            before = check(engine.ledger, image)
            await engine.create_accounts(accounts(1, 2))
            for id in range(10**6, 10**6 + 40):
                rows = [single(id + n * 1000) for n in range(8)]
                assert (await engine.create_transfers(transfers(*rows))).sequence
        async with await Engine.open(tmp_path, segment_bytes=SEGMENT_BYTES) as engine:
            totals = engine.ledger.totals(1)
            assert totals["debits_posted"] == before * 30 + 40 * 8 * 10

    images = list(crash_images(recorded, seed=11, choices=1))
    for image in images[:: 3 if SOAK else len(images) // 12]:
        image.write(tmp_path)
        asyncio.run(go_on(image))


def test_a_crash_while_recovering_loses_nothing(recorded: list[Entry], tmp_path: Path) -> None:
    """Erasing a torn tail may itself be cut off: any sectors of it may have become zeros."""
    tried = 0
    for image in crash_images(recorded, seed=13, choices=5):
        image.write(tmp_path)
        reader = JournalReader(tmp_path)
        for _ in reader:
            pass
        if reader.end is None or reader.end.torn is None:
            continue
        tried += 1
        path = tmp_path / reader.end.segment
        start, stop = reader.end.torn
        content = bytearray(path.read_bytes().ljust(stop, b"\0"))
        for at in range(start, stop, 512 * (1 + tried % 3)):
            content[at : at + 512] = bytes(512)
        path.write_bytes(content)
        check(recovered(tmp_path)[0], image)
    assert tried > 20


def test_a_crash_while_a_snapshot_is_written_loses_nothing(tmp_path: Path) -> None:
    """A snapshot has its name only once it is whole, and nothing is known that isn't there."""
    recorded, crashed = tmp_path / "recorded", tmp_path / "crashed"
    recorded.mkdir()
    crashed.mkdir()
    arguments = [str(recorded / "journal"), str(SEGMENT_BYTES), str(CALLS), str(SNAPSHOT_BYTES)]
    disk.run("tests.support.plain_client", arguments, log=recorded / "log", every_file=True)
    entries = list(disk.read_log(recorded / "log"))
    points = unfinished = from_snapshot = 0
    for image in crash_images(entries, seed=19, choices=CHOICES // 4):
        image.write(crashed)
        unfinished += "snapshot.part" in image.files
        assert list(damaged_snapshots(crashed)) == [], image.place
        ledger, recovery = recovered(crashed)
        check(ledger, image)
        assert recovery.damaged == (), image.place
        from_snapshot += recovery.snapshot > 0
        points += 1
    assert points >= POINTS_MIN // 3
    assert unfinished >= points // 20, "too few images fall into the writing of a snapshot"
    assert from_snapshot >= points // 20
