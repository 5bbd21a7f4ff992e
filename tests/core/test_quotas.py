"""Quotas in the engine: never crossed at any sequence, whatever crashes, snapshots and chains do.

That the rules are those of the naive ledger is shown by `test_ledger_properties.py`.
"""

import asyncio
from pathlib import Path

import pytest

from payvand.core.engine import Engine
from payvand.core.records import (
    QUOTA,
    QuotaFlags,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
)
from payvand.core.statuses import QuotaStatus, TransferStatus
from tests.support.journals import Clock, accounts, transfers
from tests.support.ledger_records import CREATED, Quota, Transfer, records_of

SECOND = 1_000_000_000
WINDOW_CLOSED = 1
PENDING, LINKED = TransferFlags.PENDING, TransferFlags.LINKED
POST, VOID = TransferFlags.POST_PENDING_TRANSFER, TransferFlags.VOID_PENDING_TRANSFER


def move(
    id: int, amount: int, *, debit: int = 1, credit: int = 2, flags: int = 0, timeout: int = 0
) -> Transfer:
    return Transfer(id, debit, credit, amount, ledger=1, code=1, flags=flags, timeout=timeout)


def end(id: int, pending_id: int, flags: int) -> Transfer:
    return Transfer(
        id, pending_id=pending_id, amount=(1 << 128) - 1 if flags == POST else 0, flags=flags
    )


async def statuses(engine: Engine, *events: Transfer) -> list[TransferStatus]:
    results = (await engine.create_transfers(transfers(*events))).results
    return [TransferStatus(status) for status in results["status"].tolist()]


async def put(engine: Engine, *quotas: Quota) -> None:
    results = (await engine.set_quotas(records_of(QUOTA, quotas))).results
    assert set(results["status"].tolist()) == {CREATED}


async def used(engine: Engine, id: int) -> tuple[int, int, int]:
    """Return what is used of a quota: pending, posted, received."""
    found = await engine.lookup_quotas(u128_array([id]))
    pending, posted, received = (
        u128_list(found[name])[0] for name in ("pending", "posted", "received")
    )
    return pending, posted, received


async def opened(folder: Path, clock: Clock) -> Engine:
    engine = await Engine.open(folder, clock=clock)
    await engine.create_accounts(accounts(1, 2, 3))
    return engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_each_kind_of_quota_has_a_status_of_its_own(tmp_path: Path, clock: Clock) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            await put(
                engine,
                Quota(1, 1, amount_max=50),
                Quota(2, 1, sum_max=100, period=86_400),
                Quota(3, 1, 2, sum_max=70),
            )
            assert await statuses(
                engine, move(1, 51), move(2, 50), move(3, 21), move(4, 50, credit=3), move(5, 1)
            ) == [
                TransferStatus.EXCEEDS_TRANSFER_QUOTA,
                TransferStatus.CREATED,
                TransferStatus.EXCEEDS_BILATERAL_QUOTA,
                TransferStatus.CREATED,
                TransferStatus.EXCEEDS_PERIOD_QUOTA,
            ]
            assert await statuses(engine, move(3, 1)) == [TransferStatus.ID_ALREADY_FAILED]

    asyncio.run(play())


