"""`payvand submit`: send a payment file, and say what became of every instruction of it."""

import asyncio
import time
from pathlib import Path
from typing import Final

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from payvand.switch.cli.callers import sender_of
from payvand.switch.cli.display import said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, listening_at, switch_options
from payvand.switch.cli.printing import progress_console
from payvand.switch.cli.problems import JsonReport, Report, TextReport
from payvand.switch.cli.submission import Submission
from payvand.switch.files import PaymentFile, open_payment_file

__all__ = ["submit"]

WAIT_S: Final = 120.0


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--wait", is_flag=True, help="Wait until every payment has its final state.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=WAIT_S,
    show_default=True,
    help="How many seconds --wait waits at most.",
)
@click.option("--check", is_flag=True, help="Read the file and prove its totals; send nothing.")
@as_json
@switch_options(named=True)
def submit(
    file: Path,
    wait: bool,
    timeout: float,
    check: bool,
    as_json: bool,
    address: str | None,
    certificates: Path | None,
    data: Path,
    holder: str | None,
) -> None:
    """Send FILE: ISO 20022 pain.001 (versions 03 to 12), or CSV with a header row.

    The form is told by the content. The file is read as a stream, and its totals are proved before
    anything is sent; a file that is wrong as a whole is refused with the line and the rule. Each
    instruction that gets nowhere is a line with the field and the rule; the others stand.
    Sending a file again is safe: the ids of its payments follow from what is in it.

    Without --as or --certificates the sender is the bank of the first debtor's account, if the
    data folder holds that bank's certificate.

    Exit code 1 where any instruction was refused, declined, rejected or expired.
    """
    asyncio.run(
        _submit(
            open_payment_file(file),
            JsonReport() if as_json else TextReport(),
            address=address or listening_at(data),
            certificates=certificates,
            authority=data / "certificates",
            holder=holder,
            wait_s=timeout if wait else None,
            check=check,
        )
    )


async def _submit(
    file: PaymentFile,
    report: Report,
    *,
    address: str,
    certificates: Path | None,
    authority: Path,
    holder: str | None,
    wait_s: float | None,
    check: bool,
) -> None:
    summary = file.inspect()
    started = time.monotonic()
    with _progress() as progress:
        bar = progress.add_task(file.path.name, total=summary.instructions)
        submission = Submission(
            file, report, advance=lambda count: progress.update(bar, advance=count)
        )
        if check:
            report.begin(file.path.name, summary)
            submission.check()
            in_time = True
        else:
            if certificates is None:
                certificates = await _sender(file, address, authority, holder, progress)
            report.begin(file.path.name, summary)
            async with Door(address, certificates).bank() as bank:
                await submission.send(bank)
                in_time = wait_s is None or await submission.wait(bank, wait_s)
    report.end(submission.states, seconds=time.monotonic() - started)
    if not in_time:
        progress.console.print(
            said(
                "{payments} payments are still reserved after {seconds} s",
                payments=f"{len(submission.reserved):,}",
                seconds=f"{wait_s:g}",
            )
        )
    if not submission.all_went_through or not in_time:
        raise click.exceptions.Exit(ANSWER_IS_NO)


async def _sender(
    file: PaymentFile, address: str, authority: Path, holder: str | None, progress: Progress
) -> Path:
    if holder is None:
        holder, own = await sender_of(file, address=address, certificates=authority)
        if own:
            progress.console.print(
                said("sending as {bank}, which holds the debtor's account", bank=holder)
            )
        else:
            progress.console.print(
                said(
                    "sending as {bank}: no debtor's account is at a bank of this switch",
                    bank=holder,
                )
            )
    return authority / holder


def _progress() -> Progress:
    console = progress_console()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
