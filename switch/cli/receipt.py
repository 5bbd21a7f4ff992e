"""`payvand receipt`: fetch the receipt of a bill's payment, and check one offline."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import click

from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json
from payvand.switch.day_key import read_public_key
from payvand.switch.fees.receipts.receipt import Receipt, ReceiptMalformed
from payvand.v1.receipt_service_pb2 import GetReceiptResponse

__all__ = ["receipt"]

FILE_BYTES_MAX: Final = 16 << 20


@click.group()
def receipt() -> None:
    """Fetch receipts of bills, and check them with the switch's public key alone."""


@receipt.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    metavar="PUBLIC",
    help="The switch's public key: a PEM file, or 64 hexadecimal digits.",
)
@click.option("--code", is_flag=True, help="FILE holds the text of the QR code.")
@as_json
def verify(file: Path, key: str, code: bool, as_json: bool) -> None:
    """Check the receipt in FILE; no switch and no data folder is asked.

    Take the key from the switch's operator, not from who gave you the receipt. Exit code 1 where
    the receipt doesn't hold.
    """
    public_key = read_public_key(key)
    found, wrong = None, ""
    try:
        with file.open("rb") as source:
            raw = source.read(FILE_BYTES_MAX + 1)
        if len(raw) > FILE_BYTES_MAX:
            raise ReceiptMalformed(f"the file has more than {FILE_BYTES_MAX:,} bytes")
        text = raw.decode("utf-8")
        found = Receipt.read_code(text, public_key) if code else Receipt.read(text)
        wrong = found.fault(public_key)
    except (ReceiptMalformed, UnicodeDecodeError) as error:
        wrong = str(error)
    if as_json:
        print_json({"holds": not wrong, "wrong": wrong, "receipt": _fields(found, wrong)})
    elif wrong or found is None:
        click.echo(f"the receipt doesn't hold: {wrong}")
    else:
        proved = ", and stands in a signed business day" if found.proof else ""
        click.echo(
            f"receipt {found.agency} {found.year}/{found.number} holds: "
            f"{amount_text(found.amount)} of bill {found.bill} were paid at "
            f"{moment(found.paid_at)}{proved}"
        )
    if wrong:
        raise click.exceptions.Exit(ANSWER_IS_NO)


@receipt.command()
@click.argument("number")
@click.argument("act", type=click.IntRange(min=1), default=1)
@click.option("--pdf", type=click.Path(dir_okay=False, path_type=Path), help="Print it to a file.")
@click.option("--proof", is_flag=True, help="With a proof of inclusion; reads the whole journal.")
@door_options(caller="anybody")
def get(number: str, act: int, pdf: Path | None, proof: bool, door: Door) -> None:
    """Print the receipt of the payment ACT of the bill NUMBER, as JSON."""

    async def run() -> GetReceiptResponse:
        async with door.bank() as bank:
            return await bank.bills.receipt(number, act, pdf=pdf is not None, proof=proof)

    reply = asyncio.run(run())
    if pdf is not None:
        pdf.write_bytes(reply.pdf)
    click.echo(reply.receipt, nl=False)


def _fields(found: Receipt | None, wrong: str) -> dict[str, Any] | None:
    """Return what a receipt that holds says."""
    if found is None or wrong:
        return None
    told: dict[str, Any] = json.loads(found.text())
    return told | {"proof": found.proof is not None}