def test_a_reservation_counts_until_it_ends_and_in_the_period_of_its_posting(
    tmp_path: Path, clock: Clock
) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            start = clock.now = (clock.now // (10 * SECOND) + 1) * 10 * SECOND
            await put(engine, Quota(1, 1, sum_max=100, period=10))
            assert await statuses(
                engine,
                move(1, 60, flags=PENDING),
                move(2, 40, flags=PENDING),
                move(3, 1),
            ) == [CREATED, CREATED, TransferStatus.EXCEEDS_PERIOD_QUOTA]
            await statuses(engine, end(12, 2, VOID))
            assert await used(engine, 1) == (60, 0, 0)
            clock.now = start + 10 * SECOND
            assert await statuses(engine, move(4, 41)) == [TransferStatus.EXCEEDS_PERIOD_QUOTA]
            assert await statuses(engine, end(11, 1, POST)) == [CREATED]
            assert await used(engine, 1) == (0, 60, 0)
            clock.now = start + 20 * SECOND
            assert await statuses(engine, move(5, 100)) == [CREATED]

    asyncio.run(play())


def test_what_comes_back_makes_room_where_a_quota_nets(tmp_path: Path, clock: Clock) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            await put(
                engine,
                Quota(1, 1, 2, sum_max=100, event=WINDOW_CLOSED, flags=QuotaFlags.NETTING),
            )
            await statuses(engine, move(1, 100), move(2, 30, debit=2, credit=1))
            assert await used(engine, 1) == (0, 100, 30)
            assert await statuses(engine, move(3, 31), move(4, 30)) == [
                TransferStatus.EXCEEDS_BILATERAL_QUOTA,
                CREATED,
            ]
            async with engine.still() as still:
                await still.create_transfers(transfers(), event=WINDOW_CLOSED)
            assert await used(engine, 1) == (0, 0, 0)
            assert await statuses(engine, move(5, 100)) == [CREATED]

    asyncio.run(play())


def test_a_chain_that_breaks_uses_nothing(tmp_path: Path, clock: Clock) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            await put(engine, Quota(1, 1, sum_max=100), Quota(2, 1, 2, sum_max=80))
            await statuses(engine, move(1, 10, flags=PENDING))
            before = await used(engine, 1), await used(engine, 2)
            chain = [
                Transfer(11, pending_id=1, amount=(1 << 128) - 1, flags=POST | LINKED),
                move(2, 20, flags=LINKED),
                move(3, 71),
            ]
            assert await statuses(engine, *chain) == [
                TransferStatus.LINKED_EVENT_FAILED,
                TransferStatus.LINKED_EVENT_FAILED,
                TransferStatus.EXCEEDS_BILATERAL_QUOTA,
            ]
            assert (await used(engine, 1), await used(engine, 2)) == before

    asyncio.run(play())


def test_a_new_quota_counts_what_is_reserved_and_a_lower_one_takes_nothing_back(
    tmp_path: Path, clock: Clock
) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            await statuses(engine, move(1, 60, flags=PENDING, timeout=1), move(2, 500))
            await put(engine, Quota(1, 1, sum_max=100))
            assert await used(engine, 1) == (60, 0, 0)
            await put(engine, Quota(1, 1, sum_max=10))
            assert await statuses(engine, move(3, 1)) == [TransferStatus.EXCEEDS_PERIOD_QUOTA]
            clock.now += 2 * SECOND
            assert await statuses(engine, move(4, 10)) == [CREATED]
            assert await used(engine, 1) == (0, 10, 0)

    asyncio.run(play())


def test_the_terms_of_a_quota_stay(tmp_path: Path, clock: Clock) -> None:
    async def play() -> None:
        async with await opened(tmp_path, clock) as engine:
            await put(engine, Quota(1, 1, sum_max=100))
            results = (
                await engine.set_quotas(records_of(QUOTA, [Quota(1, 1, 2), Quota(2, 7)]))
            ).results
            assert results["status"].tolist() == [
                QuotaStatus.EXISTS_WITH_DIFFERENT_TERMS,
                QuotaStatus.DEBIT_ACCOUNT_NOT_FOUND,
            ]
            await put(engine, *(Quota(10 + n, 1) for n in range(7)))
            results = (await engine.set_quotas(records_of(QUOTA, [Quota(20, 1)]))).results
            assert results["status"].tolist() == [QuotaStatus.TOO_MANY_FOR_THE_ACCOUNTS]

    asyncio.run(play())


def test_quotas_stand_as_they_were_after_a_restart(tmp_path: Path, clock: Clock) -> None:
    async def play() -> tuple[Records, bytes]:
        async with await opened(tmp_path, clock) as engine:
            await put(
                engine,
                Quota(1, 1, sum_max=100, event=WINDOW_CLOSED),
                Quota(2, 1, 2, sum_max=80, flags=QuotaFlags.NETTING),
            )
            await statuses(engine, move(1, 10, flags=PENDING), move(2, 20))
            async with engine.still() as still:
                await still.create_transfers(transfers(), event=WINDOW_CLOSED)
            await statuses(engine, move(3, 5))
            await engine.take_snapshot()
            await statuses(engine, move(4, 6, debit=2, credit=1), move(5, 7, credit=3))
            return await engine.lookup_quotas(), engine.ledger.digest()

    async def again() -> tuple[Records, bytes, int]:
        async with await Engine.open(tmp_path, clock=clock) as engine:
            return await engine.lookup_quotas(), engine.ledger.digest(), engine.recovery.snapshot

    quotas, digest = asyncio.run(play())
    recovered, same_digest, snapshot = asyncio.run(again())
    assert snapshot > 0
    assert recovered.tobytes() == quotas.tobytes() and same_digest == digest
    assert u128_list(quotas["posted"]) == [12, 25]
    for path in tmp_path.glob("snapshot-*"):
        path.unlink()
    recovered, same_digest, snapshot = asyncio.run(again())
    assert snapshot == 0
    assert recovered.tobytes() == quotas.tobytes() and same_digest == digest
