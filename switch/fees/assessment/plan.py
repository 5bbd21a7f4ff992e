"""A plan: a service's fees on a day, made ready for many cases at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from payvand.switch.fees.assessment.facts import Facts, default_of, known_facts, service_of
from payvand.switch.fees.assessment.lines import AssessmentError, LineKind
from payvand.switch.fees.assessment.reckoning import BAND, CUT, STEP, TERM, Steps
from payvand.switch.fees.catalogue.condition import Condition
from payvand.switch.fees.catalogue.schedule import (
    CHOICE,
    FEE_KINDS,
    FIXED,
    PAYER,
    RELATIONAL,
    ROUNDINGS,
    Fee,
    Schedule,
    Service,
)

__all__ = ["Amounts", "CaseStatus", "LineName", "Plan"]

CASES_MAX: Final = 1 << 20
"""Of one call: 64 lines of as many take a gigabyte."""


class CaseStatus(IntEnum):
    """What became of a case; each is the rule that it broke."""

    FINE = 0
    FACT_OUT_OF_RANGE = 1
    AMOUNT_OUT_OF_RANGE = 2
    NOTHING_CHARGED = 3


@dataclass(frozen=True, slots=True)
class LineName:
    """What a line of all cases is."""

    kind: LineKind
    fee: str
    share_tree: str
    legal_basis: str


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the cases of a call cost, a line a row."""

    gross: npt.NDArray[np.uint64]
    """[lines, cases], before reductions."""
    amounts: npt.NDArray[np.uint64]
    """[lines, cases], to be paid; 0 where a line isn't charged."""
    statuses: npt.NDArray[np.uint8]
    """[cases], of `CaseStatus`; what isn't fine has no amounts."""

    @property
    def totals(self) -> npt.NDArray[np.uint64]:
        """[cases], what all lines come to."""
        totals: npt.NDArray[np.uint64] = self.amounts.sum(axis=0, dtype=np.uint64)
        return totals


