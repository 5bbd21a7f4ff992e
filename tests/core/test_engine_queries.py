"""Questions to an engine whose memory holds next to nothing: answers are the naive ledger's.

The horizon is a few dozen rows, runs of entries hold a few dozen movements and are merged by
threes, so that nearly everything asked about has left memory.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import payvand.core.account_index
import payvand.core.account_queries
import payvand.core.engine
from payvand.core import AccountFilter, QueryFilter
from payvand.core.engine import Engine
from payvand.core.errors import JournalCorrupt
from payvand.core.records import ACCOUNT, BALANCES, TRANSFER, AccountFlags, u128_array, u128_of
from tests.core.test_archive import ACCOUNTS, Batch, draw_batches
from tests.support.journals import Clock, opened, single, transfers
from tests.support.ledger_records import Account, Balance, Transfer, records_of, rows_of
from tests.support.reference_ledger import ReferenceLedger

BALANCE_NAMES = BALANCES.names or ()
FLAGS = [
    AccountFlags.HISTORY,
    AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
    AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS | AccountFlags.HISTORY,
    AccountFlags(0),
]
FAST_RUNS, SOAK_RUNS = 12, 1000


@contextmanager
def little_memory() -> Iterator[None]:
    """Let engines keep next to nothing in memory, and read in small pieces."""
    patch = pytest.MonkeyPatch()
    patch.setattr(payvand.core.engine, "RECORDS_KEPT", 16)
    patch.setattr(payvand.core.engine, "ENTRIES_LEAST", 24)
    patch.setattr(payvand.core.account_index, "MERGED_RUNS", 3)
    patch.setattr(payvand.core.account_index, "MERGED_BLOCKS", 1)
    patch.setattr(payvand.core.account_queries, "ENTRIES_AT_ONCE", 5)
    patch.setattr(payvand.core.account_queries, "FRAMES_AT_ONCE", 2)
    patch.setattr(payvand.core.account_queries, "ACCOUNTS_AT_ONCE", 4)
    try:
        yield
    finally:
        patch.undo()


class Scene:
    """An engine and the naive ledger, side by side; the naive one's past is kept whole."""

    def __init__(self, folder: Path) -> None:
        """Open both with the same accounts."""
        self.folder = folder
        self.clock = Clock(now=1)
        self.naive = ReferenceLedger()
        self.stood: list[tuple[int, int, list[Account]]] = []  # sequence, timestamp, accounts

    async def open(self) -> None:
        """Open the engine, again or for the first time."""
        self.engine = await Engine.open(
            self.folder,
            clock=self.clock,
            segment_bytes=256 << 10,
            horizon=32,
            snapshot_bytes=64 << 10,
        )

    async def open_accounts(self) -> None:
        """Open the accounts that the batches move money between."""
        rows = [Account(id, code=id % 3 + 1, flags=FLAGS[id % 4]) for id in ACCOUNTS]
        self.naive.create_accounts(rows, 1)
        await self.engine.create_accounts(records_of(ACCOUNT, rows))
        self.note()

    async def apply(self, batch: Batch) -> None:
        """Apply a batch to both."""
        kind, events, now = batch
        if kind == "transfers":
            # Time goes on with a commit alone: by itself the engine would release what is due then.
            self.clock.now = now
            expected = self.naive.create_transfers(events, self.clock.now)
            committed = await self.engine.create_transfers(records_of(TRANSFER, events))
            assert committed.results["status"].tolist() == [each.status for each in expected]
            self.note()

    def note(self) -> None:
        """Note how the accounts stand now."""
        accounts = self.naive.lookup_accounts(ACCOUNTS)
        later = deepcopy(self.naive)
        later.expire(self.naive.timestamp)
        # Where something runs out at this very moment, the time alone doesn't tell before from
        # after.
        is_plain = later.lookup_accounts(ACCOUNTS) == accounts
        self.stood.append((self.engine.sequence, self.naive.timestamp if is_plain else 0, accounts))

    async def check_past_damage(self, random: Random) -> None:
        """Ask; where a damaged run is met, open the folder again, and ask again."""
        while True:
            try:
                await self.check(random)
                return
            except JournalCorrupt as fault:
                assert "run of entries" in str(fault)
                await self.engine.close()
                await self.open()

    async def check(self, random: Random) -> None:
        """Ask both the same questions."""
        for _ in range(6):
            filter = draw_filter(random, self.naive)
            if isinstance(filter, AccountFilter):
                found = rows_of(Transfer, await self.engine.account_transfers(filter))
                assert found == self.naive.account_transfers(filter), filter
                balances = rows_of(Balance, await self.engine.account_balances(filter))
                assert balances == self.naive.account_balances(filter), filter
            else:
                accounts = rows_of(Account, await self.engine.query_accounts(filter))
                assert accounts == self.naive.query_accounts(filter), filter
                found = rows_of(Transfer, await self.engine.query_transfers(filter))
                assert found == self.naive.query_transfers(filter), filter
        for sequence, timestamp, accounts in random.sample(self.stood, min(3, len(self.stood))):
            ids = u128_array(ACCOUNTS)
            expected = [[getattr(each, name) for name in BALANCE_NAMES] for each in accounts]
            moments = [{"sequence": sequence}, {"time": timestamp}]
            for moment in moments if timestamp else moments[:1]:
                found = await self.engine.balances_as_of(ids, **moment)
                assert [[u128_of(row[name]) for name in BALANCE_NAMES] for row in found] == expected


