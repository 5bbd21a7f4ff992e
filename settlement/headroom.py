"""That no transfer ever crossed a limit: a walk over the journal, record by record.

An account with a limit may be used as far as its *headroom* goes. For a position, limited on its
debit side,

    headroom = credits posted + limit - debits posted - debits pending

Single transfers and reservations use it up, credits and reservations let go give it back. The law:
a single transfer or a reservation leaves a headroom of zero or more. A limit may be lowered below
what is in use; then the headroom is negative until it is given back, which is no breach.

The ledger checked all this when it applied the records; the walk works it out apart from it, many
records at a time: a frame's changes are sorted by account and summed from each account's headroom
before the frame, and the sum after each use must not be negative.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import AccountFlags, Operation, Records, TransferFlags, u128_list
from payvand.settlement.proof import SHOWN_MAX
from payvand.settlement.windows import CREATED, moved_amounts

__all__ = ["HeadroomWalk"]

DEBIT_LIMITED, CREDIT_LIMITED = 1, 2
EXACT_MAX = 1 << 48
"""Below it, the sums of a frame's amounts fit into 64 bits."""
ROOM_MAX = 1 << 62

_RESOLVES = int(TransferFlags.POST_PENDING_TRANSFER | TransferFlags.VOID_PENDING_TRANSFER)


class HeadroomWalk:
    """Follow the headroom of every limited account through the frames."""

    def __init__(self, lookup_transfers: Callable[[Records], Records]) -> None:
        """Begin before the first frame; reservations are looked up by their ids."""
        self.uses = 0
        """How many uses of a limited account were checked."""
        self.crossings = 0
        """How many of them crossed a limit."""
        self.named: list[str] = []
        """The first of those."""
        self._lookup_transfers = lookup_transfers
        self._side: dict[int, int] = {}
        self._room: dict[int, int] = {}
        self._limit: dict[int, int] = {}

    def add(self, frame: Frame) -> None:
        """Follow the next frame; its reservations can be looked up by now."""
        for expired in frame.expired:
            (amount,) = u128_list(expired["amount"].reshape(1))
            (debit,) = u128_list(expired["debit_account_id"].reshape(1))
            (credit,) = u128_list(expired["credit_account_id"].reshape(1))
            if self._side.get(debit) == DEBIT_LIMITED:
                self._room[debit] += amount
            if self._side.get(credit) == CREDIT_LIMITED:
                self._room[credit] += amount
        created = frame.statuses == CREATED
        if frame.operation == Operation.CREATE_ACCOUNTS:
            self._add_accounts(frame.records[created])
        elif frame.operation == Operation.SET_LIMITS:
            self._add_limits(frame.records[created])
        elif frame.operation == Operation.CREATE_TRANSFERS and created.any():
            self._add_transfers(frame, created)

    def _add_accounts(self, accounts: Records) -> None:
        for account, flags in zip(u128_list(accounts["id"]), accounts["flags"], strict=True):
            if flags & AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS:
                self._side[account] = DEBIT_LIMITED
            elif flags & AccountFlags.CREDITS_MUST_NOT_EXCEED_DEBITS:
                self._side[account] = CREDIT_LIMITED
            else:
                continue
            self._room[account] = self._limit[account] = 0

    def _add_limits(self, limits: Records) -> None:
        changes = zip(u128_list(limits["account_id"]), u128_list(limits["limit"]), strict=True)
        for account, limit in changes:
            self._room[account] += limit - self._limit[account]
            self._limit[account] = limit

    def _add_transfers(self, frame: Frame, created: npt.NDArray[np.bool_]) -> None:
        records = frame.records[created]
        moved = _integers(moved_amounts(frame)[created])
        flags = records["flags"].astype(np.int64)
        resolves = flags & _RESOLVES != 0
        voids = flags & int(TransferFlags.VOID_PENDING_TRANSFER) != 0
        pending = flags & int(TransferFlags.PENDING) != 0
        reserved = np.zeros(len(records), moved.dtype)
        if resolves.any():
            reservations = self._lookup_transfers(records["pending_id"][resolves].copy())
            amounts = _integers(reservations["amount"])
            if amounts.dtype == object and moved.dtype != object:
                moved, reserved = moved.astype(object), reserved.astype(object)
            reserved[resolves] = amounts
        posted = np.where(voids | pending, 0, moved)
        changes = _Changes(
            keys=np.stack(
                [_integers(records["debit_account_id"]), _integers(records["credit_account_id"])],
                axis=1,
            ).ravel(),
            limited_side=np.repeat(reserved - np.where(voids, 0, moved), 2),
            other_side=np.repeat(posted, 2),
            uses=np.repeat(~resolves, 2),
        )
        self._walk(frame, changes, np.repeat(np.flatnonzero(created), 2))

    def _walk(self, frame: Frame, changes: "_Changes", places: npt.NDArray[np.int64]) -> None:
        """Sum the changes by account, in the order of the records."""
        distinct, inverse = np.unique(changes.keys, return_inverse=True)
        accounts = distinct.tolist()
        side = np.array([self._side.get(account, 0) for account in accounts])[inverse]
        rooms = [self._room.get(account, 0) for account in accounts]
        is_credit = np.arange(len(side)) % 2 == 1
        limited = side == np.where(is_credit, CREDIT_LIMITED, DEBIT_LIMITED)
        delta = np.where(limited, changes.limited_side, np.where(side, changes.other_side, 0))
        if any(abs(room) > ROOM_MAX for room in rooms):
            delta = delta.astype(object)
        order = np.argsort(inverse, kind="stable")
        sums = np.cumsum(delta[order])
        ends = np.cumsum(np.bincount(inverse, minlength=len(accounts)))
        before = np.concatenate([[0], sums[ends[:-1] - 1]]).astype(sums.dtype)
        base = np.array(rooms, sums.dtype) - before
        used = (limited & changes.uses)[order]
        crossed = np.flatnonzero(used & (sums + base[inverse[order]] < 0))
        self.uses += int(np.count_nonzero(used))
        self.crossings += len(crossed)
        for at in crossed[: SHOWN_MAX - len(self.named)].tolist():
            self.named.append(
                f"record {places[order[at]]} of frame {frame.sequence} takes account "
                f"{accounts[inverse[order[at]]]} beyond its limit"
            )
        for account, total in zip(accounts, (sums[ends - 1] - before).tolist(), strict=True):
            if account in self._room:
                self._room[account] += total


class _Changes:
    """What a frame's transfers do to headrooms: two entries each, debit account then credit."""

    def __init__(
        self,
        *,
        keys: npt.NDArray[Any],
        limited_side: npt.NDArray[Any],
        other_side: npt.NDArray[Any],
        uses: npt.NDArray[np.bool_],
    ) -> None:
        self.keys = keys
        self.limited_side = limited_side
        """The change where the entry is on the side that the account's limit is on."""
        self.other_side = other_side
        self.uses = uses
        """Whether it needs headroom: answers to a reservation only keep or give it back."""


def _integers(column: Records) -> npt.NDArray[Any]:
    """Return a u128 column as 64-bit integers where sums of a frame fit, else as Python's."""
    low = column["lo"]
    if column["hi"].any() or (low >= EXACT_MAX).any():
        integers = np.empty(len(column), object)
        integers[:] = u128_list(column)
        return integers
    return low.astype(np.int64)
