"""`payvand bench SUBJECT`: measure on this machine, and prove the books afterwards.

Figures go to stdout, as tables for people or as one JSON object; progress goes to stderr. The exit
code is 1 where the books don't prove after a run, and 3 where the machine lacks what it takes.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from payvand.bench.domestic import DOMESTIC
from payvand.bench.fees import FEES
from payvand.bench.ledger import LEDGER
from payvand.bench.projecting import PROJECT
from payvand.bench.reconciling import RECONCILE
from payvand.bench.scoring import RISK
from payvand.bench.settling import SETTLE
from payvand.bench.show import show
from payvand.bench.switch import SWITCH
from payvand.bench.workbench import Subject, run
from payvand.core.errors import PayvandFault

__all__ = ["bench"]

SCRATCH = Path("/var/tmp")  # noqa: S108 - a disk by the standard, where /tmp may be memory
EXIT_NOT_PROVED = 1
EXIT_FAULT = 3


@click.group()
def bench() -> None:
    """Measure on this machine, each figure beside a peer or a limit."""


def _command(subject: Subject) -> click.Command:
    """Make the command of one subject."""

    def measure(
        only: tuple[str, ...],
        quick: bool,
        as_json: bool,
        folder: Path,
        plots: Path | None = None,
        tls: str = "on",
    ) -> None:
        console = Console(stderr=True)
        with console.status("starting") as status:

            def tell(words: str) -> None:
                status.update(words)
                if not console.is_terminal:
                    console.print(words, highlight=False)

            try:
                report = run(
                    subject,
                    folder=folder,
                    only=only,
                    quick=quick,
                    tell=tell,
                    plots=plots,
                    tls=tls == "on",
                )
            except PayvandFault as fault:
                console.print(f"[red]{type(fault).__name__}[/red]: {fault}", highlight=False)
                sys.exit(EXIT_FAULT)
        if as_json:
            click.echo(json.dumps(report.as_json(), indent=2))
        else:
            show(report, Console())
        if not report.proved:
            sys.exit(EXIT_NOT_PROVED)

    options: list[Callable[[Callable[..., None]], Callable[..., None]]] = [
        click.option(
            "--only",
            multiple=True,
            metavar="NAME",
            type=click.Choice(list(subject.measures)),
            help="Run this one alone; may be given again.",
        ),
        click.option("--quick", is_flag=True, help="Take seconds: shows that it works."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        click.option(
            "--folder",
            type=click.Path(file_okay=False, exists=True, writable=True, path_type=Path),
            default=SCRATCH,
            show_default=True,
            help="Where journals and databases of the run go; a real disk.",
        ),
    ]
    if subject.plot is not None:
        options.append(
            click.option(
                "--plots",
                type=click.Path(file_okay=False, path_type=Path),
                metavar="FOLDER",
                help="Measure curves instead, and write a page of plots into this folder.",
            )
        )
    if subject.over_grpc:
        options.append(
            click.option(
                "--tls",
                type=click.Choice(["on", "off"]),
                default="on",
                show_default=True,
                help="Whether banks connect by mutual TLS or in the clear.",
            )
        )
    callback: Callable[..., None] = measure
    for option in reversed(options):
        callback = option(callback)
    names = "\n\n".join(f"  {name}" for name in subject.measures)
    return click.command(
        subject.name, help=f"{subject.title}\n\n\b\nResults:\n{names.replace(chr(10) * 2, chr(10))}"
    )(callback)


for _subject in (LEDGER, SWITCH, SETTLE, PROJECT, RECONCILE, DOMESTIC, FEES, RISK):
    bench.add_command(_command(_subject))


if __name__ == "__main__":
    bench()
