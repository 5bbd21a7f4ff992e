"""The records of the books as numpy dtypes: the same bytes as the structs of `types.pxd`.

A u128 is a pair of little-endian u64, `lo` then `hi`. `u128_of` and `u128_array` go between
pairs and Python integers.
"""

from collections.abc import Iterable
from enum import IntEnum, IntFlag
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "ACCOUNT",
    "AFTER",
    "BALANCE",
    "BALANCES",
    "CHANGE",
    "EXPIRED",
    "LIMIT",
    "QUOTA",
    "QUOTA_USE",
    "RESOLVED",
    "RESULT",
    "TRANSFER",
    "U128",
    "U128_MAX",
    "AccountFlags",
    "Operation",
    "QuotaFlags",
    "Records",
    "TransferFlags",
    "u128_array",
    "u128_list",
    "u128_of",
]

Records = npt.NDArray[np.void]
"""An array of one of the record dtypes below."""

U128 = np.dtype([("lo", "<u8"), ("hi", "<u8")])
U128_MAX = (1 << 128) - 1

ACCOUNT = np.dtype(
    [
        ("id", U128),
        ("debits_pending", U128),
        ("debits_posted", U128),
        ("credits_pending", U128),
        ("credits_posted", U128),
        ("user_data_128", U128),
        ("user_data_64", "<u8"),
        ("user_data_32", "<u4"),
        ("reserved", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("timestamp", "<u8"),
    ]
)

TRANSFER = np.dtype(
    [
        ("id", U128),
        ("debit_account_id", U128),
        ("credit_account_id", U128),
        ("amount", U128),
        ("pending_id", U128),
        ("user_data_128", U128),
        ("user_data_64", "<u8"),
        ("user_data_32", "<u4"),
        ("timeout", "<u4"),
        ("ledger", "<u4"),
        ("code", "<u2"),
        ("flags", "<u2"),
        ("timestamp", "<u8"),
    ]
)

LIMIT = np.dtype(
    [
        ("account_id", U128),
        ("limit", U128),
        ("user_data_128", U128),
        ("reserved", "<u8"),
        ("timestamp", "<u8"),
    ]
)

QUOTA = np.dtype(
    [
        ("id", U128),
        ("debit_account_id", U128),
        ("credit_account_id", U128),
        ("amount_max", U128),
        ("sum_max", U128),
        ("user_data_128", U128),
        ("codes", "<u8"),
        ("period", "<u4"),
        ("offset", "<u4"),
        ("event", "<u2"),
        ("flags", "<u2"),
        ("reserved", "<u4"),
        ("timestamp", "<u8"),
    ]
)
"""How much may be debited from an account. A *credit_account_id* of 0 stands for whoever is
credited; *amount_max* and *sum_max* of `U128_MAX` bound nothing. Bit n of *codes* is for transfers
of code n. Periods are *period* seconds long and begin *offset* seconds before the multiples of
that since 1970, or end with a frame of the tag *event*, or never."""

QUOTA_USE = np.dtype(
    [
        ("quota", QUOTA),
        ("pending", U128),
        ("posted", U128),
        ("received", U128),
        ("period", "<u8"),
        ("reserved", "<u8"),
    ]
)
"""A quota and what is used of it: reserved, posted in the period, and, where it nets, received in
the period. *period* is the number of the period."""

RESULT = np.dtype([("timestamp", "<u8"), ("status", "<u4"), ("reserved", "<u4")])
"""What became of an event. The timestamp is that of its record where the status is `CREATED` or
`EXISTS`, else the moment at which it was judged."""

RESOLVED = np.dtype(
    [("amount", U128), ("index", "<u4"), ("reserved_32", "<u4"), ("reserved_64", "<u8")]
)

EXPIRED = np.dtype(
    [("id", U128), ("debit_account_id", U128), ("credit_account_id", U128), ("amount", U128)]
)

BALANCES = np.dtype(
    [
        ("debits_pending", U128),
        ("debits_posted", U128),
        ("credits_pending", U128),
        ("credits_posted", U128),
    ]
)

AFTER = np.dtype([("debit", BALANCES), ("credit", BALANCES)])
"""The balances of a transfer's two accounts right after it."""

BALANCE = np.dtype([*((name, U128) for name in BALANCES.names or ()), ("timestamp", "<u8")])
"""The balances of an account right after the transfer of that timestamp."""

CHANGE = np.dtype(
    [
        ("timestamp", "<u8"),
        ("type", "u1"),
        ("reserved", "u1", 7),
        ("transfer", TRANSFER),
        ("debit", BALANCES),
        ("credit", BALANCES),
    ]
)
"""An effect on money, with the balances of both accounts right after it. Types: 1 single,
2 pending, 3 posted, 4 voided, 5 expired; of one that expired, `transfer` is the pending transfer,
and `timestamp`, ns, tells when it was released."""

assert (AFTER.itemsize, BALANCE.itemsize) == (128, 72)
assert (ACCOUNT.itemsize, TRANSFER.itemsize) == (128, 128)
assert (QUOTA.itemsize, QUOTA_USE.itemsize) == (128, 192)
assert (LIMIT.itemsize, RESULT.itemsize, RESOLVED.itemsize, EXPIRED.itemsize) == (64, 16, 32, 64)


class AccountFlags(IntFlag):
    """What an account may do; set when it is created, but for `CLOSED`."""

    LINKED = 1
    DEBITS_MUST_NOT_EXCEED_CREDITS = 2
    CREDITS_MUST_NOT_EXCEED_DEBITS = 4
    HISTORY = 8
    IMPORTED = 16
    CLOSED = 32


class TransferFlags(IntFlag):
    """What a transfer does."""

    LINKED = 1
    PENDING = 2
    POST_PENDING_TRANSFER = 4
    VOID_PENDING_TRANSFER = 8
    BALANCING_DEBIT = 16
    BALANCING_CREDIT = 32
    CLOSING_DEBIT = 64
    CLOSING_CREDIT = 128
    IMPORTED = 256


class QuotaFlags(IntFlag):
    """How a quota counts."""

    NETTING = 1
    """What the credited account sends back makes room."""


class Operation(IntEnum):
    """What a frame of the journal asks of the ledger."""

    CREATE_ACCOUNTS = 1
    CREATE_TRANSFERS = 2
    SET_LIMITS = 3
    PULSE = 4
    NOTE = 5
    SET_QUOTAS = 6


def u128_of(pair: Any) -> int:
    """Return the integer that one `U128` field of a record holds."""
    return int(pair["hi"]) << 64 | int(pair["lo"])


def u128_list(column: Records) -> list[int]:
    """Return the integers that a column of `U128` holds."""
    return [
        hi << 64 | lo for lo, hi in zip(column["lo"].tolist(), column["hi"].tolist(), strict=True)
    ]


def u128_array(values: Iterable[int]) -> Records:
    """Return a column of `U128` that holds *values*, each from 0 to 2**128 - 1."""
    integers = list(values)
    column = np.zeros(len(integers), U128)
    column["lo"] = [value & 0xFFFF_FFFF_FFFF_FFFF for value in integers]
    try:
        column["hi"] = [value >> 64 for value in integers]
    except OverflowError:
        wrong = next(value for value in integers if not 0 <= value <= U128_MAX)
        raise ValueError(f"{wrong} is not from 0 to 2**128 - 1") from None
    return column
