"""The walk over the journal finds what crossed a quota, and nothing where nothing did."""

import asyncio
from pathlib import Path
from random import Random

from payvand.core.engine import Engine
from payvand.core.ledger import Ledger
from payvand.core.records import QUOTA, QuotaFlags, TransferFlags
from payvand.core.replay import replay
from payvand.core.segments import read_frames
from payvand.core.stage import Stage
from payvand.settlement.quota_walk import QuotaWalk
from tests.support.journals import Clock, accounts, transfers
from tests.support.ledger_records import CREATED, Quota, Transfer, records_of

SECOND = 1_000_000_000
WINDOW_CLOSED = 1
POST, VOID = TransferFlags.POST_PENDING_TRANSFER, TransferFlags.VOID_PENDING_TRANSFER
WHOLE = 2**128 - 1


async def play(folder: Path, seed: int, *, quotas_at: int) -> None:
    """Move money between three accounts, with quotas from some batch on; tell each account's."""
    random, clock = Random(seed), Clock()
    async with await Engine.open(folder, clock=clock) as engine:
        await engine.create_accounts(accounts(1, 2, 3))
        under_way: list[Transfer] = []
        for number in range(80):
            if number in (quotas_at, quotas_at + 30):
                most = 200 if number == quotas_at else 90
                rows = [
                    Quota(1, 1, amount_max=60, sum_max=most, period=20),
                    Quota(2, 2, 1, sum_max=most, event=WINDOW_CLOSED, flags=QuotaFlags.NETTING),
                    Quota(3, 1, 2, sum_max=3 * most),
                ]
                results = (await engine.set_quotas(records_of(QUOTA, rows))).results
                assert set(results["status"].tolist()) == {CREATED}
            batch = []
            for index in range(random.randint(1, 8)):
                id = number * 100 + index + 1
                if under_way and random.random() < 0.4:
                    one = under_way.pop(random.randrange(len(under_way)))
                    flag = random.choice((POST, POST, VOID))
                    amount = random.randint(0, one.amount) if flag == POST else 0
                    batch.append(
                        Transfer(
                            id,
                            one.debit_account_id,
                            one.credit_account_id,
                            amount,
                            pending_id=one.id,
                            flags=flag,
                        )
                    )
                    continue
                debit, credit = random.sample((1, 2, 3), 2)
                pending = random.random() < 0.5
                event = Transfer(
                    id,
                    debit,
                    credit,
                    random.randint(1, 70),
                    ledger=1,
                    code=1,
                    flags=TransferFlags.PENDING if pending else 0,
                    timeout=random.choice((0, 5)) if pending else 0,
                )
                batch.append(event)
                if pending:
                    under_way.append(event)
            await engine.create_transfers(transfers(*batch))
            clock.now += random.choice((1, SECOND, 7 * SECOND))
            if random.random() < 0.1:
                async with engine.still() as still:
                    await still.create_transfers(transfers(), event=WINDOW_CLOSED)


def walked(folder: Path, *, spared: int = 0) -> QuotaWalk:
    """Walk the journal of a folder; by quotas smaller by *spared* than those that were set."""
    books = Ledger()
    walk = QuotaWalk(books)
    for frame in read_frames(folder):
        replay(books, Stage(), [frame])
        walk.add(frame)
        for quota in walk._quotas.values():
            if frame.operation == 6 and quota.sum_max != WHOLE:
                quota.sum_max -= spared
    return walk


def test_a_journal_of_a_sound_ledger_crosses_no_quota(tmp_path: Path) -> None:
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        asyncio.run(play(folder, seed, quotas_at=2 * seed))
        walk = walked(folder)
        assert (walk.crossings, walk.named) == (0, [])
        assert walk.uses > 20
        strict = walked(folder, spared=1)
        assert strict.uses == walk.uses


def test_quotas_smaller_by_a_unit_are_crossed_and_named(tmp_path: Path) -> None:
    found = 0
    for seed in range(5):
        folder = tmp_path / str(seed)
        folder.mkdir()
        asyncio.run(play(folder, seed, quotas_at=3))
        strict = walked(folder, spared=40)
        found += strict.crossings
        if strict.crossings:
            assert "beyond what" in strict.named[0]
    assert found > 5


def test_what_is_used_is_what_the_ledger_says(tmp_path: Path) -> None:
    for seed in range(4):
        folder = tmp_path / str(seed)
        folder.mkdir()
        asyncio.run(play(folder, seed, quotas_at=10))
        books = Ledger()
        walk = QuotaWalk(books)
        for frame in read_frames(folder):
            replay(books, Stage(), [frame])
            walk.add(frame)
        for row in books.quotas():
            quota = walk._quotas[int(row["quota"]["id"]["lo"])]
            now = books.timestamp
            walk._roll(quota, now)
            told = tuple(int(row[name]["lo"]) for name in ("pending", "posted", "received"))
            assert told == (quota.pending, quota.posted, quota.received)