def draw_filter(random: Random, naive: ReferenceLedger) -> AccountFilter | QueryFilter:
    """Draw a question, most of whose parts fit something in *naive*."""
    stamps = [each.timestamp for each in naive.content.transfers.values()] or [1]
    common: Any = {
        "user_data_64": random.choice([0, 0, 1, 2]),
        "code": random.choice([0, 0, 1, 2]),
        "timestamp_min": random.choice([0, 0, random.choice(stamps), random.choice(stamps) + 1]),
        "timestamp_max": random.choice([0, 0, random.choice(stamps), random.choice(stamps) - 1]),
        "limit": random.choice([0, 1, 3, 20, 8190]),
        "reversed": random.random() < 0.5,
    }
    if random.random() < 0.3:
        return QueryFilter(ledger=random.choice([0, 0, 1, 2]), **common)
    return AccountFilter(
        account_id=random.choice([*ACCOUNTS, *ACCOUNTS, 0, 99]),
        debits=random.random() < 0.8,
        credits=random.random() < 0.8,
        **common,
    )


@settings(
    deadline=None,
    max_examples=SOAK_RUNS if settings.default.max_examples > 1000 else FAST_RUNS,
)
@given(seed=st.integers(0, 2**32))
def test_an_engine_that_forgets_answers_every_question_like_a_ledger_that_does_not(
    seed: int,
) -> None:
    async def play(folder: Path) -> None:
        random = Random(seed)
        scene = Scene(folder)
        await scene.open()
        await scene.open_accounts()
        for number, batch in enumerate(draw_batches(seed, 90)):
            await scene.apply(batch)
            if number % 15 == 14:
                await scene.check_past_damage(random)
            if random.random() < 0.03:
                await scene.engine.close()
                damage(random, folder)
                await scene.open()
        await scene.check_past_damage(random)
        await scene.engine.close()
        assert runs_of(folder)
        await scene.open()
        await scene.check(random)
        await scene.engine.close()

    with TemporaryDirectory() as folder, little_memory():
        asyncio.run(play(Path(folder)))


def runs_of(folder: Path) -> list[Path]:
    """Return the runs of entries in a folder."""
    return sorted(folder.glob("entries-*.run"))


def damage(random: Random, folder: Path) -> None:
    """Delete, cut or flip some runs of entries, or nothing: they are made again."""
    for path in runs_of(folder):
        kind = random.random()
        if kind < 0.1:
            path.unlink()
        elif kind < 0.3:
            content = bytearray(path.read_bytes())
            content[random.randrange(len(content))] ^= 1 << random.randrange(8)
            path.write_bytes(content)
        elif kind < 0.4:
            path.write_bytes(path.read_bytes()[: random.randrange(4096)])


def test_pages_of_one_account_follow_one_another_in_both_directions(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            for first in range(1, 400, 40):
                await engine.create_transfers(
                    transfers(
                        *[
                            single(id, *(1, 2) if id % 3 else (2, 1))
                            for id in range(first, first + 40)
                        ]
                    )
                )
            everything = await engine.account_transfers(AccountFilter(account_id=1))
            assert len(everything) == 400
            for backwards in (False, True):
                page = AccountFilter(account_id=1, limit=7, reversed=backwards)
                pages = [np.zeros(0, TRANSFER)]
                while len(found := await engine.account_transfers(page)):
                    pages.append(found)
                    last = int(found["timestamp"][-1])
                    edge = {"timestamp_max": last - 1} if backwards else {"timestamp_min": last + 1}
                    page = replace(page, **edge)
                whole = np.concatenate(pages)
                assert (whole[::-1] if backwards else whole).tobytes() == everything.tobytes()

    with little_memory():
        asyncio.run(scene())


def test_the_past_of_what_never_was_is_zero_or_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            await engine.create_transfers(transfers(single(1)))
            ids = u128_array([1, 77])
            present = await engine.balances_as_of(ids, sequence=engine.sequence)
            assert u128_of(present[0]["debits_posted"]) == 10
            assert u128_of(present[1]["debits_posted"]) == 0
            for moment in ({"sequence": 0}, {"time": 0}):
                found = await engine.balances_as_of(ids, **moment)
                assert not found.view(np.uint8).any()
            for wrong in ({}, {"sequence": 1, "time": 1}, {"sequence": 99}, {"sequence": -1}):
                with pytest.raises(ValueError, match="sequence"):
                    await engine.balances_as_of(ids, **wrong)

    asyncio.run(scene())
