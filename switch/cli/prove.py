"""`payvand prove`: print the proof that a payment stands in a closed business day."""

from pathlib import Path

import click

from payvand.client import parse_payment_id
from payvand.core.errors import JournalUnusable
from payvand.settlement.inclusion import NotIncluded, prove_payment
from payvand.switch.cli.faults import ANSWER_IS_NO, tell_fault
from payvand.switch.cli.options import as_json, data_option
from payvand.switch.cli.printing import progress_console

__all__ = ["prove"]


@click.command()
@click.argument("payment")
@as_json
@data_option()
def prove(payment: str, data: Path, as_json: bool) -> None:
    """Print the proof that PAYMENT, and what ended it, stand in a closed business day.

    The proof is JSON, with --json or without; `payvand check-proof` checks it with the public key
    alone. It is made from the journal's files, while a switch runs on them too. Of other payments
    it holds nothing but hashes. Exit code 1 where no closed day has the payment.
    """
    try:
        identity = int.from_bytes(parse_payment_id(payment))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="PAYMENT") from error
    journal = data / "journal"
    if not any(journal.glob("segment-*.journal")):
        raise JournalUnusable(
            f"there is no journal in {journal}", hint="name the data folder with --data"
        )
    try:
        with progress_console().status("reading the journal"):
            proof = prove_payment(journal, identity)
    except NotIncluded as fault:
        tell_fault(f"{payment} can't be proved: {fault}", "close the day with `payvand close-day`")
        raise click.exceptions.Exit(ANSWER_IS_NO) from None
    click.echo(proof.text(), nl=False)
