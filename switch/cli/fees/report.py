"""`payvand fees report`: what the public is told of a day, and whether it is the switch's word."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import click

from payvand.switch.cli.display import named, said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.fees.options import given_day
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, print_json, print_table
from payvand.switch.day_key import read_public_key
from payvand.switch.fees.openness.report import check as checked
from payvand.v1.fee_report_service_pb2 import GetDailyReportResponse

__all__ = ["report"]

KEPT_BACK: Final = "…"
FILE_BYTES_MAX: Final = 64 << 20
existing_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def report() -> None:
    """Publish what was collected on a day, by sector and agency, and check such a report."""


@report.command()
@click.argument("day")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    help="Write DAY.json, which is signed, and DAY.csv there.",
)
@as_json
@door_options(caller="anybody")
def make(door: Door, day: str, folder: Path | None, as_json: bool) -> None:
    """Print the report of the business day that was closed as DAY.

    Where fewer than five paid, figures are kept back, and others with them where one could be
    told from a difference.
    """
    date = given_day(day, "DAY").isoformat()

    async def run() -> GetDailyReportResponse:
        async with door.fee_office() as office:
            return await office.daily_report(date)

    reply = asyncio.run(run())
    signed = {"report": json.loads(reply.report), "signature": reply.signature.hex()}
    if folder is not None:
        text = json.dumps(signed, ensure_ascii=False, indent=1) + "\n"
        (folder / f"{date}.json").write_text(text, encoding="utf-8")
        (folder / f"{date}.csv").write_text(reply.csv, encoding="utf-8")
    if as_json:
        print_json(signed)
    else:
        _print(signed["report"])


@report.command()
@click.argument("file", type=existing_file)
@click.option(
    "--key",
    required=True,
    metavar="PUBLIC",
    help="The switch's public key: a PEM file, or 64 hexadecimal digits.",
)
@click.option("--csv", "csv_file", type=existing_file, help="The report's CSV, to be checked too.")
@as_json
def check(file: Path, key: str, csv_file: Path | None, as_json: bool) -> None:
    """Check the report in FILE; no switch is asked.

    Take the key from the switch's operator, not from who gave you the report. Exit code 1 where
    it isn't what the switch told of the frames under the day's root.
    """
    public_key = read_public_key(key)
    try:
        if file.stat().st_size > FILE_BYTES_MAX:
            raise ValueError(f"the file has more than {FILE_BYTES_MAX:,} bytes")
        signed = json.loads(file.read_text(encoding="utf-8"))
        signature = bytes.fromhex(signed["signature"])
        text = csv_file.read_text(encoding="utf-8") if csv_file is not None else ""
        wrong = checked(signed["report"], signature, public_key, text)
    except (ValueError, KeyError, TypeError) as error:
        wrong = f"it is no report: {error}"
    if as_json:
        print_json({"holds": not wrong, "wrong": wrong})
    elif wrong:
        click.echo(said("the report doesn't hold: {wrong}", wrong=told(wrong)))
    else:
        day = signed["report"]["day"]
        click.echo(
            said(
                "the report of {date} holds; the root of its day is {root}",
                date=day["date"],
                root=day["root"],
            )
        )
    if wrong:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _print(report: dict[str, Any]) -> None:
    rows = [(named("heading", "total"), "", *_figures(report))]
    for sector in report["sectors"]:
        name = named("sector", sector["sector"])
        rows.append((name, "", *_figures(sector)))
        rows += [(name, agency["agency"], *_figures(agency)) for agency in sector["agencies"]]
    title = f"{report['day']['date']} · {report['unit']}"
    print_table(
        ("sector", "agency", "payments", "amount", "refunds", "refunded"),
        rows,
        title=title,
        numbers=2,
    )
    level = report["carts"]["settled_per_million"]
    if level is not None:
        percent = f"{level // 10_000}.{level % 10_000:04}"
        settled = f"{report['carts']['settled']:,}"
        click.echo(
            said("{count} carts settled, {percent} % of those sent", count=settled, percent=percent)
        )


def _figures(entry: dict[str, Any]) -> tuple[str, ...]:
    return tuple(
        KEPT_BACK if entry[kind][figure] is None else amount_text(entry[kind][figure])
        for kind in ("paid", "refunded")
        for figure in ("count", "amount")
    )
