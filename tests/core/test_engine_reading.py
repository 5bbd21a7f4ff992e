"""What an engine tells of its books: of one moment, of all accounts, and as they change."""

import asyncio
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from payvand.core import Account, AccountFlags, Aggregate, Ledger, Transfer, TransferFlags
from payvand.core.changes import Changes
from payvand.core.engine import Engine
from payvand.core.records import (
    ACCOUNT,
    BALANCES,
    LIMIT,
    TRANSFER,
    Operation,
    u128_array,
    u128_list,
    u128_of,
)
from payvand.core.segments import read_frames
from payvand.core.statuses import LimitStatus, TransferStatus
from tests.core.test_archive import ACCOUNTS, draw_batches, open_accounts
from tests.support import ledger_records
from tests.support.journals import SECOND, Clock, opened, pending, single, transfers
from tests.support.ledger_records import Limit, records_of
from tests.support.reference_ledger import ReferenceLedger

CREATED = 0xFFFF_FFFF
BALANCE_NAMES = BALANCES.names or ()


async def play(folder: Path, seed: int, naive: ReferenceLedger, batches: int = 25) -> Engine:
    """Commit the same batches to an engine and the naive ledger; check balances in the replies."""
    clock = Clock(now=1)
    engine = await Engine.open(folder, clock=clock, segment_bytes=256 << 10, horizon=1 << 16)
    open_accounts(naive)
    flags = [0, AccountFlags(2), AccountFlags(4)]
    rows = [ledger_records.Account(id, flags=flags[id % 3]) for id in ACCOUNTS]
    await engine.create_accounts(records_of(ACCOUNT, rows))
    for kind, events, now in draw_batches(seed, batches):
        if kind == "transfers":
            # Time goes on with a commit alone: by itself the engine would release what is due then.
            clock.now = now
            expected = naive.create_transfers(events, now)
            committed = await engine.create_transfers(records_of(TRANSFER, events), balances=True)
            assert committed.results["status"].tolist() == [each.status for each in expected]
            check_balances(naive, committed, [event.id for event in events])
    return engine


def check_balances(naive: ReferenceLedger, committed: Any, ids: list[int]) -> None:
    """Compare the balances in a reply with the naive ledger's notes; what failed has none."""
    for id, result, after in zip(ids, committed.results, committed.balances, strict=True):
        if result["status"] == CREATED:
            made = naive.content.transfers[id]
            assert balances_of(after["debit"]) == noted(naive, made.debit_account_id, made)
            assert balances_of(after["credit"]) == noted(naive, made.credit_account_id, made)
        else:
            assert after == np.zeros((), after.dtype)


def balances_of(row: Any) -> list[int]:
    """Return four balances as integers."""
    return [u128_of(row[name]) for name in BALANCE_NAMES]


def noted(naive: ReferenceLedger, account: int, transfer: Any) -> list[int]:
    """Return how an account stood right after a transfer, by the naive ledger."""
    balance = naive.content.history[account, transfer.timestamp]
    return [getattr(balance, name) for name in BALANCE_NAMES]


async def changes_from(engine: Engine, after: int) -> list[Changes]:
    """Return all changes after a cursor up to now."""
    stop = max(
        (frame.sequence for frame in read_frames(engine._journal.folder) if moves(frame)), default=0
    )
    found: list[Changes] = []
    if after < stop:
        async with asyncio.timeout(20):
            async for change in engine.changes(after):
                found.append(change)
                if change.sequence == stop:
                    break
    return found


