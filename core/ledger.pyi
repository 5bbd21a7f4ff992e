from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.core.queries import AccountFilter, QueryFilter
from payvand.core.records import Records
from payvand.core.values import Account, AccountStanding, Aggregate, Outcome, Transfer

STATE: np.dtype[np.void]
"""What stands behind a transfer's id: state u1 (0 unknown, 1 single, 2 pending, 3 posted,
4 voided, 5 expired, 6 failed), status u4 (why it failed), decision u4, timestamp u8 (ns)."""

class Ledger:
    """Hold accounts and transfers; apply batches of events to them.

    A pure state machine: no I/O, no clock. A batch of n events, at most 8,190, gets the
    timestamps base + 1 … base + n, where base is the greater of `now` and `timestamp`; before
    its first event everything due at or before base expires. Arrays have the dtypes of
    `records.py`; TypeError or ValueError where they don't, before anything is touched.
    """

    def __new__(cls, seed: int = ...) -> Self: ...
    @property
    def timestamp(self) -> int:
        """The timestamp of the last event or pulse, in nanoseconds since 1970."""
    @property
    def accounts_count(self) -> int:
        """How many accounts there are."""
    @property
    def transfers_count(self) -> int:
        """How many transfers there are."""
    @property
    def next_expiry(self) -> int:
        """When the next reservation runs out, in nanoseconds since 1970; 0 where none is."""
    def create_accounts(self, events: Records, now: int) -> Records:
        """Open accounts: ACCOUNT[n] at time *now* → RESULT[n]."""
    def create_transfers(
        self,
        events: Records,
        now: int,
        decisions: npt.NDArray[np.uint32] | None = None,
        *,
        after: Records | None = None,
    ) -> Records:
        """Move money: TRANSFER[n] at time *now*, decisions u4[n] or None → RESULT[n].

        *after* (out): AFTER[n], the balances of both accounts behind each transfer that took
        effect.
        """
    def set_limits(self, events: Records, now: int) -> Records:
        """Set limits of accounts: LIMIT[n] at time *now* → RESULT[n] of LimitStatus."""
    def set_quotas(self, events: Records, now: int) -> Records:
        """Set quotas: QUOTA[n] at time *now* → RESULT[n] of QuotaStatus.

        One that is new counts what is reserved already, and what is posted from now on; one that is
        there keeps what is used of it.
        """
    def expire(self, now: int) -> Records:
        """Let time pass: release what is due at or before *now* → EXPIRED[k], in order."""
    def lookup_accounts(self, ids: Records) -> Records:
        """Return ACCOUNT[m], those of *ids* (U128[n]) that exist, in the order asked."""
    def lookup_transfers(self, ids: Records) -> Records:
        """Return TRANSFER[m], those of *ids* (U128[n]) that exist, in the order asked."""
    def lookup_limits(self, ids: Records) -> Records:
        """Return LIMIT[m], the limits of those accounts of *ids* (U128[n]) that exist."""
    def lookup_quotas(self, ids: Records) -> Records:
        """Return QUOTA_USE[m], those of *ids* (U128[n]) that exist and what is used of them."""
    def quotas(self) -> Records:
        """Return QUOTA_USE[n], all quotas in the order of their setting, and what is used."""
    def states(self, ids: Records) -> Records:
        """Return STATE[n]: what stands behind each of *ids* (U128[n]), also ids never seen."""
    def create_account(self, account: Account, now: int) -> Outcome:
        """Open one `Account` at time *now* → Outcome."""
    def create_transfer(self, transfer: Transfer, now: int) -> Outcome:
        """Make one `Transfer` at time *now* → Outcome."""
    def lookup_account(self, id: int) -> Account | None:
        """Return the `Account` under an id, or None."""
    def lookup_transfer(self, id: int) -> Transfer | None:
        """Return the `Transfer` under an id, or None."""
    def aggregates(self, *, ledger: int = 0, code: int = 0) -> list[Aggregate]:
        """Return an `Aggregate` for each kind of account, by ledger and code; 0 asks for all.

        Goes through all accounts: some 15 ns each.
        """
    def standing(self, account_id: int) -> AccountStanding:
        """Return the `AccountStanding` of an account: it, its limit and what is pending on it.

        Goes through all reservations under way: some 5 ns each.
        """
    def totals(self, ledger: int) -> dict[str, int]:
        """Return the sums of the four balances over the accounts of one ledger."""
    def account_transfers(self, filter: AccountFilter) -> Records:
        """Return TRANSFER[m], those of one account that match, in the filter's order.

        This and the next three are for ledgers that hold all in memory, and go through the
        transfers of the filter's time. Under an engine old transfers stand in the journal: ask
        the engine; here those that ask for transfers raise RuntimeError.
        """
    def account_balances(self, filter: AccountFilter) -> Records:
        """Return BALANCE[m], how an account with a history stood behind those transfers."""
    def query_accounts(self, filter: QueryFilter) -> Records:
        """Return ACCOUNT[m] that match, in the filter's order."""
    def query_transfers(self, filter: QueryFilter) -> Records:
        """Return TRANSFER[m] that match, in the filter's order."""
    def digest(self) -> bytes:
        """Return SHA-256 over the whole state in the order in which it came about: 32 bytes."""
    def _accounts(self, first: int = 0, end: int | None = None) -> Records:
        """Return a copy of accounts, ACCOUNT[n], in the order of their opening; all unless told."""
    def _account_bounds(self, filter: QueryFilter) -> tuple[int, int]:
        """Return between which rows the accounts of a filter's time stand."""
    def _balances(self) -> Records:
        """Return a copy of the balances of all accounts, BALANCES[n], in the order of opening."""
    def _account_rows(self, ids: Records) -> npt.NDArray[np.uint32]:
        """Return the rows of accounts, u4[n], in the order of *ids*, U128[n];

        2**32 - 1 where there is none."""
    def _set_balances(
        self,
        account_id: int,
        debits_pending: int,
        debits_posted: int,
        credits_pending: int,
        credits_posted: int,
    ) -> None: ...
