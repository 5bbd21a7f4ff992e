"""The book of a sandbox participant: what it sent, what it was offered, how each payment ended.

It is kept apart from the switch on purpose: the proofs of a day hold it against the switch's own
ledger and database. It is one append-only text file of steps. A step is written with one call and
ends in its checksum, so one that was cut off is told from a whole one and dropped:

    sent     <id> <amount> <state> <reason>     the switch's word on an instruction
    refused  <file> <position> <field> <rule>   an instruction that broke a rule
    offered  <id> <amount> <verdict> <bill>     a payment to us, our answer, what it pays
    ended    <id> <state> <reason> <timestamp>  a final state, either way
    place    <file> <instructions>              how far a file was sent and answered
    cursor   <cursor>                           how far the inbound stream was dealt with
    .        <CRC-32 of the step>

A step holds its effects together with the cursor or the place that they belong to, so each takes
effect once, whenever the process ends. What a crash of the machine takes from the end comes
again from the switch, and the answers are the same; so the file is flushed to the disk once a
second and not for every step.
"""

import io
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote, unquote
from zlib import crc32

__all__ = ["FINAL", "Book", "Tally"]

RESERVED: Final = "reserved"
FINAL: Final = frozenset({"settled", "rejected", "expired", "declined"})


@dataclass(slots=True)
class Tally:
    """How many payments are in each state, and the sums of their amounts."""

    counts: Counter[str] = field(default_factory=Counter)
    sums: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))

    def move(self, amount: int, before: str, after: str) -> None:
        """Move one payment from the state *before*, empty for a new one, to *after*."""
        if before:
            self.counts[before] -= 1
            self.sums[before] -= amount
        self.counts[after] += 1
        self.sums[after] += amount

    def states(self) -> dict[str, tuple[int, int]]:
        """Return count and sum by state, without states that nothing is in."""
        return {state: (count, self.sums[state]) for state, count in self.counts.items() if count}