class Plan:
    """What a service costs on a day, for many cases at once; immutable.

    It gives what `assess` gives, to the rial.
    """

    lines: tuple[LineName, ...]
    """In the order of the rows of `Amounts`."""
    facts: tuple[str, ...]
    """In the order of the rows of the matrix that `reckon` takes; the payer is the last."""

    def __init__(self, schedule: Schedule, service: str, day: date) -> None:
        """Make it of the rows in force on *day*; raises `AssessmentError` as `assess` does."""
        self._schedule = schedule
        self._service = service_of(schedule, service)
        fees = self._service.fees_on(day)
        if not fees:
            hint = f"no fee of {service} is in force on that day"
            raise AssessmentError("day", "service.not_charged", hint)
        self.facts = (*self._service.facts, PAYER)
        self._places = _places(schedule, self._service)
        made = _Arrays(self.facts, self._places)
        for fee in fees:
            made.add(self._service, fee, day)
        self._steps = Steps(*made.arrays(), *self._bounds())
        self._rows = [row for row, name in enumerate(made.names) if name is not None]
        self.lines = tuple(name for name in made.names if name is not None)

    def matrix(self, cases: Sequence[Facts]) -> npt.NDArray[np.uint64]:
        """Return the facts of *cases* as `reckon` takes them; raises `AssessmentError`."""
        rows = [
            [
                self._places[code][str(value)] if code in self._places else value
                for code, value in known_facts(self._schedule, self._service, facts).items()
            ]
            for facts in cases
        ]
        return np.array(rows, np.uint64).reshape(len(cases), len(self.facts)).T.copy()

    def columns(self, columns: Mapping[str, Any], count: int) -> npt.NDArray[np.uint64]:
        """Return the facts of *count* cases as `reckon` takes them, from a column for each.

        A column is an array of integers, of a choice its places; or one value for all cases. A
        fact without a column has its default. Raises `AssessmentError`.
        """
        for code in columns:
            if code not in self.facts:
                asked = ", ".join(self.facts)
                raise AssessmentError(f"facts.{code}", "facts.unknown", f"asked are {asked}")
        matrix = np.empty((len(self.facts), count), np.uint64)
        for row, code in enumerate(self.facts):
            value = columns.get(code)
            if value is None:
                value = "" if code == PAYER else default_of(self._service.facts[code])
            matrix[row] = self.place(code, value) if isinstance(value, str) else value
        return matrix

    def reckon(self, facts: npt.NDArray[np.uint64]) -> Amounts:
        """Return what the cases cost whose facts are the columns of *facts*, a row for each."""
        if facts.shape[1] > CASES_MAX:
            raise ValueError(f"at most {CASES_MAX} cases a call, not {facts.shape[1]}")
        gross, amounts, statuses = self._steps.reckon(facts)
        if len(self._rows) < len(gross):
            gross, amounts = gross[self._rows], amounts[self._rows]
        return Amounts(gross, amounts, statuses)

    def place(self, fact: str, choice: str) -> int:
        """Return the place of a choice, by which columns name it; "" is a payer of no class."""
        place = self._places[fact].get(choice)
        if place is None:
            hint = f"one of {', '.join(filter(None, self._places[fact]))}"
            raise AssessmentError(f"facts.{fact}", "facts.choice", hint)
        return place

    def _bounds(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
        low, high = [], []
        for code in self.facts:
            if code in self._places:
                low.append(0)
                high.append(max(self._places[code].values()))
            else:
                low.append(self._service.facts[code].value_min)
                high.append(self._service.facts[code].value_max)
        return np.array(low, np.uint64), np.array(high, np.uint64)


class _Arrays:
    """The arrays of steps, while they are made."""

    def __init__(self, facts: Sequence[str], places: Mapping[str, Mapping[Any, int]]) -> None:
        self.names: list[LineName | None] = []
        self._fact_row = {code: row for row, code in enumerate(facts)}
        self._places = places
        self._step_of: dict[str, int] = {}
        self._steps: list[tuple[int, ...]] = []
        self._bands: list[tuple[int, ...]] = []
        self._terms: list[tuple[int, ...]] = []
        self._cuts: list[tuple[int, ...]] = []

    def arrays(
        self,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        return (
            np.array(self._steps, STEP),
            np.array(self._bands, BAND),
            np.array(self._terms, TERM),
            np.array(self._cuts, CUT),
        )

    def add(self, service: Service, fee: Fee, day: date) -> None:
        """Make the step of a fee."""
        band_first = len(self._bands)
        self._bands += [(band.above, band.amount, band.per_million) for band in fee.bands]
        terms = self._add_terms(fee.condition)
        cuts = [
            (one.per_million, one.reduction_max, *self._add_terms(one.condition))
            for one in service.reductions
            if one.validity.covers(day) and (not one.fees or fee.code in one.fees)
        ]
        cut_first = len(self._cuts)
        self._cuts += cuts
        self._steps.append(
            (
                FEE_KINDS.index(fee.kind),
                ROUNDINGS.index(fee.rounding),
                self._source(fee),
                fee.amount,
                fee.units_free,
                fee.per_million,
                fee.amount_min,
                fee.amount_max,
                fee.round_to,
                *(band_first, len(self._bands)),
                *terms,
                *(cut_first, len(self._cuts)),
                0 if fee.value_added is None else 1 if fee.value_added.is_included else 2,
                fee.value_added.per_million if fee.value_added else 0,
            )
        )
        self._step_of[fee.code] = len(self._steps) - 1
        self._name(fee)

    def _add_terms(self, condition: Condition) -> tuple[int, int]:
        first = len(self._terms)
        for fact, choices in condition.allowed:
            bits = sum(1 << self._places[fact][choice] for choice in choices)
            self._terms.append((self._fact_row[fact], bits))
        return first, len(self._terms)

    def _source(self, fee: Fee) -> int:
        if fee.kind == FIXED:
            return 0
        return self._step_of[fee.of] if fee.kind == RELATIONAL else self._fact_row[fee.of]

    def _name(self, fee: Fee) -> None:
        self.names.append(LineName(LineKind.FEE, fee.code, fee.share_tree, fee.legal_basis))
        tax = fee.value_added
        self.names.append(
            LineName(LineKind.VALUE_ADDED_TAX, fee.code, tax.share_tree, fee.legal_basis)
            if tax is not None
            else None
        )


def _places(schedule: Schedule, service: Service) -> dict[str, dict[str, int]]:
    """Return the place of each choice of each fact that has choices."""
    choices = {code: kind.choices for code, kind in service.facts.items() if kind.kind == CHOICE}
    choices[PAYER] = ("", *schedule.payer_classes)
    return {
        code: {choice: place for place, choice in enumerate(known)}
        for code, known in choices.items()
    }
