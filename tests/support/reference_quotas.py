"""Quotas in plain Python: what is used of each is counted anew from all transfers, each time.

Nothing is kept but the quotas themselves, when each was set first, and when periods ended; so
nothing can be counted wrongly for long.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from payvand.core.records import QuotaFlags
from payvand.core.records import TransferFlags as TF
from payvand.core.statuses import QuotaStatus as QS
from payvand.core.statuses import TransferStatus as TS
from tests.support.ledger_records import Quota, QuotaUse, Transfer
from tests.support.reference_rules import U128_MAX

SECOND = 1_000_000_000
PER_PAIR_MAX = 8


@dataclass(frozen=True)
class Posting:
    """Money that moved at a moment."""

    debit: int
    credit: int
    code: int
    amount: int
    moment: int


class ReferenceQuotas:
    """All quotas of a ledger."""

    def __init__(self) -> None:
        """Begin without any."""
        self.quotas: dict[int, Quota] = {}
        self._since: dict[int, int] = {}

    def put(self, event: Quota, moment: int, accounts: Iterable[int]) -> QS:
        """Set a quota, or say why not."""
        status = self._refusal(event, set(accounts))
        if status is not None:
            return status
        self.quotas[event.id] = replace(event, timestamp=moment)
        self._since.setdefault(event.id, moment)
        return QS.CREATED

    def _refusal(self, event: Quota, accounts: set[int]) -> QS | None:
        known = self.quotas.get(event.id)
        pair = (event.debit_account_id, event.credit_account_id)
        alike = [
            one
            for one in self.quotas.values()
            if (one.debit_account_id, one.credit_account_id) == pair
        ]
        rules = (
            (event.id == 0, QS.ID_MUST_NOT_BE_ZERO),
            (event.id == U128_MAX, QS.ID_MUST_NOT_BE_INT_MAX),
            (event.timestamp != 0, QS.RESERVED_FIELD),
            (event.flags & ~int(QuotaFlags.NETTING) != 0, QS.RESERVED_FLAG),
            (event.codes == 0, QS.CODES_MUST_NOT_BE_ZERO),
            (event.period and event.event, QS.PERIOD_AND_EVENT_ARE_MUTUALLY_EXCLUSIVE),
            (event.event >= 16, QS.EVENT_OUT_OF_RANGE),
            (
                event.flags & QuotaFlags.NETTING and not event.credit_account_id,
                QS.NETTING_NEEDS_A_CREDIT_ACCOUNT,
            ),
            (pair[0] == pair[1], QS.ACCOUNTS_MUST_BE_DIFFERENT),
            (pair[0] not in accounts, QS.DEBIT_ACCOUNT_NOT_FOUND),
            (pair[1] and pair[1] not in accounts, QS.CREDIT_ACCOUNT_NOT_FOUND),
            (known and terms(known) != terms(event), QS.EXISTS_WITH_DIFFERENT_TERMS),
            (known is None and len(alike) == PER_PAIR_MAX, QS.TOO_MANY_FOR_THE_ACCOUNTS),
        )
        return next((status for broken, status in rules if broken), None)

    def judge(
        self,
        transfer: Transfer,
        moment: int,
        reserved: Iterable[Transfer],
        postings: Iterable[Posting],
    ) -> TS | None:
        """Return which quota a transfer would cross, if any: of a pair first, the newest first."""
        reserved, postings = list(reserved), list(postings)
        newest = list(reversed(self.quotas.values()))
        order = [one for one in newest if one.credit_account_id]
        order += [one for one in newest if not one.credit_account_id]
        for quota in order:
            if not counts(quota, transfer.debit_account_id, transfer.credit_account_id, transfer):
                continue
            if transfer.amount > quota.amount_max:
                return TS.EXCEEDS_TRANSFER_QUOTA
            use = self.use(quota, moment, reserved, postings)
            if use.pending + use.posted + transfer.amount > quota.sum_max + use.received:
                return (
                    TS.EXCEEDS_BILATERAL_QUOTA
                    if quota.credit_account_id
                    else TS.EXCEEDS_PERIOD_QUOTA
                )
        return None

    def use(
        self,
        quota: Quota,
        moment: int,
        reserved: Iterable[Transfer],
        postings: Iterable[Posting],
    ) -> QuotaUse:
        """Return what is used of a quota at a moment."""
        since, now = self._since[quota.id], period(quota, moment)
        posted = received = 0
        for one in postings:
            if one.moment < since or period(quota, one.moment) != now:
                continue
            if counts(quota, one.debit, one.credit, one):
                posted += one.amount
            netting = quota.flags & QuotaFlags.NETTING
            if netting and counts(quota, one.credit, one.debit, one):
                received += one.amount
        pending = sum(
            one.amount
            for one in reserved
            if counts(quota, one.debit_account_id, one.credit_account_id, one)
        )
        return QuotaUse(quota.id, pending, posted, received)


def terms(quota: Quota) -> Quota:
    """Return what of a quota never changes."""
    return replace(quota, amount_max=0, sum_max=0, user_data_128=0, timestamp=0)


def counts(quota: Quota, debit: int, credit: int, one: Transfer | Posting) -> bool:
    """Tell whether a movement from an account to another counts against a quota."""
    return (
        quota.debit_account_id == debit
        and quota.credit_account_id in (0, credit)
        and one.code < 64
        and bool(quota.codes >> one.code & 1)
    )


def period(quota: Quota, moment: int) -> int:
    """Return the number of the period that a moment is in; no frame ends any here."""
    return (moment // SECOND + quota.offset) // quota.period if quota.period else 0


def postings_of(transfers: dict[int, Transfer], moments: dict[int, int]) -> list[Posting]:
    """Return all money that moved; *moments* tells when transfers took effect, by the clock."""
    return [
        Posting(one.debit_account_id, one.credit_account_id, one.code, one.amount, moments[one.id])
        for one in transfers.values()
        if not one.flags & (TF.PENDING | TF.VOID_PENDING_TRANSFER)
    ]
