"""`payvand demo`: a whole day of payments on this machine, and the proof of it."""

import asyncio
import json
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from payvand.switch.cli.display import named, said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import as_json
from payvand.switch.cli.printing import amount_text, print_table, progress_console
from payvand.switch.cli.verify import proof_line
from payvand.switch.cli.windows import print_window, window_json
from payvand.switch.directory_file import load
from payvand.switch.sandbox.day import INSTRUCTIONS_MIN
from payvand.switch.sandbox.demo import Played, play
from payvand.switch.sandbox.demo import stay as stay_open
from payvand.switch.sandbox.participant import Standing

__all__ = ["demo"]

DATA: Final = Path("payvand-demo")
INSTRUCTIONS: Final = 60_000
INTERRUPTED: Final = 130
LISTEN: Final = "127.0.0.1:7420"
"""Where the switch listens that stays: where the other commands look by themselves."""
LINES_EVERY_S: Final = 2.0
"""Where nobody watches a terminal, how often a line tells how far it is."""
STATES: Final = ("settled", "reserved", "rejected", "declined", "expired")


@click.command()
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA,
    show_default=True,
    help="Where the demo lives; what is there is carried on.",
)
@click.option(
    "--directory",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Who takes part; six banks and three government services by default.",
)
@click.option(
    "--payments",
    "instructions",
    type=click.IntRange(min=INSTRUCTIONS_MIN, max=10_000_000),
    default=INSTRUCTIONS,
    show_default=True,
    help="How many instructions a day has, about.",
)
@click.option("--seed", type=int, default=1405, show_default=True, help="What they are drawn from.")
@click.option(
    "--acceptance-deadline",
    "deadline_s",
    type=click.IntRange(1, 3_600),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long a creditor's bank has for its answer.",
)
@click.option(
    "--stay",
    is_flag=True,
    help="Afterwards keep the switch and everybody running until Ctrl-C, to try them.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    default=LISTEN,
    show_default=True,
    help="Where the switch listens that stays.",
)
@as_json
def demo(
    data: Path,
    directory: Path | None,
    instructions: int,
    seed: int,
    deadline_s: int,
    stay: bool,
    listen: str,
    as_json: bool,
) -> None:
    """Play a day: a switch, banks and government services, files, settlement, proofs.

    Each participant is a process of its own that reaches the switch over gRPC with mutual TLS. The
    banks send pain.001 and CSV files: payments between banks, fees, and some that must be
    refused, declined or rejected, that nobody answers, or that are sent twice.

    Ctrl-C at any moment is safe: the next run carries on. After a complete day it plays the next.
    Exit code 1 where a proof fails.
    """
    entries = load(directory or Path(str(files("payvand.switch.sandbox") / "directory.toml")))
    folder = data.absolute()
    # A shell that starts it in the background has it ignore Ctrl-C, which is how it is stopped.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with _Screen() as screen:
        try:
            played = asyncio.run(
                play(
                    folder,
                    entries,
                    instructions=instructions,
                    seed=seed,
                    deadline_s=deadline_s,
                    watcher=screen,
                )
            )
        except KeyboardInterrupt:
            screen.console.print(said("Stopped. Run the same command to carry on from here."))
            raise click.exceptions.Exit(INTERRUPTED) from None
    if as_json:
        click.echo(json.dumps(_json_of(played, data), indent=2, ensure_ascii=False))
    else:
        _print(played, data)
    if stay:
        with _Screen() as screen, suppress(KeyboardInterrupt):
            asyncio.run(
                stay_open(folder, entries, listen=listen, deadline_s=deadline_s, watcher=screen)
            )
    if not played.holds:
        raise click.exceptions.Exit(ANSWER_IS_NO)


class _Screen:
    """Shows on standard error how the day goes: live where somebody watches, else in lines."""

    def __init__(self) -> None:
        self.console = progress_console()
        self._live = Live(console=self.console, transient=True, refresh_per_second=8)
        self._phase = ""
        self._told_at = 0.0
        self._body: Group | Text = Text("")

    def __enter__(self) -> "_Screen":
        if self.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def phase(self, words: str) -> None:
        """Say what is being done now."""
        self._phase = words = told(words)
        if self.console.is_terminal:
            self._live.update(Group(Text(f"{words} …", style="bold"), self._body))
        else:
            self.console.print(f"{words} …")

    def standings(self, standings: Mapping[str, Standing], sendings: int) -> None:
        """Show how the participants stand."""
        sent = sum(one.instructions for one in standings.values())
        if self.console.is_terminal:
            self._body = Group(
                ProgressBar(total=sendings, completed=sent, width=60), _standings_table(standings)
            )
            self._live.update(Group(Text(f"{self._phase} …", style="bold"), self._body))
        elif time.monotonic() - self._told_at >= LINES_EVERY_S:
            self._told_at = time.monotonic()
            counts: Counter[str] = Counter()
            for one in standings.values():
                counts.update({state: count for state, (count, _) in one.sent.items()})
            ends = ", ".join(
                f"{counts[state]:,} {named('payment_state', state)}"
                for state in STATES
                if counts[state]
            )
            self.console.print(
                said(
                    "  {sent} of {sendings} sent; in the banks' books: {ends}",
                    sent=f"{sent:,}",
                    sendings=f"{sendings:,}",
                    ends=ends,
                ),
                soft_wrap=True,
            )


