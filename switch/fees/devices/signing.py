"""What a device signs, and whether it did."""

from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError

from payvand.switch.fees.bills.bill import BillRefused
from payvand.v1.fee_device_service_pb2 import ChargeBatch, SignedCharges

__all__ = ["CHARGES_MAX", "DOMAIN", "is_signed", "opened"]

DOMAIN: Final = b"payvand.charges\n"
"""Stands before the signed bytes, so that no other signature of the key passes for one."""
CHARGES_MAX: Final = 1_000
"""Of one batch."""


def opened(signed: SignedCharges) -> ChargeBatch:
    """Return the batch that a device signed; raises `BillRefused` where it can't be read."""
    try:
        batch = ChargeBatch.FromString(signed.batch)
    except DecodeError:
        raise BillRefused("batch", "charges.form", "the bytes of a ChargeBatch") from None
    if not 0 < len(batch.charges) <= CHARGES_MAX:
        raise BillRefused("batch.charges", "charges.count", f"1 to {CHARGES_MAX} charges")
    return batch


def is_signed(signed: SignedCharges, public_key: bytes) -> bool:
    """Tell whether the holder of *public_key*, 32 bytes, signed a batch."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            signed.signature, DOMAIN + signed.batch
        )
    except InvalidSignature:
        return False
    return True
