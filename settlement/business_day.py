"""The business day: frames between two closings, under one signed Merkle root.

    … frames of day n … ─► closing of day n (event 2) ─► frames of day n+1 …

A closing is a frame of its own whose note says what the day came to. Its leaves are all that its
frames hold, in their order; in each frame first the expiries, then the records, then the note. The
closing frames themselves are in no day's tree: they carry their own signatures. The layout of
leaves and of what is signed is given byte by byte in `docs/proofs.md`.
"""

import json
import struct
from collections.abc import Container, Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final, Self

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from payvand.core.frame import Frame
from payvand.core.merkle import MerkleTree, leaf_hash
from payvand.settlement.errors import WindowFault
from payvand.settlement.proof import Proof, verdict

__all__ = [
    "EVENT_DAY_CLOSED",
    "ClosedDay",
    "DayHead",
    "DayRecount",
    "Leaf",
    "LeafKind",
    "closes_day",
    "leaf_contents",
    "prove_days_equal_their_roots",
]

EVENT_DAY_CLOSED: Final = 2
"""The event of the frame that closes a day; see also `netting.EVENT_WINDOW_CLOSED`."""

_HEAD: Final = struct.Struct("<16s16sQQQQ32sQ32s")
_HEAD_TAG: Final = b"payvand day 1\0\0\0"
_LEAF: Final = np.dtype(
    [
        ("kind", "<u1"),
        ("operation", "<u1"),
        ("reserved", "<u2"),
        ("index", "<u4"),
        ("sequence", "<u8"),
        ("timestamp", "<u8"),
        ("status", "<u4"),
        ("decision", "<u4"),
        ("payload_digest", "V32"),
    ]
)
_NO_PAYLOAD: Final = sha256().digest()


class LeafKind:
    """What a leaf holds, as its first byte."""

    RECORD: Final = 1
    EXPIRY: Final = 2
    NOTE: Final = 3


@dataclass(frozen=True, slots=True)
class Leaf:
    """The content of a leaf, taken apart."""

    kind: int
    operation: int
    index: int
    sequence: int
    timestamp: int
    status: int
    decision: int
    payload_digest: bytes
    content: bytes

    @classmethod
    def read(cls, raw: bytes) -> Self:
        """Take a leaf apart; ValueError where it is too short or its reserved bytes aren't zero."""
        if len(raw) < _LEAF.itemsize:
            raise ValueError(f"a leaf has at least {_LEAF.itemsize} bytes, not {len(raw)}")
        head = np.frombuffer(raw, _LEAF, count=1)[0]
        if head["reserved"]:
            raise ValueError("the reserved bytes of a leaf are zero")
        return cls(
            kind=int(head["kind"]),
            operation=int(head["operation"]),
            index=int(head["index"]),
            sequence=int(head["sequence"]),
            timestamp=int(head["timestamp"]),
            status=int(head["status"]),
            decision=int(head["decision"]),
            payload_digest=raw[32 : _LEAF.itemsize],
            content=raw[_LEAF.itemsize :],
        )


def leaf_contents(frame: Frame) -> Iterator[bytes]:
    """Iterate over the contents of a frame's leaves, in the order of the tree."""
    yield from _rows(frame, LeafKind.EXPIRY, frame.expired)
    yield from _rows(frame, LeafKind.RECORD, frame.records)
    if frame.note:
        head = _heads(frame, LeafKind.NOTE, 1)
        head["payload_digest"] = np.void(sha256(frame.note).digest())
        yield head.tobytes()


def _heads(frame: Frame, kind: int, count: int) -> Any:
    heads = np.zeros(count, _LEAF)
    heads["kind"], heads["operation"] = kind, int(frame.operation)
    heads["sequence"], heads["timestamp"] = frame.sequence, frame.timestamp
    heads["index"] = np.arange(count)
    heads["payload_digest"] = np.void(_NO_PAYLOAD)
    return heads


def _rows(frame: Frame, kind: int, rows: Any) -> Iterator[bytes]:
    count = len(rows)
    if not count:
        return
    heads = _heads(frame, kind, count)
    if kind == LeafKind.RECORD:
        heads["timestamp"] = frame.timestamp - count + 1 + np.arange(count, dtype=np.uint64)
        heads["status"] = frame.statuses
        if len(frame.decisions):
            heads["decision"] = frame.decisions
        if len(offsets := frame.payload_offsets):
            marks, payloads = offsets.tolist(), frame.payloads
            digests = b"".join(
                sha256(payloads[marks[at] : marks[at + 1]]).digest() for at in range(count)
            )
            heads["payload_digest"] = np.frombuffer(digests, "V32")
    head_bytes, row_bytes = heads.tobytes(), rows.tobytes()
    width, size = _LEAF.itemsize, rows.dtype.itemsize
    for at in range(count):
        yield head_bytes[at * width : (at + 1) * width] + row_bytes[at * size : (at + 1) * size]


