"""`payvand signatures`: keys to sign with, and the proof of who instructed a payment."""

import asyncio
import json
from hashlib import blake2b
from pathlib import Path

import click

from payvand.client import PACKED_PAYMENT, parse_payment_id
from payvand.client.connection import Connection
from payvand.client.signing import is_signed, public_key_of, write_signing_key
from payvand.settlement.proof import Proof, verdict
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.options import PATIENCE_S, Door, as_json, door_options
from payvand.switch.cli.printing import amount_text, moment, print_json
from payvand.switch.cli.verify import proof_line
from payvand.v1.participant_service_pb2 import ParticipantVersion
from payvand.v1.payment_pb2 import Payment
from payvand.v1.payment_service_pb2 import SubmitRequest
from payvand.v1.signature_service_pb2 import GetSignedRequestResponse

__all__ = ["signatures"]


@click.group()
def signatures() -> None:
    """Sign payments, and check afterwards who signed one."""


@signatures.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@as_json
def key(file: Path, as_json: bool) -> None:
    """Make a signing key (Ed25519) in FILE, and show the public half that operators register."""
    try:
        public = public_key_of(write_signing_key(file)).hex()
    except FileExistsError as error:
        raise click.BadParameter(f"{file} is there already", param_hint="FILE") from error
    if as_json:
        print_json({"public_key": public, "file": str(file)})
        return
    click.echo(public)


@signatures.command()
@click.argument("payment", metavar="ID")
@as_json
@door_options(caller="anybody")
def check(payment: str, door: Door, as_json: bool) -> None:
    """Check the signature by which PAYMENT was instructed, and what it says against the books.

    Nothing is taken on the switch's word but what it holds: the bytes, the key's registration, and
    the digest in the ledger. Exit code 1 where a check fails.
    """
    try:
        identity = parse_payment_id(payment)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="ID") from error

    async def run() -> tuple[GetSignedRequestResponse, list[ParticipantVersion]]:
        async with Connection.connect(
            door.address, door.certificates, patience_s=PATIENCE_S
        ) as connection:
            told = await connection.signed_request(identity)
            versions = await connection.participant_versions(told.participant, at=told.received_at)
            return told, versions

    told, versions = asyncio.run(run())
    proofs = _proofs(identity, told, versions)
    if as_json:
        print_json(
            {
                "payment": identity.hex(),
                "participant": told.participant,
                "received_at": told.received_at,
                "amount": str(told.amount),
                "signing_key": told.signed.signing_key.hex(),
                "signature": told.signed.signature.hex(),
                "proofs": {proof.name: proof.holds for proof in proofs},
                "details": {proof.name: proof.detail for proof in proofs},
            }
        )
    else:
        click.echo(
            f"{told.participant} signed {amount_text(told.amount)} on {moment(told.received_at)} "
            f"with {told.signed.signing_key.hex()}"
        )
        for proof in proofs:
            click.echo(proof_line(proof))
    if not all(proof.holds for proof in proofs):
        click.get_current_context().exit(ANSWER_IS_NO)


def _proofs(
    identity: bytes, told: GetSignedRequestResponse, versions: list[ParticipantVersion]
) -> list[Proof]:
    keys = {key for one in versions for key in json.loads(one.content)["signing_keys"]}
    registered = told.signed.signing_key.hex() in keys
    number = versions[0].number if versions else 0
    content = _content(identity, SubmitRequest.FromString(told.signed.request))
    digest = blake2b(content or b"", digest_size=8, person=b"payvand.payment").digest()
    same = content is not None and int.from_bytes(digest) == told.content_digest
    return [
        verdict(
            "signature_holds",
            [] if is_signed(told.signed) else ["the signature isn't of this key over these bytes"],
            f"Ed25519 over {len(told.signed.request):,} bytes",
        ),
        verdict(
            "key_was_registered",
            [] if registered else [f"{told.participant} had no such key when the request came"],
            f"in version {number} of {told.participant}",
        ),
        verdict(
            "books_hold_what_was_signed",
            [] if same else ["the digest in the ledger isn't that of what was signed"],
            f"digest {told.content_digest:016x}",
        ),
    ]


def _content(identity: bytes, request: SubmitRequest) -> bytes | None:
    """Return the payment of an id as the books keep it, or None where it isn't in the request."""
    for payment in request.payments:
        if payment.id == identity:
            return payment.SerializeToString(deterministic=True)
    return _packed_content(identity, request.packed, request.packed_texts)


def _packed_content(identity: bytes, packed: bytes, texts: bytes) -> bytes | None:
    size = PACKED_PAYMENT.itemsize
    fields = ("end_to_end_id", "debtor_name", "creditor_name", "remittance", "bill_reference")
    at = 0
    for start in range(0, len(packed), size):
        record = packed[start : start + size]
        lengths = [int.from_bytes(record[80 + 2 * n : 82 + 2 * n], "little") for n in range(5)]
        if record[:16] == identity:
            payment = Payment(
                id=identity,
                kind=record[71],  # type: ignore[arg-type]  # an open enum
                debtor_iban=record[16:42].decode(),
                creditor_iban=record[42:68].decode(),
                unit=record[68:71].decode(),
                amount=int.from_bytes(record[72:80], "little"),
            )
            for name, length in zip(fields, lengths, strict=True):
                setattr(payment, name, texts[at : at + length].decode())
                at += length
            return payment.SerializeToString(deterministic=True)
        at += sum(lengths)
    return None
