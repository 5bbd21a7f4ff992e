"""Signing what is submitted, so that anybody can prove later who instructed a payment.

    key = read_signing_key(Path("signing-key.pem"))
    reply = await bank.submit_signed([payment], key)

The public half of the key is registered by the operators (`public_key_of`).
"""

from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from payvand.v1.payment_service_pb2 import SubmitRequest
from payvand.v1.signature_service_pb2 import SubmitSignedRequest

__all__ = [
    "is_signed",
    "public_key_of",
    "read_signing_key",
    "sign",
    "signed_bytes",
    "write_signing_key",
]

PREFIX: Final = b"payvand.v1.SubmitRequest\0"
"""What comes before the request where it is signed: a signature is of nothing else."""


def signed_bytes(request: bytes) -> bytes:
    """Return what is signed of a serialised `SubmitRequest`."""
    return PREFIX + request


def sign(request: SubmitRequest, key: Ed25519PrivateKey) -> SubmitSignedRequest:
    """Sign a request with a bank's private *key*."""
    content = request.SerializeToString(deterministic=True)
    return SubmitSignedRequest(
        request=content,
        signing_key=public_key_of(key),
        signature=key.sign(signed_bytes(content)),
    )


def is_signed(signed: SubmitSignedRequest) -> bool:
    """Tell whether the signature is of the key over the request."""
    try:
        key = Ed25519PublicKey.from_public_bytes(signed.signing_key)
        key.verify(signed.signature, signed_bytes(signed.request))
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key_of(key: Ed25519PrivateKey) -> bytes:
    """Return the 32 bytes that are registered."""
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the private key in a PEM file; raises ValueError where it isn't Ed25519."""
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"the key in {path} isn't Ed25519")
    return key


def write_signing_key(path: Path) -> Ed25519PrivateKey:
    """Make a private key at *path*, readable by its owner alone; raises where the file is there."""
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(content)
    return key
