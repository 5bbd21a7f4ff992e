"""The facts of a case, checked against what its service asks for."""

from collections.abc import Mapping

from payvand.switch.fees.assessment.lines import AssessmentError
from payvand.switch.fees.catalogue.schedule import CHOICE, PAYER, FactKind, Schedule, Service

__all__ = ["Facts", "default_of", "known_facts", "service_of"]

Facts = Mapping[str, int | str]
"""By code: amounts in rial and counts as integers, choices as texts; `payer` is a payer class."""


def service_of(schedule: Schedule, code: str) -> Service:
    """Return the service of a code, or raise `AssessmentError`."""
    service = schedule.services.get(code)
    if service is None:
        hint = f"{schedule.agency} has the services {', '.join(schedule.services)}"
        raise AssessmentError("service", "service.unknown", hint)
    return service


def known_facts(schedule: Schedule, service: Service, facts: Facts) -> dict[str, int | str]:
    """Return all facts of a case, with defaults where they aren't told; `payer` is among them.

    Raises `AssessmentError`.
    """
    for code in facts:
        if code not in service.facts and code != PAYER:
            asked = ", ".join([*service.facts, PAYER])
            raise AssessmentError(f"facts.{code}", "facts.unknown", f"{service.code} asks {asked}")
    known = {code: _value(kind, facts.get(code)) for code, kind in service.facts.items()}
    payer = facts.get(PAYER, "")
    if payer and payer not in schedule.payer_classes:
        hint = f"one of {', '.join(schedule.payer_classes) or 'none'}; leave it out for others"
        raise AssessmentError(f"facts.{PAYER}", "facts.choice", hint)
    known[PAYER] = payer
    return known


def default_of(kind: FactKind) -> int | str:
    """Return what holds where a fact isn't told, or raise `AssessmentError`."""
    if kind.default is None:
        hint = f"tell it: {kind.title_en}, {_wanted(kind)}"
        raise AssessmentError(f"facts.{kind.code}", "facts.missing", hint)
    return kind.default


def _value(kind: FactKind, told: int | str | None) -> int | str:
    field = f"facts.{kind.code}"
    if told is None:
        return default_of(kind)
    if kind.kind == CHOICE:
        if told not in kind.choices:
            raise AssessmentError(field, "facts.choice", _wanted(kind))
        return told
    if not isinstance(told, int) or isinstance(told, bool):
        raise AssessmentError(field, "facts.type", f"an integer, not {str(told)[:40]!r}")
    if not kind.value_min <= told <= kind.value_max:
        raise AssessmentError(field, "facts.range", f"{_wanted(kind)}, not {told:,}")
    return told


def _wanted(kind: FactKind) -> str:
    if kind.kind == CHOICE:
        return f"one of {', '.join(kind.choices)}"
    return f"from {kind.value_min:,} to {kind.value_max:,}"
