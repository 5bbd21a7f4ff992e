"""Which rail carries an order, rule by rule: the choice and its reasons, as of any moment.

Rails are tried in the order of preference of the day. Each rule that was asked is a `Step` with the
row that answered it: the days on which that row holds and where it comes from. So "what was
the rule on that day at that hour?" has an answer that can be printed. An order that waits for
another day must keep that day's limits too.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.rules.banks import Holding
from payvand.switch.rules.calendar import Day, DayKind
from payvand.switch.rules.rails import GROSS, INSTANT, Limit, Rail
from payvand.switch.rules.rulebook import Rulebook
from payvand.switch.rules.solar_hijri import WEEKDAYS, local, moment_text, solar_text
from payvand.switch.rules.validity import Validity, in_force

__all__ = ["Choice", "Order", "Step", "choose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be carried, as far as a rail minds."""

    amount: int
    """In rial."""
    debtor_bank: str
    """The three digits of the bank code in the debtor's IBAN."""
    creditor_bank: str
    channel: str = "remote"
    """Of `rails.CHANNELS`."""
    is_urgent: bool = False
    customer_day_amount: int = 0
    """What the customer's other orders of this day on the instant rail amount to."""
    beneficiary_day_orders: int = 0
    """How many orders of this day the beneficiary got on it before."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rule that was asked."""

    rule: str
    """Its stable id, for example `rail.order_max`."""
    rail: str
    """Of which rail; empty where it is asked before any."""
    holds: bool
    text: str
    """The answer in words, with the figures."""
    validity: str
    """The days on which the row that answered holds; empty where no row was asked."""
    source: str
    """Where the row comes from."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The rail that carries an order, when, and by which rules."""

    rail: Rail | None
    """None where no rail does."""
    carried_at: datetime | None
    fee: int | None
    """In rial; None where no tariff of the day is known."""
    steps: tuple[Step, ...]


def choose(
    rulebook: Rulebook, order: Order, at: datetime, *, unreachable: frozenset[str] = frozenset()
) -> Choice:
    """Choose the rail of *order* at the moment *at*, while the banks in *unreachable* are down.

    *unreachable* holds bank codes; the bank that succeeded to the creditor's counts as it.
    """
    asking = _Asking(rulebook, order, at, unreachable)
    if not asking.banks_are_there():
        return Choice(None, None, None, tuple(asking.steps))
    for name in asking.rails_by_preference():
        rail = rulebook.rails.rails[name]
        if not asking.carries(rail):
            continue
        carried_at = asking.carried_at(rail)
        if carried_at is not None and asking.carries_on(rail, local(carried_at).date()):
            fee = in_force(rail.fees, asking.day)
            amount = None if fee is None else fee.of(order.amount)
            return Choice(rail, carried_at, amount, tuple(asking.steps))
    return Choice(None, None, None, tuple(asking.steps))