@dataclass(slots=True)
class _Side:
    """The payments of one direction: amount and state by id."""

    payments: dict[bytes, tuple[int, str]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


class Book:
    """A participant's book, in memory and on disk. Opened by `Book.open`."""

    def __init__(self, path: Path) -> None:
        """Begin empty; `open` reads what is at *path*."""
        self.path = path
        self.cursor = 0
        """How far the inbound stream was dealt with."""
        self.refused: dict[tuple[str, int], str] = {}
        """The rule that an instruction broke, by file and position."""
        self.ends: dict[bytes, int] = {}
        """When each payment ended, in nanoseconds since 1970 by the switch's clock."""
        self.reasons: dict[bytes, str] = {}
        """Why payments that were sent didn't settle: a reason code, by id."""
        self.contradictions: list[str] = []
        """Payments that were told to have ended in two ways, or with two amounts: none, ever."""
        self.bills: Counter[str] = Counter()
        """What the payments to us say they settle, with how many do."""
        self.repeats = 0
        """Payments whose outcome was asked for again by sending them again."""
        self._sent, self._received = _Side(), _Side()
        self._early: dict[bytes, str] = {}
        self._places: dict[str, int] = {}
        self._lines: list[str] = []
        self._file: io.FileIO | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the book at *path*, or begin one; drop a step that was cut off."""
        book = cls(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        whole = book._replay() if path.exists() else 0
        file = path.open("r+b" if path.exists() else "x+b", buffering=0)
        file.truncate(whole)
        file.seek(whole)
        book._file = file
        return book

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what the book at *path* says, without opening it for more."""
        book = cls(path)
        if path.exists():
            book._replay()
        return book

    def close(self) -> None:
        """Flush to the disk and close."""
        if self._file is not None:
            self.flush()
            self._file.close()
            self._file = None

    def flush(self) -> None:
        """Put what is written on stable storage."""
        if self._file is not None:
            os.fdatasync(self._file.fileno())

    # --- what is in it ------------------------------------------------------------------------

    @property
    def sent(self) -> Tally:
        """The payments it sent, by state."""
        return self._sent.tally

    @property
    def received(self) -> Tally:
        """The payments offered to it, by state."""
        return self._received.tally

    @property
    def open_count(self) -> int:
        """How many of the payments it sent have no final state yet."""
        return self._sent.tally.counts[RESERVED]

    def place(self, file: str) -> int:
        """Return how many instructions of *file* were sent and answered."""
        return self._places.get(file, 0)

    def entries(self, *, sent: bool) -> dict[bytes, tuple[int, str]]:
        """Return amount and state of each payment that was sent, or received, by id."""
        return (self._sent if sent else self._received).payments

    @property
    def strangers(self) -> list[bytes]:
        """The payments whose end was told, and that the book knows nothing else of.

        Another desk of the same bank sent them: see `Participant`.
        """
        return list(self._early)

    # --- what is done to it -------------------------------------------------------------------

    def note_sent(self, payment_id: bytes, amount: int, state: str, reason: str = "") -> None:
        """Note the switch's word on an instruction that was sent, or sent again."""
        self._lines.append(f"sent {payment_id.hex()} {amount} {state} {reason}")
        self._send(payment_id, amount, state, reason)

    def note_refused(self, file: str, position: int, path: str, rule: str) -> None:
        """Note that the instruction at *position* of *file* broke a rule."""
        self._lines.append(f"refused {file} {position} {path or '-'} {rule}")
        self.refused[file, position] = rule

    def note_offered(self, payment_id: bytes, amount: int, verdict: str, bill: str) -> None:
        """Note a payment to us, how it is answered, and the bill it says it settles."""
        bill = quote(bill) if bill else ""
        self._lines.append(f"offered {payment_id.hex()} {amount} {verdict} {bill}")
        self._offer(payment_id, amount, bill)

    def note_ended(self, payment_id: bytes, state: str, reason: str, timestamp: int) -> None:
        """Note the final state of a payment, sent or received."""
        self._lines.append(f"ended {payment_id.hex()} {state} {reason or '-'} {timestamp}")
        self._end(payment_id, state, reason, timestamp)

    def commit_place(self, file: str, instructions: int) -> None:
        """Write the step that was noted, together with how far *file* was sent."""
        self._lines.append(f"place {file} {instructions}")
        self._places[file] = instructions
        self._write()

    def commit_cursor(self, cursor: int) -> None:
        """Write the step that was noted, together with the inbound stream's cursor."""
        self._lines.append(f"cursor {cursor}")
        self.cursor = cursor
        self._write()

    def _write(self) -> None:
        assert self._file is not None, "open the book first"
        step = ("\n".join(self._lines) + "\n").encode()
        self._lines.clear()
        step += b". %08x\n" % crc32(step)
        written = self._file.write(step)
        if written != len(step):
            raise OSError(f"{self.path}: {written} of {len(step)} bytes were written")

    def _send(self, payment_id: bytes, amount: int, state: str, reason: str) -> None:
        side = self._sent
        known = side.payments.get(payment_id)
        if known is None:
            state = self._early.pop(payment_id, state)
            side.payments[payment_id] = amount, state
            side.tally.move(amount, "", state)
            if reason:
                self.reasons[payment_id] = reason
            return
        self.repeats += 1
        if known[0] != amount or (known[1] in FINAL and state in FINAL and known[1] != state):
            self.contradictions.append(payment_id.hex())
        elif known[1] == RESERVED and state != RESERVED:
            self._settle(side, payment_id, state)

    def _offer(self, payment_id: bytes, amount: int, bill: str) -> None:
        side = self._received
        known = side.payments.get(payment_id)
        if known is None:
            state = self._early.pop(payment_id, RESERVED)
            side.payments[payment_id] = amount, state
            side.tally.move(amount, "", state)
            if bill:
                self.bills[unquote(bill)] += 1
        elif known[0] != amount:
            self.contradictions.append(payment_id.hex())

    def _end(self, payment_id: bytes, state: str, reason: str, timestamp: int) -> None:
        known = None
        for side in (self._sent, self._received):
            known = side.payments.get(payment_id)
            if known is not None:
                break
        self.ends.setdefault(payment_id, timestamp)
        if known is None:
            self._early[payment_id] = state
        elif known[1] == RESERVED:
            self._settle(side, payment_id, state)
            if reason and side is self._sent:
                self.reasons[payment_id] = reason
        elif known[1] != state:
            self.contradictions.append(payment_id.hex())

    def _settle(self, side: _Side, payment_id: bytes, state: str) -> None:
        amount, before = side.payments[payment_id]
        side.payments[payment_id] = amount, state
        side.tally.move(amount, before, state)

    # --- reading it back ----------------------------------------------------------------------

    def _replay(self) -> int:
        """Take in every whole step; return where the last one ends."""
        whole = 0
        step: list[bytes] = []
        with self.path.open("rb") as source:
            for line in source:
                if not line.startswith(b". "):
                    step.append(line)
                    continue
                body = b"".join(step)
                if line != b". %08x\n" % crc32(body):
                    break
                for entry in step:
                    self._take(entry.decode().split())
                whole += len(body) + len(line)
                step.clear()
        return whole

    def _take(self, words: list[str]) -> None:
        match words:
            case ["sent", payment_id, amount, state, *reason]:
                self._send(bytes.fromhex(payment_id), int(amount), state, "".join(reason))
            case ["refused", file, position, _, rule]:
                self.refused[file, int(position)] = rule
            case ["offered", payment_id, amount, _, *bill]:
                self._offer(bytes.fromhex(payment_id), int(amount), "".join(bill))
            case ["ended", payment_id, state, reason, timestamp]:
                reason = "" if reason == "-" else reason
                self._end(bytes.fromhex(payment_id), state, reason, int(timestamp))
            case ["place", file, instructions]:
                self._places[file] = int(instructions)
            case ["cursor", cursor]:
                self.cursor = int(cursor)
            case _:
                raise ValueError(f"{self.path} holds a line that is none of a book: {words[0]}")
