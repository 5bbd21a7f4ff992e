"""A certificate authority for development and the sandbox: one command, every certificate.

The layout under a data folder, one folder per holder, so that a holder can be handed its folder
and nothing else:

    certificates/authority/   certificate.pem, key.pem
    certificates/<name>/      ca.pem, certificate.pem, key.pem

Keys are EC P-256, readable by their owner alone. In production a bank keeps its key where it was
made and sends a request to be signed; the switch needs only `ca.pem`, `certificate.pem` and
`key.pem` of the same form, and the name in the certificate (see `identity`).
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from payvand.switch.identity import URN_PREFIX, Role

__all__ = ["Authority", "CertificateFault", "holders", "issue", "make_authority"]

VALIDITY: Final = timedelta(days=397)
"""As long as a public authority may sign for; who holds one must renew every year."""
AUTHORITY_VALIDITY: Final = timedelta(days=3650)
RENEWAL: Final = timedelta(days=30)
"""A certificate with less left than this is issued anew."""
CLOCK_SKEW: Final = timedelta(minutes=5)
AUTHORITY: Final = "authority"
_SHORT_NAME: Final = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
NAME_FORM: Final = re.compile(rf"{_SHORT_NAME}(?:@{_SHORT_NAME})?")

_CA, _CERTIFICATE, _KEY = "ca.pem", "certificate.pem", "key.pem"


class CertificateFault(Exception):
    """A certificate can't be made as asked; the text says what to change."""


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority that signs every certificate of one switch."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_authority(folder: Path, *, now: datetime | None = None) -> Authority:
    """Return the authority of *folder* (`…/certificates`), made on the first call.

    Raises:
        CertificateFault: the authority's files are there but unreadable, or it has run out.
    """
    now = now or datetime.now(UTC)
    home = folder / AUTHORITY
    if (home / _CERTIFICATE).exists():
        authority = _read_authority(home)
        if authority.certificate.not_valid_after_utc < now + VALIDITY:
            raise CertificateFault(
                f"the authority in {home} ends on "
                f"{authority.certificate.not_valid_after_utc:%Y-%m-%d}, before a certificate "
                f"issued today would; move {folder} away and issue every certificate anew"
            )
        return authority
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Payvand development authority")])
    certificate = (
        _builder(name, name, key.public_key(), now, AUTHORITY_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(home / _KEY, key)
    _write(home / _CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(certificate, key)


def issue(folder: Path, name: str, role: Role, *, now: datetime | None = None) -> Path:
    """Return the folder of *name*'s certificate, issued if there is none that still holds.

    What is there is kept while it is of this authority, names this role and has more than
    30 days left; so the call can be repeated at will.

    Raises:
        CertificateFault: *name* isn't a short name, or the authority can't be read.
    """
    now = now or datetime.now(UTC)
    if not NAME_FORM.fullmatch(name) or name == AUTHORITY:
        raise CertificateFault(
            f"{name!r} can't name a certificate: use 1 to 32 lower-case letters, digits and "
            f"inner hyphens, and not {AUTHORITY!r}; a person of an agency is person@agency"
        )
    authority = make_authority(folder, now=now)
    home = folder / name
    if _still_holds(home, authority, name, role, now):
        return home
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{role} {name}")])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(f"{URN_PREFIX}{role}:{name}")]
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if role is Role.SWITCH:
        names += [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
        usages.append(ExtendedKeyUsageOID.SERVER_AUTH)
    certificate = (
        _builder(subject, authority.certificate.subject, key.public_key(), now, VALIDITY)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
        .sign(authority.key, hashes.SHA256())
    )
    _write_key(home / _KEY, key)
    _write(home / _CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))
    _write(home / _CA, authority.certificate.public_bytes(serialization.Encoding.PEM))
    return home


def holders(folder: Path) -> dict[str, Role]:
    """Return who has a certificate under *folder*, by name, and what role it gives."""
    found: dict[str, Role] = {}
    for path in sorted(folder.glob(f"*/{_CERTIFICATE}")):
        try:
            certificate = x509.load_pem_x509_certificate(path.read_bytes())
        except ValueError as fault:
            raise CertificateFault(f"{path} isn't a certificate in PEM form: {fault}") from fault
        for uri in _uris(certificate):
            role, _, name = uri.removeprefix(URN_PREFIX).partition(":")
            if uri.startswith(URN_PREFIX) and name == path.parent.name and role in set(Role):
                found[name] = Role(role)
    return found


def _still_holds(home: Path, authority: Authority, name: str, role: Role, now: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate((home / _CERTIFICATE).read_bytes())
        key = serialization.load_pem_private_key((home / _KEY).read_bytes(), password=None)
        certificate.verify_directly_issued_by(authority.certificate)
        root = x509.load_pem_x509_certificate((home / _CA).read_bytes())
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return False
    return (
        root == authority.certificate
        and _uris(certificate) == [f"{URN_PREFIX}{role}:{name}"]
        and key.public_key() == certificate.public_key()
        and certificate.not_valid_after_utc - now > RENEWAL
    )


def _uris(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return names.value.get_values_for_type(x509.UniformResourceIdentifier)


def _read_authority(home: Path) -> Authority:
    try:
        certificate = x509.load_pem_x509_certificate((home / _CERTIFICATE).read_bytes())
        key = serialization.load_pem_private_key((home / _KEY).read_bytes(), password=None)
    except (OSError, ValueError) as fault:
        raise CertificateFault(
            f"the authority in {home} can't be read ({fault}); restore it from a copy, or move "
            f"{home.parent} away and issue every certificate anew"
        ) from fault
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateFault(f"the key in {home} isn't an elliptic curve key")
    return Authority(certificate, key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    validity: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now - CLOCK_SKEW + validity)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _write(path, encoded, mode=0o600)


def _write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put *content* at *path* whole or not at all, with *mode* from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)
