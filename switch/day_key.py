"""The key that signs business days: DATA/keys/day.pem (private), DATA/keys/day.pub.pem (public).

The private key is made at the first start and never leaves the folder; only its owner may read it.
The public key is what auditors and participants are given, on a way that isn't the proof's.
"""

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from payvand.core.errors import PayvandFault

__all__ = ["DayKeyFault", "day_key", "public_day_key", "public_key_pem", "read_public_key"]

FOLDER: Final = "keys"
PRIVATE: Final = "day.pem"
PUBLIC: Final = "day.pub.pem"
KEY_BYTES_MAX: Final = 4096
"""A file longer than this holds no Ed25519 key."""


class DayKeyFault(PayvandFault):
    """The key of business days can't be used."""


def day_key(data: Path) -> Ed25519PrivateKey:
    """Return the signing key of a data folder, made where there is none."""
    folder = data / FOLDER
    path = folder / PRIVATE
    try:
        folder.mkdir(parents=True, mode=0o700, exist_ok=True)
        if not path.exists():
            _write(path, Ed25519PrivateKey.generate())
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise DayKeyFault(
            f"the key {path} can't be used: {error}", hint="restore it, or remove it for a new one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise DayKeyFault(f"{path} isn't an Ed25519 key", hint="restore it")
    pem = public_key_pem(key.public_key())
    public = folder / PUBLIC
    if not public.exists() or public.read_text("ascii") != pem:
        public.write_text(pem, "ascii")
    return key


def public_key_pem(key: Ed25519PublicKey) -> str:
    """Return a public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    """Put the key at *path* whole, on stable storage, for its owner alone."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def public_day_key(data: Path) -> bytes:
    """Return the 32 bytes of a data folder's public key; empty where it has none."""
    path = data / FOLDER / PUBLIC
    return read_public_key(str(path)) if path.exists() else b""


def read_public_key(source: str) -> bytes:
    """Return the 32 bytes of a public key given as 64 hexadecimal digits or as a PEM file.

    Raises `DayKeyFault`.
    """
    try:
        if len(source) == 64 and not Path(source).exists():
            return bytes.fromhex(source)
        with Path(source).open("rb") as file:
            key = load_pem_public_key(file.read(KEY_BYTES_MAX))
    except (OSError, ValueError) as error:
        raise DayKeyFault(
            f"{source} isn't a public key: {error}",
            hint="give the PEM file, or 64 hexadecimal digits",
        ) from error
    if not isinstance(key, Ed25519PublicKey):
        raise DayKeyFault(f"{source} isn't an Ed25519 key", hint="take DATA/keys/day.pub.pem")
    return key.public_bytes_raw()
