"""The assessment of one case, line by line, with the reason of each step where it is asked for.

It is a pure function of a schedule, the facts and a day. `plan` does the same for many cases at
once; a property of the tests holds the two equal to the rial.
"""

from collections.abc import Iterator, Mapping
from datetime import date

from payvand.switch.fees.assessment.facts import Facts, known_facts, service_of
from payvand.switch.fees.assessment.lines import Assessment, AssessmentError, Line, LineKind
from payvand.switch.fees.assessment.rounding import PER_MILLION, rate_text, rounded, tax_within
from payvand.switch.fees.catalogue.schedule import (
    AMOUNT_MAX,
    BANDED,
    FIXED,
    PER_UNIT,
    RANGED,
    RELATIONAL,
    Band,
    Fee,
    Reduction,
    Schedule,
    Service,
)

__all__ = ["assess"]


def assess(
    schedule: Schedule, service: str, facts: Facts, *, day: date, explain: bool = False
) -> Assessment:
    """Return what a case costs by *schedule* on *day*.

    Args:
        schedule: the version that holds.
        service: a code of the schedule.
        facts: of the case, by code.
        day: by Tehran's clock; rows in force then count.
        explain: give each line its reasons.

    Raises `AssessmentError`.
    """
    known_service = service_of(schedule, service)
    known = known_facts(schedule, known_service, facts)
    fees = known_service.fees_on(day)
    if not fees:
        hint = f"no fee of {service} is in force on that day"
        raise AssessmentError("day", "service.not_charged", hint)
    case = _Case(known_service, known, day, explain=explain)
    lines = [line for fee in fees for line in case.lines(fee)]
    if not lines:
        hint = "no fee is for a case with these facts: look at the conditions of the service's fees"
        raise AssessmentError("facts", "facts.nothing_charged", hint)
    if sum(line.amount for line in lines) > AMOUNT_MAX:
        raise _too_much("facts")
    return Assessment(
        agency=schedule.agency,
        service=service,
        number=schedule.number,
        digest=schedule.digest,
        day=day,
        lines=tuple(lines),
    )


