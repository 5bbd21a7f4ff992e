"""The rails by which an order reaches another bank, and what each demands, as rows with dates.

There are three kinds: *instant* (around the clock, final at once), *cycle* (collected and cleared
at fixed hours) and *gross* (one by one against money at the central bank, in its opening hours).
Amounts are in rial. A row of a kind ends where the next of its kind begins, and two never
hold on one day, so there is one answer to "what was the rule on that day?".
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from types import MappingProxyType
from typing import Self, TypeVar

from payvand.switch.rules.table_row import AMOUNT_MAX, RulesError, TableRow, parse_toml
from payvand.switch.rules.validity import Dated, Overlap, Validity, arranged, in_force

__all__ = [
    "ANY_CHANNEL",
    "BRANCH",
    "CHANNELS",
    "CYCLE",
    "GROSS",
    "INSTANT",
    "INTERBANK",
    "REMOTE",
    "Cycles",
    "Exemption",
    "Fee",
    "Hours",
    "Limit",
    "Preference",
    "Rail",
    "Rails",
    "Week",
    "parse",
    "read",
]

INSTANT = "instant"
CYCLE = "cycle"
GROSS = "gross"
KINDS = (INSTANT, CYCLE, GROSS)

REMOTE = "remote"
BRANCH = "branch"
INTERBANK = "interbank"
CHANNELS = (REMOTE, BRANCH, INTERBANK)
"""How an order came in: over the net, at a counter, or between banks on their own account."""
ANY_CHANNEL = "any"

PER_MILLION = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dated:
    """What all rows have."""

    validity: Validity
    source: str

    def with_validity(self, validity: Validity) -> Self:
        """Return the same row with another validity."""
        return replace(self, validity=validity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(_Dated):
    """What an order may amount to; both ends are allowed themselves."""

    channel: str
    """Of `CHANNELS`, or `ANY_CHANNEL`."""
    order_min: int
    order_max: int
    customer_day_max: int
    """What all of a customer's orders of a day may amount to."""
    beneficiary_day_orders_max: int
    """How many orders of a day one beneficiary may get."""

    @property
    def has_order_max(self) -> bool:
        """Tell whether `order_max` bounds anything."""
        return self.order_max < AMOUNT_MAX

    @property
    def has_customer_day_max(self) -> bool:
        """Tell whether `customer_day_max` bounds anything."""
        return self.customer_day_max < AMOUNT_MAX

    @property
    def has_beneficiary_day_orders_max(self) -> bool:
        """Tell whether `beneficiary_day_orders_max` bounds anything."""
        return self.beneficiary_day_orders_max < AMOUNT_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours(_Dated):
    """The opening hours of a gross rail."""

    on: frozenset[date]
    """The days that the row is for, before all others; empty where it is for all."""
    open: time
    customer_close: time
    """Orders of customers come in before this; it is the first minute that is too late."""
    interbank_close: time
    runs_on_holidays: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Week(_Dated):
    """The days of the week on which a rail rests."""

    closed: frozenset[int]
    """As `date.weekday()` numbers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycles(_Dated):
    """When batches are cleared; an order belongs to the first cycle after it."""

    workday: tuple[time, ...]
    holiday: tuple[time, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee(_Dated):
    """What an order costs its customer."""

    per_million: int
    fee_min: int
    fee_max: int

    def of(self, amount: int) -> int:
        """Return the fee of an order of *amount*, rounded up to the rial.

        No circular tells the rounding; up is this switch's choice.
        """
        fee = -(-amount * self.per_million // PER_MILLION)
        return min(max(fee, self.fee_min), self.fee_max)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference(_Dated):
    """Which rail is tried first."""

    order: tuple[str, ...]
    urgent: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption(_Dated):
    """Banks whose orders, in and out, are outside the limits of amount."""

    bank_codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rail:
    """A rail and all its rows."""

    name: str
    kind: str
    """Of `INSTANT`, `CYCLE` and `GROSS`."""
    title_en: str
    title_fa: str
    around_the_clock: bool
    needs_creditor_online: bool
    """It can't reach a bank that is down; a rail that stores and forwards can."""
    source: str
    limits: tuple[Limit, ...]
    hours: tuple[Hours, ...]
    weeks: tuple[Week, ...]
    cycles: tuple[Cycles, ...]
    fees: tuple[Fee, ...]

    def limit_on(self, day: date, channel: str) -> Limit | None:
        """Return the limit of *channel* on *day*; a row for it goes before one for all."""
        rows = [limit for limit in self.limits if limit.channel == channel]
        rows += [limit for limit in self.limits if limit.channel == ANY_CHANNEL]
        return in_force(rows, day)

    def hours_on(self, day: date) -> Hours | None:
        """Return the opening hours of *day*, where the rail is open on it at all."""
        special = next((hours for hours in self.hours if day in hours.on), None)
        return special or in_force((hours for hours in self.hours if not hours.on), day)


class Rails:
    """One version of the table. Immutable: a change makes another."""

    def __init__(
        self,
        version: str,
        rails: Iterable[Rail],
        preferences: tuple[Preference, ...],
        exemptions: tuple[Exemption, ...],
    ) -> None:
        """Hold *rails* with what goes for all of them; `parse` sees that they fit together."""
        self.version = version
        self.rails: Mapping[str, Rail] = MappingProxyType({rail.name: rail for rail in rails})
        """By name."""
        self.preferences = preferences
        self.exemptions = exemptions