def moves(frame: Any) -> bool:
    """Tell whether a frame moved money."""
    made = frame.operation == Operation.CREATE_TRANSFERS and (frame.statuses == CREATED).any()
    return bool(made) or len(frame.expired) > 0


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32))
def test_changes_tell_every_effect_with_the_balances_behind_it(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    async def scene() -> None:
        naive = ReferenceLedger()
        async with await play(tmp_path_factory.mktemp("journal"), seed, naive) as engine:
            found = await changes_from(engine, 0)
            last: dict[int, list[int]] = {}
            made = []
            for change in found:
                for row in change.rows:
                    transfer = ledger_records.rows_of(
                        ledger_records.Transfer, row["transfer"].reshape(1)
                    )[0]
                    last[transfer.debit_account_id] = balances_of(row["debit"])
                    last[transfer.credit_account_id] = balances_of(row["credit"])
                    if row["type"] == 5:
                        assert int(row["timestamp"]) >= transfer.timestamp + transfer.timeout
                        continue
                    made.append(transfer)
                    for side in ("debit", "credit"):
                        account = getattr(transfer, f"{side}_account_id")
                        assert balances_of(row[side]) == noted(naive, account, transfer)
            assert made == list(naive.content.transfers.values())
            for account in naive.lookup_accounts(list(last)):
                assert last[account.id] == [getattr(account, name) for name in BALANCE_NAMES]
            for after in Random(seed).sample(range(engine.sequence + 1), 3):
                rest = await changes_from(engine, after)
                assert [each.sequence for each in rest] == [
                    each.sequence for each in found if each.sequence > after
                ]
                for one, other in zip(reversed(rest), reversed(found), strict=False):
                    assert one.rows.tobytes() == other.rows.tobytes()

    asyncio.run(scene())


def test_changes_go_on_with_what_is_to_come_and_end_with_the_engine(tmp_path: Path) -> None:
    async def scene() -> None:
        engine = await opened(tmp_path)
        await engine.create_transfers(transfers(single(1)))
        seen: list[list[int]] = []

        async def follow() -> None:
            async for change in engine.changes(engine.sequence):
                seen.append(u128_list(change.rows["debit"]["debits_posted"]))

        following = asyncio.create_task(follow())
        await asyncio.sleep(0)
        await engine.create_account(Account(id=3, ledger=1, code=1))
        await engine.create_transfers(transfers(single(2), single(3, 3, 2)))
        await engine.create_transfer(
            Transfer(id=4, debit_account_id=1, credit_account_id=3, amount=1, ledger=1, code=1)
        )
        async with asyncio.timeout(20):
            while len(seen) < 2:  # noqa: ASYNC110 - nothing tells of it
                await asyncio.sleep(0.001)
            await engine.close()
            await following
        assert seen == [[20, 10], [21]]

    asyncio.run(scene())


def test_a_cursor_beyond_the_last_frame_is_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            with pytest.raises(ValueError, match="after=99 must be from 0 to 1"):
                await anext(engine.changes(99))

    asyncio.run(scene())


def test_balances_come_with_the_submission_that_asked_and_no_other(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            first, second, third = await asyncio.gather(
                engine.create_transfers(transfers(single(1), single(2))),
                engine.create_transfers(transfers(single(3), single(3)), balances=True),
                engine.create_transfers(transfers(single(4))),
            )
            assert first.sequence == second.sequence == third.sequence
            assert first.balances is third.balances is None
            assert u128_list(second.balances["debit"]["debits_posted"]) == [30, 0]
            assert u128_list(second.balances["credit"]["credits_posted"]) == [30, 0]
            assert (await engine.create_transfers(transfers(single(5)))).balances is None

    asyncio.run(scene())


def test_a_broken_chain_has_no_balances(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            rows = transfers(single(1), single(2, 9))
            rows["flags"][0] = TransferFlags.LINKED
            committed = await engine.create_transfers(rows, balances=True)
            assert committed.balances is not None
            assert not committed.balances.view(np.uint8).any()

    asyncio.run(scene())


def test_an_account_stands_with_all_that_is_pending_on_it(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            await engine.create_account(Account(id=3, ledger=1, code=1))
            await engine.create_transfers(
                transfers(
                    pending(10, amount=5), pending(11, amount=7), pending(12), single(13, 3, 1)
                )
            )
            flag = TransferFlags.VOID_PENDING_TRANSFER
            await engine.create_transfers(
                transfers(ledger_records.Transfer(14, pending_id=12, flags=flag))
            )
            for id, side in ((1, "debits_pending"), (2, "credits_pending")):
                standing = await engine.standing(id)
                assert u128_list(standing.pending["id"]) == [10, 11]
                assert u128_list(standing.pending["amount"]) == [5, 7]
                assert u128_list(standing.account[side]) == [12]
            assert len((await engine.standing(3)).pending) == 0
            assert len((await engine.standing(4)).account) == 0

    asyncio.run(scene())


@given(
    kinds=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 200)), min_size=1, max_size=300),
    seed=st.integers(0, 2**32),
)
def test_aggregates_are_the_sums_over_accounts_of_a_kind(
    kinds: list[tuple[int, int]], seed: int
) -> None:
    ledger, random = Ledger(), Random(seed)
    sums: Counter[tuple[int, int, str]] = Counter()
    counts: Counter[tuple[int, int]] = Counter(kinds)
    for id, (unit, code) in enumerate(kinds, 1):
        ledger.create_account(Account(id=id, ledger=unit, code=code), 1)
        balances = [random.choice([0, 1, 2**64, 2**128 - 1]) for _ in BALANCE_NAMES]
        ledger._set_balances(id, *balances)
        for name, balance in zip(BALANCE_NAMES, balances, strict=True):
            sums[unit, code, name] += balance
    found = ledger.aggregates()
    assert found == [
        Aggregate(*kind, counts[kind], *[sums[*kind, name] for name in BALANCE_NAMES])
        for kind in sorted(counts)
    ]
    unit, code = kinds[0]
    assert ledger.aggregates(ledger=unit) == [each for each in found if each.ledger == unit]
    assert ledger.aggregates(code=code) == [each for each in found if each.code == code]
    for name, total in ledger.totals(unit).items():
        assert total == sum(getattr(each, name) for each in found if each.ledger == unit)


@pytest.mark.parametrize(
    ("flag", "debit", "credit", "refusal"),
    [
        (AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS, 5, 1, TransferStatus.EXCEEDS_CREDITS),
        (AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS, 1, 5, TransferStatus.EXCEEDS_DEBITS),
    ],
)
def test_a_limit_of_either_side_changes_while_running_and_the_journal_tells_who_asked(
    tmp_path: Path, flag: AccountFlags, debit: int, credit: int, refusal: TransferStatus
) -> None:
    def limit(amount: int, reference: int) -> Any:
        return records_of(LIMIT, [Limit(5, amount, user_data_128=reference)])

    async def move(engine: Engine, id: int, amount: int) -> int:
        moved = await engine.create_transfers(transfers(single(id, debit, credit, amount)))
        return int(moved.results["status"][0])

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            await engine.create_account(Account(id=5, ledger=1, code=1, flags=flag))
            assert await move(engine, 1, 1) == refusal
            changed, moved = await asyncio.gather(
                engine.set_limits(limit(100, 0xA)), move(engine, 2, 100)
            )
            assert changed.results["status"].tolist() == [LimitStatus.CREATED]
            assert moved == CREATED
            assert await move(engine, 3, 1) == refusal
            # Below what is in use: nothing is taken back, and nothing more goes.
            await engine.set_limits(limit(40, 0xB))
            assert await move(engine, 4, 1) == refusal
            assert (await engine.standing(5)).limit == 40
            await engine.set_limits(limit(101, 0xC))
        async with await opened(tmp_path) as engine:
            assert (await engine.standing(5)).limit == 101
            assert await move(engine, 5, 2) == refusal
            assert await move(engine, 6, 1) == CREATED
        audited = [
            (u128_of(row["limit"]), u128_of(row["user_data_128"]))
            for frame in read_frames(tmp_path)
            if frame.operation == Operation.SET_LIMITS
            for row in frame.records
        ]
        assert audited == [(100, 0xA), (40, 0xB), (101, 0xC)]

    asyncio.run(scene())


def test_values_go_one_at_a_time_through_an_engine(tmp_path: Path) -> None:
    async def scene() -> None:
        clock = Clock()
        async with await opened(tmp_path, clock) as engine:
            transfer = Transfer(
                id=9,
                debit_account_id=1,
                credit_account_id=2,
                amount=2**90,
                ledger=1,
                code=1,
                timeout=1,
                flags=TransferFlags.PENDING,
            )
            outcome = await engine.create_transfer(transfer)
            assert outcome.status is TransferStatus.CREATED
            made = await engine.lookup_transfer(9)
            assert made is not None
            assert made.timestamp == outcome.timestamp > clock.now
            account = await engine.lookup_account(1)
            assert account is not None
            assert account.debits_pending == 2**90
            assert await engine.lookup_account(77) is None
            clock.now += 2 * SECOND
            again = await engine.create_transfer(transfer)
            assert (again.status, again.timestamp) == (TransferStatus.EXISTS, outcome.timestamp)
            assert (await engine.aggregates(code=1))[1][0].debits_pending == 0
            assert len(u128_array([1])) == 1

    asyncio.run(scene())