class _Case:
    """What is known of a case while its fees are reckoned one after another."""

    def __init__(
        self, service: Service, facts: Mapping[str, int | str], day: date, *, explain: bool
    ) -> None:
        self._service = service
        self._facts = facts
        self._explain = explain
        self._gross: dict[str, int] = {}
        """Of each fee so far, for those that are a part of it."""
        self._reductions = [
            one
            for one in service.reductions
            if one.validity.covers(day) and one.condition.holds(facts)
        ]

    def lines(self, fee: Fee) -> Iterator[Line]:
        """Yield the line of a fee and that of its tax; none where it isn't charged."""
        if not fee.condition.holds(self._facts):
            return
        reasons: list[str] = []
        if fee.condition:
            reasons.append(f"charged as {fee.condition}")
        gross = self._gross_of(fee, reasons)
        if gross > AMOUNT_MAX:
            raise _too_much(f"facts.{fee.of}" if fee.of in self._facts else "facts")
        self._gross[fee.code] = gross
        remainder, by = self._reduced(fee, gross)
        if by is not None:
            reasons.append(_reduction_text(by, gross - remainder))
        tax = fee.value_added
        gross_tax = net_tax = 0
        if tax is not None and tax.is_included:
            gross_tax = tax_within(gross, tax.per_million)
            net_tax = tax_within(remainder, tax.per_million)
            gross, remainder = gross - gross_tax, remainder - net_tax
            reasons.append(f"{net_tax:,} of it is value-added tax and has its own line")
        elif tax is not None:
            gross_tax = rounded(gross * tax.per_million, PER_MILLION)
            net_tax = rounded(remainder * tax.per_million, PER_MILLION)
        by_code = by.code if by is not None else ""
        yield _line(
            LineKind.FEE, fee, gross, remainder, by_code, fee.share_tree, self._told(reasons)
        )
        if tax is not None:
            base = "within the fee" if tax.is_included else f"of {remainder:,}"
            told = self._told([f"value-added tax, {rate_text(tax.per_million)} {base}"])
            kind = LineKind.VALUE_ADDED_TAX
            yield _line(kind, fee, gross_tax, net_tax, by_code, tax.share_tree, told)

    def _told(self, reasons: list[str]) -> tuple[str, ...]:
        return tuple(reasons) if self._explain else ()

    def _gross_of(self, fee: Fee, reasons: list[str]) -> int:
        if fee.kind == FIXED:
            reasons.append(f"fixed: {fee.amount:,}")
            return rounded(fee.amount, 1, fee.rounding, fee.round_to)
        value = self._gross.get(fee.of, 0) if fee.kind == RELATIONAL else self._facts[fee.of]
        assert isinstance(value, int)
        if fee.kind == PER_UNIT:
            units = max(value - fee.units_free, 0)
            free = f" (the first {fee.units_free:,} are free)" if fee.units_free else ""
            reasons.append(f"{units:,} of {fee.of}{free} at {fee.amount:,} each")
            return rounded(units * fee.amount, 1, fee.rounding, fee.round_to)
        if fee.kind == BANDED:
            band = next(
                band for band in reversed(fee.bands) if band.above < value or not band.above
            )
            reasons.append(f"{fee.of} {value:,} is in the band {_band_text(band)}")
            numerator = band.amount * PER_MILLION + value * band.per_million
        elif fee.kind == RANGED:
            numerator = sum(self._range_parts(fee, value, reasons))
            if not value:
                reasons.append(f"{fee.of} is 0")
        else:
            reasons.append(f"{rate_text(fee.per_million)} of {fee.of}, {value:,}")
            numerator = value * fee.per_million
        amount = rounded(numerator, PER_MILLION, fee.rounding, fee.round_to)
        if amount < fee.amount_min:
            reasons.append(f"{amount:,} is below the least, {fee.amount_min:,}")
        if amount > fee.amount_max:
            reasons.append(f"{amount:,} is above the most, {fee.amount_max:,}")
        return min(max(amount, fee.amount_min), fee.amount_max)

    def _range_parts(self, fee: Fee, value: int, reasons: list[str]) -> Iterator[int]:
        """Yield what each range adds, in millionths of a rial."""
        ends = [*(band.above for band in fee.bands[1:]), None]
        for band, end in zip(fee.bands, ends, strict=True):
            part = (value if end is None else min(value, end)) - band.above
            if part > 0:
                reasons.append(
                    f"{rate_text(band.per_million)} of the {part:,} of {fee.of} above "
                    f"{band.above:,}"
                )
                yield part * band.per_million

    def _reduced(self, fee: Fee, gross: int) -> tuple[int, Reduction | None]:
        """Return what is left of a fee by the greatest reduction, and which that is."""
        least, by = gross, None
        for one in self._reductions:
            if one.fees and fee.code not in one.fees:
                continue
            kept = rounded(
                gross * (PER_MILLION - one.per_million), PER_MILLION, fee.rounding, fee.round_to
            )
            remainder = max(min(kept, gross), gross - min(one.reduction_max, gross))
            if remainder < least:
                least, by = remainder, one
        return least, by


def _line(
    kind: LineKind,
    fee: Fee,
    gross: int,
    amount: int,
    reduced_by: str,
    share_tree: str,
    reasons: tuple[str, ...],
) -> Line:
    return Line(
        kind=kind,
        fee=fee.code,
        cause="",
        gross=gross,
        reduction=gross - amount,
        reduced_by=reduced_by,
        amount=amount,
        share_tree=share_tree,
        legal_basis=fee.legal_basis,
        reasons=reasons,
    )


def _too_much(field: str) -> AssessmentError:
    hint = f"the amount is above {AMOUNT_MAX:,}: look for a slip in the facts"
    return AssessmentError(field, "amount.range", hint)


def _band_text(band: Band) -> str:
    where = f"above {band.above:,}" if band.above else "from 0 on"
    parts = [f"{band.amount:,}"] if band.amount or not band.per_million else []
    parts += [rate_text(band.per_million)] if band.per_million else []
    return f"{where}: {' and '.join(parts)}"


def _reduction_text(one: Reduction, reduction: int) -> str:
    why = f", as {one.condition}" if one.condition else ""
    return f"{one.title_en}{why}: {reduction:,} less ({one.legal_basis})"
