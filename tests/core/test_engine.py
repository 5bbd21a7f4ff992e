"""The engine: group commit, order, stillness and time, over real files."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

from payvand.core.engine import Committed, Engine
from payvand.core.limits import BATCH_EVENTS_MAX, PAYLOADS_BYTES_MAX
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    TRANSFER,
    AccountFlags,
    Operation,
    TransferFlags,
    u128_array,
    u128_list,
)
from payvand.core.segments import read_frames
from payvand.core.statuses import AccountStatus, TransferStatus
from tests.support.journals import (
    SECOND,
    Clock,
    accounts,
    opened,
    pending,
    posted,
    single,
    transfers,
)
from tests.support.ledger_records import Account, Limit, Transfer, records_of

CREATED = 0xFFFF_FFFF
PENDING, EXPIRED = 2, 5


# --- committing ------------------------------------------------------------------------------


def test_submissions_at_once_share_frames_and_each_gets_its_own_outcome(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            retries = transfers(single(1000), single(1000, amount=11))
            answers = await asyncio.gather(
                *[engine.create_transfers(transfers(single(id))) for id in range(1, 300)],
                engine.create_transfers(retries),
            )
            assert len({answer.sequence for answer in answers}) < 30
            for answer in answers[:-1]:
                assert answer.results["status"].tolist() == [CREATED]
            assert answers[-1].results["status"].tolist() == [
                CREATED,
                TransferStatus.EXISTS_WITH_DIFFERENT_AMOUNT,
            ]
            stamps = [int(answer.results["timestamp"][0]) for answer in answers]
            assert stamps == sorted(set(stamps))
            assert await posted(engine) == 300 * 10

    asyncio.run(scene())


def test_amounts_that_moved_are_told_by_their_place_in_the_submission(tmp_path: Path) -> None:
    def balancing(id: int) -> Transfer:
        flags = TransferFlags.BALANCING_DEBIT
        return Transfer(id, 1, 2, 2**128 - 1, ledger=1, code=1, flags=flags)

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            await engine.create_transfers(transfers(single(1, 2, 1, amount=70)))
            plain, first, second = await asyncio.gather(
                engine.create_transfers(transfers(single(10), single(11))),
                engine.create_transfers(transfers(single(12), balancing(20))),
                engine.create_transfers(transfers(balancing(21), single(13))),
            )
            assert plain.sequence == first.sequence == second.sequence
            assert len(plain.resolved) == 0
            assert first.resolved["index"].tolist() == [1]
            assert u128_list(first.resolved["amount"]) == [40]
            assert second.resolved["index"].tolist() == [0]
            assert u128_list(second.resolved["amount"]) == [0]

    asyncio.run(scene())


def test_submissions_are_committed_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    """Also where they wait for room: a post may follow its reservation without an await between."""

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            calls = []
            for first in range(1, 100_000, 4000):
                rows = [pending(first + n) for n in range(2000)]
                calls.append(engine.create_transfers(transfers(*rows)))
                posts = [
                    Transfer(
                        (1 << 64) + row.id,
                        pending_id=row.id,
                        amount=2**128 - 1,
                        flags=TransferFlags.POST_PENDING_TRANSFER,
                    )
                    for row in rows
                ]
                calls.append(engine.create_transfers(transfers(*posts)))
            answers = await asyncio.gather(*calls)
            for answer in answers:
                assert (answer.results["status"] == CREATED).all()
            assert [answer.sequence for answer in answers] == sorted(
                answer.sequence for answer in answers
            )
            assert engine.statistics().waiting == 0

    asyncio.run(scene())


def test_kinds_of_operation_at_once_are_committed_in_their_order(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            limited = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
            answers = await asyncio.gather(
                engine.create_accounts(accounts(7, flags=limited)),
                engine.create_transfers(transfers(single(1, 7))),
                engine.set_limits(records_of(LIMIT, [Limit(7, 10)])),
                engine.create_transfers(transfers(single(2, 7))),
                engine.create_transfers(transfers(single(3, 7))),
            )
            assert [int(answer.results["status"][0]) for answer in answers] == [
                CREATED,
                TransferStatus.EXCEEDS_CREDITS,
                CREATED,
                CREATED,
                TransferStatus.EXCEEDS_CREDITS,
            ]

    asyncio.run(scene())


def test_a_chain_left_open_does_not_reach_into_anothers_submission(tmp_path: Path) -> None:
    linked = records_of(
        TRANSFER, [Transfer(1, 1, 2, 10, ledger=1, code=1, flags=TransferFlags.LINKED)]
    )

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            before, chain, after = await asyncio.gather(
                engine.create_transfers(transfers(single(10))),
                engine.create_transfers(linked),
                engine.create_transfers(transfers(single(11))),
            )
            assert before.results["status"].tolist() == [CREATED]
            assert chain.results["status"].tolist() == [TransferStatus.LINKED_EVENT_CHAIN_OPEN]
            assert after.results["status"].tolist() == [CREATED]
            first, second = await asyncio.gather(
                engine.create_accounts(accounts(20, flags=AccountFlags.LINKED)),
                engine.create_accounts(accounts(21)),
            )
            assert first.results["status"].tolist() == [AccountStatus.LINKED_EVENT_CHAIN_OPEN]
            assert second.results["status"].tolist() == [CREATED]

    asyncio.run(scene())


def test_an_import_is_not_refused_for_what_others_submit(tmp_path: Path) -> None:
    imported = records_of(ACCOUNT, [Account(9, flags=AccountFlags.IMPORTED, timestamp=5)])
    past = records_of(
        TRANSFER,
        [Transfer(1, 1, 2, 3, ledger=1, code=1, flags=TransferFlags.IMPORTED, timestamp=0)],
    )

    async def scene() -> None:
        clock = Clock()
        async with await Engine.open(tmp_path, clock=clock) as engine:
            answers = await asyncio.gather(
                engine.create_accounts(imported),
                engine.create_accounts(accounts(1, 2)),
            )
            assert [int(answer.results["status"][0]) for answer in answers] == [CREATED, CREATED]
            past["timestamp"] = clock.now + 50
            clock.now += 1000
            answers = await asyncio.gather(
                engine.create_transfers(transfers(single(2))),
                engine.create_transfers(past),
                engine.create_transfers(transfers(single(3))),
            )
            assert [int(answer.results["status"][0]) for answer in answers] == [
                CREATED,
                TransferStatus.IMPORTED_EVENT_TIMESTAMP_MUST_NOT_REGRESS,
                CREATED,
            ]

    asyncio.run(scene())


def test_payloads_stay_with_their_transfers(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            offsets = np.array([0, 3, 3], "<u4")
            answers = await asyncio.gather(
                engine.create_transfers(transfers(single(1))),
                engine.create_transfers(
                    transfers(single(2), single(3)), payloads=b"two", offsets=offsets
                ),
                engine.create_transfers(transfers(single(4))),
                engine.create_transfers(
                    transfers(single(5), single(6)),
                    payloads=b"fivesix",
                    offsets=np.array([0, 4, 7], "<u4"),
                ),
            )
            assert len({answer.sequence for answer in answers}) == 1
        frame = list(read_frames(tmp_path))[-1]
        assert [frame.payload(index) for index in range(6)] == [
            b"", b"two", b"", b"", b"five", b"six",
        ]  # fmt: skip

    asyncio.run(scene())


def test_a_cancelled_call_commits_or_not_but_harms_no_other(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            tasks = [
                asyncio.create_task(
                    engine.create_transfers(
                        transfers(*[single(first * 10_000 + n) for n in range(4000)])
                    )
                )
                for first in range(1, 40)
            ]
            await asyncio.sleep(0)
            for task in tasks[::3]:
                task.cancel()
            answers = await asyncio.gather(*tasks, return_exceptions=True)
            done = [each for each in answers if isinstance(each, Committed)]
            assert len(done) == len(tasks) - len(tasks[::3])
            assert all((answer.results["status"] == CREATED).all() for answer in done)
            again = await engine.create_transfers(transfers(single(1)))
            assert again.sequence == engine.sequence

    asyncio.run(scene())


def test_what_is_not_well_formed_raises_and_touches_nothing(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            one = transfers(single(1))
            before = engine.ledger.digest()
            many = np.zeros(BATCH_EVENTS_MAX + 1, TRANSFER)
            for error, call in [
                (TypeError, engine.create_transfers(accounts(1))),
                (TypeError, engine.create_accounts(one)),
                (TypeError, engine.create_transfers(one.reshape(1, 1))),
                (TypeError, engine.create_transfers(list(one))),  # type: ignore[arg-type]
                (ValueError, engine.create_transfers(many)),
                (ValueError, engine.create_transfers(one[:0])),
                (ValueError, engine.create_transfers(one, payloads=b"x")),
                (
                    ValueError,
                    engine.create_transfers(one, payloads=b"x", offsets=np.array([0, 2], "<u4")),
                ),
                (
                    ValueError,
                    engine.create_transfers(one, payloads=b"x", offsets=np.array([1, 1], "<u4")),
                ),
                (
                    TypeError,
                    engine.create_transfers(one, payloads=b"x", offsets=np.array([0], "<u4")),
                ),
                (
                    ValueError,
                    engine.create_transfers(
                        one,
                        payloads=bytes(PAYLOADS_BYTES_MAX + 1),
                        offsets=np.array([0, PAYLOADS_BYTES_MAX + 1], "<u4"),
                    ),
                ),
            ]:
                with pytest.raises(error):
                    await call
            assert engine.sequence == 1
            assert engine.ledger.digest() == before

    asyncio.run(scene())


def test_the_greatest_batch_with_the_greatest_payloads_fits(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            rows = transfers(*[single(id) for id in range(1, BATCH_EVENTS_MAX + 1)])
            offsets = np.linspace(0, PAYLOADS_BYTES_MAX, BATCH_EVENTS_MAX + 1).astype("<u4")
            payloads = os.urandom(PAYLOADS_BYTES_MAX)
            await engine.create_transfers(rows, payloads=payloads, offsets=offsets)
        frame = list(read_frames(tmp_path))[-1]
        assert frame.payloads == payloads
        async with await Engine.open(tmp_path) as engine:
            assert await posted(engine) == BATCH_EVENTS_MAX * 10

    asyncio.run(scene())


# --- stillness -------------------------------------------------------------------------------


def test_nothing_else_commits_while_the_engine_is_still(tmp_path: Path) -> None:
    """Under a load that fills every slot, so that submissions wait for room when it begins."""

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            ids = iter(range(1, 10**9))

            async def submit() -> None:
                rows = [single(next(ids)) for _ in range(3000)]
                await engine.create_transfers(transfers(*rows))

            async def hold() -> None:
                async with engine.still() as still:
                    before = still.ledger.digest()
                    for _ in range(20):
                        await asyncio.sleep(0)
                    assert still.ledger.digest() == before
                    sequence = engine.sequence
                    noted = await still.create_transfers(transfers(), event=1, note=b"here")
                    assert noted.sequence == sequence + 1
                    moved = await still.create_transfers(transfers(single(next(ids))), event=2)
                    assert moved.sequence == sequence + 2

            waves = [submit() for _ in range(40)]
            for place in (38, 25, 7, 0):
                waves.insert(place, hold())
            await asyncio.gather(*waves)
            assert await posted(engine) == (40 * 3000 + 4) * 10

    asyncio.run(scene())


def test_a_frame_committed_in_stillness_holds_its_note_and_event(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            async with engine.still() as still:
                answers = await asyncio.gather(
                    *[
                        still.create_transfers(transfers(), event=9, note=f"{n}".encode())
                        for n in range(20)
                    ]
                )
                with pytest.raises(ValueError, match="note"):
                    await still.create_transfers(transfers(), note=bytes(2 << 20))
            assert [answer.sequence for answer in answers] == list(range(2, 22))
        frames = list(read_frames(tmp_path))[1:]
        assert [(frame.operation, frame.event, frame.note) for frame in frames] == [
            (Operation.NOTE, 9, f"{n}".encode()) for n in range(20)
        ]

    asyncio.run(scene())


# --- time ------------------------------------------------------------------------------------


def test_a_reservation_runs_out_though_nobody_submits(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = Clock()
        async with await opened(tmp_path, clock) as engine:
            await engine.create_transfers(transfers(pending(1, timeout=1), pending(2, timeout=9)))
            clock.now += SECOND - 1000
            await engine.create_transfers(transfers(single(3)))
            states = await engine.states(u128_array([1, 2]))
            assert states["state"].tolist() == [PENDING, PENDING]
            clock.now += 2000
            follower = engine.follow(engine.sequence)
            pulse = await asyncio.wait_for(anext(follower), 10)
            assert pulse.operation == Operation.PULSE
            assert u128_list(pulse.expired["id"]) == [1]
            states = await engine.states(u128_array([1, 2]))
            assert states["state"].tolist() == [EXPIRED, PENDING]
            await follower.aclose()  # type: ignore[attr-defined]
            digest = engine.ledger.digest()
        async with await Engine.open(tmp_path, clock=clock) as engine:
            assert engine.ledger.digest() == digest

    asyncio.run(scene())


def test_what_ran_out_while_the_engine_was_closed_is_released_when_it_opens(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with await opened(tmp_path, clock) as engine:
            await engine.create_transfers(transfers(pending(1, timeout=1)))
        clock.now += 5 * SECOND
        async with await Engine.open(tmp_path, clock=clock) as engine:
            async with asyncio.timeout(10):
                await anext(engine.follow(engine.sequence))
            assert (await engine.states(u128_array([1])))["state"].tolist() == [EXPIRED]

    asyncio.run(scene())


def test_a_clock_that_steps_back_does_not_turn_time_back(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = Clock()
        async with await opened(tmp_path, clock) as engine:
            first = await engine.create_transfers(transfers(single(1)))
            clock.now -= 3600 * SECOND
            second = await engine.create_transfers(transfers(single(2)))
            assert second.timestamp == first.timestamp + 1
        async with await Engine.open(tmp_path, clock=clock) as engine:
            third = await engine.create_transfers(transfers(single(3)))
            assert third.timestamp == second.timestamp + 1

    asyncio.run(scene())
