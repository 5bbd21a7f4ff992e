"""Batches of events for the ledger, drawn from a seeded generator before the clock starts.

Accounts are numbered from 1, all in one ledger; transfers of one unit to a few thousand go from one
account to another, both drawn uniformly unless told otherwise. The ids of transfers count up in
their lower half, as time-ordered ids do, under an upper half of the run's own.
"""

import numpy as np

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import ACCOUNT, TRANSFER, Records, TransferFlags

__all__ = ["CHAIN", "LEDGER", "Load", "accounts", "batches", "posts_of"]

LEDGER = 364
CODE = 1
AMOUNT_MAX = 5000
CHAIN = 4
"""Events of one linked chain."""
POSTS = 1 << 62
"""Set in the lower half of the id of what posts a pending transfer."""
ALL_OF_IT = (1 << 64) - 1


class Load:
    """Draw transfers over a number of accounts, each id once."""

    def __init__(self, account_count: int, *, seed: int = 7) -> None:
        """Begin a run's load."""
        self.account_count = account_count
        self.amount_sum = 0
        """Of all transfers drawn so far."""
        self.count = 0
        """Transfers drawn so far."""
        self._random = np.random.default_rng(seed)
        self._run = int(self._random.integers(1, 1 << 62))

    def transfers(self, count: int) -> Records:
        """Return TRANSFER[count] of single transfers between accounts drawn uniformly."""
        events = np.zeros(count, TRANSFER)
        numbers = np.arange(self.count + 1, self.count + count + 1, dtype=np.uint64)
        debits = self._random.integers(1, self.account_count + 1, count, np.uint64)
        # Another one than the debit account: a step of 1 to all but one round the circle.
        steps = self._random.integers(1, self.account_count, count, np.uint64)
        amounts = self._random.integers(1, AMOUNT_MAX + 1, count, np.uint64)
        events["id"]["lo"] = numbers
        events["id"]["hi"] = self._run
        events["debit_account_id"]["lo"] = debits
        events["credit_account_id"]["lo"] = (debits + steps - 1) % self.account_count + 1
        events["amount"]["lo"] = amounts
        events["ledger"] = LEDGER
        events["code"] = CODE
        self.count += count
        self.amount_sum += int(amounts.sum())
        return events

    def hot(self, count: int) -> Records:
        """Return TRANSFER[count] that all have account 1 on one side, either in turn."""
        events = self.transfers(count)
        others = self._random.integers(2, self.account_count + 1, count, np.uint64)
        debited = np.arange(count) % 2 == 0
        events["debit_account_id"]["lo"] = np.where(debited, 1, others)
        events["credit_account_id"]["lo"] = np.where(debited, others, 1)
        return events

    def linked(self, count: int) -> Records:
        """Return TRANSFER[count] in chains of four; *count* is a multiple of four."""
        assert count % CHAIN == 0
        events = self.transfers(count)
        events["flags"] = np.where(np.arange(count) % CHAIN == CHAIN - 1, 0, TransferFlags.LINKED)
        return events

    def pending(self, count: int) -> Records:
        """Return TRANSFER[count] that reserve, without a time at which they run out."""
        events = self.transfers(count)
        events["flags"] = TransferFlags.PENDING
        return events


def posts_of(pending: Records) -> Records:
    """Return the transfers that post *pending* ones whole."""
    events = np.zeros(len(pending), TRANSFER)
    events["id"] = pending["id"]
    events["id"]["lo"] |= np.uint64(POSTS)
    events["pending_id"] = pending["id"]
    events["amount"]["lo"] = ALL_OF_IT
    events["amount"]["hi"] = ALL_OF_IT
    events["flags"] = TransferFlags.POST_PENDING_TRANSFER
    return events


def accounts(count: int) -> Records:
    """Return ACCOUNT[count], numbered from 1."""
    events = np.zeros(count, ACCOUNT)
    events["id"]["lo"] = np.arange(1, count + 1, dtype=np.uint64)
    events["ledger"] = LEDGER
    events["code"] = CODE
    return events


def batches(events: Records, size: int = BATCH_EVENTS_MAX) -> list[Records]:
    """Cut events into batches; the arrays are views."""
    return [events[start : start + size] for start in range(0, len(events), size)]
