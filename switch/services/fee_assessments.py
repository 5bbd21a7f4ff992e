"""FeeAssessmentService: what a case costs by the schedules in force, over gRPC."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Final, NoReturn

import grpc

from payvand.switch.fees.assessment.assessing import assess
from payvand.switch.fees.assessment.facts import Facts
from payvand.switch.fees.assessment.lateness import Unpaid, at_payment
from payvand.switch.fees.assessment.lines import AssessmentError, Line, LineKind
from payvand.switch.fees.assessment.sharing import resolve
from payvand.switch.fees.catalogue.catalogue_in_force import CatalogueInForce
from payvand.switch.fees.catalogue.schedule import Schedule
from payvand.switch.refusing import refuse
from payvand.switch.rules.solar_hijri import DateError, local, moment_at, parse_day
from payvand.v1 import fee_assessment_service_pb2 as pb

__all__ = ["FeeAssessmentServicer"]

_KINDS: Final = {
    LineKind.FEE: pb.ASSESSED_LINE_KIND_FEE,
    LineKind.VALUE_ADDED_TAX: pb.ASSESSED_LINE_KIND_VALUE_ADDED_TAX,
    LineKind.PENALTY: pb.ASSESSED_LINE_KIND_PENALTY,
    LineKind.INTEREST: pb.ASSESSED_LINE_KIND_INTEREST,
    LineKind.REBATE: pb.ASSESSED_LINE_KIND_REBATE,
}


class FeeAssessmentServicer:
    """Serve `payvand.v1.FeeAssessmentService`; the contract says what it promises."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["FeeAssessmentService"]

    def __init__(self, catalogue: CatalogueInForce, clock: Callable[[], int]) -> None:
        """Reckon by *catalogue*; *clock* tells nanoseconds since 1970, for today."""
        self._catalogue = catalogue
        self._clock = clock

    async def Assess(self, request: pb.AssessRequest, context: Any) -> pb.AssessResponse:
        """Reckon what a case costs."""
        schedule = self._catalogue.catalogue.schedule(request.agency)
        if schedule is None:
            hint = f"no schedule of {request.agency or 'no agency'} is in force"
            code = grpc.StatusCode.NOT_FOUND
            await refuse(context, code, "fees.version", hint, field="agency")
        try:
            return self._assessed(schedule, request)
        except AssessmentError as error:
            await _refuse(context, error.field, error.rule, error.hint)

    def _assessed(self, schedule: Schedule, request: pb.AssessRequest) -> pb.AssessResponse:
        facts = _facts_of(request.facts)
        today = local(moment_at(self._clock())).date()
        day = _day_of("day", request.day) or today
        found = assess(schedule, request.service, facts, day=day, explain=request.explain)
        lines, paid_on = found.lines, _day_of("paid_on", request.paid_on)
        if paid_on:
            due = _day_of("due", request.due)
            if due is None:
                raise AssessmentError("due", "date.form", "say when it was due")
            unpaid = [Unpaid(one.fee, one.kind, one.amount, one.share_tree) for one in lines]
            lines += at_payment(
                schedule, request.service, unpaid, due=due, day=paid_on, explain=request.explain
            )
        told = [self._line(schedule, request.service, line) for line in lines]
        if request.explain:
            for line in told:
                line.shares.extend(
                    _shares(schedule, request.service, line, facts, paid_on or today)
                )
        return pb.AssessResponse(
            schedule=schedule.number,
            day=day.isoformat(),
            lines=told,
            total=sum(
                -line.amount if line.kind is LineKind.REBATE else line.amount for line in lines
            ),
        )

    def _line(self, schedule: Schedule, service: str, line: Line) -> pb.AssessedLine:
        known = schedule.services[service]
        rows = (*known.fees, *known.lates, *known.rebates)
        named = next(row for row in rows if row.code == (line.cause or line.fee))
        return pb.AssessedLine(
            kind=_KINDS[line.kind],
            fee=line.fee,
            title_en=named.title_en,
            title_fa=named.title_fa,
            cause=line.cause,
            gross=line.gross,
            reduction=line.reduction,
            reduced_by=line.reduced_by,
            amount=line.amount,
            share_tree=line.share_tree,
            legal_basis=line.legal_basis,
            reasons=line.reasons,
        )


def _facts_of(told: Iterable[pb.FeeFact]) -> dict[str, int | str]:
    facts: dict[str, int | str] = {}
    for fact in told:
        if fact.code in facts:
            raise AssessmentError(f"facts.{fact.code}", "facts.twice", "tell each fact once")
        facts[fact.code] = fact.number if fact.WhichOneof("value") == "number" else fact.choice
    return facts


def _shares(
    schedule: Schedule, service: str, line: pb.AssessedLine, facts: Facts, day: date
) -> list[pb.AssessedShare]:
    shares = resolve(schedule, service, line.share_tree, facts, day=day)
    return [
        pb.AssessedShare(beneficiary=one.code, iban=one.iban, amount=amount)
        for one, amount in zip(shares.beneficiaries, shares.divide(line.amount), strict=True)
    ]


def _day_of(field: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return parse_day(text)
    except DateError as error:
        raise AssessmentError(field, error.rule, error.hint) from None


async def _refuse(context: Any, field: str, rule: str, hint: str) -> NoReturn:
    await refuse(context, grpc.StatusCode.INVALID_ARGUMENT, rule, hint, field=field)
