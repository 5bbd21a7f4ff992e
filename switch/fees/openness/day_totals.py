"""What a business day's frames say of fees: paid, given back, shared; and how many carts failed.

All of it follows from the journal, so whoever has it comes to the same figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from payvand.core.frame import Frame
from payvand.core.records import Operation
from payvand.core.segments import read_frames
from payvand.core.statuses import TransferStatus
from payvand.settlement.business_day import ClosedDay
from payvand.switch.fees.bills.accounts import (
    ACT_CODE,
    COLLECTION_ACCOUNT,
    FEE_CODE,
    REFUND_CODE,
    RETURN_SHARE_CODE,
    SHARE_CODE,
)

__all__ = ["DayTotals", "Sum", "totals_of_day"]

ACCOUNTS_SHIFT: Final = 4
"""A participant's accounts have its number in the bits above these."""
PLACE_SHIFT: Final = 12
"""Below stands a transfer's place among those of its act."""


@dataclass(slots=True)
class Sum:
    """How often and how much, in rial."""

    count: int = 0
    amount: int = 0

    def add(self, count: int, amount: int) -> None:
        """Add to both."""
        self.count += count
        self.amount += amount


@dataclass(slots=True)
class DayTotals:
    """The fees of a day; agencies and beneficiaries are participants by their numbers."""

    paid: dict[int, Sum] = field(default_factory=dict)
    """By agency."""
    refunded: dict[int, Sum] = field(default_factory=dict)
    received: dict[tuple[int, int], Sum] = field(default_factory=dict)
    """By agency and beneficiary; the count is of payments."""
    given_back: dict[tuple[int, int], Sum] = field(default_factory=dict)
    carts_settled: int = 0
    carts_declined: int = 0

    def add(self, frame: Frame) -> None:
        """Add what a frame says."""
        if frame.operation is not Operation.CREATE_TRANSFERS or not len(frame.records):
            return
        records = frame.records
        created = frame.statuses == np.uint32(TransferStatus.CREATED)
        codes = records["code"]
        debits, credits = records["debit_account_id"]["lo"], records["credit_account_id"]["lo"]
        carts = (codes == FEE_CODE) & (credits == COLLECTION_ACCOUNT)
        self.carts_settled += int((carts & created).sum())
        self.carts_declined += int((carts & ~created).sum())
        for code, sums, agencies, others in (
            (ACT_CODE, self.paid, credits, None),
            (REFUND_CODE, self.refunded, debits, None),
            (SHARE_CODE, self.received, debits, credits),
            (RETURN_SHARE_CODE, self.given_back, credits, debits),
        ):
            chosen = np.flatnonzero(created & (codes == code))
            if len(chosen):
                _add(sums, records[chosen], agencies[chosen], others, chosen)


def _add(sums: Any, records: Any, agencies: Any, others: Any, chosen: Any) -> None:
    """Add records by agency, and by beneficiary where *others* has their accounts."""
    keys = [agencies >> ACCOUNTS_SHIFT]
    if others is not None:
        keys.append(others[chosen] >> ACCOUNTS_SHIFT)
    groups, place = np.unique(np.stack(keys, axis=1), axis=0, return_inverse=True)
    place = place.reshape(-1)
    acts = np.stack([place, records["id"]["hi"], records["id"]["lo"] >> PLACE_SHIFT], axis=1)
    distinct = np.unique(acts, axis=0)[:, 0].astype(np.int64)
    counts = np.bincount(distinct, minlength=len(groups)).tolist()
    amounts = [0] * len(groups)
    for group, amount in zip(place.tolist(), records["amount"]["lo"].tolist(), strict=True):
        amounts[group] += amount
    for group, count, amount in zip(groups.tolist(), counts, amounts, strict=True):
        key = group[0] if others is None else (group[0], group[1])
        sums.setdefault(key, Sum()).add(count, amount)


def totals_of_day(journal: Path, day: ClosedDay) -> DayTotals:
    """Return what the frames of a closed day say, from the folder of its *journal*."""
    totals = DayTotals()
    for frame in _frames(journal, day):
        totals.add(frame)
    return totals


def _frames(journal: Path, day: ClosedDay) -> Iterator[Frame]:
    for frame in read_frames(journal, after=day.head.first - 1):
        if frame.sequence > day.head.last:
            return
        yield frame
