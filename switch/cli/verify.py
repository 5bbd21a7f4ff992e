"""`payvand verify`: prove a data folder right, offline."""

import asyncio
import os
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from payvand.settlement.proof import Proof
from payvand.switch.cli.display import display, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import print_json, progress_console
from payvand.switch.verifying import verify as prove

__all__ = ["proof_line", "verify"]


@click.command()
@click.option(
    "--journal-only", is_flag=True, help="Look at the journal's files alone, at no database."
)
@as_json
@data_option()
def verify(journal_only: bool, data: Path, as_json: bool) -> None:
    """Prove that the books of a data folder are right, from its files, with no switch running.

    Every byte and every link of the journal is checked, its frames are applied again to empty
    books, and the outcome is held against what was journaled, against the windows and against the
    database, which is started for the time. A line for each proof; exit code 1 where one fails.
    """
    with progress_console().status("proving"):
        proofs = asyncio.run(
            prove(
                data,
                database=os.environ.get("PAYVAND_DATABASE", ""),
                with_database=not journal_only,
            )
        )
    holds = all(proof.holds for proof in proofs)
    if as_json:
        print_json(
            {
                "holds": holds,
                "proofs": {proof.name: proof.holds for proof in proofs},
                "details": {proof.name: proof.detail for proof in proofs},
            }
        )
    else:
        console = Console(highlight=False)
        for proof in proofs:
            console.print(proof_line(proof), soft_wrap=True)
    if not holds:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def proof_line(proof: Proof) -> Text:
    """Return a proof as a line for people."""
    mark = ("✓ ", "bold green") if proof.holds else ("✗ ", "bold red")
    style = "dim" if proof.holds else ""
    if not display().is_persian:
        return Text.assemble(mark, f"{proof.name:<28} ", (proof.detail, style))
    words = Text.assemble(mark, told(proof.name), ": ", (told(proof.detail), style))
    return words if proof.holds else words.append(f" ({proof.name})")
