"""Windows close once, in order, wholly or not at all; a payment is in the one it was posted in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, Operation, TransferFlags, u128_array
from payvand.core.segments import read_frames
from payvand.settlement.closing import close_window
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import (
    EVENT_WINDOW_CLOSED,
    position_account,
    settlement_account,
    settlement_transfer_id,
)
from payvand.settlement.recount import WindowRecount
from payvand.settlement.windows import (
    ClosedWindow,
    WindowBook,
    closes_window,
)
from tests.support.traffic import LEDGER, Clock, Traffic, records_of


@asynccontextmanager
async def open_traffic(folder: Path, *, seed: int = 0, cap: int = 1_000) -> AsyncIterator[Traffic]:
    clock = Clock()
    async with await Engine.open(folder, clock=clock, segment_bytes=1 << 20) as engine:
        traffic = Traffic(engine, clock, seed=seed, cap=cap)
        await traffic.open()
        yield traffic


def payment(debtor: int, creditor: int, amount: int, number: int, **others: int) -> dict[str, int]:
    row = {"id": number, "debit_account_id": position_account(debtor), "amount": amount}
    row |= {"credit_account_id": position_account(creditor), "ledger": LEDGER, "code": 1}
    return row | others


async def commit(traffic: Traffic, *rows: dict[str, int]) -> None:
    committed = await traffic.engine.create_transfers(records_of(TRANSFER, rows))
    assert (committed.results["status"] == 0xFFFF_FFFF).all()


def recount(folder: Path) -> WindowRecount:
    counted = WindowRecount()
    for frame in read_frames(folder):
        counted.add(frame)
    return counted


@pytest.mark.parametrize("seed", range(3))
def test_a_recount_of_the_journal_equals_every_note(tmp_path: Path, seed: int) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path, seed=seed, cap=100_000) as traffic:
            await traffic.run(40, close_every=2)
            closed = [closing.closed for closing in traffic.closings if closing.closed]
        recounts = recount(tmp_path).recounts
        assert len(closed) > 5
        assert [r.closed for r in recounts] == closed
        assert all(r.agrees and r.nets_to_zero for r in recounts)

    asyncio.run(scene())


def test_a_payment_belongs_to_the_window_in_which_it_was_posted(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            reserved = payment(1, 2, 70, 5, flags=int(TransferFlags.PENDING))
            await commit(traffic, reserved, payment(1, 3, 30, 6))
            first = await close_window(traffic.engine, traffic.book, traffic.participants)
            answer = {"id": 7, "pending_id": 5, "flags": int(TransferFlags.POST_PENDING_TRANSFER)}
            await commit(traffic, reserved | answer)
            second = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert first.closed
            assert second.closed
            assert [p.debits for p in first.closed.positions][:1] == [30]
            assert [p.debits for p in second.closed.positions][:1] == [70]

    asyncio.run(scene())


def test_a_window_without_payments_closes(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert closing.closed
            assert not any(position.settled for position in closing.closed.positions)
        *_, last = read_frames(tmp_path)
        assert (last.operation, last.event, len(last.records)) == (Operation.NOTE, 1, 0)
        assert WindowBook.replay(read_frames(tmp_path)).open_window == 2

    asyncio.run(scene())


def test_a_shortfall_leaves_the_window_open_until_it_is_funded(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            await commit(traffic, payment(1, 2, 800, 5))
            sequence = traffic.engine.sequence
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            (shortfall,) = closing.shortfalls
            assert (shortfall.participant, shortfall.owes, shortfall.available) == (1, 800, 500)
            assert closing.closed is None
            assert (traffic.book.open_window, traffic.engine.sequence) == (1, sequence)
            await traffic.fund(1, 300)
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert closing.closed
            assert traffic.book.open_window == 2

    asyncio.run(scene())


def test_closing_a_window_again_gives_what_its_closing_came_to(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            await commit(traffic, payment(1, 2, 50, 5))
            engine, book, numbers = traffic.engine, traffic.book, traffic.participants
            first, again = await asyncio.gather(
                close_window(engine, book, numbers, number=1),
                close_window(engine, book, numbers, number=1),
            )
            assert first == again
            assert first.closed
            sequence = engine.sequence
            await close_window(engine, book, numbers, number=2)
            assert engine.sequence == sequence + 1
            # An older one is the database's to tell.
            assert (await close_window(engine, book, numbers, number=1)).closed is None
            assert engine.sequence == sequence + 1

    asyncio.run(scene())


def test_a_window_that_is_not_open_yet_can_not_be_closed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            with pytest.raises(WindowFault, match="window 2 isn't open yet, window 1 is"):
                await close_window(traffic.engine, traffic.book, traffic.participants, number=2)

    asyncio.run(scene())


def test_spent_ids_do_not_keep_a_window_open(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            spent = payment(1, 2, 50, settlement_transfer_id(1, 1))
            await commit(traffic, spent)
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert closing.closed
            assert closing.closed.positions[0].settled == -50
        *_, last = read_frames(tmp_path)
        assert last.records["id"][0] == u128_array([settlement_transfer_id(1, 1, 1)])[0]

    asyncio.run(scene())


def test_a_chain_that_was_refused_closes_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            await commit(traffic, payment(1, 2, 50, 5))
            row = payment(1, 2, 50, settlement_transfer_id(1, 1)) | {"code": 0}
            async with traffic.engine.still() as still:
                await still.create_transfers(
                    records_of(TRANSFER, [row]), event=EVENT_WINDOW_CLOSED, note=b"{}"
                )
            book = WindowBook()
            async for frame in traffic.engine.follow():
                assert book.apply(frame) is None
                if frame.sequence == traffic.engine.sequence:
                    assert frame.event == EVENT_WINDOW_CLOSED
                    assert not closes_window(frame)
                    break
            assert book.open_window == 1

    asyncio.run(scene())


def test_a_reopened_engine_goes_on_with_the_windows(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path, cap=100_000) as traffic:
            await traffic.run(20, close_every=3)
            last = traffic.book.last
        assert last
        clock = Clock(traffic.clock.now)
        async with await Engine.open(tmp_path, clock=clock, segment_bytes=1 << 20) as engine:
            book = WindowBook.replay(read_frames(tmp_path))
            assert book.last == last
            assert book.open_window == last.number + 1
            again = Traffic(engine, clock, seed=5, book=book)
            await again.run(20, close_every=3)
        assert all(r.agrees for r in recount(tmp_path).recounts)

    asyncio.run(scene())


def test_a_note_that_contradicts_itself_is_told(tmp_path: Path) -> None:
    async def scene() -> ClosedWindow:
        async with open_traffic(tmp_path) as traffic:
            await commit(traffic, payment(1, 2, 50, 5))
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert closing.closed
            return closing.closed

    closed = asyncio.run(scene())
    for wrong in (b"", b"{}", b"[]", closed.note.replace(b'"net":"-50"', b'"net":"-51"')):
        with pytest.raises(WindowFault, match="the note of frame 9"):
            ClosedWindow.from_note(wrong, sequence=9, timestamp=0)
    assert ClosedWindow.from_note(closed.note, sequence=1, timestamp=0).positions == (
        closed.positions
    )


def test_a_window_closed_out_of_order_is_told(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            closing = await close_window(traffic.engine, traffic.book, traffic.participants)
            assert closing.closed
        *_, last = read_frames(tmp_path)
        book = WindowBook(replace(closing.closed, number=4, sequence=1))
        with pytest.raises(WindowFault, match="closes window 1, but window 5 is open"):
            book.apply(last)

    asyncio.run(scene())


def test_settlement_moves_no_account_of_others(tmp_path: Path) -> None:
    async def scene() -> None:
        async with open_traffic(tmp_path) as traffic:
            await commit(traffic, payment(1, 2, 50, 5))
            await close_window(traffic.engine, traffic.book, traffic.participants)
        *_, last = read_frames(tmp_path)
        moved = {*last.records["debit_account_id"]["lo"], *last.records["credit_account_id"]["lo"]}
        assert moved == {
            account for n in (1, 2) for account in (position_account(n), settlement_account(n))
        }

    asyncio.run(scene())
