"""Snapshots: what is recovered from one is what all frames would give, and damage is told.

Every test commits through real parts and opens the folder again.
"""

import asyncio
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from payvand.core.engine import Engine
from payvand.core.errors import JournalCorrupt, SnapshotDamaged
from payvand.core.known_end import KNOWN_END_NAME, read_known_end
from payvand.core.records import TransferFlags as TF
from payvand.core.snapshot_reading import check_snapshot
from payvand.core.snapshots import damaged_snapshots, snapshots
from tests.core.test_archive import answers, apply, draw_batches, open_accounts
from tests.support.journaled_ledger import JournaledLedger
from tests.support.journals import accounts, single, transfers
from tests.support.ledger_records import Account, CompiledLedger, Transfer

SOAK = os.environ.get("PAYVAND_SOAK") == "1"
STRIDE = 1 if SOAK else 13
"""Every byte in the long run; otherwise one in so many, which meets every field."""
SECOND = 1_000_000_000
SEED = 11


def commit(folder: Path, *, snapshots_after: tuple[int, ...], batches: int = 90) -> CompiledLedger:
    """Commit batches, with a snapshot after some of them; return a ledger without a journal."""
    whole = CompiledLedger(SEED)
    ledger = JournaledLedger(folder, seed=SEED)
    try:
        open_accounts(whole)
        open_accounts(ledger)
        for number, batch in enumerate(islice(draw_batches(SEED, batches), batches)):
            assert apply(ledger, batch) == apply(whole, batch)
            if number in snapshots_after:
                assert ledger.archive.take_snapshot() == 0
    finally:
        ledger.close()
    return whole


def reopened(folder: Path, check: Callable[[JournaledLedger], None], *, horizon: int = 32) -> None:
    """Open a folder, check what it holds, and close it."""
    ledger = JournaledLedger(folder, seed=SEED + 1, horizon=horizon)
    try:
        check(ledger)
    finally:
        ledger.close()


