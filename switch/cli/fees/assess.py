"""`payvand fees assess`: what a case costs by a schedule, line by line."""

from datetime import UTC, date, datetime
from typing import Any

import click

from payvand.switch.cli.display import display, named, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.fees.options import (
    DAY_HELP,
    facts_of,
    given_day,
    schedule_named,
)
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.fees.assessment.assessing import assess as assessed
from payvand.switch.fees.assessment.facts import Facts
from payvand.switch.fees.assessment.lateness import Unpaid, at_payment
from payvand.switch.fees.assessment.lines import Assessment, AssessmentError, Line, LineKind
from payvand.switch.fees.assessment.sharing import resolve
from payvand.switch.fees.catalogue.schedule import Beneficiary, Schedule
from payvand.switch.rules.solar_hijri import local, solar_text

__all__ = ["assess"]


@click.command()
@click.argument("schedule")
@click.argument("service")
@click.argument("facts", metavar="[FACT=VALUE]...", nargs=-1)
@click.option("--day", metavar="DAY", help=f"Of the assessment: {DAY_HELP}; today without it.")
@click.option("--due", metavar="DAY", help="The due day, for --paid-on.")
@click.option("--paid-on", metavar="DAY", help="Reckon penalties, interest and rebates too.")
@click.option("--explain", is_flag=True, help="Say how each line came, and who gets which part.")
@as_json
@door_options(caller="anybody")
def assess(
    door: Door,
    schedule: str,
    service: str,
    facts: tuple[str, ...],
    day: str | None,
    due: str | None,
    paid_on: str | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Print what a case of SERVICE costs by SCHEDULE: a file, or an agency whose is in force.

    \b
    payvand fees assess judiciary petition attachment_pages=3 --explain
    payvand fees assess draft.toml fine place=village --due 1405-01-01 --paid-on 1405-03-10

    The exit code is 1 where the case can't be assessed.
    """
    if paid_on and not due:
        raise click.UsageError("say with --due when it was due")
    known = schedule_named(schedule, door, as_json=as_json)
    at = given_day(day, "--day") if day else local(datetime.now(UTC)).date()
    case = facts_of(facts)
    try:
        found = assessed(known, service, case, day=at, explain=explain)
        lines = found.lines
        if paid_on and due:
            at = given_day(paid_on, "--paid-on")
            unpaid = [Unpaid(one.fee, one.kind, one.amount, one.share_tree) for one in lines]
            days = {"due": given_day(due, "--due"), "day": at}
            lines += at_payment(known, service, unpaid, explain=explain, **days)
    except AssessmentError as error:
        _tell_error(known, error, as_json=as_json)
    if as_json:
        shares = [_shares(known, service, line, case, at) for line in lines] if explain else None
        print_json(_json_of(found, lines, shares))
    else:
        _print(known, found, lines, case, at, explain=explain)


def _tell_error(schedule: Schedule, error: AssessmentError, *, as_json: bool) -> None:
    if as_json:
        print_json({"field": error.field, "rule": error.rule, "hint": error.hint})
    else:
        click.echo(f"{schedule.agency}: {error.field}: {error.rule}: {told(error.hint)}")
    raise click.exceptions.Exit(ANSWER_IS_NO)


def _shares(
    schedule: Schedule, service: str, line: Line, facts: Facts, day: date
) -> list[tuple[Beneficiary, int]]:
    shares = resolve(schedule, service, line.share_tree, facts, day=day)
    return list(zip(shares.beneficiaries, shares.divide(line.amount), strict=True))


def _owed(lines: tuple[Line, ...]) -> int:
    return sum(-one.amount if one.kind is LineKind.REBATE else one.amount for one in lines)


def _print(
    schedule: Schedule,
    found: Assessment,
    lines: tuple[Line, ...],
    facts: Facts,
    day: date,
    *,
    explain: bool,
) -> None:
    service = schedule.services[found.service]
    titles = {one.code: _title(one) for one in (*service.fees, *service.lates, *service.rebates)}
    rows = [
        (
            titles[line.cause or line.fee],
            named("fee_line", line.kind),
            amount_text(line.gross),
            amount_text(line.reduction) if line.reduction else "",
            ("-" if line.kind is LineKind.REBATE else "") + amount_text(line.amount),
        )
        for line in lines
    ]
    rows.append((named("heading", "total"), "", "", "", amount_text(_owed(lines))))
    title = f"{_title(schedule)} · {_title(service)} · {solar_text(found.day)}"
    print_table(("fee", "kind", "gross", "reduction", "amount"), rows, title=title, numbers=2)
    if not explain:
        return
    for line in lines:
        kind = named("fee_line", line.kind)
        click.echo(f"{titles[line.cause or line.fee]} ({kind}): {line.legal_basis}")
        for reason in line.reasons:
            click.echo(f"    {told(reason)}")
        for beneficiary, part in _shares(schedule, found.service, line, facts, day):
            click.echo(f"    → {display().number(amount_text(part))}  {_title(beneficiary)}")


def _title(one: Any) -> str:
    return str(one.title_fa if display().is_persian else one.title_en)


def _json_of(
    found: Assessment,
    lines: tuple[Line, ...],
    shares: list[list[tuple[Beneficiary, int]]] | None,
) -> dict[str, Any]:
    told: list[dict[str, Any]] = [
        {
            "fee": line.fee,
            "kind": line.kind,
            "cause": line.cause or None,
            "gross": str(line.gross),
            "reduction": str(line.reduction),
            "reduced_by": line.reduced_by or None,
            "amount": str(line.amount),
            "share_tree": line.share_tree,
            "legal_basis": line.legal_basis,
        }
        for line in lines
    ]
    for entry, line, parts in zip(told, lines, shares or [], strict=False):
        entry |= {
            "reasons": list(line.reasons),
            "shares": [
                {"beneficiary": one.code, "iban": one.iban, "amount": str(part)}
                for one, part in parts
            ],
        }
    return {
        "agency": found.agency,
        "service": found.service,
        "version": found.number or None,
        "digest": found.digest,
        "day": found.day.isoformat(),
        "lines": told,
        "total": str(_owed(lines)),
    }
