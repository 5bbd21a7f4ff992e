"""Which participant a certificate is of: by its fingerprint, which must be registered.

A certificate that nobody registered identifies nobody, whoever signed it; nor does one that was
revoked, has run out, or belongs to a participant that is closed. The participant's name and role
come from the registry, so a certificate can't say more than what two operators approved.

Who keeps the answer for a connection asks again when `generation` has moved.
"""

import hashlib
import time
from collections.abc import Callable, Iterable
from datetime import UTC
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from payvand.switch.identity import URN_PREFIX, Caller, Unauthenticated
from payvand.switch.participant import ROLES, Certificate, Participant

__all__ = ["Callers", "read_certificate"]

NS: Final = 1_000_000_000


class Callers:
    """The certificates that identify somebody. One for each process."""

    def __init__(self, clock: Callable[[], int] = time.time_ns) -> None:
        """Begin with nobody; *clock* tells nanoseconds since 1970, as TLS goes by it."""
        self.generation = 0
        """Moves with every change: what was identified before has to be identified again."""
        self._clock = clock
        self._known: dict[bytes, tuple[Caller, int, int]] = {}
        self._listeners: list[Callable[[], None]] = []

    def watch(self, listener: Callable[[], None]) -> None:
        """Call *listener* when certificates were registered or revoked; it can't fail."""
        self._listeners.append(listener)

    def follow(self, participants: Iterable[Participant]) -> None:
        """Identify *participants* from now on, and nobody else."""
        known = {
            bytes.fromhex(each.fingerprint): (
                Caller(ROLES[one.role], one.name),
                each.not_before,
                each.not_after,
            )
            for one in participants
            if not one.is_closed
            for each in one.certificates
        }
        if known != self._known:
            self._known = known
            self.generation += 1
            for listener in self._listeners:
                listener()

    def identify(self, certificate: bytes) -> Caller:
        """Return who holds a *certificate* in DER form; raises `Unauthenticated` for nobody."""
        fingerprint = hashlib.sha256(certificate).digest()
        found = self._known.get(fingerprint)
        if found is None:
            raise Unauthenticated(
                f"no participant has the certificate {fingerprint.hex()}: two operators register "
                "it with `payvand participants certificate add`"
            )
        caller, not_before, not_after = found
        if not not_before <= self._clock() < not_after:
            raise Unauthenticated(
                f"the certificate {fingerprint.hex()} of {caller.name} has run out or doesn't hold "
                "yet: register its successor"
            )
        return caller


def read_certificate(pem: bytes) -> tuple[Certificate, str]:
    """Return a certificate as it is registered, and the `role:name` that it says; "" for none.

    Raises ValueError where *pem* isn't a certificate.
    """
    certificate = x509.load_pem_x509_certificate(pem)
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    ours = [uri.removeprefix(URN_PREFIX) for uri in uris if uri.startswith(URN_PREFIX)]
    moments = (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    not_before, not_after = (int(moment.astimezone(UTC).timestamp()) * NS for moment in moments)
    der = certificate.public_bytes(Encoding.DER)
    read = Certificate(
        hashlib.sha256(der).hexdigest(), f"{certificate.serial_number:x}", not_before, not_after
    )
    return read, ours[0] if len(ours) == 1 else ""
