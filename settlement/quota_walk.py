"""That no transfer ever crossed a quota: a walk over the journal, apart from the ledger.

What counts against a quota is what is reserved and what was posted in its period, less what came
back in the period where it nets. The law: right behind a transfer that counts, no more than the
most there may be is used, and the transfer itself is no more than one may be. A quota may be
lowered below what is used; then nothing more may be, which is no breach.

Journals without quotas cost nothing; of others only the records that touch an account with a quota
are looked at, one by one.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.records import (
    Operation,
    QuotaFlags,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
    u128_of,
)
from payvand.settlement.proof import SHOWN_MAX
from payvand.settlement.windows import CREATED, moved_amounts

__all__ = ["QuotaWalk"]

SECOND_NS = 1_000_000_000
POST = int(TransferFlags.POST_PENDING_TRANSFER)
VOID = int(TransferFlags.VOID_PENDING_TRANSFER)
PENDING = int(TransferFlags.PENDING)


@dataclass(slots=True)
class _Quota:
    """A quota and what is used of it."""

    id: int
    debit: int
    credit: int
    codes: int
    amount_max: int
    sum_max: int
    period: int
    offset: int
    event: int
    netting: bool
    pending: int = 0
    posted: int = 0
    received: int = 0
    number: int = 0

    def counts(self, debit: int, credit: int, code: int) -> bool:
        """Tell whether a transfer counts against it."""
        return (
            debit == self.debit
            and self.credit in (0, credit)
            and code < 64
            and bool(self.codes >> code & 1)
        )


class QuotaWalk:
    """Follow what is used of every quota through the frames."""

    def __init__(self, ledger: Ledger) -> None:
        """Begin before the first frame; *ledger* has each frame when it comes here."""
        self.uses = 0
        """How many uses of a quota were checked."""
        self.crossings = 0
        """How many of them crossed one."""
        self.named: list[str] = []
        """The first of those."""
        self._ledger = ledger
        self._quotas: dict[int, _Quota] = {}
        self._accounts = np.zeros(0, np.uint64)
        self._events: dict[int, int] = {}

    def add(self, frame: Frame) -> None:
        """Follow the next frame."""
        if self._quotas and len(frame.expired):
            base = frame.timestamp - len(frame.records)
            for one in self._ledger.lookup_transfers(np.ascontiguousarray(frame.expired["id"])):
                self._count(one, base, released=u128_of(one["amount"]))
        if frame.operation == Operation.SET_QUOTAS:
            self._set(frame)
        elif self._quotas and frame.operation == Operation.CREATE_TRANSFERS:
            self._move(frame)
        if frame.event:
            self._events[frame.event] = self._events.get(frame.event, 0) + 1

    def _set(self, frame: Frame) -> None:
        first = frame.timestamp - len(frame.records) + 1
        for index in np.flatnonzero(frame.statuses == CREATED).tolist():
            row = frame.records[index]
            quota = self._quotas.get(u128_of(row["id"]))
            maxima = u128_of(row["amount_max"]), u128_of(row["sum_max"])
            if quota is not None:
                quota.amount_max, quota.sum_max = maxima
                continue
            quota = _Quota(
                u128_of(row["id"]),
                u128_of(row["debit_account_id"]),
                u128_of(row["credit_account_id"]),
                int(row["codes"]),
                *maxima,
                int(row["period"]),
                int(row["offset"]),
                int(row["event"]),
                bool(int(row["flags"]) & QuotaFlags.NETTING),
            )
            quota.number = self._period(quota, first + index)
            quota.pending = sum(
                u128_of(one["amount"])
                for one in self._ledger.standing(quota.debit).pending
                if quota.counts(*_sides(one), int(one["code"]))
            )
            self._quotas[quota.id] = quota
        named = {quota.debit for quota in self._quotas.values()}
        named |= {quota.credit for quota in self._quotas.values() if quota.netting}
        self._accounts = np.array(sorted(one for one in named if one >> 64 == 0), np.uint64)

    def _move(self, frame: Frame) -> None:
        touched = frame.statuses == CREATED
        debits, credits = frame.records["debit_account_id"], frame.records["credit_account_id"]
        touched &= np.isin(debits["lo"], self._accounts) | np.isin(credits["lo"], self._accounts)
        if not touched.any():
            return
        amounts = moved_amounts(frame)
        reserved = {
            u128_of(one["id"]): one
            for one in self._ledger.lookup_transfers(u128_array(_ended(frame.records[touched])))
        }
        first = frame.timestamp - len(frame.records) + 1
        for index in np.flatnonzero(touched).tolist():
            record, amount = frame.records[index], u128_of(amounts[index])
            flags, moment = int(record["flags"]), first + index
            if flags & (POST | VOID):
                ended = reserved[u128_of(record["pending_id"])]
                posted = 0 if flags & VOID else amount
                self._count(ended, moment, released=u128_of(ended["amount"]), posted=posted)
                continue
            for quota in self._count(
                record,
                moment,
                reserved=amount if flags & PENDING else 0,
                posted=0 if flags & PENDING else amount,
            ):
                self._judge(quota, frame, index, amount)

    def _count(
        self, record: Records, moment: int, *, reserved: int = 0, released: int = 0, posted: int = 0
    ) -> list[_Quota]:
        """Count a transfer; return the quotas that it counts against."""
        debit, credit = _sides(record)
        code = int(record["code"])
        counted = []
        for quota in self._quotas.values():
            if quota.counts(debit, credit, code):
                self._roll(quota, moment)
                quota.pending += reserved - released
                quota.posted += posted
                counted.append(quota)
            if quota.netting and posted and quota.counts(credit, debit, code):
                self._roll(quota, moment)
                quota.received += posted
        return counted

    def _judge(self, quota: _Quota, frame: Frame, index: int, amount: int) -> None:
        self.uses += 1
        used = quota.pending + quota.posted
        if amount <= quota.amount_max and used <= quota.sum_max + quota.received:
            return
        self.crossings += 1
        if len(self.named) < SHOWN_MAX:
            most = "one" if amount > quota.amount_max else "a period"
            self.named.append(
                f"record {index} of frame {frame.sequence} takes account {quota.debit} beyond what "
                f"{most} may be by quota {quota.id:032x}"
            )

    def _roll(self, quota: _Quota, moment: int) -> None:
        number = self._period(quota, moment)
        if number != quota.number:
            quota.number, quota.posted, quota.received = number, 0, 0

    def _period(self, quota: _Quota, moment: int) -> int:
        if quota.event:
            return self._events.get(quota.event, 0)
        return (moment // SECOND_NS + quota.offset) // quota.period if quota.period else 0


def _sides(record: Records) -> tuple[int, int]:
    return u128_of(record["debit_account_id"]), u128_of(record["credit_account_id"])


def _ended(records: Records) -> Iterator[int]:
    """Yield the ids of the reservations that records post or void."""
    ends = records["flags"] & np.uint16(POST | VOID) != 0
    return iter(u128_list(records["pending_id"][ends]))