def _standings_table(standings: Mapping[str, Standing]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(named("heading", "participant"))
    for state in STATES:
        table.add_column(named("payment_state", state), justify="right")
    table.add_column(named("heading", "received"), justify="right")
    for name in sorted(standings):
        one = standings[name]
        counts = [one.sent.get(state, (0, ""))[0] for state in STATES]
        received = one.received.get("settled", (0, ""))[0]
        table.add_row(name, *(f"{count:,}" if count else "" for count in counts), f"{received:,}")
    return table


def _json_of(played: Played, data: Path) -> dict[str, Any]:
    reckoning = played.reckoning
    return {
        "day": played.day.number,
        "payments": reckoning.states,
        "payments_per_second": reckoning.pace.per_second,
        "measured": {
            "payments": reckoning.pace.payments,
            "seconds": _seconds_text(reckoning.pace.flow_ns),
            "from": "first submission",
            "to": "last payment settled, rejected or declined",
            "expired_apart": reckoning.pace.expired,
            "seconds_to_last_expiry": _seconds_text(reckoning.pace.expiry_ns),
            "sent_again": reckoning.sent_again,
        },
        "refused_by_rule": reckoning.refused,
        "not_settled_by_reason": reckoning.reasons,
        "window": window_json(played.window),
        "proofs": {proof.name: proof.holds for proof in played.proofs},
        "details": {proof.name: proof.detail for proof in played.proofs},
        "data": str(data),
    }


def _print(played: Played, data: Path) -> None:
    console = Console(highlight=False)
    reckoning = played.reckoning
    print_window(played.window)
    print_table(
        ("statement", "opening", "debits", "credits", "closing", "entries"),
        (
            (
                one.participant,
                *(amount_text(n) for n in (one.opening, one.debits, one.credits, one.closing)),
                f"{one.entries:,}",
            )
            for one in played.statements
        ),
        title=said("Statements of the window, its settlement included"),
        numbers=1,
    )
    causes = {state: _counts(codes) for state, codes in reckoning.reasons.items()}
    causes["refused"] = _counts(reckoning.refused)
    print_table(
        ("payments", "why", "count"),
        (
            (named("payment_state", state), causes.get(state, ""), f"{count:,}")
            for state, count in reckoning.states.items()
        ),
        title=said("Day {number}: what became of its instructions", number=played.day.number),
        numbers=2,
    )
    pace = reckoning.pace
    if pace.payments:
        console.print(
            said(
                "[bold]{rate} payments/s[/bold] end to end, durable: {payments} payments from the "
                "first submission until the last was settled, rejected or declined, in {seconds} "
                "s. Not in it: {expired} that nobody answered, which ran out at the deadline, and "
                "all that was refused or sent again.",
                rate=f"{pace.per_second:,}",
                payments=f"{pace.payments:,}",
                seconds=_seconds_text(pace.flow_ns),
                expired=f"{pace.expired:,}",
            ),
            soft_wrap=True,
        )
    console.print(
        said(
            "{payments} payments were sent again, and took effect once.\n",
            payments=f"{reckoning.sent_again:,}",
        )
    )
    for proof in played.proofs:
        console.print(proof_line(proof), soft_wrap=True)
    where = {
        f"payvand verify --data {data}": said("prove it again, from the files alone"),
        f"payvand demo --data {data}": said("play the next day"),
        f"payvand demo --data {data} --stay": said(
            "and keep everybody running, to send them files"
        ),
        f"payvand serve --data {data}": said("run the switch alone, then ask it:"),
        f"payvand statement melli --data {data}": said("  a statement"),
        f"payvand totals --data {data}": said("  ledger and database side by side"),
        str(played.day.folder): said("the day's files and statements"),
        str(data / "logs"): said("what each process said"),
    }
    console.print(said("\nWhere to look next"))
    for what, why in where.items():
        console.print(
            Text.assemble("  ", (f"{what:<48}", "bold"), " ", (why, "dim")), soft_wrap=True
        )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _seconds_text(nanoseconds: int) -> str:
    milliseconds = nanoseconds // 1_000_000
    return f"{milliseconds // 1_000}.{milliseconds % 1_000:03}"
