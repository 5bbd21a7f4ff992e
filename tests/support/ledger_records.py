"""The ledger's records as Python values, and the compiled ledger behind an interface of them.

A model test compares two ledgers event for event. Values of frozen dataclasses compare, print and
shrink better than rows of numpy arrays, so both ledgers are driven through `Books`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Protocol, TypeVar

import numpy as np

from payvand.core import AccountFilter, Ledger, QueryFilter
from payvand.core.records import ACCOUNT, LIMIT, QUOTA, TRANSFER, U128, Records, u128_array, u128_of

CREATED = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Account:
    """An account record; the fields are those of the `ACCOUNT` dtype."""

    id: int
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    reserved: int = 0
    ledger: int = 1
    code: int = 1
    flags: int = 0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer record; the fields are those of the `TRANSFER` dtype."""

    id: int
    debit_account_id: int = 0
    credit_account_id: int = 0
    amount: int = 0
    pending_id: int = 0
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    timeout: int = 0
    ledger: int = 0
    code: int = 0
    flags: int = 0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class Limit:
    """A change of the allowance of an account's limited side."""

    account_id: int
    limit: int
    user_data_128: int = 0


@dataclass(frozen=True, slots=True)
class Quota:
    """How much may be debited from an account; the fields are those of the `QUOTA` dtype."""

    id: int
    debit_account_id: int
    credit_account_id: int = 0
    amount_max: int = 2**128 - 1
    sum_max: int = 2**128 - 1
    user_data_128: int = 0
    codes: int = 0b10
    period: int = 0
    offset: int = 0
    event: int = 0
    flags: int = 0
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What is used of a quota."""

    id: int
    pending: int
    posted: int
    received: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one event: its status, and the timestamp of the record it speaks of."""

    timestamp: int
    status: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """A pending transfer that ran out and what it released."""

    id: int
    debit_account_id: int
    credit_account_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class Balance:
    """How an account stood right after a transfer."""

    timestamp: int
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


class TransferState(IntEnum):
    """What stands behind a transfer's id; the numbers are those of the `STATE` dtype."""

    UNKNOWN = 0
    SINGLE = 1
    PENDING = 2
    POSTED = 3
    VOIDED = 4
    EXPIRED = 5
    FAILED = 6


@dataclass(frozen=True, slots=True)
class State:
    """What stands behind a transfer's id, and the status that it was created or failed with."""

    state: int
    status: int


class Books(Protocol):
    """What the naive and the compiled ledger both can do."""

    @property
    def timestamp(self) -> int: ...

    def create_accounts(self, events: Sequence[Account], now: int) -> list[Outcome]: ...

    def create_transfers(
        self, events: Sequence[Transfer], now: int, decisions: Sequence[int] | None = None
    ) -> list[Outcome]: ...

    def set_limits(self, events: Sequence[Limit], now: int) -> list[Outcome]: ...

    def set_quotas(self, events: Sequence[Quota], now: int) -> list[Outcome]: ...

    def expire(self, now: int) -> list[Expiry]: ...

    def states(self, ids: Sequence[int]) -> list[State]: ...

    def lookup_limits(self, ids: Sequence[int]) -> list[Limit]: ...

    def lookup_quotas(self, ids: Sequence[int]) -> list[QuotaUse]: ...

    def lookup_accounts(self, ids: Sequence[int]) -> list[Account]: ...

    def lookup_transfers(self, ids: Sequence[int]) -> list[Transfer]: ...

    def account_transfers(self, filter: AccountFilter) -> list[Transfer]: ...

    def account_balances(self, filter: AccountFilter) -> list[Balance]: ...

    def query_accounts(self, filter: QueryFilter) -> list[Account]: ...

    def query_transfers(self, filter: QueryFilter) -> list[Transfer]: ...

    def set_balances(self, account_id: int, balances: tuple[int, int, int, int]) -> None: ...


Row = TypeVar("Row", Account, Transfer, Limit, Outcome, Expiry, State, Balance)


def rows_of(kind: type[Row], records: Records) -> list[Row]:
    """Read every record of *records* into the dataclass *kind*, field by field by name."""
    names = [field.name for field in fields(kind)]
    return [kind(*(_integer(record[name]) for name in names)) for record in records]


