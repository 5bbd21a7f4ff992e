"""Signed requests: verified against the registered keys, kept as they came, and told again.

What is signed is a serialised `SubmitRequest`, of one payment or of thousands, behind a prefix that
no other message has. The request is on stable storage before its payments are submitted, so a
payment of a signed request that is in the books has its proof; one that was kept and never
submitted harms nobody. Ed25519 costs some 0.1 ms a request, however many payments it holds.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import DecodeError

from payvand.client.signing import signed_bytes
from payvand.settlement.database import Pool
from payvand.switch.registry.book import ParticipantVersion
from payvand.switch.wire.faults import RequestMalformed
from payvand.v1.payment_service_pb2 import SubmitRequest

__all__ = ["SignedRequest", "Signing"]

PACKED_BYTES: Final = 96
ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as its bank signed it."""

    participant: str
    request: bytes
    signing_key: bytes
    signature: bytes
    received_at: int
    """Nanoseconds since 1970."""


class Signing:
    """The signed requests of a switch, in its database. One for each process."""

    def __init__(self, pool: Pool, clock: Callable[[], int]) -> None:
        """Keep them in the database of *pool*; *clock* tells nanoseconds since 1970."""
        self._pool = pool
        self._clock = clock

    async def keep(
        self,
        version: ParticipantVersion,
        *,
        request: bytes,
        signing_key: bytes,
        signature: bytes,
    ) -> None:
        """Verify a request by one of a participant's keys in its *version*, and keep it; once.

        Raises:
            RequestMalformed: the signature doesn't hold; nothing was kept.
        """
        participant = version.participant.name
        if signing_key.hex() not in version.participant.signing_keys:
            raise RequestMalformed(
                "signature.key",
                "it isn't registered to you: two operators do so with `payvand participants set`",
                field="signing_key",
            )
        try:
            key = Ed25519PublicKey.from_public_bytes(signing_key)
            key.verify(signature, signed_bytes(request))
        except (InvalidSignature, ValueError):
            raise RequestMalformed(
                "signature.wrong",
                "it isn't of this key over these bytes: sign the very bytes that you send",
                field="signature",
            ) from None
        ids = _ids(request)
        digest = hashlib.sha256(
            participant.encode() + b"\0" + signing_key + signature + request
        ).digest()
        # Time in the books never goes back, as a clock may.
        received_at = max(self._clock(), version.since)
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "INSERT INTO reference.signed_request VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT DO NOTHING",
                *(digest, participant, signing_key, signature, request, received_at),
            )
            await connection.execute(
                "INSERT INTO reference.signed_payment SELECT unnest($1::uuid[]), $2 "
                "ON CONFLICT DO NOTHING",
                *(ids, digest),
            )

    async def find(self, id: bytes) -> SignedRequest | None:
        """Return the first signed request that holds the payment *id*, or None."""
        if len(id) != ID_BYTES:
            return None
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT participant, request, signing_key, signature, received_at "
                "FROM reference.signed_payment JOIN reference.signed_request USING (digest) "
                "WHERE id = $1 ORDER BY received_at LIMIT 1",
                UUID(bytes=id),
            )
        if row is None:
            return None
        return SignedRequest(
            row["participant"],
            row["request"],
            row["signing_key"],
            row["signature"],
            int(row["received_at"]),
        )


def _ids(request: bytes) -> list[UUID]:
    """Return the ids of a request's payments, of those that have the form of an id."""
    try:
        read = SubmitRequest.FromString(request)
    except DecodeError as error:
        raise RequestMalformed(
            "request.malformed", "it isn't a serialised SubmitRequest", field="request"
        ) from error
    starts = range(0, len(read.packed), PACKED_BYTES)
    ids = [payment.id for payment in read.payments]
    ids += [read.packed[start : start + ID_BYTES] for start in starts]
    return [UUID(bytes=bytes(one)) for one in dict.fromkeys(ids) if len(one) == ID_BYTES]
