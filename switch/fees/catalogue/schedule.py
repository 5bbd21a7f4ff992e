"""A schedule: all that one agency charges, and who gets it, as rows with dates.

    Schedule ─┬─ Beneficiary            an account that money goes to
              ├─ ShareTree ── Share …   how an amount is divided among them
              ├─ PayerClass             whom reductions are for
              └─ Service ─┬─ FactKind   what must be known of a case
                          ├─ Fee ── Band
                          ├─ Reduction
                          ├─ Late        penalties and interest after the due day
                          └─ Rebate      for who pays early

All of it is immutable. Amounts are whole rial; rates are in millionths and have no fractions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Self

from payvand.switch.fees.catalogue.condition import Condition
from payvand.switch.rules.validity import Validity

__all__ = [
    "AMOUNT",
    "AMOUNT_MAX",
    "BANDED",
    "BENEFICIARY_KINDS",
    "CHOICE",
    "COUNT",
    "FACT_KINDS",
    "FEE_KINDS",
    "FIXED",
    "INTEREST",
    "LATE_KINDS",
    "PAYER",
    "PENALTY",
    "PERCENTAGE",
    "PER_MILLION",
    "PER_UNIT",
    "RANGED",
    "RELATIONAL",
    "ROUNDINGS",
    "SECTORS",
    "Band",
    "Beneficiary",
    "BillTerms",
    "FactKind",
    "Fee",
    "Late",
    "PayerClass",
    "Rebate",
    "Reduction",
    "Schedule",
    "Service",
    "Share",
    "ShareTree",
    "ValueAdded",
]

PER_MILLION: Final = 1_000_000
AMOUNT_MAX: Final = 10**18
"""No fact, line or total is above it: more rial than all banks move in a year."""

SECTORS: Final = (
    "judiciary",
    "police",
    "health",
    "trade",
    "education",
    "transport",
    "tax",
    "municipality",
)
BENEFICIARY_KINDS: Final = ("treasury", "ministry", "agency", "fund", "municipality", "office")

AMOUNT: Final = "amount"
COUNT: Final = "count"
CHOICE: Final = "choice"
FACT_KINDS: Final = (AMOUNT, COUNT, CHOICE)
PAYER: Final = "payer"
"""The fact that says who pays, of every service: one of the schedule's payer classes, or empty."""

FIXED: Final = "fixed"
"""An amount."""
PER_UNIT: Final = "per_unit"
"""An amount for each unit of a count; the first ones may be free."""
PERCENTAGE: Final = "percentage"
"""A part of an amount, not below and not above a bound."""
BANDED: Final = "banded"
"""What the one band says into which a value falls: an amount, and a rate of the whole value."""
RANGED: Final = "ranged"
"""The sum over all ranges up to a value: each range's rate of the part that lies in it."""
RELATIONAL: Final = "relational"
"""A part of another fee of the service, as that is before reductions."""
FEE_KINDS: Final = (FIXED, PER_UNIT, PERCENTAGE, BANDED, RANGED, RELATIONAL)

ROUNDINGS: Final = ("half_up", "up", "down")

