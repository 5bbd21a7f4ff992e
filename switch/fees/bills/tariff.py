"""What bills ask of an agency's fee schedule: terms, charges, and whose the money is."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date

from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.lateness import Unpaid, at_payment
from payvand.switch.fees.assessment.lines import AssessmentError, Line, LineKind
from payvand.switch.fees.assessment.sharing import Shares, resolve
from payvand.switch.fees.bills.bill import BillLine, BillRefused
from payvand.switch.fees.catalogue.schedule import BillTerms, Schedule
from payvand.switch.identifiers.bill import BillId, make

__all__ = ["Facts", "Tariff", "TariffOf", "TermsOf"]

Facts = Mapping[str, int | str]


class Tariff:
    """The schedule of one agency that is in force, as bills ask it."""

    def __init__(self, schedule: Schedule) -> None:
        """Ask *schedule*."""
        self._schedule = schedule
        self.version = schedule.number
        """Its number; 0 of a file that no switch has taken in."""

    def terms(self, service: str) -> BillTerms:
        """Return the terms of a service; raises `BillRefused` where there is no such service."""
        found = self._schedule.services.get(service)
        if found is None:
            raise BillRefused("service", "service.unknown", "the schedule has no such service")
        return found.terms

    def bill_id(self, file_code: str) -> BillId:
        """Return the bill id of a subscriber; raises `BillRefused` or `IdentifierError`."""
        schedule = self._schedule
        if not schedule.service_digit:
            hint = "the schedule has no company code and no service digit for bill ids"
            raise BillRefused("id_parts", "bill_id.company", hint)
        return make(file_code, schedule.company_code, int(schedule.service_digit))

    def share_tree(self, service: str, fee: str, kind: str, day: date) -> str:
        """Return the share tree of a fee's line; raises `BillRefused` for an unknown fee."""
        for one in self._schedule.services[service].fees_on(day):
            if one.code == fee:
                if kind != LineKind.VALUE_ADDED_TAX:
                    return one.share_tree
                if one.value_added is not None:
                    return one.value_added.share_tree
        raise BillRefused("fee", "fee.unknown", f"the schedule charges no {kind} {fee!r} today")

    def assess(self, service: str, facts: Facts, day: date) -> tuple[BillLine, ...]:
        """Return what a case costs; raises `BillRefused` where that can't be said."""
        try:
            assessment = assess(self._schedule, service, facts, day=day)
        except AssessmentError as error:
            raise BillRefused(error.field, error.rule, error.hint) from error
        return tuple(
            BillLine(line.fee, str(line.kind), line.amount, line.share_tree)
            for line in assessment.lines
            if line.amount
        )

    def changes_with_time(self, service: str, due: date, day: date) -> bool:
        """Tell whether anything may come on top of a bill, or off it, on *day*."""
        known = self._schedule.services.get(service)
        return known is not None and bool(known.lates if day > due else known.rebates)

    def at_payment(
        self,
        service: str,
        unpaid: Sequence[Unpaid],
        due: date,
        day: date,
        since: date | None,
    ) -> tuple[Line, ...]:
        """Return what comes on top or off; raises `BillRefused` where that can't be said."""
        try:
            return at_payment(self._schedule, service, unpaid, due=due, day=day, since=since)
        except AssessmentError as error:
            raise BillRefused(error.field, error.rule, error.hint) from error

    def shares(self, service: str, tree: str, facts: Facts, day: date) -> Shares:
        """Return whose the money of a tree is on *day*; raises `BillRefused` where none holds."""
        try:
            return resolve(self._schedule, service, tree, facts, day=day)
        except AssessmentError as error:
            raise BillRefused(error.field, error.rule, error.hint) from error


TariffOf = Callable[[str], Tariff | None]
"""The tariff in force of an agency, by its short name."""

TermsOf = Callable[[str, int], Awaitable[Tariff | None]]
"""The tariff of an agency by the number of a version: the terms that a bill was made by."""
