"""Proofs of inclusion: that a payment, and what ended it, stand in a closed day.

`prove_payment` makes one from a journal's files; `Inclusion.read` and `Inclusion.check` need
neither the journal nor the switch, only the text of the proof and the public key. The text is in
one form only: read and written again it is the same to the byte, or it isn't read. So there is no
byte in it that could be changed and go unseen. Its fields are described in `docs/proofs.md`.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from payvand.core.frame import Frame
from payvand.core.merkle import leaf_hash, root_from_path
from payvand.core.records import EXPIRED, TRANSFER, Operation, TransferFlags, u128_of
from payvand.core.segments import JournalReader, journal_id_of
from payvand.core.statuses import TransferStatus
from payvand.settlement.business_day import (
    ClosedDay,
    DayRecount,
    Leaf,
    LeafKind,
    closes_day,
)

__all__ = ["Inclusion", "NotIncluded", "ProofMalformed", "ProvenLeaf", "prove_payment"]

FORMAT: Final = "payvand inclusion proof 1"
PATH_STEPS_MAX: Final = 64
LEAVES_MAX: Final = 2
"""The payment's record, and the record or expiry that ended it."""


class NotIncluded(Exception):
    """No closed day has a record of the payment."""


class ProofMalformed(Exception):
    """The text isn't a proof in its one form; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class ProvenLeaf:
    """A leaf, what belongs to it, and its way to the root of its day."""

    day: ClosedDay
    position: int
    path: tuple[bytes, ...]
    content: bytes
    payload: bytes

    def says(self, payment: int) -> str:
        """Return in a word what the leaf says of a payment: `pending`, `settled`, `rejected`, …

        Raises `ProofMalformed` where it says nothing of it.
        """
        try:
            leaf = Leaf.read(self.content)
        except ValueError as error:
            raise ProofMalformed(str(error)) from error
        expiry = (leaf.kind, len(leaf.content)) == (LeafKind.EXPIRY, EXPIRED.itemsize)
        if expiry and u128_of(np.frombuffer(leaf.content, EXPIRED)[0]["id"]) == payment:
            return "expired"
        kinds = (leaf.kind, leaf.operation, len(leaf.content))
        if kinds == (LeafKind.RECORD, Operation.CREATE_TRANSFERS, TRANSFER.itemsize):
            row = np.frombuffer(leaf.content, TRANSFER)[0]
            if payment in (u128_of(row["id"]), u128_of(row["pending_id"])):
                return _word(int(row["flags"]), leaf.status)
        raise ProofMalformed("a leaf isn't about the payment")

    def fields(self, payment: int) -> dict[str, Any]:
        """Return the leaf as JSON says it."""
        says, leaf = self.says(payment), Leaf.read(self.content)
        dtype = EXPIRED if leaf.kind == LeafKind.EXPIRY else TRANSFER
        row = np.frombuffer(leaf.content, dtype)[0]
        names = ("debit_account_id", "credit_account_id", "amount")
        return {
            "says": says,
            "sequence": str(leaf.sequence),
            "index": str(leaf.index),
            "timestamp": str(leaf.timestamp),
            **{name: str(u128_of(row[name])) for name in names},
            "leaf": self.content.hex(),
            "payload": self.payload.hex(),
            "position": str(self.position),
            "path": [step.hex() for step in self.path],
            "day": self.day.fields(),
        }

    @classmethod
    def of_fields(cls, fields: dict[str, Any]) -> Self:
        """Return the leaf that JSON says; what is only for people isn't looked at."""
        path = tuple(bytes.fromhex(step) for step in fields["path"])
        if len(path) > PATH_STEPS_MAX:
            raise ValueError(f"a path has at most {PATH_STEPS_MAX} steps")
        return cls(
            ClosedDay.of_fields(fields["day"]),
            int(fields["position"]),
            path,
            bytes.fromhex(fields["leaf"]),
            bytes.fromhex(fields["payload"]),
        )

    def fault(self, public_key: bytes) -> str:
        """Return what doesn't hold; empty where the key's owner has signed for the leaf."""
        head, leaf = self.day.head, Leaf.read(self.content)
        if self.day.public_key != public_key or not self.day.signed_by(public_key):
            return f"day {head.number} isn't signed by this key"
        if root_from_path(leaf_hash(self.content), self.position, head.leaves, self.path) != (
            head.root
        ):
            return f"the leaf isn't under the root of day {head.number}"
        if not head.first <= leaf.sequence <= head.last:
            return f"frame {leaf.sequence} isn't one of day {head.number}"
        if sha256(self.payload).digest() != leaf.payload_digest:
            return "the payload isn't the one that was journaled"
        return ""


def _word(flags: int, status: int) -> str:
    if status != TransferStatus.CREATED:
        return "declined" if status == TransferStatus.DECLINED else f"refused ({status})"
    if flags & TransferFlags.POST_PENDING_TRANSFER:
        return "settled"
    if flags & TransferFlags.VOID_PENDING_TRANSFER:
        return "rejected"
    return "pending" if flags & TransferFlags.PENDING else "settled"