def records_of(dtype: np.dtype[Any], rows: Sequence[Any]) -> Records:
    """Write dataclass *rows* into an array of *dtype*, field by field by name."""
    records = np.zeros(len(rows), dtype)
    if rows:
        for field in fields(rows[0]):
            column: Iterable[int] = [getattr(row, field.name) for row in rows]
            wide = dtype[field.name] == U128
            records[field.name] = u128_array(column) if wide else column
    return records


def _integer(value: Any) -> int:
    return u128_of(value) if value.dtype == U128 else int(value)


class CompiledLedger:
    """`payvand.core.Ledger` behind the interface of `Books`."""

    def __init__(self, seed: int = 1) -> None:
        """Open empty books; *seed* may show in no result."""
        self.books = Ledger(seed)

    @property
    def timestamp(self) -> int:
        """The last timestamp given, in nanoseconds."""
        return self.books.timestamp

    def create_accounts(self, events: Sequence[Account], now: int) -> list[Outcome]:
        """Apply a batch of account events."""
        return rows_of(Outcome, self.books.create_accounts(records_of(ACCOUNT, events), now))

    def create_transfers(
        self, events: Sequence[Transfer], now: int, decisions: Sequence[int] | None = None
    ) -> list[Outcome]:
        """Apply a batch of transfer events."""
        words = None if decisions is None else np.array(decisions, dtype="<u4")
        results = self.books.create_transfers(records_of(TRANSFER, events), now, words)
        return rows_of(Outcome, results)

    def set_limits(self, events: Sequence[Limit], now: int) -> list[Outcome]:
        """Apply a batch of changes of limits."""
        return rows_of(Outcome, self.books.set_limits(records_of(LIMIT, events), now))

    def set_quotas(self, events: Sequence[Quota], now: int) -> list[Outcome]:
        """Apply a batch of quotas."""
        return rows_of(Outcome, self.books.set_quotas(records_of(QUOTA, events), now))

    def expire(self, now: int) -> list[Expiry]:
        """Release what ran out at or before *now*."""
        return rows_of(Expiry, self.books.expire(now))

    def states(self, ids: Sequence[int]) -> list[State]:
        """Tell what stands behind each id, also behind ids never seen."""
        return rows_of(State, self.books.states(u128_array(ids)))

    def lookup_limits(self, ids: Sequence[int]) -> list[Limit]:
        """Return the limits of the accounts found, in the order asked."""
        return rows_of(Limit, self.books.lookup_limits(u128_array(ids)))

    def lookup_quotas(self, ids: Sequence[int]) -> list[QuotaUse]:
        """Return what is used of the quotas found, in the order asked."""
        return [
            QuotaUse(
                u128_of(row["quota"]["id"]),
                u128_of(row["pending"]),
                u128_of(row["posted"]),
                u128_of(row["received"]),
            )
            for row in self.books.lookup_quotas(u128_array(ids))
        ]

    def lookup_accounts(self, ids: Sequence[int]) -> list[Account]:
        """Return the accounts found, in the order asked."""
        return rows_of(Account, self.books.lookup_accounts(u128_array(ids)))

    def lookup_transfers(self, ids: Sequence[int]) -> list[Transfer]:
        """Return the transfers found, in the order asked."""
        return rows_of(Transfer, self.books.lookup_transfers(u128_array(ids)))

    def account_transfers(self, filter: AccountFilter) -> list[Transfer]:
        """Return those of one account that match."""
        return rows_of(Transfer, self.books.account_transfers(filter))

    def account_balances(self, filter: AccountFilter) -> list[Balance]:
        """Return how the account stood after each of them."""
        return rows_of(Balance, self.books.account_balances(filter))

    def query_accounts(self, filter: QueryFilter) -> list[Account]:
        """Return the accounts that match."""
        return rows_of(Account, self.books.query_accounts(filter))

    def query_transfers(self, filter: QueryFilter) -> list[Transfer]:
        """Return the transfers that match."""
        return rows_of(Transfer, self.books.query_transfers(filter))

    def set_balances(self, account_id: int, balances: tuple[int, int, int, int]) -> None:
        """Set an account's four balances outright."""
        self.books._set_balances(account_id, *balances)
