"""A limit of a participant, as two operators set it.

    share        of what its settlement account holds, added to its net debit cap
    collateral   that it has pledged, added to its net debit cap less the haircut
    payment      the most that one payment of a kind may be
    day          the most that it may pay in a day of Tehran by payments of a kind
    bilateral    the most that it may owe another participant in a settlement window, by payments
                 either way
    alerts       at how much of a limit, in percent, somebody is told

What counts as liquidity is said once, in docs/operating.md: see `cap`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import Any, Final, Self

from payvand.core.records import U128_MAX
from payvand.settlement.netting import EVENT_WINDOW_CLOSED, position_account
from payvand.switch.rules.tariffs import KINDS

__all__ = [
    "ALERT_PERCENTS",
    "ALL_KINDS",
    "IN_LEDGER",
    "LIMITS_MAX",
    "Kind",
    "Limit",
    "LimitFault",
    "QuotaTerms",
    "cap",
    "limit_from",
]

LIMITS_MAX: Final = 1_000
"""Limits of one proposal."""
AMOUNT_MAX: Final = (1 << 64) - 1
PER_MILLION: Final = 1_000_000
ALERT_PERCENTS: Final = (50, 75, 90)
"""Where nobody has said otherwise."""
ALERTS_MAX: Final = 8
ALL_KINDS: Final = "all"

DAY_S: Final = 86_400
TEHRAN_AHEAD_S: Final = 12_600
"""Three hours and a half: Iran keeps one time all year."""


class Kind(StrEnum):
    """What a limit bounds."""

    SHARE = "share"
    COLLATERAL = "collateral"
    PAYMENT = "payment"
    DAY = "day"
    BILATERAL = "bilateral"
    ALERTS = "alerts"


IN_LEDGER: Final = frozenset({Kind.PAYMENT, Kind.DAY, Kind.BILATERAL})
"""Those that are quotas of the ledger."""


class LimitFault(Exception):
    """A limit isn't one: which field breaks which rule, and what to do."""

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}")
        self.field, self.rule, self.hint = field, rule, hint


@dataclass(frozen=True, slots=True)
class QuotaTerms:
    """What of a quota never changes; see `payvand.core.records.QUOTA`."""

    id: int
    debit_account: int
    credit_account: int
    codes: int
    period: int = 0
    offset: int = 0
    event: int = 0
    netting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of one participant."""

    kind: Kind
    participant: str
    """Its short name."""
    payments: str = ALL_KINDS
    """Of PAYMENT and DAY: a name of `KINDS`, or `ALL_KINDS`."""
    creditor: str = ""
    """Of BILATERAL: the other participant."""
    amount: int | None = None
    """In minor units; None where it bounds nothing (any more). Of COLLATERAL: what is pledged."""
    per_million: int = 0
    """Of SHARE: how much of the balance; of COLLATERAL: the haircut."""
    percents: tuple[int, ...] = ()
    """Of ALERTS."""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from others; the same one set again replaces it."""
        return (self.participant, self.kind, self.payments, self.creditor)

    @property
    def name(self) -> str:
        """How it is called beside its participant: for example `day/credit_transfer`."""
        detail = self.creditor or ("" if self.payments == ALL_KINDS else self.payments)
        return f"{self.kind}/{detail}" if detail else str(self.kind)

    def terms(self, number: int, creditor_number: int = 0) -> QuotaTerms:
        """Return the quota that it is in the ledger, by the numbers of the participants."""
        kinds = KINDS if self.payments == ALL_KINDS else (self.payments,)
        codes = sum(1 << (KINDS.index(kind) + 1) for kind in kinds)
        told = f"{self.kind} {number} {self.payments} {creditor_number}".encode()
        digest = blake2b(told, digest_size=16, person=b"payvand.quota").digest()
        terms = QuotaTerms(
            int.from_bytes(digest),
            position_account(number),
            position_account(creditor_number) if creditor_number else 0,
            codes,
        )
        if self.kind is Kind.DAY:
            return replace(terms, period=DAY_S, offset=TEHRAN_AHEAD_S)
        if self.kind is Kind.BILATERAL:
            return replace(terms, event=EVENT_WINDOW_CLOSED, netting=True)
        return terms

    @property
    def maxima(self) -> tuple[int, int]:
        """The most of one payment, and the most of a period."""
        most = U128_MAX if self.amount is None else self.amount
        return (most, U128_MAX) if self.kind is Kind.PAYMENT else (U128_MAX, most)

    def told(self) -> dict[str, Any]:
        """Return it as the content of a proposal has it."""
        told: dict[str, Any] = {"limit": str(self.kind), "participant": self.participant}
        if self.kind in (Kind.PAYMENT, Kind.DAY):
            told["payments"] = self.payments
        if self.kind is Kind.BILATERAL:
            told["creditor"] = self.creditor
        if self.kind in IN_LEDGER or self.kind is Kind.COLLATERAL:
            told["amount"] = None if self.amount is None else str(self.amount)
        if self.kind is Kind.SHARE:
            told["per_million"] = self.per_million
        if self.kind is Kind.COLLATERAL:
            told["haircut_per_million"] = self.per_million
        if self.kind is Kind.ALERTS:
            told["percents"] = list(self.percents)
        return told


