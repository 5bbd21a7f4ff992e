"""`payvand redenomination`: what the change to the new rial would do to the books."""

from pathlib import Path

import click
from rich.console import Console

from payvand.core.ledger import Ledger
from payvand.core.replay import replay
from payvand.core.segments import JournalReader
from payvand.core.stage import Stage
from payvand.settlement.redenomination import Rehearsal, rehearse
from payvand.switch.cli.display import said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import amount_text, print_json, progress_console
from payvand.switch.cli.verify import proof_line
from payvand.switch.units import IRR, NEW_RIAL

__all__ = ["redenomination"]


@click.group()
def redenomination() -> None:
    """Rehearse the change from current rials to the new rial (10,000 to 1, of 100 qeran)."""


@redenomination.command("rehearse")
@as_json
@data_option()
def rehearse_command(data: Path, as_json: bool) -> None:
    """Convert every balance of a data folder in a copy, and prove that nothing was made or lost.

    The journal in --data is read, also while a switch runs on it, and nothing there is changed; the
    copy is in memory. Balances are rounded to the nearest qeran, and a residual account takes the
    difference. A line for each proof; exit code 1 where one fails.
    """
    journal = data / "journal"
    if not any(journal.glob("segment-*.journal")):
        raise click.BadParameter(f"there is no journal in {journal}", param_hint="--data")
    with progress_console().status("replaying the journal"):
        books = Ledger()
        sequence = replay(books, Stage(), JournalReader(journal))
    with progress_console().status("converting"):
        found = rehearse(books, old=IRR.ledger, new=NEW_RIAL.ledger)
    if as_json:
        print_json(_json_of(found, sequence))
    else:
        _print(found, sequence)
    if not found.holds:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _print(found: Rehearsal, sequence: int) -> None:
    console = Console(highlight=False)
    for proof in found.proofs:
        console.print(proof_line(proof), soft_wrap=True)
    console.print(
        said(
            "As of frame {frame}: {accounts} accounts, {rounded} rounded; the residual account "
            "would stand at {residual} qeran.",
            frame=f"{sequence:,}",
            accounts=f"{found.accounts:,}",
            rounded=f"{found.rounded:,}",
            residual=amount_text(found.residual_account_qeran),
        ),
        soft_wrap=True,
    )


def _json_of(found: Rehearsal, sequence: int) -> dict[str, object]:
    return {
        "holds": found.holds,
        "sequence": sequence,
        "old_unit": IRR.code,
        "new_unit": NEW_RIAL.code,
        "accounts": found.accounts,
        "rounded": found.rounded,
        "residual_rials": str(found.residual_rials),
        "residual_account_qeran": str(found.residual_account_qeran),
        "reservations": found.reservations,
        "reservations_left_out": found.reservations_left_out,
        "proofs": {proof.name: proof.holds for proof in found.proofs},
        "details": {proof.name: proof.detail for proof in found.proofs},
    }
