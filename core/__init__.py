"""The books: records, ledger state machine, journal and commit engine."""

if __name__ != "payvand.core":
    raise ImportError("import payvand.core, not " + __name__)

from payvand.core.engine import Committed, Engine
from payvand.core.ledger import STATE, Ledger
from payvand.core.queries import AccountFilter, QueryFilter
from payvand.core.records import (
    ACCOUNT,
    AFTER,
    BALANCE,
    BALANCES,
    EXPIRED,
    LIMIT,
    QUOTA,
    QUOTA_USE,
    RESOLVED,
    RESULT,
    TRANSFER,
    U128,
    U128_MAX,
    AccountFlags,
    Operation,
    QuotaFlags,
    TransferFlags,
    u128_array,
    u128_list,
    u128_of,
)
from payvand.core.statuses import AccountStatus, LimitStatus, QuotaStatus, TransferStatus
from payvand.core.values import Account, AccountStanding, Aggregate, Outcome, Transfer

__all__ = [
    "ACCOUNT",
    "AFTER",
    "BALANCE",
    "BALANCES",
    "EXPIRED",
    "LIMIT",
    "QUOTA",
    "QUOTA_USE",
    "RESOLVED",
    "RESULT",
    "STATE",
    "TRANSFER",
    "U128",
    "U128_MAX",
    "Account",
    "AccountFilter",
    "AccountFlags",
    "AccountStanding",
    "AccountStatus",
    "Aggregate",
    "Committed",
    "Engine",
    "Ledger",
    "LimitStatus",
    "Operation",
    "Outcome",
    "QueryFilter",
    "QuotaFlags",
    "QuotaStatus",
    "Transfer",
    "TransferFlags",
    "TransferStatus",
    "u128_array",
    "u128_list",
    "u128_of",
]
