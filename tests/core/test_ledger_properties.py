"""The compiled ledger against the naive one, in small universes where everything collides.

Few accounts, few ids and small amounts make retries, broken chains, closings, expiries and limits
meet within a few batches. After every step the two ledgers must have answered alike and stand
alike, and the laws that need no oracle must hold.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

import hypothesis.strategies as st
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from payvand.core import AccountFilter, QueryFilter
from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from tests.support.ledger_events import (
    ACCOUNT_IDS,
    LEDGERS,
    QUOTA_IDS,
    SECOND,
    TRANSFER_IDS,
    account_flags,
    amounts,
    as_imported,
    draw_accounts,
    draw_filter,
    draw_quota,
    draw_transfers,
)
from tests.support.ledger_records import Account, Books, CompiledLedger, Limit, Transfer
from tests.support.progress import count
from tests.support.reference_ledger import ReferenceLedger

U128_MAX = 2**128 - 1
FAST_RUNS = 20
SOAK_RUNS = 500

steps_of_import = st.lists(
    st.sampled_from([1, 1, 1, 2, SECOND // 2, 0, -1]), min_size=8, max_size=8
)
rooms = st.sampled_from([0, 3, 2 * SECOND, 2 * SECOND])
verdicts = st.lists(st.sampled_from([0, 0, 0, 0, 1, 2, 6]), min_size=8, max_size=8)


class BothLedgers(RuleBasedStateMachine):
    """Drive the compiled and the naive ledger side by side."""

    def __init__(self) -> None:
        """Open both, empty, at time 0."""
        super().__init__()
        count("runs of both ledgers", TestBothLedgersAgree.settings.max_examples)
        self.compiled = CompiledLedger()
        self.naive = ReferenceLedger()
        self.clock = 0
        self.inputs: list[Callable[[Books], object]] = []
        self.sent_accounts: list[Account] = []
        self.sent_transfers: list[Transfer] = []
        self.excesses: dict[int, int] = {}

    def submit(self, step: Callable[[Books], object]) -> None:
        """Give both the same input, compare the answers, and keep the input for a replay."""
        self.inputs.append(step)
        assert step(self.compiled) == step(self.naive)
        assert self.compiled.timestamp == self.naive.timestamp

    @initialize(flags=st.tuples(*[account_flags] * 3))
    def open_accounts(self, flags: tuple[int, int, int]) -> None:
        """Start from three open accounts, so that money can move from the first batch on."""
        events = [Account(id, flags=flag & ~AF.CLOSED) for id, flag in enumerate(flags, 1)]
        self.submit(lambda books: books.create_accounts(events, 1))

    @rule(data=st.data())
    def create_accounts(self, data: st.DataObject) -> None:
        """Open accounts, some of which exist."""
        now = self.clock
        events = draw_accounts(data, self.sent_accounts)
        self.sent_accounts += events
        self.submit(lambda books: books.create_accounts(events, now))

    @rule(data=st.data(), verdicts=st.one_of(st.none(), verdicts))
    def create_transfers(self, data: st.DataObject, verdicts: list[int] | None) -> None:
        """Move money, some of it declined before the ledger."""
        now = self.clock
        events = draw_transfers(data, self.naive, self.sent_transfers)
        self.sent_transfers += events
        decisions = None if verdicts is None else verdicts[: len(events)]
        self.submit(lambda books: books.create_transfers(events, now, decisions))

    @rule(data=st.data(), steps=steps_of_import, room=rooms)
    def import_transfers(self, data: st.DataObject, steps: list[int], room: int) -> None:
        """Bring in transfers with timestamps of their own, most of them sound."""
        now = self.clock = max(self.clock, self.naive.timestamp) + room
        last = self.naive.content.transfer_timestamp
        events = as_imported(draw_transfers(data, self.naive, self.sent_transfers), last, steps)
        self.sent_transfers += events
        self.submit(lambda books: books.create_transfers(events, now))

    @rule(data=st.data(), steps=steps_of_import, room=rooms)
    def import_accounts(self, data: st.DataObject, steps: list[int], room: int) -> None:
        """Bring in accounts with timestamps of their own, most of them sound."""
        now = self.clock = max(self.clock, self.naive.timestamp) + room
        last = self.naive.content.account_timestamp
        events = as_imported(draw_accounts(data, self.sent_accounts), last, steps)
        self.sent_accounts += events
        self.submit(lambda books: books.create_accounts(events, now))

    @rule(id=st.sampled_from([*ACCOUNT_IDS, 9]), limit=amounts)
    def set_limit(self, id: int, limit: int) -> None:
        """Change how far an account may go; less than what is in use is legal."""
        now = self.clock
        self.submit(lambda books: books.set_limits([Limit(id, limit)], now))
        self.excesses.pop(id, None)

    @rule(data=st.data())
    def set_quota(self, data: st.DataObject) -> None:
        """Set how much an account may be debited, or change it; less than is used is legal."""
        now = self.clock
        event = draw_quota(data)
        self.submit(lambda books: books.set_quotas([event], now))

    @rule(elapsed=st.sampled_from([1, 2, 50, SECOND // 2, SECOND - 3, SECOND, 2 * SECOND]))
    def let_time_pass(self, elapsed: int) -> None:
        """Move the clock; what the ledgers do about it shows at the next batch."""
        self.clock = max(self.clock, self.compiled.timestamp) + elapsed

    @rule(data=st.data())
    def ask(self, data: st.DataObject) -> None:
        """Put the same question to both."""
        filter = draw_filter(data, self.naive)
        if isinstance(filter, AccountFilter):
            transfers = self.compiled.account_transfers(filter)
            assert transfers == self.naive.account_transfers(filter)
            assert self.compiled.account_balances(filter) == self.naive.account_balances(filter)
        else:
            assert self.compiled.query_accounts(filter) == self.naive.query_accounts(filter)
            assert self.compiled.query_transfers(filter) == self.naive.query_transfers(filter)

    @rule()
    def expire(self) -> None:
        """Release what is due."""
        now = self.clock
        self.submit(lambda books: books.expire(now))

    @invariant()
    def both_stand_alike(self) -> None:
        """Every record, limit and state is the same on both sides."""
        compiled, naive = self.compiled, self.naive
        assert compiled.lookup_accounts(ACCOUNT_IDS) == naive.lookup_accounts(ACCOUNT_IDS)
        assert compiled.lookup_limits(ACCOUNT_IDS) == naive.lookup_limits(ACCOUNT_IDS)
        assert compiled.lookup_quotas(QUOTA_IDS) == naive.lookup_quotas(QUOTA_IDS)
        assert compiled.lookup_transfers(TRANSFER_IDS) == naive.lookup_transfers(TRANSFER_IDS)
        assert compiled.states(TRANSFER_IDS) == naive.states(TRANSFER_IDS)

    @invariant()
    def debits_equal_credits(self) -> None:
        """In every ledger, pending and posted, the debits are the credits."""
        for ledger in LEDGERS:
            totals = self.compiled.books.totals(ledger)
            assert totals["debits_pending"] == totals["credits_pending"]
            assert totals["debits_posted"] == totals["credits_posted"]

    @invariant()
    def no_transfer_crosses_a_limit(self) -> None:
        """An account beyond its limit got there by a change of the limit, never by a transfer."""
        found = self.compiled.lookup_accounts(ACCOUNT_IDS)
        limits = {row.account_id: row.limit for row in self.compiled.lookup_limits(ACCOUNT_IDS)}
        for account in found:
            excess = _excess(account, limits[account.id])
            assert excess <= self.excesses.get(account.id, excess)
            self.excesses[account.id] = excess

    @invariant()
    def time_goes_on(self) -> None:
        """Timestamps are unique over accounts and transfers, and none lies ahead of the books."""
        everything = [*self.compiled.query_accounts(QueryFilter())]
        moments = [record.timestamp for record in everything]
        moments += [record.timestamp for record in self.compiled.query_transfers(QueryFilter())]
        assert len(set(moments)) == len(moments)
        assert max(moments, default=0) <= self.compiled.timestamp

    def teardown(self) -> None:
        """Replay the inputs into fresh books: the same bytes must come out."""
        replayed = CompiledLedger(seed=2)
        for step in self.inputs:
            step(replayed)
        assert replayed.books.digest() == self.compiled.books.digest()
        # A run ends as a cycle; left to the collector, thousands would fill the address space.
        del self.compiled


def _excess(account: Account, limit: int) -> int:
    """Return by how much an account's limited side is beyond its limit, at least 0."""
    if account.flags & AF.DEBITS_MUST_NOT_EXCEED_CREDITS:
        used = account.debits_pending + account.debits_posted
        return max(0, used - account.credits_posted - limit)
    if account.flags & AF.CREDITS_MUST_NOT_EXCEED_DEBITS:
        used = account.credits_pending + account.credits_posted
        return max(0, used - account.debits_posted - limit)
    return 0


