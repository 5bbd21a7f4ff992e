"""What a frame brought about: its transfers as they took effect, and what ran out before them.

A frame holds events as they were asked for, and beside them what became of them. Amounts that
moved, timestamps, and what a post or void takes over from its pending transfer are put in here.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import TRANSFER, U128, Operation, Records, TransferFlags

__all__ = ["Effects", "effects_of", "ids_ended", "take_over", "transfers_of"]

CREATED = 0xFFFF_FFFF
SINGLE, PENDING, POSTED, VOIDED, EXPIRED = 1, 2, 3, 4, 5
ENDS = TransferFlags.POST_PENDING_TRANSFER | TransferFlags.VOID_PENDING_TRANSFER


@dataclass(frozen=True, slots=True)
class Effects:
    """What moved money in a frame, in order: what ran out, then the transfers."""

    timestamps: npt.NDArray[np.uint64]
    """u8[n], when each took effect, ns; of what ran out, when it was released."""
    types: npt.NDArray[np.uint8]
    """u1[n]: 1 single, 2 pending, 3 posted, 4 voided, 5 expired."""
    transfers: Records
    """TRANSFER[n]; where the type is 5, the pending transfer that ran out."""
    released: Records
    """U128[n], what a post, a void or an expiry took out of the pending balances."""


def ids_ended(frame: Frame) -> Records:
    """Return U128[k], the pending transfers that ended in a frame: those run out come first."""
    expired = frame.expired["id"]
    if frame.operation != Operation.CREATE_TRANSFERS:
        return np.ascontiguousarray(expired)
    ends = (frame.statuses == CREATED) & (frame.records["flags"] & ENDS != 0)
    return np.concatenate([expired, frame.records["pending_id"][ends]])


def effects_of(frame: Frame, ended: Records) -> Effects:
    """Return all that moved money in a frame; *ended* is TRANSFER[k], those under `ids_ended`."""
    expired = frame.expired
    transfers, released = transfers_of(frame, ended[len(expired) :])
    flags = transfers["flags"]
    types = np.full(len(transfers), SINGLE, np.uint8)
    types[flags & TransferFlags.PENDING != 0] = PENDING
    types[flags & TransferFlags.POST_PENDING_TRANSFER != 0] = POSTED
    types[flags & TransferFlags.VOID_PENDING_TRANSFER != 0] = VOIDED
    if not len(expired):
        return Effects(transfers["timestamp"], types, transfers, released)
    base = frame.timestamp - len(frame.records)
    return Effects(
        np.concatenate([np.full(len(expired), base, np.uint64), transfers["timestamp"]]),
        np.concatenate([np.full(len(expired), EXPIRED, np.uint8), types]),
        np.concatenate([ended[: len(expired)], transfers]),
        np.concatenate([expired["amount"], released]),
    )


def transfers_of(frame: Frame, pending: Records) -> tuple[Records, Records]:
    """Return TRANSFER[m], those that a frame made, and U128[m], what they released.

    *pending* is TRANSFER[k], the pending transfers that they posted or voided.
    """
    if frame.operation != Operation.CREATE_TRANSFERS:
        return np.zeros(0, TRANSFER), np.zeros(0, U128)
    transfers = frame.records.copy()
    first = frame.timestamp - len(transfers) + 1
    stamps = np.arange(first, first + len(transfers), dtype=np.uint64)
    imported = transfers["flags"] & TransferFlags.IMPORTED != 0
    transfers["timestamp"] = np.where(imported, transfers["timestamp"], stamps)
    transfers["amount"][frame.resolved["index"]] = frame.resolved["amount"]
    transfers = transfers[frame.statuses == CREATED]
    return transfers, take_over(transfers, pending)


def take_over(transfers: Records, pending: Records) -> Records:
    """Fill posts and voids from their pending transfers, TRANSFER[k] → U128[n], the released."""
    released = np.zeros(len(transfers), U128)
    ends = transfers["flags"] & ENDS != 0
    released[ends] = pending["amount"]
    for name in ("debit_account_id", "credit_account_id", "ledger", "code"):
        transfers[name][ends] = pending[name]
    for name in ("user_data_128", "user_data_64", "user_data_32"):
        own = transfers[name][ends]
        transfers[name][ends] = np.where(own == np.zeros((), own.dtype), pending[name], own)
    return released
