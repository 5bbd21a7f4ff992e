"""`payvand fees forecast`: what an agency may expect to collect on the next days."""

import asyncio
import csv
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from payvand.switch.cli.display import display, said
from payvand.switch.cli.fees.options import given_day, schedule_file
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.fees.forecasting import DAYS_MAX, Forecast
from payvand.switch.fees.forecasting import forecast as forecasted
from payvand.switch.rules.rulebook import load
from payvand.switch.rules.solar_hijri import WEEKDAYS, WEEKDAYS_FA, solar_text
from payvand.v1.fee_report_service_pb2 import GetDailyTotalsResponse

__all__ = ["forecast"]


@click.command()
@click.argument("agency", default="")
@click.option("--days", type=click.IntRange(1, DAYS_MAX), default=14, show_default=True)
@click.option(
    "--history",
    type=schedule_file,
    help="CSV with the columns day and paid, instead of what the switch collected.",
)
@as_json
@door_options(caller="anybody")
def forecast(door: Door, agency: str, days: int, history: Path | None, as_json: bool) -> None:
    """Print what AGENCY may expect to collect on the next days, from its own history.

    The way that missed least in the past is used; by how much each missed is told. Four of five
    days of the past were within the range.
    """
    collected = _from_file(history) if history is not None else _from_switch(door, agency)
    if not collected:
        raise click.UsageError("nothing was collected yet, so nothing can be forecast")
    first, last = min(collected), max(collected)
    whole = [collected.get(first + timedelta(days=n), 0) for n in range((last - first).days + 1)]
    found = forecasted(first, whole, days, holidays=load().holidays.days)
    if as_json:
        print_json(_json_of(found))
    else:
        _print(found)


def _from_switch(door: Door, agency: str) -> dict[date, int]:
    async def run() -> GetDailyTotalsResponse:
        async with door.fee_office() as office:
            return await office.daily_totals(agency)

    reply = asyncio.run(run())
    collected = {date.fromisoformat(one.day): one.paid for one in reply.days}
    if collected:  # The last whole day counts, also where it brought nothing.
        collected.setdefault(date.fromisoformat(reply.last), 0)
    return collected


def _from_file(history: Path) -> dict[date, int]:
    with history.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.DictReader(lines)
        if not {"day", "paid"} <= set(rows.fieldnames or ()):
            raise click.BadParameter(
                "its first line names the columns, day and paid among them", param_hint="--history"
            )
        collected: dict[date, int] = {}
        for row in rows:
            hint = f"--history, line {rows.line_num}"
            if not row["paid"].isdigit():
                raise click.BadParameter("paid is an amount in rial", param_hint=hint)
            collected[given_day(row["day"], hint)] = int(row["paid"])
    return collected


def _print(found: Forecast) -> None:
    names = WEEKDAYS_FA if display().is_persian else WEEKDAYS
    rows = [
        (
            solar_text(one.day),
            names[one.day.weekday()],
            "*" if one.is_holiday else "",
            *map(amount_text, (one.expected, one.low, one.high)),
        )
        for one in found.days
    ]
    total = sum(one.expected for one in found.days)
    rows.append(("", "", "", amount_text(total), "", ""))
    print_table(("day", "weekday", "holiday", "expected", "from", "to"), rows, numbers=3)
    for name, miss in found.misses.items():
        is_used = "*" if name == found.model else " "
        click.echo(
            said(
                "{mark} {model} missed {miss} % in {trials} trials",
                mark=is_used,
                model=name,
                miss=f"{miss * 100:.1f}",
                trials=found.trials,
            )
        )
    click.echo(said("from {days} days of history", days=f"{found.history_days:,}"))


def _json_of(found: Forecast) -> dict[str, Any]:
    return {
        "days": [
            {
                "day": one.day.isoformat(),
                "is_holiday": one.is_holiday,
                "expected": str(one.expected),
                "low": str(one.low),
                "high": str(one.high),
            }
            for one in found.days
        ],
        "model": found.model,
        "misses_per_million": {
            name: round(miss * 1_000_000) for name, miss in found.misses.items()
        },
        "trials": found.trials,
        "history_days": found.history_days,
    }
