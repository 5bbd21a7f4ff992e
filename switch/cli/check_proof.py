"""`payvand check-proof`: check a proof of inclusion with the public key alone."""

from pathlib import Path
from typing import Final

import click

from payvand.settlement.inclusion import Inclusion, ProofMalformed
from payvand.switch.cli.display import Display, display, said
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import as_json
from payvand.switch.cli.printing import amount_text, print_json
from payvand.switch.day_key import read_public_key

__all__ = ["check_proof"]

PROOF_BYTES_MAX: Final = 16 << 20
"""A payload has at most some kilobytes: what is longer is no proof."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    metavar="PUBLIC",
    help="The switch's public key: a PEM file, or 64 hexadecimal digits.",
)
@as_json
def check_proof(file: Path, key: str, as_json: bool) -> None:
    """Check the proof in FILE; no switch and no data folder is asked.

    Take the key from the switch's operator, not from who gave you the proof. Exit code 1 where the
    proof doesn't hold.
    """
    public_key = read_public_key(key)
    proof, wrong = None, ""
    try:
        with file.open("rb") as source:
            raw = source.read(PROOF_BYTES_MAX + 1)
        if len(raw) > PROOF_BYTES_MAX:
            raise ProofMalformed(f"the file has more than {PROOF_BYTES_MAX:,} bytes")
        proof = Inclusion.read(raw.decode("ascii"))
        wrong = proof.check(public_key)
    except (ProofMalformed, UnicodeDecodeError) as error:
        wrong = str(error)
    shown = Display() if as_json else display()
    lines = _words(proof, shown) if proof is not None and not wrong else []
    if as_json:
        print_json({"holds": not wrong, "wrong": wrong, "proved": lines})
    else:
        click.echo("\n".join(lines) or said("the proof doesn't hold: {wrong}", wrong=wrong))
    if wrong:
        raise click.exceptions.Exit(ANSWER_IS_NO)


def _words(proof: Inclusion, shown: Display) -> list[str]:
    """Return what was proved, a line for each leaf."""
    lines = []
    for leaf in proof.leaves:
        record, head = leaf.fields(proof.payment), leaf.day.head
        lines.append(
            shown.said(
                "payment {payment} was {state} at {at}, {amount} from account {debtor} to "
                "{creditor}: signed in business day {day} of {date}, frame {frame}",
                payment=f"{proof.payment:032x}",
                state=record["says"],
                at=shown.moment(int(record["timestamp"])),
                amount=amount_text(proof.amount),
                debtor=record["debit_account_id"],
                creditor=record["credit_account_id"],
                day=head.number,
                date=head.date,
                frame=record["sequence"],
            )
        )
    return lines
