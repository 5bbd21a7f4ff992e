"""Netting from the journal's bytes gives what adding record by record gives, or says why not."""

import asyncio
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from payvand.core.engine import Engine
from payvand.core.errors import JournalCorrupt
from payvand.core.frame import Frame
from payvand.core.records import ACCOUNT, u128_array
from payvand.core.segments import JournalReader, read_frames
from payvand.settlement.errors import ForeignRecord
from payvand.settlement.postings import PostingSums
from payvand.settlement.recount import WindowRecount, recount_journal
from tests.support.naive_sums import posted_amounts, sum_by
from tests.support.traffic import TRANSFER, Clock, Traffic, records_of

SEGMENT_BYTES = 1 << 20


def make_journal(folder: Path, *, seed: int = 5, batches: int = 60) -> None:
    """Write a day's journal of several segments."""

    async def scene() -> None:
        clock = Clock()
        engine = await Engine.open(folder, clock=clock, segment_bytes=SEGMENT_BYTES)
        async with engine:
            traffic = Traffic(engine, clock, seed=seed)
            await traffic.open()
            await traffic.run(batches, close_every=3)
            for _ in range(15):
                await traffic.batch(900)
            await traffic.close()
            await traffic.run(3, close_every=100)

    asyncio.run(scene())


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a journal that the tests leave as it is."""
    folder = tmp_path_factory.mktemp("journal")
    make_journal(folder)
    return folder


def frame_by_frame(folder: Path) -> WindowRecount:
    recount = WindowRecount()
    for frame in read_frames(folder):
        recount.add(frame)
    return recount


def test_compiled_sums_equal_naive_ones(journal: Path) -> None:
    sums = PostingSums()
    looked_at = 0
    for frame in read_frames(journal):
        sums.add(frame)
        assert sums.take() == posted_amounts(frame)
        looked_at += len(frame.resolved)
    assert looked_at > 20  # amounts that aren't those asked for were among them
    assert sums.take() == ({}, {})


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_a_recount_of_the_files_equals_one_of_the_frames(journal: Path, workers: int) -> None:
    assert len(JournalReader(journal).segments()) > 1
    files, frames = recount_journal(journal, workers=workers), frame_by_frame(journal)
    assert files.recounts == frames.recounts
    assert len(files.recounts) > 5
    assert all(r.agrees and r.nets_to_zero for r in files.recounts)
    assert files.open_positions == frames.open_positions
    assert any(position.net for position in files.open_positions)


def test_an_empty_folder_has_no_windows(tmp_path: Path) -> None:
    assert recount_journal(tmp_path).recounts == []


def test_a_torn_tail_is_left_out(tmp_path: Path) -> None:
    make_journal(tmp_path, batches=10)
    before = WindowRecount()
    *frames, frame = read_frames(tmp_path)
    for earlier in frames:
        before.add(earlier)
    last = JournalReader(tmp_path).segments()[-1]
    torn = frame.raw[:512] + bytes(len(frame.raw) - 512)  # its first sector alone arrived
    last.write_bytes(last.read_bytes().replace(frame.raw, torn))
    recount = recount_journal(tmp_path)
    assert recount.recounts == before.recounts
    assert recount.open_positions == before.open_positions


@pytest.mark.parametrize("segment", [0, -1])
def test_a_flipped_byte_is_told_and_never_added(tmp_path: Path, segment: int) -> None:
    make_journal(tmp_path, batches=10)
    path = JournalReader(tmp_path).segments()[segment]
    data = bytearray(path.read_bytes())
    data[4096 + 400] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalCorrupt, match=path.name):
        recount_journal(tmp_path)


def test_a_missing_segment_is_told(tmp_path: Path) -> None:
    make_journal(tmp_path, batches=10)
    first, second, _, *_ = JournalReader(tmp_path).segments()
    second.unlink()
    with pytest.raises(JournalCorrupt):
        recount_journal(tmp_path)
    first.unlink()
    with pytest.raises(JournalCorrupt, match="earlier segments are missing"):
        recount_journal(tmp_path)


def test_a_hole_of_zeros_before_good_frames_is_told(tmp_path: Path) -> None:
    make_journal(tmp_path, batches=10)
    frames = list(read_frames(tmp_path))
    path = JournalReader(tmp_path).segments()[-1]
    data = path.read_bytes()
    hidden = next(frame for frame in frames[::-1][1:] if frame.raw in data)
    path.write_bytes(data.replace(hidden.raw, bytes(len(hidden.raw))))
    with pytest.raises(JournalCorrupt):
        recount_journal(tmp_path)


def test_a_posting_that_does_not_name_its_accounts_is_refused(tmp_path: Path) -> None:
    async def scene() -> int:
        clock = Clock()
        async with await Engine.open(tmp_path, clock=clock) as engine:
            traffic = Traffic(engine, clock)
            await traffic.open()
            while not traffic.reserved:
                await traffic.batch(3)
            await traffic.post_unnamed()
            return engine.sequence

    last = asyncio.run(scene())
    with pytest.raises(ForeignRecord, match=f"frame {last} answers a reservation"):
        recount_journal(tmp_path)


def test_sums_hold_thousands_of_accounts_and_128_bits(tmp_path: Path) -> None:
    async def scene() -> Frame:
        async with await Engine.open(tmp_path, clock=Clock()) as engine:
            ids = [n << (64 * (n % 2)) for n in range(1, 2_001)]
            rows = [{"id": account, "ledger": 1, "code": 1} for account in ids]
            await engine.create_accounts(records_of(ACCOUNT, rows))
            moves = [
                {
                    "id": n + 1,
                    "debit_account_id": ids[n],
                    "credit_account_id": ids[(n + 1) % 2_000],
                    "amount": 2**110 + n,
                    "ledger": 1,
                    "code": 1,
                }
                for n in range(2_000)
            ]
            await engine.create_transfers(records_of(TRANSFER, moves))
        *_, frame = read_frames(tmp_path)
        return frame

    frame = asyncio.run(scene())
    sums = PostingSums()
    sums.add(frame)
    sums.add(frame)
    debits, credits = sums.take()
    naive = posted_amounts(frame)
    assert debits == {account: 2 * amount for account, amount in naive[0].items()}
    assert credits == {account: 2 * amount for account, amount in naive[1].items()}
    assert len(debits) == 2_000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2**128 - 1)), max_size=30))
def test_the_naive_twin_is_right_itself(pairs: list[tuple[int, int]]) -> None:
    for shift in (0, 64):
        keys = [key << shift for key, _ in pairs]
        expected: dict[int, int] = {}
        for key, (_, amount) in zip(keys, pairs, strict=True):
            expected[key] = expected.get(key, 0) + amount
        assert sum_by(u128_array(keys), u128_array(a for _, a in pairs)) == expected