PENALTY: Final = "penalty"
INTEREST: Final = "interest"
LATE_KINDS: Final = (PENALTY, INTEREST)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What people read of a thing that has a code."""

    code: str
    title_en: str
    title_fa: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row(_Named):
    """A row that holds for some days only."""

    validity: Validity
    legal_basis: str

    def with_validity(self, validity: Validity) -> Self:
        """Return the same row with another validity."""
        return replace(self, validity=validity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneficiary(_Named):
    """Who gets money, and on which account."""

    kind: str
    """Of `BENEFICIARY_KINDS`."""
    iban: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerClass(_Named):
    """Payers for whom other amounts may hold, for example the insured of a fund."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A node of a share tree: money that reaches it goes to a beneficiary or to the nodes below.

    The nodes below are either all *parts*, among which it is divided, or all *cases*, of which the
    first whose condition holds gets all of it; the last case has no condition.
    """

    parts: int
    """Beside the parts of its neighbours; 0 where it is a case."""
    condition: Condition
    """Of a case; the empty condition always holds."""
    beneficiary: str
    """A code; empty where there are nodes below."""
    shares: tuple["Share", ...]

    @property
    def has_cases(self) -> bool:
        """Whether one of the nodes below gets all."""
        return bool(self.shares) and not self.shares[0].parts


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareTree(_Row):
    """How an amount is divided; rows of one code follow each other in time."""

    root: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class FactKind(_Named):
    """A fact that must be known of a case."""

    kind: str
    """Of `FACT_KINDS`."""
    choices: tuple[str, ...]
    """Of a choice; elsewhere empty."""
    value_min: int
    value_max: int
    default: int | str | None
    """What holds where it isn't told; None where it must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A band or a range: from *above* (which is not in it itself) to where the next begins."""

    above: int
    """0 in the first one, which holds zero too."""
    amount: int
    per_million: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueAdded:
    """The value-added tax of a fee, which has its own line and its own shares."""

    per_million: int
    is_included: bool
    """Whether the fee holds it, or it comes on top."""
    share_tree: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(_Row):
    """A fee of a service; rows of one code follow each other in time."""

    kind: str
    """Of `FEE_KINDS`."""
    of: str
    """The fact that it depends on, or the fee of a relational one; empty where it is fixed."""
    amount: int
    """Of a fixed one, or for each unit."""
    units_free: int
    per_million: int
    amount_min: int
    amount_max: int
    bands: tuple[Band, ...]
    rounding: str
    """Of `ROUNDINGS`, to a whole multiple of *round_to*."""
    round_to: int
    condition: Condition
    """Where it doesn't hold, the fee isn't charged."""
    share_tree: str
    value_added: ValueAdded | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reduction(_Row):
    """What some payers need not pay; of several that hold, the greatest counts, for each fee."""

    fees: frozenset[str]
    """Codes; empty for all of the service."""
    condition: Condition
    per_million: int
    """A million exempts."""
    reduction_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Late(_Row):
    """What comes on top of what is unpaid after the due day."""

    kind: str
    """Of `LATE_KINDS`."""
    fees: frozenset[str]
    """Codes; empty for all of the service."""
    grace_days: int
    """As long after the due day nothing comes on top."""
    every_days: int
    """Once more for each such period that has begun; 0 for once only."""
    per_million: int
    """Of what is unpaid, each time."""
    per_million_max: int
    """All times together are no more than this."""
    share_tree: str
    """Empty where it is shared as the fee itself is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebate(_Row):
    """What need not be paid by who pays early; of several that hold, the greatest counts."""

    fees: frozenset[str]
    days_before_due: int
    """The last day for it is so many days before the due day."""
    per_million: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BillTerms:
    """What a bill of a service is like."""

    due_days: int
    """From the day of issue to the due day."""
    objection_days: int
    """From the day of issue, for as long the payer may object; 0 for never."""
    instalments_max: int
    """1 for none."""
    allows_partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(_Named):
    """Something that the agency does or demands, and what it costs."""

    legal_basis: str
    terms: BillTerms
    facts: Mapping[str, FactKind]
    """By code, in their order; the payer is not among them."""
    fees: tuple[Fee, ...]
    """In the order of their lines; rows of one code one after another."""
    reductions: tuple[Reduction, ...]
    lates: tuple[Late, ...]
    rebates: tuple[Rebate, ...]

    def fees_on(self, day: date) -> tuple[Fee, ...]:
        """Return the rows that are in force on *day*."""
        return tuple(fee for fee in self.fees if fee.validity.covers(day))


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One version of all that an agency charges."""

    agency: str
    """The short name of its participant."""
    sector: str
    """Of `SECTORS`."""
    title_en: str
    title_fa: str
    edition: str
    """What the agency calls this version."""
    unit: str
    company_code: str
    """Three digits, by which its bills of the scheme of 1385 name it; empty where it has none."""
    service_digit: str
    """One digit, what such a bill is for; empty where it has none."""
    beneficiaries: Mapping[str, Beneficiary]
    share_trees: Mapping[str, tuple[ShareTree, ...]]
    """All rows of each code, by their first day."""
    payer_classes: Mapping[str, PayerClass]
    services: Mapping[str, Service]
    digest: str = field(default="")
    """SHA-256 of its text, in hexadecimal."""
    number: int = field(default=0)
    """Of the version, over all agencies; 0 of a file that no switch has taken in."""