@dataclass(frozen=True, slots=True)
class DayHead:
    """What is signed of a day."""

    journal_id: bytes
    number: int
    """From 1, without gaps."""
    date: date
    """The business date, as the operator names it; each day's is after the one before."""
    first: int
    """The sequence of its first frame."""
    last: int
    """The sequence of its last frame, `first - 1` where it has none."""
    digest: bytes
    """Digest of the frame `last`: what stands before it in the journal hangs on it."""
    leaves: int
    root: bytes

    def signed_bytes(self) -> bytes:
        """Return the bytes that the signature is over."""
        day = self.date.year * 10_000 + self.date.month * 100 + self.date.day
        return _HEAD.pack(
            _HEAD_TAG,
            self.journal_id,
            self.number,
            day,
            self.first,
            self.last,
            self.digest,
            self.leaves,
            self.root,
        )

    def sign(self, key: Ed25519PrivateKey) -> "ClosedDay":
        """Return the day with its signature."""
        return ClosedDay(self, key.public_key().public_bytes_raw(), key.sign(self.signed_bytes()))


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A day and its signature, as the note of its closing says them."""

    head: DayHead
    public_key: bytes
    signature: bytes

    @property
    def sequence(self) -> int:
        """Return the sequence of the closing frame."""
        return self.head.last + 1

    def signed_by(self, public_key: bytes) -> bool:
        """Tell whether the signature is that key's; the day's own word on its key is not asked."""
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(
                self.signature, self.head.signed_bytes()
            )
        except (InvalidSignature, ValueError):
            return False
        return True

    def fields(self) -> dict[str, str]:
        """Return the day as JSON says it: bytes in hex, numbers as decimal digits."""
        head = self.head
        return {
            "journal": head.journal_id.hex(),
            "day": str(head.number),
            "date": head.date.isoformat(),
            "first_sequence": str(head.first),
            "last_sequence": str(head.last),
            "last_digest": head.digest.hex(),
            "leaves": str(head.leaves),
            "root": head.root.hex(),
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    @classmethod
    def of_fields(cls, fields: dict[str, str]) -> Self:
        """Return the day that JSON says; KeyError, TypeError or ValueError where it says none."""
        head = DayHead(
            bytes.fromhex(fields["journal"]),
            int(fields["day"]),
            date.fromisoformat(fields["date"]),
            int(fields["first_sequence"]),
            int(fields["last_sequence"]),
            bytes.fromhex(fields["last_digest"]),
            int(fields["leaves"]),
            bytes.fromhex(fields["root"]),
        )
        if (len(head.journal_id), len(head.digest), len(head.root)) != (16, 32, 32):
            raise ValueError("journal has 16 bytes, last_digest and root have 32")
        if not all(0 <= n < 1 << 64 for n in (head.number, head.first, head.last, head.leaves)):
            raise ValueError("day, sequences and leaves are unsigned 64-bit numbers")
        return cls(head, bytes.fromhex(fields["public_key"]), bytes.fromhex(fields["signature"]))

    def note(self) -> bytes:
        """Return the note of the closing."""
        return json.dumps(self.fields(), separators=(",", ":")).encode("ascii")

    @classmethod
    def of(cls, frame: Frame) -> Self:
        """Return the day that a frame closes; `WindowFault` where its note isn't one."""
        try:
            return cls.of_fields(json.loads(frame.note))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WindowFault(
                f"the note of frame {frame.sequence} isn't a day's: {error}",
                hint="run `payvand verify`",
            ) from error


def closes_day(frame: Frame) -> bool:
    """Tell whether a frame closes a day."""
    return frame.event == EVENT_DAY_CLOSED


@dataclass(slots=True)
class DayRecount:
    """The open day, added up from its frames; closings are held against what was added up."""

    journal_id: bytes
    closed: ClosedDay | None = None
    """The last closed day."""
    sequence: int = 0
    """Of the last frame added."""
    digest: bytes = bytes(32)
    wrong: list[str] = field(default_factory=list)
    """What closings say otherwise than the frames."""
    public_key: bytes = b""
    """Whose signatures the closings have to bear; empty to take each closing's word for it."""
    tree: MerkleTree = field(default_factory=MerkleTree)

    def add(self, frame: Frame) -> None:
        """Add the next frame; frames come without gaps."""
        if closes_day(frame):
            self._close(frame)
        else:
            self.tree.extend(map(leaf_hash, leaf_contents(frame)))
        self.sequence, self.digest = frame.sequence, frame.digest

    def add_watched(self, frame: Frame, places: Container[int]) -> list[tuple[int, bytes]]:
        """Add the next frame, gathering the paths of its leaves at *places*.

        Return the position in the day's tree and the content of each.
        """
        watched = []
        for place, content in enumerate(leaf_contents(frame)):
            if place in places:
                watched.append((self.tree.watch(), content))
            self.tree.extend((leaf_hash(content),))
        self.sequence, self.digest = frame.sequence, frame.digest
        return watched

    def head(self, on: date) -> DayHead:
        """Return what the open day comes to with the frames so far."""
        last = self.closed
        return DayHead(
            self.journal_id,
            last.head.number + 1 if last else 1,
            on,
            last.sequence + 1 if last else 1,
            self.sequence,
            self.digest,
            self.tree.size,
            self.tree.root(),
        )

    def _close(self, frame: Frame) -> None:
        try:
            closed = ClosedDay.of(frame)
        except WindowFault as fault:
            self.wrong.append(str(fault))
            return
        number = closed.head.number
        if closed.head != self.head(closed.head.date):
            self.wrong.append(f"day {number}: the closing and the frames don't say the same")
        if not closed.signed_by(self.public_key or closed.public_key):
            self.wrong.append(f"day {number}: the signature isn't that of the key")
        if self.closed and closed.head.date <= self.closed.head.date:
            self.wrong.append(f"day {number}: its date isn't after that of the day before")
        self.closed, self.tree = closed, MerkleTree()


def prove_days_equal_their_roots(recount: DayRecount) -> Proof:
    """Prove that each closing's root is that of the day's frames, and its signature is right."""
    last = recount.closed
    seen = (
        f"{last.head.number:,} days, the last {last.head.date} with root {last.head.root.hex()}"
        if last
        else "no day was closed"
    )
    return verdict("days_equal_their_roots", recount.wrong, seen)
