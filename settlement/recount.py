"""Closed windows added up again from the postings, without believing a note.

`WindowRecount` is fed frames, one after the other, by who reads them for other reasons too.
`recount_journal` reads a journal's files for this alone, segments side by side and no object made
of a frame: netting is a function of the journal, and may be computed again at any time.
"""

import mmap
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from payvand.core.frame import Frame, check_frame
from payvand.core.records import Operation, u128_list
from payvand.core.segments import SEGMENT_HEADER_BYTES, JournalReader
from payvand.settlement.netting import NetPosition, is_position, participant_of
from payvand.settlement.postings import SCAN_END, SCAN_FAULT, PostingSums
from payvand.settlement.windows import CREATED, ClosedWindow, closes_window

__all__ = ["Recount", "WindowRecount", "recount_journal"]

WORKERS_MAX = 8

Sums = tuple[Mapping[int, int], Mapping[int, int]]
"""What accounts were debited and credited, by account."""


@dataclass(frozen=True, slots=True)
class Recount:
    """A closed window and its positions, added up again from the postings."""

    closed: ClosedWindow
    positions: tuple[NetPosition, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether the note says what the postings say."""
        return self.positions == self.closed.positions

    def disagreements(self) -> list[tuple[NetPosition | None, NetPosition | None]]:
        """Return what the note says and what the postings say, where it isn't the same."""
        noted = {position.participant: position for position in self.closed.positions}
        counted = {position.participant: position for position in self.positions}
        pairs = [(noted.get(n), counted.get(n)) for n in sorted(noted.keys() | counted.keys())]
        return [(note, count) for note, count in pairs if note != count]

    @property
    def nets_to_zero(self) -> bool:
        """Tell whether the nets of each ledger add up to zero."""
        sums: dict[int, int] = {}
        for position in self.positions:
            sums[position.ledger] = sums.get(position.ledger, 0) + position.net
        return not any(sums.values())


class WindowRecount:
    """Add up every window of a journal, from its first frame on."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        self.recounts: list[Recount] = []
        """The closed windows, in order."""
        self._sums = PostingSums()
        self._ledgers: dict[int, int] = {}
        self._carried: dict[int, int] = {}
        self._debits: dict[int, int] = {}
        self._credits: dict[int, int] = {}

    def add(self, frame: Frame) -> None:
        """Add the next frame; frames come without gaps."""
        if frame.operation == Operation.CREATE_ACCOUNTS:
            made = frame.records[frame.statuses == CREATED]
            created = zip(u128_list(made["id"]), made["ledger"].tolist(), strict=True)
            self._ledgers |= {
                account: ledger for account, ledger in created if is_position(account)
            }
        if not closes_window(frame):
            self._sums.add(frame)
            return
        self.add_sums(self._sums.take())
        self._sums.add(frame)
        self._close(frame, self._sums.take())

    def add_sums(self, sums: Sums) -> None:
        """Add what the postings of frames add up to, none of which closed a window."""
        for running, more in zip((self._debits, self._credits), sums, strict=True):
            for account, amount in more.items():
                running[account] = running.get(account, 0) + amount

    @property
    def open_positions(self) -> tuple[NetPosition, ...]:
        """The positions in the open window so far: none of it is settled."""
        self.add_sums(self._sums.take())
        return self._positions(({}, {}))

    def _close(self, frame: Frame, settled: Sums) -> None:
        positions = self._positions(settled)
        self.recounts.append(Recount(ClosedWindow.of(frame), positions))
        carried = (position.carried for position in positions)
        self._carried = dict(zip(sorted(self._ledgers), carried, strict=True))
        self._debits, self._credits = {}, {}

    def _positions(self, settled: Sums) -> tuple[NetPosition, ...]:
        debited, credited = settled
        return tuple(
            NetPosition(
                participant_of(account),
                self._ledgers[account],
                self._carried.get(account, 0),
                self._debits.get(account, 0),
                self._credits.get(account, 0),
                debited.get(account, 0) - credited.get(account, 0),
            )
            for account in sorted(self._ledgers)
        )


def recount_journal(folder: Path, *, workers: int = 2) -> WindowRecount:
    """Add up every window of a journal that nobody writes, *workers* segments at a time.

    Checksums of all frames are checked on the way, the chain of hashes isn't: that is the
    verifier's. Where anything isn't as it should be, the journal is read once more by the reader
    that can tell a torn tail from damage.

    Raises:
        JournalCorrupt: acknowledged bytes are not what they were.
        ForeignRecord: a posting doesn't name its accounts.
        WindowFault: the note of a closing isn't one.
    """
    if not 1 <= workers <= WORKERS_MAX:
        raise ValueError(f"workers is {workers}, not from 1 to {WORKERS_MAX}")
    segments = JournalReader(folder).segments()
    with ThreadPoolExecutor(workers) as pool:
        scans = list(pool.map(_scan, segments))
    recount = WindowRecount()
    orderly = all(one.stop == other.start for one, other in pairwise(scans))
    if not orderly or any(scan.fault for scan in scans) or (scans and scans[0].start != 1):
        for frame in JournalReader(folder):
            recount.add(frame)
        return recount
    for scan in scans:
        for part in scan.parts:
            if isinstance(part, Frame):
                recount.add(part)
            else:
                recount.add_sums(part)
    return recount


@dataclass(frozen=True, slots=True)
class _Scan:
    """What a segment holds: sums of ordinary frames, and the frames between that aren't."""

    start: int
    """The sequence of its first frame."""
    stop: int
    """The sequence behind its last frame."""
    parts: list[Frame | Sums]
    fault: bool


def _scan(segment: Path) -> _Scan:
    """Add up a segment from its memory map."""
    first = sequence = int(segment.stem.removeprefix("segment-"))
    offset = SEGMENT_HEADER_BYTES
    sums = PostingSums()
    parts: list[Frame | Sums] = []
    with segment.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        while True:
            offset, sequence, stopped = sums.scan(data, offset, sequence)
            parts.append(sums.take())
            if stopped in (SCAN_END, SCAN_FAULT):
                rest = bool(np.frombuffer(data, np.uint8, offset=offset).any())
                return _Scan(first, sequence, parts, stopped == SCAN_FAULT or rest)
            _, length, *_ = check_frame(data, offset)
            parts.append(Frame(data[offset : offset + length]))
            offset, sequence = offset + length, sequence + 1
