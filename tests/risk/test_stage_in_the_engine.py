"""The stage in its place: decisions are journaled, and opening the journal again rebuilds it."""

import asyncio
from pathlib import Path

import numpy as np

from payvand.core.engine import Engine
from payvand.core.ledger import Ledger
from payvand.core.records import ACCOUNT, TRANSFER, Records, TransferFlags
from payvand.core.replay import replay
from payvand.core.segments import read_frames
from payvand.core.statuses import TransferStatus
from payvand.risk.rules import read_rules
from payvand.risk.stage import RiskStage

RULES = """
format = 1
pack = "test"
version = 1

[[rule]]
id = "velocity"
number = 9
kind = "velocity"
action = "decline"
reason = "AM14"
valid_from = 1970-01-01T00:00:00Z
text = { en = "Too many", fa = "زیاد" }
window_s = 3_600
count_max = 3

[[rule]]
id = "amount"
number = 4
kind = "amount"
action = "review"
reason = "AM13"
valid_from = 1970-01-01T00:00:00Z
text = { en = "Much", fa = "زیاد" }
ledger = 1
amount_max = 100
"""
NOW = 1_764_000_000_000_000_000


def stage() -> RiskStage:
    return RiskStage.from_rules(read_rules(RULES.encode(), source="test"), payments_max=1024)


def test_a_decline_is_journaled_and_the_windows_outlive_a_restart(tmp_path: Path) -> None:
    asyncio.run(decline_and_restart(tmp_path))


async def decline_and_restart(folder: Path) -> None:
    accounts = np.zeros(2, ACCOUNT)
    accounts["id"]["lo"] = [1, 2]
    accounts["ledger"], accounts["code"] = 1, 1
    transfers = np.zeros(6, TRANSFER)
    transfers["id"]["lo"] = range(1, 7)
    transfers["debit_account_id"]["lo"], transfers["credit_account_id"]["lo"] = 1, 2
    transfers["amount"]["lo"] = [10, 200, 10, 10, 10, 10]
    transfers["user_data_64"] = [7, 7, 7, 7, 8, 7]
    transfers["ledger"], transfers["code"] = 1, 1
    transfers["flags"][0], transfers["timeout"][0] = TransferFlags.PENDING, 60
    first = stage()
    async with await Engine.open(folder, stage=first, clock=lambda: NOW) as engine:
        await engine.create_accounts(accounts)
        committed = await engine.create_transfers(transfers[:4])
        assert committed.decisions.tolist() == [0, 4 << 2 | 1, 0, 9 << 2 | 2]
        assert committed.results["status"][3] == TransferStatus.DECLINED
        again = await engine.create_transfers(transfers[:4])
        assert again.results["status"].tolist() == [
            *[TransferStatus.EXISTS] * 3,
            TransferStatus.ID_ALREADY_FAILED,
        ]
    second = stage()
    async with await Engine.open(folder, stage=second, clock=lambda: NOW + 1) as engine:
        assert second.digest() == first.digest()
        assert second.statistics().payments == 3
        committed = await engine.create_transfers(transfers[4:])
        assert committed.decisions.tolist() == [0, 9 << 2 | 2]


def test_windows_come_back_from_a_snapshot_or_from_all_frames_where_rules_changed(
    tmp_path: Path,
) -> None:
    async def scene() -> None:
        accounts = np.zeros(2, ACCOUNT)
        accounts["id"]["lo"] = [1, 2]
        accounts["ledger"], accounts["code"] = 1, 1
        first = stage()
        async with await Engine.open(tmp_path, stage=first, clock=lambda: NOW) as engine:
            await engine.create_accounts(accounts)
            for number in range(1, 1500, 100):
                await engine.create_transfers(payments(number, 100))
            await engine.take_snapshot()
            taken = engine.sequence
            await engine.create_transfers(payments(5000, 40))
        second = stage()
        async with await Engine.open(tmp_path, stage=second, clock=lambda: NOW + 1) as engine:
            assert engine.recovery.snapshot == taken
            assert second.digest() == first.digest()
            committed = await engine.create_transfers(payments(9000, 40))
        rules = read_rules(RULES.replace("count_max = 3", "count_max = 5").encode(), source="test")
        other, beside = (RiskStage.from_rules(rules, payments_max=1024) for _ in range(2))
        async with await Engine.open(tmp_path, stage=other, clock=lambda: NOW + 2) as engine:
            assert engine.recovery.snapshot == taken
            assert committed.sequence == engine.sequence
        replay(Ledger(), beside, read_frames(tmp_path))
        assert other.digest() == beside.digest()
        assert not other.load(second.save()), "of other windows"

    asyncio.run(scene())


def payments(first: int, count: int) -> Records:
    """Return TRANSFER[count] of thirty payers, numbered from *first*."""
    transfers = np.zeros(count, TRANSFER)
    transfers["id"]["lo"] = np.arange(first, first + count)
    transfers["debit_account_id"]["lo"], transfers["credit_account_id"]["lo"] = 1, 2
    transfers["amount"]["lo"] = 10
    transfers["user_data_64"] = np.arange(first, first + count) ** 2 % 300 + 1
    transfers["ledger"], transfers["code"] = 1, 1
    return transfers
