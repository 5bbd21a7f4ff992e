"""Accounts and transfers one at a time, as frozen values: for calls that don't come in batches.

The arrays of `records.py` are the way of speed; these are the way of a shell, a test, a script. Ids
and amounts are Python integers, flags are enums. What a field can't hold raises when the value is
made, before any ledger sees it.
"""

from dataclasses import dataclass, fields
from enum import IntFlag
from typing import Any, ClassVar, Self

import numpy as np

from payvand.core.records import (
    ACCOUNT,
    TRANSFER,
    U128,
    AccountFlags,
    Records,
    TransferFlags,
    u128_array,
    u128_of,
)
from payvand.core.statuses import AccountStatus, TransferStatus

__all__ = ["Account", "AccountStanding", "Aggregate", "Outcome", "Transfer", "checked_integer"]

NO_ACCOUNT_FLAGS, NO_TRANSFER_FLAGS = AccountFlags(0), TransferFlags(0)


def checked_integer(name: str, value: object, bits: int) -> int:
    """Return *value*; raise where it is no integer, or not from 0 to 2**bits - 1."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name}={value!r} must be an int, got {type(value).__name__}")
    if not 0 <= value < 1 << bits:
        raise ValueError(f"{name}={value} must be from 0 to 2**{bits} - 1")
    return value


class _Value:
    """What accounts and transfers have in common: every field stands in a record's dtype."""

    __slots__ = ()
    dtype: ClassVar[np.dtype[np.void]]
    flag: ClassVar[type[IntFlag]]

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            checked_integer(field.name, value, self.dtype[field.name].itemsize * 8)
            if field.name == "flags":
                if value & ~sum(self.flag):
                    raise ValueError(
                        f"flags={value:#x} has bits that {self.flag.__name__} doesn't know"
                    )
                object.__setattr__(self, "flags", self.flag(value))

    def record(self) -> Records:
        """Return the value as an array of one record."""
        record = np.zeros(1, self.dtype)
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            wide = self.dtype[field.name] == U128
            record[field.name] = u128_array([value]) if wide else value
        return record

    @classmethod
    def of(cls, record: Any) -> Self:
        """Return the value of one record of an array."""
        return cls(
            **{
                field.name: u128_of(record[field.name])
                if cls.dtype[field.name] == U128
                else int(record[field.name])
                for field in fields(cls)  # type: ignore[arg-type]
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(_Value):
    """An account, to be opened or as it stands. Fields are those of `ACCOUNT`."""

    dtype = ACCOUNT
    flag = AccountFlags

    id: int
    ledger: int
    """The currency unit; accounts of two ledgers never meet in one transfer."""
    code: int
    """The kind of account."""
    flags: AccountFlags = NO_ACCOUNT_FLAGS
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    debits_pending: int = 0
    """This and the other balances in minor units; 0 when it is opened."""
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    timestamp: int = 0
    """In nanoseconds since 1970; 0 when it is opened, unless it is imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(_Value):
    """A transfer, to be made or as it took effect. Fields are those of `TRANSFER`."""

    dtype = TRANSFER
    flag = TransferFlags

    id: int
    debit_account_id: int = 0
    """0 for a post or void: that of its pending transfer. So with what follows."""
    credit_account_id: int = 0
    amount: int = 0
    """In minor units of the ledger."""
    ledger: int = 0
    code: int = 0
    """The reason of the transfer."""
    flags: TransferFlags = NO_TRANSFER_FLAGS
    pending_id: int = 0
    """Of the transfer that a post or void ends."""
    timeout: int = 0
    """In seconds, after which a pending transfer runs out; 0: never."""
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    timestamp: int = 0
    """In nanoseconds since 1970; 0 when it is made, unless it is imported."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an account or transfer that was sent alone."""

    status: AccountStatus | TransferStatus
    timestamp: int
    """Of the event, or of what it repeats, in nanoseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """All accounts of one kind together. The sums have no bound: 128 bits may not hold them."""

    ledger: int
    code: int
    accounts: int
    """How many there are."""
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


@dataclass(frozen=True, slots=True)
class AccountStanding:
    """An account with all that is pending on it, seen at one moment."""

    account: Records
    """ACCOUNT[1]; ACCOUNT[0] where there is no such account."""
    limit: int
    """The allowance on its limited side."""
    pending: Records
    """TRANSFER[k], the pending transfers under way on either side, oldest first."""
