"""Questions about accounts and transfers: what a filter is, and which records it lets through.

Names and meaning follow the queries that TigerBeetle documents for its data model. A field of a
filter that is 0 asks for nothing. `limit` and `reversed` apply after all else. A filter that can
match nothing by its own contradiction is invalid and finds nothing; one with a value that its field
can't hold raises.

Sources hand over records in the order of their timestamps, in chunks: here is no I/O.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from payvand.core.limits import QUERY_ROWS_MAX
from payvand.core.records import U128_MAX, Records
from payvand.core.values import checked_integer

__all__ = ["AccountFilter", "QueryFilter", "select"]

TIMESTAMP_MAX = (1 << 63) - 1
_WIDTHS = {
    "account_id": 128,
    "user_data_128": 128,
    "user_data_64": 64,
    "user_data_32": 32,
    "ledger": 32,
    "code": 16,
    "timestamp_min": 64,
    "timestamp_max": 64,
    "limit": 32,
}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filter:
    user_data_128: int = 0
    user_data_64: int = 0
    user_data_32: int = 0
    code: int = 0
    timestamp_min: int = 0
    """In nanoseconds, inclusive; 0 for no bound."""
    timestamp_max: int = 0
    """In nanoseconds, inclusive; 0 for no bound."""
    limit: int = QUERY_ROWS_MAX
    """How many records at most; never more than 8,190."""
    reversed: bool = False
    """Newest first."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if (bits := _WIDTHS.get(field.name)) is not None:
                checked_integer(field.name, getattr(self, field.name), bits)

    @property
    def is_valid(self) -> bool:
        """Whether anything could match."""
        last = self.timestamp_max or TIMESTAMP_MAX
        return self._names_something() and self.timestamp_min <= last <= TIMESTAMP_MAX

    def _names_something(self) -> bool:
        return self.limit > 0

    @property
    def rows_max(self) -> int:
        """How many records are returned at most."""
        return min(self.limit, QUERY_ROWS_MAX)

    def _mask(self, records: Records) -> Mask:
        """Tell which of the records have the fields asked for."""
        mask = np.ones(len(records), np.bool_)
        for name in ("user_data_128", "user_data_64", "user_data_32", "code"):
            if wanted := getattr(self, name):
                mask &= _equals(records[name], wanted)
        if self.timestamp_min:
            mask &= records["timestamp"] >= np.uint64(self.timestamp_min)
        if self.timestamp_max:
            mask &= records["timestamp"] <= np.uint64(self.timestamp_max)
        return mask


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFilter(_Filter):
    """Which of the transfers of one account are asked for, or the balances after them."""

    account_id: int
    debits: bool = True
    """Those that debit it."""
    credits: bool = True
    """Those that credit it."""

    def _names_something(self) -> bool:
        return self.limit > 0 and 0 < self.account_id < U128_MAX and (self.debits or self.credits)

    def mask(self, transfers: Records) -> Mask:
        """Tell which transfers match."""
        sides = np.zeros(len(transfers), np.bool_)
        if self.debits:
            sides |= _equals(transfers["debit_account_id"], self.account_id)
        if self.credits:
            sides |= _equals(transfers["credit_account_id"], self.account_id)
        return sides & self._mask(transfers)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFilter(_Filter):
    """Which accounts, or which transfers, are asked for."""

    ledger: int = 0

    def mask(self, records: Records) -> Mask:
        """Tell which accounts or transfers match."""
        mask = self._mask(records)
        if self.ledger:
            mask &= records["ledger"] == np.uint32(self.ledger)
        return mask


def _equals(column: Records, wanted: int) -> Mask:
    """Compare a column of any width, u128 among them, with an integer."""
    if column.dtype.names is None:
        found: Mask = column == column.dtype.type(wanted)
        return found
    low, high = np.uint64(wanted & 0xFFFF_FFFF_FFFF_FFFF), np.uint64(wanted >> 64)
    both: Mask = (column["lo"] == low) & (column["hi"] == high)
    return both


def select(
    filter: AccountFilter | QueryFilter, chunks: Iterable[Records], dtype: np.dtype[np.void]
) -> Records:
    """Return the records of *dtype* that match, in the filter's order, at most its limit.

    *chunks* come in the order of the filter: where it is reversed, the newest first; each in itself
    in rising order. No more of them are taken than are needed.
    """
    wanted = filter.rows_max if filter.is_valid else 0
    taken = [np.zeros(0, dtype)]
    for chunk in chunks if wanted else ():
        matching = chunk[filter.mask(chunk)]
        taken.append((matching[::-1] if filter.reversed else matching)[:wanted])
        wanted -= len(taken[-1])
        if wanted == 0:
            break
    return np.concatenate(taken)
