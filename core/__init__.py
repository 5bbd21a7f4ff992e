"""The books: records, ledger state machine, journal and commit engine."""

if __name__ != "payvand.core":
    raise ImportError("import payvand.core, not " + __name__)

from payvand.core.ledger import STATE, Ledger
from payvand.core.queries import AccountFilter, QueryFilter
from payvand.core.records import (
    ACCOUNT,
    AFTER,
    BALANCE,
    BALANCES,
    EXPIRED,
    LIMIT,
    RESOLVED,
    RESULT,
    TRANSFER,
    U128,
    U128_MAX,
    AccountFlags,
    Operation,
    TransferFlags,
    u128_array,
    u128_list,
    u128_of,
)
from payvand.core.statuses import AccountStatus, LimitStatus, TransferStatus

__all__ = [
    "ACCOUNT",
    "AFTER",
    "BALANCE",
    "BALANCES",
    "EXPIRED",
    "LIMIT",
    "RESOLVED",
    "RESULT",
    "STATE",
    "TRANSFER",
    "U128",
    "U128_MAX",
    "AccountFilter",
    "AccountFlags",
    "AccountStatus",
    "Ledger",
    "LimitStatus",
    "Operation",
    "QueryFilter",
    "TransferFlags",
    "TransferStatus",
    "u128_array",
    "u128_list",
    "u128_of",
]