TestBothLedgersAgree = BothLedgers.TestCase
TestBothLedgersAgree.settings = settings(
    stateful_step_count=40, max_examples=settings.default.max_examples
)


def _long_run(seed: int, batches: int) -> Iterator[tuple[list[Transfer], list[int], int]]:
    """Draw batches of hundreds of events over thousands of ids: batch, decisions, time."""
    random = Random(seed)
    now = 0
    opened: list[int] = []
    for _ in range(batches):
        now += random.choice([1, 1000, SECOND // 2, 2 * SECOND])
        events = []
        for _ in range(random.randrange(1, 400)):
            id = random.randrange(1, 4000) << random.choice([0, 0, 64])
            linked = TF.LINKED if random.random() < 0.2 else 0
            if opened and random.random() < 0.4:
                kind = random.choice([TF.POST_PENDING_TRANSFER, TF.VOID_PENDING_TRANSFER])
                amount = U128_MAX if kind == TF.POST_PENDING_TRANSFER else 0
                event = Transfer(id, pending_id=random.choice(opened), amount=amount)
            else:
                debit, credit = random.sample(range(1, 60), 2)
                kind = random.choice([0, TF.PENDING, TF.PENDING, TF.BALANCING_DEBIT])
                timeout = random.randrange(4) if kind == TF.PENDING else 0
                event = Transfer(id, debit, credit, random.randrange(50), timeout=timeout)
                event = replace(event, ledger=1, code=1)
                opened = [*opened[-200:], id]
            events.append(replace(event, flags=kind | linked))
        yield events, random.choices([0, 1, 2], [96, 2, 2], k=len(events)), now


@settings(max_examples=SOAK_RUNS if settings.default.max_examples > 1000 else FAST_RUNS)
@given(seed=st.integers(0, 2**32))
def test_long_runs_over_thousands_of_ids_agree(seed: int) -> None:
    compiled, naive = CompiledLedger(seed), ReferenceLedger()
    flags = [AF.DEBITS_MUST_NOT_EXCEED_CREDITS, AF.CREDITS_MUST_NOT_EXCEED_DEBITS, 0, 0]
    accounts = [Account(id, flags=flags[id % 4]) for id in range(1, 60)]
    ids = [number << shift for shift in (0, 64) for number in range(1, 4000)]
    for books in (compiled, naive):
        books.create_accounts(accounts, 0)
    for events, decisions, now in _long_run(seed, batches=12):
        assert compiled.create_transfers(events, now, decisions) == naive.create_transfers(
            events, now, decisions
        )
    assert compiled.lookup_accounts(range(1, 60)) == naive.lookup_accounts(range(1, 60))
    assert compiled.lookup_transfers(ids) == naive.lookup_transfers(ids)
    assert compiled.states(ids) == naive.states(ids)