def cap(net_debit_cap: int, settlement_balance: int, share: int, pledged: int, haircut: int) -> int:
    """Return how far a position may fall below zero.

    Liquidity is what the settlement account holds at the central bank, and nothing else: not what
    the open window will bring, which counts in the position itself once it is posted. Shares are
    per million; the fraction of a unit is dropped.
    """
    lent = max(settlement_balance, 0) * share // PER_MILLION
    return net_debit_cap + lent + pledged * (PER_MILLION - haircut) // PER_MILLION


class _Row:
    """A limit's object, whose values are taken out one by one."""

    def __init__(self, path: str, values: Any) -> None:
        if not isinstance(values, Mapping):
            raise LimitFault(path, "limits.form", "an object")
        self.path, self.left = path, dict(values)

    def fault(self, key: str, hint: str) -> LimitFault:
        return LimitFault(f"{self.path}.{key}", f"limits.{key}", hint)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.left.pop(key, default)
        if not isinstance(value, str) or not value:
            raise self.fault(key, "a text that is not empty")
        return value

    def amount(self) -> int | None:
        value = self.left.pop("amount", "")
        if value is None:
            return None
        if not isinstance(value, str) or not value.isascii() or not value.isdecimal():
            raise self.fault("amount", "a string of digits, or null to lift the limit")
        if int(value) > AMOUNT_MAX:
            raise self.fault("amount", f"at most {AMOUNT_MAX}")
        return int(value)

    def per_million(self, key: str, most: int) -> int:
        value = self.left.pop(key, 0)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise self.fault(key, f"an integer from 0 to {most}")
        return value

    def percents(self) -> tuple[int, ...]:
        values = self.left.pop("percents", None)
        if (
            not isinstance(values, list)
            or len(values) > ALERTS_MAX
            or not all(isinstance(one, int) and 0 < one <= 100 for one in values)
            or values != sorted(set(values))
        ):
            raise self.fault("percents", f"at most {ALERTS_MAX} integers from 1 to 100, rising")
        return tuple(values)

    def finish(self) -> Self:
        for key in self.left:
            raise self.fault(key, "nobody knows this key; is it misspelt?")
        return self


def limit_from(path: str, values: Any) -> Limit:
    """Return the limit that an object of a proposal is, or raise `LimitFault`."""
    row = _Row(path, values)
    kind = row.text("limit")
    if kind not in set(Kind):
        raise row.fault("limit", "one of " + ", ".join(Kind))
    limit = Limit(kind=Kind(kind), participant=row.text("participant"))
    match limit.kind:
        case Kind.PAYMENT | Kind.DAY:
            payments = row.text("payments", ALL_KINDS)
            if payments not in (*KINDS, ALL_KINDS):
                raise row.fault("payments", "one of " + ", ".join((*KINDS, ALL_KINDS)))
            limit = replace(limit, payments=payments, amount=row.amount())
        case Kind.BILATERAL:
            limit = replace(limit, creditor=row.text("creditor"), amount=row.amount())
            if limit.creditor == limit.participant:
                raise row.fault("creditor", "it owes nothing to itself")
        case Kind.SHARE:
            limit = replace(limit, per_million=row.per_million("per_million", 100 * PER_MILLION))
        case Kind.COLLATERAL:
            haircut = row.per_million("haircut_per_million", PER_MILLION)
            limit = replace(limit, amount=row.amount() or 0, per_million=haircut)
        case Kind.ALERTS:
            limit = replace(limit, percents=row.percents())
    row.finish()
    return limit