def parse(text: str) -> Rails:
    """Return the table that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text))


def read(file: TableRow) -> Rails:
    """Return the table that a parsed *file* holds, or raise `RulesError`."""
    version = file.text("version")
    preferences = _arranged(file, "preference", map(_preference, file.rows("preference")))
    exemptions = _arranged(
        file, "exemption", map(_exemption, file.rows("exemption", optional=True))
    )
    rails: dict[str, Rail] = {}
    for row in file.rows("rail"):
        rail = _rail(row)
        if rail.name in rails:
            raise row.fault("name", "rails.twice", f"{rail.name} has a row already")
        rails[rail.name] = rail
    file.finish()
    for preference in preferences:
        for name in preference.order + preference.urgent:
            if name not in rails:
                raise RulesError("preference", "rails.missing", f"{name} has no row")
    return Rails(version, rails.values(), preferences, exemptions)


def _rail(row: TableRow) -> Rail:
    kind = row.choice("kind", KINDS)
    rail = Rail(
        name=row.text("name"),
        kind=kind,
        title_en=row.text("title_en"),
        title_fa=row.text("title_fa"),
        around_the_clock=row.flag("around_the_clock"),
        needs_creditor_online=row.flag("needs_creditor_online"),
        source=row.text("source"),
        limits=_arranged(row, "limit", map(_limit, row.rows("limit")), lambda limit: limit.channel),
        hours=_arranged(
            row,
            "hours",
            map(_hours, row.rows("hours", optional=kind != GROSS)),
            lambda hours: hours.on,
        ),
        weeks=_arranged(row, "week", map(_week, row.rows("week", optional=kind == INSTANT))),
        cycles=_arranged(row, "cycles", map(_cycles, row.rows("cycles", optional=kind != CYCLE))),
        fees=_arranged(row, "fee", map(_fee, row.rows("fee", optional=True))),
    )
    row.finish()
    if rail.around_the_clock != (kind == INSTANT):
        hint = "an instant rail runs around the clock, and no other does"
        raise row.fault("around_the_clock", "rails.kind", hint)
    return rail


def _limit(row: TableRow) -> Limit:
    channel = row.text("channel", ANY_CHANNEL)
    if channel not in (*CHANNELS, ANY_CHANNEL):
        raise row.fault("channel", "rules.choice", "one of " + ", ".join(CHANNELS))
    limit = Limit(
        validity=row.validity(),
        source=row.text("source"),
        channel=channel,
        order_min=row.amount("order_min", 0),
        order_max=row.amount("order_max", AMOUNT_MAX),
        customer_day_max=row.amount("customer_day_max", AMOUNT_MAX),
        beneficiary_day_orders_max=row.amount("beneficiary_day_orders_max", AMOUNT_MAX),
    )
    row.finish()
    if limit.order_min > limit.order_max:
        raise row.fault("order_max", "rails.limit", "it is below order_min")
    return limit


def _hours(row: TableRow) -> Hours:
    on = frozenset(row.days("on")) if not row.is_missing("on") else frozenset()
    hours = Hours(
        validity=Validity(min(on), max(on)) if on else row.validity(),
        source=row.text("source"),
        on=on,
        open=row.hour("open"),
        customer_close=row.hour("customer_close"),
        interbank_close=row.hour("interbank_close"),
        runs_on_holidays=row.flag("runs_on_holidays"),
    )
    row.finish()
    if not hours.open < hours.customer_close <= hours.interbank_close:
        hint = "it opens, closes for customers and then between banks, in this order"
        raise row.fault("open", "rails.hours", hint)
    return hours


def _week(row: TableRow) -> Week:
    week = Week(validity=row.validity(), source=row.text("source"), closed=row.weekdays("closed"))
    row.finish()
    if len(week.closed) == 7:
        raise row.fault("closed", "rails.week", "a rail that rests on all days is none")
    return week


def _cycles(row: TableRow) -> Cycles:
    cycles = Cycles(
        validity=row.validity(),
        source=row.text("source"),
        workday=row.hours("workday"),
        holiday=row.hours("holiday"),
    )
    row.finish()
    if not cycles.workday:
        raise row.fault("workday", "rails.cycles", "give at least one cycle")
    return cycles


def _fee(row: TableRow) -> Fee:
    fee = Fee(
        validity=row.validity(),
        source=row.text("source"),
        per_million=row.amount("per_million"),
        fee_min=row.amount("min"),
        fee_max=row.amount("max"),
    )
    row.finish()
    if fee.fee_min > fee.fee_max:
        raise row.fault("max", "rails.fee", "it is below min")
    return fee


def _preference(row: TableRow) -> Preference:
    preference = Preference(
        validity=row.validity(),
        source=row.text("source"),
        order=row.texts("order"),
        urgent=row.texts("urgent"),
    )
    row.finish()
    return preference


def _exemption(row: TableRow) -> Exemption:
    exemption = Exemption(
        validity=row.validity(),
        source=row.text("source"),
        bank_codes=frozenset(row.texts("bank_codes")),
    )
    row.finish()
    return exemption


Row = TypeVar("Row", bound=Dated)


def _arranged(
    parent: TableRow,
    key: str,
    rows: Iterable[Row],
    kind: Callable[[Row], Hashable] = lambda row: "",
) -> tuple[Row, ...]:
    try:
        return arranged(rows, kind)
    except Overlap as overlap:
        raise parent.fault(key, "rules.overlap", str(overlap)) from None
