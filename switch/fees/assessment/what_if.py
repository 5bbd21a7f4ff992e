"""What the cases of the past would have brought under another schedule.

Both schedules reckon each case as of its own day, so rows that begin later than all cases change
nothing: to see what they bring, ask with the days moved (`days_later`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.switch.fees.assessment.facts import Facts
from payvand.switch.fees.assessment.lines import AssessmentError
from payvand.switch.fees.assessment.plan import CaseStatus, Plan
from payvand.switch.fees.catalogue.schedule import Schedule

__all__ = ["FeeChange", "PastCase", "ServiceChange", "WhatIf", "what_if"]

CHUNK_CASES: Final = 50_000
"""Cases that are held and reckoned at a time."""


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case that was assessed once."""

    service: str
    day: date
    facts: Facts


@dataclass(slots=True)
class FeeChange:
    """What a fee brought, tax within, and what it would have brought."""

    before: int = 0
    after: int = 0


@dataclass(slots=True)
class ServiceChange:
    """What a service brought, and what it would have brought."""

    cases: int = 0
    before: int = 0
    after: int = 0
    dearer: int = 0
    """Cases that would have cost more."""
    cheaper: int = 0
    refused_before: int = 0
    """Cases that the schedule can't assess; they count as nothing."""
    refused_after: int = 0


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All that would have been otherwise."""

    services: dict[str, ServiceChange]
    fees: dict[tuple[str, str], FeeChange]
    """By service and fee."""


def what_if(
    before: Schedule, after: Schedule, cases: Iterable[PastCase], *, days_later: int = 0
) -> WhatIf:
    """Return what *cases* brought under *before*, and would have brought under *after*.

    Args:
        before: the schedule that was in force.
        after: the other one, for example a draft.
        cases: in any order, of any number.
        days_later: under *after*, reckon each case so many days after its own.
    """
    found = WhatIf({}, {})
    later = timedelta(days=days_later)
    for service, day, facts in _chunks(cases):
        change = found.services.setdefault(service, ServiceChange())
        change.cases += len(facts)
        totals = []
        for schedule, at in ((before, day), (after, day + later)):
            is_before = schedule is before
            total, refused, by_fee = _reckoned(schedule, service, at, facts)
            totals.append(total)
            for fee, amount in by_fee.items():
                fee_change = found.fees.setdefault((service, fee), FeeChange())
                fee_change.before += amount if is_before else 0
                fee_change.after += 0 if is_before else amount
            change.refused_before += refused if is_before else 0
            change.refused_after += 0 if is_before else refused
        change.before += int(totals[0].sum(dtype=object))
        change.after += int(totals[1].sum(dtype=object))
        change.dearer += int((totals[1] > totals[0]).sum())
        change.cheaper += int((totals[1] < totals[0]).sum())
    return found


def _reckoned(
    schedule: Schedule, service: str, day: date, facts: list[Facts]
) -> tuple[npt.NDArray[np.uint64], int, dict[str, int]]:
    """Return the total of each case, how many are refused, and what each fee brings in all."""
    totals = np.zeros(len(facts), np.uint64)
    try:
        plan = Plan(schedule, service, day)
    except AssessmentError:
        return totals, len(facts), {}
    matrix, fits = _matrix(plan, facts)
    amounts = plan.reckon(matrix)
    totals[fits] = amounts.totals
    refused = len(facts) - len(fits) + int((amounts.statuses != CaseStatus.FINE).sum())
    by_fee: dict[str, int] = defaultdict(int)
    for row, name in enumerate(plan.lines):
        by_fee[name.fee] += int(amounts.amounts[row].sum(dtype=object))
    return totals, refused, by_fee


def _matrix(plan: Plan, facts: list[Facts]) -> tuple[npt.NDArray[np.uint64], list[int]]:
    """Return the facts that *plan* takes, and the places of the cases that they are of."""
    try:
        return plan.matrix(facts), list(range(len(facts)))
    except AssessmentError:
        fits = [place for place, one in enumerate(facts) if _is_taken(plan, one)]
        return plan.matrix([facts[place] for place in fits]), fits


def _is_taken(plan: Plan, facts: Facts) -> bool:
    try:
        plan.matrix([facts])
    except AssessmentError:
        return False
    return True


def _chunks(cases: Iterable[PastCase]) -> Iterator[tuple[str, date, list[Facts]]]:
    """Yield cases of one service and day together."""
    held: dict[tuple[str, date], list[Facts]] = defaultdict(list)
    count = 0
    for case in cases:
        held[case.service, case.day].append(case.facts)
        count += 1
        if count == CHUNK_CASES:
            for (service, day), facts in held.items():
                yield service, day, facts
            held.clear()
            count = 0
    for (service, day), facts in held.items():
        yield service, day, facts