def flip(path: Path, at: int) -> None:
    """Change one byte of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0x10
    path.write_bytes(content)


@pytest.mark.parametrize("horizon", [8, 32, 1024])
def test_a_snapshot_and_the_frames_behind_it_give_what_all_frames_give(
    tmp_path: Path, horizon: int
) -> None:
    whole = commit(tmp_path, snapshots_after=(20, 60))

    def check(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot > 0
        assert ledger.books.digest() == whole.books.digest()
        assert answers(ledger) == answers(whole)

    reopened(tmp_path, check, horizon=horizon)
    for path in snapshots(tmp_path):
        path.unlink()

    def check_again(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == 0
        assert ledger.books.digest() == whole.books.digest()
        assert answers(ledger) == answers(whole)

    reopened(tmp_path, check_again, horizon=horizon)


def test_a_ledger_goes_on_from_a_snapshot_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    whole = CompiledLedger(SEED)
    open_accounts(whole)
    batches = list(draw_batches(SEED, 150))
    ledger = JournaledLedger(tmp_path, seed=SEED)
    open_accounts(ledger)
    for number, batch in enumerate(batches):
        assert apply(ledger, batch) == apply(whole, batch)
        if number % 10 == 9:
            assert ledger.archive.take_snapshot() == 0
            ledger.close()
            ledger = JournaledLedger(tmp_path, seed=SEED + number)
            assert ledger.recovery.snapshot == ledger.recovery.sequence
    assert answers(ledger) == answers(whole)
    assert ledger.books.digest() == whole.books.digest()
    ledger.close()


def test_a_damaged_snapshot_falls_back_to_the_one_before(tmp_path: Path) -> None:
    whole = commit(tmp_path, snapshots_after=(20, 60))
    newest, before = snapshots(tmp_path)
    flip(newest, newest.stat().st_size // 2)
    kept = int(before.stem.removeprefix("snapshot-"))

    def check(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == kept
        assert [fault.file for fault in ledger.recovery.damaged] == [newest.name]
        assert ledger.books.digest() == whole.books.digest()
        assert answers(ledger) == answers(whole)

    reopened(tmp_path, check)
    flip(before, 5000)

    def check_again(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == 0
        assert ledger.books.digest() == whole.books.digest()
        assert answers(ledger) == answers(whole)

    reopened(tmp_path, check_again)


def test_damage_to_old_ids_falls_back_to_the_journal(tmp_path: Path) -> None:
    whole = commit(tmp_path, snapshots_after=(60,))
    for path in tmp_path.glob("ids-*.run"):
        flip(path, path.stat().st_size - 1)

    def check(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == 0
        assert "ids" in ledger.recovery.damaged[0].what
        assert answers(ledger) == answers(whole)

    reopened(tmp_path, check)


def test_every_changed_byte_of_a_snapshot_is_found(tmp_path: Path) -> None:
    commit(tmp_path, snapshots_after=(10,), batches=12)
    (path,) = snapshots(tmp_path)
    content = path.read_bytes()
    check_snapshot(path)
    file = path.open("r+b", buffering=0)
    for at in range(0, len(content), STRIDE):
        for bit in range(8) if SOAK else [at // STRIDE % 8]:
            file.seek(at)
            file.write(bytes([content[at] ^ 1 << bit]))
            with pytest.raises(SnapshotDamaged) as caught:
                check_snapshot(path)
            assert caught.value.start <= at < caught.value.stop
        file.seek(at)
        file.write(content[at : at + 1])
    file.close()
    check_snapshot(path)
    for size in (0, 64, 4096, len(content) - 4096, len(content) - 1):
        path.write_bytes(content[:size])
        assert [fault.file for fault in damaged_snapshots(tmp_path)] == [path.name]
    path.write_bytes(content + bytes(4096))
    with pytest.raises(SnapshotDamaged):
        check_snapshot(path)


def test_two_snapshots_and_the_ids_that_they_name_are_kept(tmp_path: Path) -> None:
    commit(tmp_path, snapshots_after=(20, 40, 60, 80))
    assert 2 <= len(snapshots(tmp_path)) <= 3, "the oldest goes once the newest is there"
    reopened(tmp_path, lambda ledger: None)
    assert len(snapshots(tmp_path)) == 2
    assert not list(tmp_path.glob("*.part"))


def test_a_journal_that_ends_before_its_snapshot_is_refused(tmp_path: Path) -> None:
    commit(tmp_path, snapshots_after=(89,))
    (tmp_path / KNOWN_END_NAME).unlink()
    *_, last = sorted(tmp_path.glob("segment-*.journal"))
    content = bytearray(last.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    last.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="a snapshot shows them"):
        JournaledLedger(tmp_path, seed=SEED)


def test_a_last_segment_that_was_deleted_after_a_clean_end_is_missed(tmp_path: Path) -> None:
    commit(tmp_path, snapshots_after=())
    known = read_known_end(tmp_path)
    *_, last = sorted(tmp_path.glob("segment-*.journal"))
    content = last.read_bytes()
    last.unlink()
    with pytest.raises(JournalCorrupt, match="missing") as caught:
        JournaledLedger(tmp_path, seed=SEED)
    assert known is not None
    assert caught.value.sequence == int(last.stem.removeprefix("segment-")) <= known.sequence
    last.write_bytes(content)
    reopened(tmp_path, lambda ledger: None)


def test_a_tail_that_became_zeros_after_a_clean_end_is_missed(tmp_path: Path) -> None:
    commit(tmp_path, snapshots_after=())
    *_, last = sorted(tmp_path.glob("segment-*.journal"))
    content = bytearray(last.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    last.write_bytes(content)
    with pytest.raises(JournalCorrupt, match="known-end tells of them"):
        JournaledLedger(tmp_path, seed=SEED)


def test_every_changed_byte_of_the_known_end_is_told_and_costs_nothing(tmp_path: Path) -> None:
    whole = commit(tmp_path, snapshots_after=(), batches=3)
    path = tmp_path / KNOWN_END_NAME
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1 << at % 8]) + content[at + 1 :])
        with pytest.raises(SnapshotDamaged):
            read_known_end(tmp_path)

    def check(ledger: JournaledLedger) -> None:
        assert [fault.file for fault in ledger.recovery.damaged] == [KNOWN_END_NAME]
        assert ledger.books.digest() == whole.books.digest()

    reopened(tmp_path, check)
    assert read_known_end(tmp_path) is not None, "closing writes it anew"


def test_a_snapshot_of_another_history_of_the_journal_is_set_aside(tmp_path: Path) -> None:
    """An older copy of the journal was put in its place, and went on in another way."""
    ledger = JournaledLedger(tmp_path, seed=SEED)
    open_accounts(ledger)
    ledger.close()
    copied = {path: path.read_bytes() for path in tmp_path.glob("segment-*.journal")}
    copied[tmp_path / KNOWN_END_NAME] = (tmp_path / KNOWN_END_NAME).read_bytes()
    for seed in (1, 2):
        whole = CompiledLedger(SEED)
        open_accounts(whole)
        ledger = JournaledLedger(tmp_path, seed=SEED)
        for batch in islice(draw_batches(seed, 20), 20):
            assert apply(ledger, batch) == apply(whole, batch)
        if seed == 1:
            assert ledger.archive.take_snapshot() == 0
        ledger.close()
        if seed == 1:
            for path, content in copied.items():
                path.write_bytes(content)
            (path,) = snapshots(tmp_path)
            aside = tmp_path / "aside"
            path.rename(aside)
    aside.rename(path)

    def check(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == 0
        assert "another frame" in ledger.recovery.damaged[0].what
        assert ledger.books.digest() == whole.books.digest()

    reopened(tmp_path, check)


def test_a_snapshot_of_another_journal_is_set_aside(tmp_path: Path) -> None:
    commit(tmp_path / "one", snapshots_after=(60,))
    whole = commit(tmp_path / "other", snapshots_after=())
    (path,) = snapshots(tmp_path / "one")
    path.rename(tmp_path / "other" / path.name)

    def check(ledger: JournaledLedger) -> None:
        assert ledger.recovery.snapshot == 0
        assert len(ledger.recovery.damaged) == 1
        assert ledger.books.digest() == whole.books.digest()

    reopened(tmp_path / "other", check)


def test_chains_that_break_while_a_snapshot_is_taken_leave_no_trace(tmp_path: Path) -> None:
    ledger = JournaledLedger(tmp_path, seed=SEED)
    whole = CompiledLedger(SEED)
    opened = [Account(id) for id in range(1, 4)]
    pending = Transfer(1, 1, 2, 5, ledger=1, code=1, flags=TF.PENDING)
    post = Transfer(2, pending_id=1, amount=5, flags=TF.POST_PENDING_TRANSFER | TF.LINKED)
    breaking = Transfer(3, 1, 1, 5, ledger=1, code=1)
    for books in (ledger, whole):
        books.create_accounts(opened, SECOND)
        books.create_transfers([pending], 2 * SECOND)
        books.create_transfers([post, breaking], 3 * SECOND)
    assert ledger.archive.take_snapshot() == 0
    for books in (ledger, whole):
        books.create_transfers([post, breaking], 4 * SECOND)
        books.create_transfers(
            [Transfer(9, pending_id=1, flags=TF.VOID_PENDING_TRANSFER)], 5 * SECOND
        )
    ledger.close()

    def check(again: JournaledLedger) -> None:
        assert again.books.digest() == whole.books.digest()
        assert again.states([1, 2, 3, 9]) == whole.states([1, 2, 3, 9])

    reopened(tmp_path, check)


def test_an_engine_takes_snapshots_by_itself_and_on_request(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await Engine.open(tmp_path, snapshot_bytes=16 << 10) as engine:
            await engine.create_accounts(accounts(1, 2))
            for id in range(1, 60):
                await engine.create_transfers(transfers(single(id)))
            await engine.take_snapshot()
            digest, sequence = engine.ledger.digest(), engine.sequence
        async with await Engine.open(tmp_path) as engine:
            assert engine.recovery.snapshot == sequence
            assert engine.ledger.digest() == digest

    asyncio.run(scene())
    assert snapshots(tmp_path)