class _Asking:
    """One order asked through the rules, with the steps so far."""

    def __init__(
        self, rulebook: Rulebook, order: Order, at: datetime, unreachable: frozenset[str]
    ) -> None:
        self.steps: list[Step] = []
        self.day: date = local(at).date()
        self._rulebook = rulebook
        self._order = order
        self._at = at
        self._unreachable = unreachable
        self._codes: set[str] = set()
        self._creditor_codes: set[str] = set()

    def banks_are_there(self) -> bool:
        """Ask who holds both banks' codes on the day."""
        sides = (("debtor", self._order.debtor_bank), ("creditor", self._order.creditor_bank))
        for side, code in sides:
            try:
                holding = self._rulebook.banks.holder(code, self.day)
            except IdentifierError as error:
                self._step(error.rule, "", False, f"{side}'s bank {code}: {error.hint}")
                return False
            codes = {code, holding.bank.code}
            self._codes |= codes
            if side == "creditor":
                self._creditor_codes = codes
            source = f"banks, version {self._rulebook.banks.version}"
            self._step(
                f"bank.{side}",
                "",
                True,
                _holding_text(side, holding),
                holding.bank.validity,
                source,
            )
        return True

    def rails_by_preference(self) -> tuple[str, ...]:
        """Ask which rail is tried first."""
        row = in_force(self._rulebook.rails.preferences, self.day)
        if row is None:
            self._step("preference", "", False, "no order of preference is known for this day")
            return ()
        names = row.urgent if self._order.is_urgent else row.order
        text = ("urgent: " if self._order.is_urgent else "") + ", then ".join(names)
        self._step("preference", "", True, text, row.validity, row.source)
        return names

    def carries(self, rail: Rail) -> bool:
        """Ask all that does not depend on the hour."""
        return self._limits_hold(rail, self.day) and self._reaches(rail)

    def carries_on(self, rail: Rail, day: date) -> bool:
        """Ask for the limits of *day* too, where it is another than that of the order."""
        return day == self.day or self._limits_hold(rail, day)

    def carried_at(self, rail: Rail) -> datetime | None:
        """Ask when *rail* carries the order; None where the rows of these days are not known."""
        calendar = self._rulebook.calendar(rail.name)
        moment = calendar.next_time(self._at, self._order.channel)
        if rail.kind == INSTANT:
            self._step("rail.hours", rail.name, True, "around the clock", None, rail.source)
            return moment
        self._day_step(rail, calendar.day(self.day))
        row = rail.hours_on(self.day) if rail.kind == GROSS else in_force(rail.cycles, self.day)
        rule = "rail.hours" if rail.kind == GROSS else "rail.cycle"
        if moment is None:
            self._step(rule, rail.name, False, "no hours are known for this day and those after it")
            return None
        waits = moment > local(self._at)
        text = f"{'waits until' if waits else 'carried at'} {moment_text(moment)}"
        if row is None:
            self._step(rule, rail.name, True, f"{text}; no hours are known for this day")
        else:
            self._step(rule, rail.name, True, text, row.validity, row.source)
        return moment

    def _limits_hold(self, rail: Rail, day: date) -> bool:
        exemption = in_force(self._rulebook.rails.exemptions, day)
        if exemption is not None and exemption.bank_codes & self._codes:
            text = "orders to and from this bank are outside the limits"
            self._step("rail.exempt", rail.name, True, text, exemption.validity, exemption.source)
            return True
        limit = rail.limit_on(day, self._order.channel)
        if limit is None:
            text = f"no limit of {solar_text(day)} is known for the channel {self._order.channel}"
            self._step("rail.limit", rail.name, False, text)
            return False
        for rule, holds, text in self._bounds(limit):
            self._step(rule, rail.name, holds, text, limit.validity, limit.source)
            if not holds:
                return False
        return True

    def _bounds(self, limit: Limit) -> list[tuple[str, bool, str]]:
        """Return each bound that *limit* sets: its rule, whether it holds, and why."""
        order, amount = self._order, f"{self._order.amount:,}"
        bounds = []
        if limit.order_min:
            holds = order.amount >= limit.order_min
            text = f"{amount} is {'at least' if holds else 'below'} {limit.order_min:,}"
            bounds.append(("rail.order_min", holds, text))
        if limit.has_order_max:
            holds = order.amount <= limit.order_max
            text = f"{amount} is {'at most' if holds else 'above'} {limit.order_max:,}"
            bounds.append(("rail.order_max", holds, text))
        if limit.has_customer_day_max:
            total = order.amount + order.customer_day_amount
            holds = total <= limit.customer_day_max
            text = (
                f"{total:,} of the customer this day is {'at most' if holds else 'above'}"
                f" {limit.customer_day_max:,} ({limit.channel})"
            )
            bounds.append(("rail.customer_day_max", holds, text))
        if limit.has_beneficiary_day_orders_max:
            number = order.beneficiary_day_orders + 1
            holds = number <= limit.beneficiary_day_orders_max
            text = (
                f"order {number} to the beneficiary this day, of {limit.beneficiary_day_orders_max}"
            )
            bounds.append(("rail.beneficiary_day_orders_max", holds, text))
        return bounds

    def _reaches(self, rail: Rail) -> bool:
        down = bool(self._unreachable & self._creditor_codes)
        if not down:
            return True
        if rail.needs_creditor_online:
            text = "the creditor's bank is down, and this rail needs it now"
            self._step("rail.reach", rail.name, False, text, None, rail.source)
            return False
        text = "the creditor's bank is down; this rail keeps the order for it"
        self._step("rail.reach", rail.name, True, text, None, rail.source)
        return True

    def _day_step(self, rail: Rail, day: Day) -> None:
        text = f"{WEEKDAYS[self.day.weekday()]} {solar_text(self.day)} is a {day.kind.value}"
        if day.kind is DayKind.REST:
            text = f"{WEEKDAYS[self.day.weekday()]} {solar_text(self.day)} is a day of rest"
        if day.holiday is not None:
            text += f" ({day.holiday.name_en}{', estimated' if day.holiday.is_estimated else ''})"
        if not day.is_known:
            text += ", as far as is known: the holiday set does not reach so far"
        holidays = self._rulebook.holidays
        source = f"holidays, version {holidays.version}"
        week = in_force(rail.weeks, self.day)
        if day.kind is DayKind.REST and week is not None:
            self._step("rail.day", rail.name, True, text, week.validity, week.source)
        else:
            self._step("rail.day", rail.name, True, text, holidays.covers, source)

    def _step(
        self,
        rule: str,
        rail: str,
        holds: bool,
        text: str,
        validity: Validity | None = None,
        source: str = "",
    ) -> None:
        days = "" if validity is None else str(validity)
        self.steps.append(Step(rule, rail, holds, text, days, source))


def _holding_text(side: str, holding: Holding) -> str:
    text = f"{side}'s bank {holding.code} is {holding.bank.name_en}"
    for step in holding.successions:
        since = ""
        if step.last > date.min:
            since = f" on {solar_text(step.last + timedelta(days=1))}"
        text += f"; {step.successor} succeeded to {step.code}{since}"
    return text
