"""Rows beyond the horizon: whatever has left memory, the answers are the same.

The horizon here is a few dozen rows, so that nearly everything a ledger is asked about is old.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
from hypothesis import given, settings

from payvand.core.records import AccountFlags as AF
from payvand.core.records import QuotaFlags
from payvand.core.records import TransferFlags as TF
from tests.support.journaled_ledger import JournaledLedger
from tests.support.ledger_records import CREATED, Account, CompiledLedger, Quota, Transfer
from tests.support.reference_ledger import ReferenceLedger

U128_MAX = 2**128 - 1
SECOND = 1_000_000_000
ACCOUNTS = range(1, 12)
IDS = range(1, 900)
FAST_RUNS = 15
SOAK_RUNS = 1000

Batch = tuple[str, Sequence[Transfer], int]


def draw_batches(seed: int, batches: int) -> Iterator[Batch]:
    """Draw batches in which old ids come up again: retries, late posts, long reservations."""
    random = Random(seed)
    now = SECOND
    sent: list[Transfer] = []
    for _ in range(batches):
        now += random.choice([1, 1000, SECOND // 2, SECOND])
        if random.random() < 0.05:
            yield "expire", [], now
            continue
        events = []
        for _ in range(random.randrange(1, 9)):
            kind = random.random()
            if sent and kind < 0.25:
                event = random.choice(sent)
                if random.random() < 0.3:
                    event = replace(event, user_data_64=random.randrange(3))
            elif sent and kind < 0.55:
                pending = random.choice(sent)
                flag = random.choice([TF.POST_PENDING_TRANSFER, TF.VOID_PENDING_TRANSFER])
                amount = U128_MAX if flag == TF.POST_PENDING_TRANSFER else 0
                event = Transfer(
                    random.choice(IDS), pending_id=pending.id, amount=amount, flags=flag
                )
            else:
                debit, credit = random.sample(ACCOUNTS, 2)
                event = Transfer(
                    random.choice(IDS),
                    debit,
                    credit,
                    random.randrange(40),
                    user_data_64=random.randrange(3),
                    ledger=1,
                    code=1,
                    timeout=random.choice([0, 0, 1, 3, 60]),
                    flags=random.choice([0, TF.PENDING, TF.PENDING, TF.BALANCING_DEBIT]),
                )
                if event.flags != TF.PENDING:
                    event = replace(event, timeout=0)
                sent.append(event)
            if random.random() < 0.15:
                event = replace(event, flags=event.flags | TF.LINKED)
            events.append(event)
        yield "transfers", events, now


def open_accounts(ledger: CompiledLedger | ReferenceLedger) -> None:
    """Open the accounts that the batches move money between, and set how much of it may go."""
    flags = [0, AF.DEBITS_MUST_NOT_EXCEED_CREDITS, AF.CREDITS_MUST_NOT_EXCEED_DEBITS]
    ledger.create_accounts([Account(id, flags=flags[id % 3]) for id in ACCOUNTS], 1)
    first, second, third, *_ = ACCOUNTS
    quotas = [
        Quota(1, first, sum_max=60, period=5),
        Quota(2, second, third, amount_max=30, sum_max=90, flags=QuotaFlags.NETTING),
        Quota(3, first, second, sum_max=40, period=9, offset=2),
    ]
    outcomes = ledger.set_quotas(quotas, 2)
    assert {outcome.status for outcome in outcomes} == {CREATED}


def apply(ledger: CompiledLedger | ReferenceLedger, batch: Batch) -> object:
    """Apply a batch, and return what the ledger answered."""
    kind, events, now = batch
    return ledger.expire(now) if kind == "expire" else ledger.create_transfers(events, now)


def answers(ledger: CompiledLedger | ReferenceLedger) -> object:
    """Return what a ledger says of every account and every id."""
    return (
        ledger.lookup_accounts(ACCOUNTS),
        ledger.lookup_transfers(IDS),
        ledger.states(IDS),
        ledger.lookup_quotas([1, 2, 3]),
    )


@settings(max_examples=SOAK_RUNS if settings.default.max_examples > 1000 else FAST_RUNS)
@given(seed=st.integers(0, 2**32))
def test_a_ledger_that_forgets_answers_like_one_that_does_not(seed: int) -> None:
    naive = ReferenceLedger()
    whole = CompiledLedger(seed)
    open_accounts(naive)
    open_accounts(whole)
    with TemporaryDirectory() as folder:
        forgetful = JournaledLedger(Path(folder), seed=seed)
        try:
            open_accounts(forgetful)
            for batch in draw_batches(seed, 80):
                expected = apply(naive, batch)
                apply(whole, batch)
                assert apply(forgetful, batch) == expected
            assert answers(forgetful) == answers(naive)
            assert forgetful.books.digest() == whole.books.digest()
        finally:
            forgetful.close()
        reopened = JournaledLedger(Path(folder), seed=seed + 1, horizon=64)
        try:
            assert answers(reopened) == answers(naive)
            assert reopened.books.digest() == whole.books.digest()
        finally:
            reopened.close()
