"""What payments cost, and whom: switch fees and interchange, as rows with dates.

A tariff is for payments of one kind. It charges the debtor's side or the creditor's, in favour of
the other side or of a participant that it names: the one that runs the switch, most often. What it
comes to depends on the amount alone:

    the tier with the greatest `above` below the amount tells
    fee = flat + amount x per_million / 1,000,000, at least min, at most max

All is integers; the fraction of a unit is rounded up, once, before the bounds.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Self

from payvand.switch.rules.table_row import AMOUNT_MAX, RulesError, TableRow, parse_toml
from payvand.switch.rules.validity import Overlap, Validity, arranged

__all__ = [
    "CHARGES_MAX",
    "CREDITOR",
    "DEBTOR",
    "INTERCHANGE",
    "KINDS",
    "SWITCH_FEE",
    "TIERS_MAX",
    "Tariff",
    "Tariffs",
    "Tier",
    "parse",
    "read",
]

CHARGES_MAX: Final = 4
"""Tariffs that one payment may come under."""
TIERS_MAX: Final = 32

SWITCH_FEE: Final = "switch_fee"
INTERCHANGE: Final = "interchange"
CHARGES: Final = (SWITCH_FEE, INTERCHANGE)

DEBTOR: Final = "debtor"
CREDITOR: Final = "creditor"
SIDES: Final = (DEBTOR, CREDITOR)

KINDS: Final = ("credit_transfer", "fee", "return")
"""By the number of the payment's kind, from 1."""

PER_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Tier:
    """What amounts above a bound cost."""

    above: int
    flat: int
    per_million: int
    fee_min: int
    fee_max: int

    def of(self, amount: int) -> int:
        """Return the fee of *amount*, rounded up to the unit."""
        fee = self.flat - (-amount * self.per_million // PER_MILLION)
        return min(max(fee, self.fee_min), self.fee_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """One charge on payments of one kind."""

    name: str
    kind: str
    """Of `KINDS`."""
    charge: str
    """`switch_fee` or `interchange`."""
    payer: str
    """`debtor` or `creditor`: whose fee account is debited."""
    receiver: str
    """`debtor`, `creditor`, or the short name of a participant."""
    tiers: tuple[Tier, ...]
    """By their bounds, the first from 0."""
    validity: Validity
    source: str

    def with_validity(self, validity: Validity) -> Self:
        """Return the same row with another validity."""
        return replace(self, validity=validity)

    def of(self, amount: int) -> int:
        """Return the fee of a payment of *amount*."""
        return next(tier for tier in reversed(self.tiers) if amount > tier.above).of(amount)


class Tariffs:
    """One version of the table. Immutable: a change makes another."""

    def __init__(self, version: str, tariffs: tuple[Tariff, ...]) -> None:
        """Hold *tariffs*; `parse` sees that they fit together."""
        self.version = version
        self.tariffs = tariffs
        """In their order of the table, by name and first day."""

    def on(self, day: date) -> tuple[Tariff, ...]:
        """Return the tariffs that hold on *day*."""
        return tuple(tariff for tariff in self.tariffs if tariff.validity.covers(day))

    @property
    def receivers(self) -> frozenset[str]:
        """The short names of participants that tariffs are in favour of."""
        return frozenset(tariff.receiver for tariff in self.tariffs) - set(SIDES)


def parse(text: str) -> Tariffs:
    """Return the table that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text))


def read(file: TableRow) -> Tariffs:
    """Return the table that a parsed *file* holds, or raise `RulesError`."""
    version = file.text("version")
    rows = [_tariff(row) for row in file.rows("tariff", optional=True)]
    file.finish()
    try:
        tariffs = arranged(rows, lambda tariff: tariff.name)
    except Overlap as overlap:
        raise file.fault("tariff", "rules.overlap", str(overlap)) from None
    for tariff in tariffs:
        day = tariff.validity.first
        alike = [one for one in tariffs if one.kind == tariff.kind and one.validity.covers(day)]
        if len(alike) > CHARGES_MAX:
            raise RulesError(
                "tariff",
                "tariffs.count",
                f"{len(alike)} hold for {tariff.kind} at once, at most {CHARGES_MAX}",
                is_between_rows=True,
            )
    return Tariffs(version, tariffs)


def _tariff(row: TableRow) -> Tariff:
    tariff = Tariff(
        name=row.text("name"),
        kind=row.choice("kind", KINDS),
        charge=row.choice("charge", CHARGES),
        payer=row.choice("payer", SIDES),
        receiver=row.text("receiver"),
        tiers=tuple(_tier(tier) for tier in row.rows("tier")),
        validity=row.validity(),
        source=row.text("source"),
    )
    row.finish()
    if tariff.receiver == tariff.payer:
        raise row.fault("receiver", "tariffs.receiver", f"the {tariff.payer} would pay itself")
    if tariff.charge == INTERCHANGE and tariff.receiver not in SIDES:
        hint = "interchange goes to the other side; what others get is a switch fee"
        raise row.fault("receiver", "tariffs.receiver", hint)
    bounds = [tier.above for tier in tariff.tiers]
    if not bounds or bounds[0] != 0 or bounds != sorted(set(bounds)):
        hint = "the first tier is above 0, and each bound is greater than the one before"
        raise row.fault("tier", "tariffs.tiers", hint)
    if len(bounds) > TIERS_MAX:
        raise row.fault("tier", "tariffs.tiers", f"at most {TIERS_MAX} tiers")
    return tariff


def _tier(row: TableRow) -> Tier:
    tier = Tier(
        above=row.amount("above", 0),
        flat=row.amount("flat", 0),
        per_million=row.amount("per_million", 0),
        fee_min=row.amount("min", 0),
        fee_max=row.amount("max", AMOUNT_MAX),
    )
    row.finish()
    if tier.per_million > PER_MILLION:
        raise row.fault("per_million", "tariffs.per_million", "a fee is no more than the amount")
    if tier.fee_min > tier.fee_max:
        raise row.fault("max", "tariffs.bounds", "it is below min")
    return tier
