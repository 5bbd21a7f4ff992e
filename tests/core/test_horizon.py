"""Rows that leave memory, under any order of events: each id has one answer and one effect.

A ledger whose horizon is a few rows commits beside the naive one, which forgets nothing. Retries of
whole batches, late posts, expiries, snapshots and restarts under other horizons come in any order,
while rows leave and runs are merged on the archive's own thread.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from payvand.core.engine import Engine
from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from payvand.core.snapshots import snapshots
from payvand.core.statuses import TransferStatus
from tests.support.journaled_ledger import JournaledLedger
from tests.support.journals import accounts, single, transfers
from tests.support.ledger_records import Account, Transfer
from tests.support.reference_ledger import ReferenceLedger

SECOND = 1_000_000_000
U128_MAX = 2**128 - 1
ACCOUNTS = range(1, 8)
HORIZONS = [64, 128, 1024]
BATCH_MAX = 60
"""Twice the least horizon has room for the rows that stay and a batch of so many."""
RECORDS = 64
"""More than a batch."""
FAST_RUNS = 8
FAST_STEPS = 40
SOAK_RUNS = 300

seeds = st.integers(0, 2**64)


class Forgetful(RuleBasedStateMachine):
    """Drive a ledger with a horizon, and the naive one without."""

    def __init__(self) -> None:
        """Open both, with a few accounts of each kind."""
        super().__init__()
        self.folder = Path(mkdtemp(prefix="horizon-"))
        self.naive = ReferenceLedger()
        self.ledger = JournaledLedger(
            self.folder, horizon=HORIZONS[0], records=RECORDS, snapshot_bytes=1 << 12
        )
        self.seed = 1
        self.now = SECOND
        self.ids = 0
        self.sent: list[Transfer] = []
        flags = [0, AF.DEBITS_MUST_NOT_EXCEED_CREDITS, AF.CREDITS_MUST_NOT_EXCEED_DEBITS]
        opened = [Account(id, flags=flags[id % 3]) for id in ACCOUNTS]
        assert self.ledger.create_accounts(opened, 1) == self.naive.create_accounts(opened, 1)

    def teardown(self) -> None:
        """Close the folder and remove it."""
        self.ledger.close()
        rmtree(self.folder)

    def submit(self, events: list[Transfer]) -> None:
        """Give both the same batch; the answers are the same."""
        self.sent += [event for event in events if event not in self.sent]
        expected = self.naive.create_transfers(events, self.now)
        assert self.ledger.create_transfers(events, self.now) == expected

    @rule(random=st.randoms(use_true_random=False), count=st.integers(1, 40))
    def move(self, random: "st.Random", count: int) -> None:
        """Move money, in one step and in two, some of it in chains."""
        events = []
        for _ in range(count):
            self.ids += 1
            debit, credit = random.sample(ACCOUNTS, 2)
            flags = random.choice([0, 0, TF.PENDING, TF.BALANCING_DEBIT])
            event = Transfer(
                self.ids,
                debit,
                credit,
                random.randrange(60),
                user_data_64=self.ids % 3,
                ledger=1,
                code=1,
                timeout=random.choice([0, 1, 5, 400]) if flags == TF.PENDING else 0,
                flags=flags | (TF.LINKED if random.random() < 0.1 else 0),
            )
            events.append(event)
        self.submit(events)

    @precondition(lambda self: self.sent)
    @rule(random=st.randoms(use_true_random=False), count=st.integers(1, 12))
    def end(self, random: "st.Random", count: int) -> None:
        """Post and void what was reserved at any time, or never, or has ended."""
        events = []
        for pending in random.choices(self.sent, k=count):
            self.ids += 1
            flag = random.choice([TF.POST_PENDING_TRANSFER, TF.VOID_PENDING_TRANSFER])
            amount = U128_MAX if flag == TF.POST_PENDING_TRANSFER else 0
            events.append(Transfer(self.ids, pending_id=pending.id, amount=amount, flags=flag))
        self.submit(events)

    @precondition(lambda self: self.sent)
    @rule(random=st.randoms(use_true_random=False), count=st.integers(1, BATCH_MAX))
    def retry(self, random: "st.Random", count: int) -> None:
        """Send any of what was sent again in one batch, some of it changed, among new events."""
        events = []
        for event in random.sample(self.sent, min(count, len(self.sent))):
            if random.random() < 0.1:
                event = replace(event, user_data_64=7)
            if random.random() < 0.1:
                self.ids += 1
                event = replace(event, id=self.ids)
            events.append(replace(event, flags=event.flags & ~TF.LINKED))
        self.submit(events)

    @rule(elapsed=st.sampled_from([1, SECOND, 5 * SECOND, 500 * SECOND]))
    def expire(self, elapsed: int) -> None:
        """Let time pass: reservations run out, also of rows that left long ago."""
        self.now += elapsed
        assert self.ledger.expire(self.now) == self.naive.expire(self.now)

    @rule(ids=st.lists(st.integers(1, 600), min_size=1, max_size=60))
    def ask(self, ids: list[int]) -> None:
        """Ask for transfers and their states by id."""
        assert self.ledger.lookup_transfers(ids) == self.naive.lookup_transfers(ids)
        assert self.ledger.states(ids) == self.naive.states(ids)

    @rule()
    def take_snapshot(self) -> None:
        """Keep the books as they are, for the next restart."""
        assert self.ledger.archive.take_snapshot() == 0

    @rule(horizon=st.sampled_from(HORIZONS), snapshot_bytes=st.sampled_from([0, 1 << 12, 1 << 16]))
    def restart(self, horizon: int, snapshot_bytes: int) -> None:
        """Stop wherever leaving, merging and snapshots have come, and go on under other bounds."""
        before = self.ledger.books.digest()
        self.ledger.close()
        self.seed += 1
        self.ledger = JournaledLedger(
            self.folder,
            seed=self.seed,
            horizon=horizon,
            records=RECORDS,
            snapshot_bytes=snapshot_bytes,
        )
        assert self.ledger.books.digest() == before

    @rule(horizon=st.sampled_from(HORIZONS))
    def replay(self, horizon: int) -> None:
        """Go on from the journal alone: what a snapshot gave is what all frames give."""
        before = self.ledger.books.digest()
        self.ledger.close()
        for path in snapshots(self.folder):
            path.unlink()
        self.ledger = JournaledLedger(self.folder, seed=self.seed, horizon=horizon, records=RECORDS)
        assert self.ledger.recovery.snapshot == 0
        assert self.ledger.books.digest() == before

    @invariant()
    def accounts_agree(self) -> None:
        """No effect was missed, and none came twice."""
        assert self.ledger.lookup_accounts(ACCOUNTS) == self.naive.lookup_accounts(ACCOUNTS)


TestForgetful = Forgetful.TestCase
TestForgetful.settings = settings(
    max_examples=SOAK_RUNS if settings.default.max_examples > 1000 else FAST_RUNS,
    stateful_step_count=FAST_STEPS,
)


def count_of_runs(folder: Path) -> int:
    """Return how many files of ids there are."""
    return sum(1 for _ in folder.glob("ids-*"))


def test_under_steady_load_files_stay_few_and_every_batch_is_answered(tmp_path: Path) -> None:
    """Rows leave and runs are merged at one pace: of no size are there many, nor old files."""
    batch, batches, most = 8190, 120, 0

    async def scene() -> None:
        nonlocal most
        async with await Engine.open(tmp_path, horizon=1 << 16) as engine:
            await engine.create_accounts(accounts(1, 2))
            rows = transfers(*[single(id) for id in range(1, batch + 1)])

            async def carry(numbers: list[int]) -> None:
                nonlocal most
                for number in numbers:
                    sent = rows.copy()
                    sent["id"]["hi"] = number
                    answer = await engine.create_transfers(sent)
                    assert (answer.results["status"] == TransferStatus.CREATED).all()
                    most = max(most, count_of_runs(tmp_path))

            await asyncio.gather(*[carry(list(range(n, batches, 4))) for n in range(4)])
            for number in (0, batches // 3, batches - 1):
                rows["id"]["hi"] = number
                answer = await engine.create_transfers(rows)
                assert (answer.results["status"] == TransferStatus.EXISTS).all()
            assert engine.ledger.transfers_count == batch * batches

    asyncio.run(scene())
    assert 0 < most <= 3 * 32
