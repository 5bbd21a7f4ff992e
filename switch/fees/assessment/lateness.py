"""What comes on top of a bill, or off it, on the day on which it is paid.

After the due day penalties and interest come on top of what is unpaid, by the rows in force on the
due day; before it rebates come off. What is owed never falls from one day to the next: each row
counts days upwards, and a rebate only ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from payvand.switch.fees.assessment.facts import service_of
from payvand.switch.fees.assessment.lines import AssessmentError, Line, LineKind
from payvand.switch.fees.assessment.rounding import PER_MILLION, rate_text, rounded
from payvand.switch.fees.catalogue.schedule import AMOUNT_MAX, Late, Rebate, Schedule, Service

__all__ = ["Unpaid", "at_payment"]


@dataclass(frozen=True, slots=True)
class Unpaid:
    """What is still to be paid of a line of a bill."""

    fee: str
    """The code of its fee."""
    kind: LineKind
    """`FEE` or `VALUE_ADDED_TAX`; on the tax nothing comes on top."""
    amount: int
    share_tree: str


def at_payment(
    schedule: Schedule,
    service: str,
    unpaid: Sequence[Unpaid],
    *,
    due: date,
    day: date,
    since: date | None = None,
    explain: bool = False,
) -> tuple[Line, ...]:
    """Return the lines that come on top of, or off, what is *unpaid* when it is paid on *day*.

    A line of the kind `REBATE` comes off, others on top. A rebate needs the whole to be paid; a
    bill that was paid in part before gets none, so leave them out of it.

    Args:
        schedule: by which the bill was assessed.
        service: a code of the schedule.
        unpaid: what is left of each line of the bill.
        due: its due day.
        day: of the payment.
        since: the day up to which was reckoned already, where part was paid late; None for never.
        explain: give each line its reasons.

    Raises `AssessmentError` where the schedule has no such service or fee.
    """
    known = service_of(schedule, service)
    fees = {fee.code for fee in known.fees}
    for one in unpaid:
        if one.fee not in fees:
            hint = f"{service} has the fees {', '.join(sorted(fees))}"
            raise AssessmentError(f"unpaid.{one.fee}", "fee.unknown", hint)
    if day > due:
        lines = _late_lines(known, unpaid, due, day, since, explain=explain)
    else:
        lines = _rebate_lines(known, unpaid, due, day, explain=explain)
    return tuple(lines)


def times_late(late: Late, days: int) -> int:
    """Return how often *late* has come on top so many days after the due day."""
    beyond = days - late.grace_days
    if beyond <= 0:
        return 0
    return -(-beyond // late.every_days) if late.every_days else 1


def _late_lines(
    service: Service,
    unpaid: Sequence[Unpaid],
    due: date,
    day: date,
    since: date | None,
    *,
    explain: bool,
) -> Iterator[Line]:
    for one in unpaid:
        if one.kind is not LineKind.FEE:
            continue
        for late in service.lates:
            if not late.validity.covers(due) or (late.fees and one.fee not in late.fees):
                continue
            rate = _rate(late, (day - due).days)
            before = _rate(late, (since - due).days) if since is not None else 0
            # Rounded before it is subtracted, parts reckoned one by one come to the whole.
            amount = _part(one.amount, rate) - _part(one.amount, before)
            if amount:
                days = (day - due).days
                reason = (
                    f"{days:,} days after the due day, the first {late.grace_days:,} free: "
                    f"{rate_text(rate - before)} of {one.amount:,}"
                )
                yield _line(
                    LineKind(late.kind),
                    one,
                    late,
                    min(amount, AMOUNT_MAX),
                    late.share_tree or one.share_tree,
                    (reason,) if explain else (),
                )


def _rebate_lines(
    service: Service, unpaid: Sequence[Unpaid], due: date, day: date, *, explain: bool
) -> Iterator[Line]:
    days = (due - day).days
    for one in unpaid:
        if one.kind is not LineKind.FEE:
            continue
        held = [
            rebate
            for rebate in service.rebates
            if rebate.validity.covers(due)
            and days >= rebate.days_before_due
            and (not rebate.fees or one.fee in rebate.fees)
        ]
        greatest = max(held, key=lambda rebate: rebate.per_million, default=None)
        amount = _part(one.amount, greatest.per_million) if greatest else 0
        if greatest is not None and amount:
            reason = (
                f"{days:,} days before the due day, at least {greatest.days_before_due:,}: "
                f"{rate_text(greatest.per_million)} of {one.amount:,}"
            )
            why = (reason,) if explain else ()
            yield _line(LineKind.REBATE, one, greatest, amount, one.share_tree, why)


def _rate(late: Late, days: int) -> int:
    return min(times_late(late, days) * late.per_million, late.per_million_max)


def _part(amount: int, per_million: int) -> int:
    return rounded(amount * per_million, PER_MILLION)


def _line(
    kind: LineKind,
    unpaid: Unpaid,
    cause: Late | Rebate,
    amount: int,
    share_tree: str,
    reasons: tuple[str, ...],
) -> Line:
    return Line(
        kind=kind,
        fee=unpaid.fee,
        cause=cause.code,
        gross=amount,
        reduction=0,
        reduced_by="",
        amount=amount,
        share_tree=share_tree,
        legal_basis=cause.legal_basis,
        reasons=reasons,
    )