@dataclass(frozen=True, slots=True)
class Inclusion:
    """A proof of inclusion."""

    payment: int
    leaves: tuple[ProvenLeaf, ...]
    """The payment's record, then what ended it where a closed day has that."""

    @property
    def amount(self) -> int:
        """The amount that was asked for; an answer's own says only "all of it"."""
        return int(self.leaves[0].fields(self.payment)["amount"])

    def text(self) -> str:
        """Return the proof in its one form."""
        content = {
            "format": FORMAT,
            "payment": f"{self.payment:032x}",
            "leaves": [leaf.fields(self.payment) for leaf in self.leaves],
        }
        return json.dumps(content, indent=2) + "\n"

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the proof that a text holds; raises `ProofMalformed`."""
        try:
            content = json.loads(text)
            proof = cls(
                int(content["payment"], 16),
                tuple(ProvenLeaf.of_fields(fields) for fields in content["leaves"]),
            )
            if not 1 <= len(proof.leaves) <= LEAVES_MAX:
                raise ValueError(f"a proof has from 1 to {LEAVES_MAX} leaves")
            canonical = proof.text()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ProofMalformed(f"not a proof of inclusion: {error}") from error
        if canonical != text:
            raise ProofMalformed("the text isn't in the form that proofs are written in")
        return proof

    def check(self, public_key: bytes) -> str:
        """Return what doesn't hold; empty where all is as the key's owner signed it."""
        journals = {leaf.day.head.journal_id for leaf in self.leaves}
        if len(journals) != 1:
            return "the leaves are of different journals"
        read = [Leaf.read(leaf.content) for leaf in self.leaves]
        # In a frame the expiries come before the records.
        places = [(leaf.sequence, leaf.kind != LeafKind.EXPIRY, leaf.index) for leaf in read]
        if sorted(set(places)) != places:
            return "the leaves aren't in the order of the journal"
        if len(self.leaves) > 1 and self.leaves[0].says(self.payment) != "pending":
            return "the first leaf leaves nothing to be ended"
        if len(self.leaves) > 1 and self.leaves[1].says(self.payment) not in _ENDS:
            return "the second leaf doesn't end the payment"
        return next(filter(None, (leaf.fault(public_key) for leaf in self.leaves)), "")


_ENDS: Final = frozenset({"settled", "rejected", "expired"})


@dataclass(slots=True)
class _Found:
    """A leaf of the open day that is to be proved."""

    position: int
    content: bytes
    payload: bytes


def prove_payment(journal: Path, payment: int) -> Inclusion:
    """Return the proof of a payment from a journal's files, which a switch may be writing.

    Raises:
        NotIncluded: no closed day has it.
        JournalCorrupt: acknowledged bytes are not what they were.
    """
    recount = DayRecount(journal_id_of(journal) or b"")
    found: list[_Found] = []
    proven: list[ProvenLeaf] = []
    for frame in JournalReader(journal):
        if closes_day(frame):
            _, paths = recount.tree.seal()
            closed = ClosedDay.of(frame)
            proven += [
                ProvenLeaf(closed, one.position, paths[one.position], one.content, one.payload)
                for one in found
            ]
            found = []
            if _is_ended(proven, payment):
                break
            recount.add(frame)
            continue
        matches = _matches(frame, payment)
        if not matches:
            recount.add(frame)
            continue
        watched = recount.add_watched(frame, matches)
        payloads = (matches[place] for place in sorted(matches))
        found += [_Found(*one, payload) for one, payload in zip(watched, payloads, strict=True)]
    if not proven:
        raise NotIncluded(
            "it is in the open day: prove it once that is closed"
            if found
            else "no frame of the journal holds it"
        )
    return Inclusion(payment, _told(proven, payment))


def _is_ended(leaves: Iterable[ProvenLeaf], payment: int) -> bool:
    return any(leaf.says(payment) in _ENDS for leaf in leaves)


def _told(leaves: list[ProvenLeaf], payment: int) -> tuple[ProvenLeaf, ...]:
    """Return what took effect, in order; where nothing did, the first refusal."""
    effective = [leaf for leaf in leaves if leaf.says(payment) in _ENDS | {"pending"}]
    return tuple(effective[:LEAVES_MAX] or leaves[:1])


def _matches(frame: Frame, payment: int) -> dict[int, bytes]:
    """Return the places of a frame's leaves that are about a payment, with their payloads."""
    places = {int(at): b"" for at in np.flatnonzero(_equal(frame.expired["id"], payment))}
    if frame.operation == Operation.CREATE_TRANSFERS:
        rows = frame.records
        about = _equal(rows["id"], payment) | _equal(rows["pending_id"], payment)
        offsets = frame.payload_offsets
        for at in np.flatnonzero(about).tolist():
            payload = frame.payload(at) if len(offsets) else b""
            places[len(frame.expired) + at] = payload
    return places


def _equal(column: Any, value: int) -> Any:
    return (column["lo"] == np.uint64(value & 0xFFFF_FFFF_FFFF_FFFF)) & (
        column["hi"] == np.uint64(value >> 64)
    )
