"""Sums of postings in numpy and Python's integers: the twin that the compiled ones are held to."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import Operation, Records, TransferFlags, u128_list
from payvand.settlement.windows import CREATED, moved_amounts

NOT_POSTING = TransferFlags.PENDING | TransferFlags.VOID_PENDING_TRANSFER


def posted_amounts(frame: Frame) -> tuple[dict[int, int], dict[int, int]]:
    """Return what a frame's postings debited and credited, by account."""
    if frame.operation != Operation.CREATE_TRANSFERS or not len(frame.records):
        return {}, {}
    posting = (frame.statuses == CREATED) & (frame.records["flags"] & int(NOT_POSTING) == 0)
    records, amounts = frame.records[posting], moved_amounts(frame)[posting]
    return (
        sum_by(records["debit_account_id"], amounts),
        sum_by(records["credit_account_id"], amounts),
    )


def sum_by(keys: Records, amounts: Records) -> dict[int, int]:
    """Return the sums of u128 amounts by u128 key, exact.

    The amounts are added in limbs of 32 bits, of which 2**32 fit into 64 bits.
    """
    if not len(keys):
        return {}
    if keys["hi"].any():
        sums: dict[int, int] = {}
        for key, amount in zip(u128_list(keys), u128_list(amounts), strict=True):
            sums[key] = sums.get(key, 0) + amount
        return sums
    distinct, places = np.unique(keys["lo"], return_inverse=True)
    totals = [0] * len(distinct)
    for shift, limb in _limbs(amounts):
        if limb.any():
            part = np.zeros(len(distinct), np.uint64)
            np.add.at(part, places, limb)
            totals = [
                total + (value << shift) for total, value in zip(totals, part.tolist(), strict=True)
            ]
    return dict(zip(distinct.tolist(), totals, strict=True))


def _limbs(amounts: Records) -> Iterator[tuple[int, npt.NDArray[np.uint64]]]:
    low = np.uint64(0xFFFF_FFFF)
    for shift, half in ((0, amounts["lo"]), (64, amounts["hi"])):
        yield shift, half & low
        yield shift + 32, half >> np.uint64(32)
