"""`payvand fees what-if`: what the cases of the past would have brought under a draft."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from payvand.switch.cli.display import said
from payvand.switch.cli.fees.options import (
    facts_of,
    given_day,
    schedule_file,
    schedule_named,
    schedule_of,
)
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.fees.assessment.what_if import PastCase, WhatIf
from payvand.switch.fees.assessment.what_if import what_if as compared

__all__ = ["what_if"]


@click.command("what-if")
@click.argument("draft", type=schedule_file)
@click.option(
    "--beside", metavar="SCHEDULE", required=True, help="A file, or an agency whose is in force."
)
@click.option(
    "--history",
    type=schedule_file,
    required=True,
    help="CSV of cases with the columns day, service and one for each fact.",
)
@click.option("--days-later", type=int, default=0, help="Reckon DRAFT so many days after each day.")
@as_json
@door_options(caller="anybody")
def what_if(
    door: Door, draft: Path, beside: str, history: Path, days_later: int, as_json: bool
) -> None:
    """Print what the cases of --history brought, and would have brought under DRAFT."""
    before = schedule_named(beside, door, as_json=as_json)
    after = schedule_of(draft, as_json=as_json)
    found = compared(before, after, _cases(history), days_later=days_later)
    if as_json:
        print_json(_json_of(found))
    else:
        _print(found)


def _cases(history: Path) -> Iterator[PastCase]:
    with history.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"day", "service"} <= set(rows.fieldnames or ()):
            raise click.BadParameter(
                "its first line names the columns, day and service among them",
                param_hint="--history",
            )
        for row in rows:
            day, service = row.pop("day"), row.pop("service")
            facts = facts_of(f"{code}={value}" for code, value in row.items() if value)
            hint = f"--history, line {rows.line_num}"
            yield PastCase(service, given_day(day, hint), facts)


def _print(found: WhatIf) -> None:
    print_table(
        ("service", "fee", "before", "after", "difference"),
        [
            (service, fee, *map(amount_text, (one.before, one.after)), _signed(one))
            for (service, fee), one in found.fees.items()
        ],
        numbers=2,
    )
    print_table(
        ("service", "cases", "before", "after", "difference", "dearer", "cheaper", "refused"),
        [
            (
                service,
                *map(amount_text, (one.cases, one.before, one.after)),
                _signed(one),
                *map(amount_text, (one.dearer, one.cheaper, one.refused_after)),
            )
            for service, one in found.services.items()
        ],
        numbers=1,
    )
    refused = sum(one.refused_before for one in found.services.values())
    if refused:
        click.echo(said("{count} cases can't be assessed by the schedule before", count=refused))


def _signed(one: Any) -> str:
    return f"{one.after - one.before:+,}"


def _json_of(found: WhatIf) -> dict[str, Any]:
    return {
        "services": [
            {
                "service": service,
                "cases": one.cases,
                "before": str(one.before),
                "after": str(one.after),
                "dearer": one.dearer,
                "cheaper": one.cheaper,
                "refused_before": one.refused_before,
                "refused_after": one.refused_after,
                "fees": [
                    {"fee": fee, "before": str(change.before), "after": str(change.after)}
                    for (of, fee), change in found.fees.items()
                    if of == service
                ],
            }
            for service, one in found.services.items()
        ]
    }
