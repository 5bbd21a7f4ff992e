"""Settlement windows as the journal tells them.

A window is closed by one frame: event `WINDOW_CLOSED`, the chain of settlement transfers as its
records, the positions as its note. If the chain wasn't applied the window wasn't closed. A
payment belongs to the window that was open when the frame of its *posting* was applied: by
sequence, never by a clock. The closing frame's own transfers settle the window and aren't among
its debits and credits.

`WindowBook` reads only the notes and costs nothing for other frames. `WindowRecount` believes no
note: it adds up every posting of the journal again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import Operation, Records, TransferFlags, u128_list
from payvand.settlement.errors import ForeignRecord, WindowFault
from payvand.settlement.netting import (
    EVENT_WINDOW_CLOSED,
    NetPosition,
    Netting,
    Posted,
    is_position,
    net_window,
    participant_of,
)

__all__ = [
    "ClosedWindow",
    "Recount",
    "WindowBook",
    "WindowRecount",
    "closes_window",
    "is_zero",
    "moved_amounts",
    "posted_amounts",
    "unnamed_accounts",
]

CREATED = 0xFFFF_FFFF
NOT_POSTING = TransferFlags.PENDING | TransferFlags.VOID_PENDING_TRANSFER


def closes_window(frame: Frame) -> bool:
    """Tell whether a frame closed a window: it says so, and all of its chain was applied."""
    return frame.event == EVENT_WINDOW_CLOSED and bool((frame.statuses == CREATED).all())


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A closed window, as the note of its closing says."""

    number: int
    sequence: int
    """Of the closing frame: postings of frames before it belong to this window or earlier ones."""
    timestamp: int
    """Of the closing frame, in nanoseconds since 1970."""
    positions: tuple[NetPosition, ...]
    posted: Mapping[int, Posted]
    """The cumulative balances of each position after the closing, by participant."""
    note: bytes = field(repr=False)

    @classmethod
    def of(cls, frame: Frame) -> "ClosedWindow":
        """Read the closing frame; raises `WindowFault` where its note isn't one."""
        return cls.from_note(frame.note, sequence=frame.sequence, timestamp=frame.timestamp)

    @classmethod
    def from_note(cls, note: bytes, *, sequence: int, timestamp: int) -> "ClosedWindow":
        """Read the note of a closing; raises `WindowFault` where it isn't one."""
        try:
            event = json.loads(note)
            number = int(event["window"])
            entries = event["positions"]
            positions = tuple(_position_of(entry) for entry in entries)
            posted = {
                int(entry["participant"]): Posted(
                    int(entry["debits_posted"]), int(entry["credits_posted"])
                )
                for entry in entries
            }
        except (ValueError, KeyError, TypeError) as error:
            raise WindowFault(
                f"the note of frame {sequence} isn't that of a closed window: {error!r}",
                hint="other code than this wrote the frame, or it is damaged: verify",
            ) from error
        return cls(number, sequence, timestamp, positions, MappingProxyType(posted), bytes(note))


def _position_of(entry: Mapping[str, Any]) -> NetPosition:
    """Return the position of a note's entry, and see that its figures agree."""
    position = NetPosition(
        int(entry["participant"]),
        int(entry["ledger"]),
        int(entry["opening"]),
        int(entry["debits"]),
        int(entry["credits"]),
        int(entry["settled"]),
    )
    if (position.net, position.carried) != (int(entry["net"]), int(entry["carried"])):
        raise ValueError(f"figures of participant {position.participant} don't add up")
    return position


class WindowBook:
    """The number of the open window and where each position stood when the last one closed."""

    def __init__(self, last: ClosedWindow | None = None) -> None:
        """Begin after a closed window, or with window 1."""
        self.last = last
        """The window closed last; None before the first closing."""

    @classmethod
    def replay(cls, frames: Iterable[Frame]) -> "WindowBook":
        """Return the book that follows from a journal's frames."""
        book = cls()
        for frame in frames:
            book.apply(frame)
        return book

    @property
    def open_window(self) -> int:
        """The number of the open window."""
        return self.last.number + 1 if self.last else 1

    @property
    def opened_sequence(self) -> int:
        """The first frame whose postings may belong to the open window."""
        return self.last.sequence + 1 if self.last else 1

    def apply(self, frame: Frame) -> ClosedWindow | None:
        """Follow a frame; return the window it closed, if it did. Frames seen before are passed."""
        if not closes_window(frame) or frame.sequence < self.opened_sequence:
            return None
        closed = ClosedWindow.of(frame)
        if closed.number != self.open_window:
            raise WindowFault(
                f"frame {frame.sequence} closes window {closed.number}, "
                f"but window {self.open_window} is open",
                hint="the journal isn't one that this switch wrote: verify it",
            )
        self.last = closed
        return closed

    def net(self, accounts: Records, limits: Records) -> Netting:
        """Net the open window from its accounts as they stand now; see `net_window`."""
        last = self.last.posted if self.last else {}
        return net_window(self.open_window, accounts=accounts, limits=limits, last=last)


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
    """Add up every window of a journal, from its first frame on, without believing a note."""

    def __init__(self) -> None:
        """Begin before the first frame."""
        self.recounts: list[Recount] = []
        """The closed windows, in order."""
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
        debited, credited = posted_amounts(frame)
        if not closes_window(frame):
            _add(self._debits, debited)
            _add(self._credits, credited)
            return
        positions = tuple(
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
        self.recounts.append(Recount(ClosedWindow.of(frame), positions))
        carried = (position.carried for position in positions)
        self._carried = dict(zip(sorted(self._ledgers), carried, strict=True))
        self._debits, self._credits = {}, {}


def posted_amounts(frame: Frame) -> tuple[dict[int, int], dict[int, int]]:
    """Return what a frame's postings debited and credited, by account."""
    if frame.operation != Operation.CREATE_TRANSFERS or not len(frame.records):
        return {}, {}
    posting = (frame.statuses == CREATED) & (frame.records["flags"] & int(NOT_POSTING) == 0)
    records, amounts = frame.records[posting], moved_amounts(frame)[posting]
    if is_zero(records["debit_account_id"]).any():
        raise unnamed_accounts(frame.sequence)
    return (
        sum_by(records["debit_account_id"], amounts),
        sum_by(records["credit_account_id"], amounts),
    )


def moved_amounts(frame: Frame) -> Records:
    """Return for each transfer of a frame the amount that really moves, where it took effect."""
    amounts: Records = frame.records["amount"]
    if len(frame.resolved):
        amounts = amounts.copy()
        amounts[frame.resolved["index"]] = frame.resolved["amount"]
    return amounts


def unnamed_accounts(sequence: int) -> ForeignRecord:
    """Return the fault of a frame that posts or voids without naming the accounts.

    The ledger allows it and takes them from the reservation. This room reads frames one by one,
    so the switch always names them.
    """
    return ForeignRecord(
        f"frame {sequence} answers a reservation without naming its accounts",
        hint="whoever writes to the engine fills in the accounts of posts and voids",
    )


def is_zero(column: Records) -> npt.NDArray[np.bool_]:
    """Tell which of a u128 column are zero."""
    zero: npt.NDArray[np.bool_] = (column["lo"] == 0) & (column["hi"] == 0)
    return zero


def sum_by(keys: Records, amounts: Records) -> dict[int, int]:
    """Return the sums of u128 amounts by u128 key, exact.

    The amounts are added in limbs of 32 bits, of which 2**32 fit into 64 bits.
    """
    if not len(keys):
        return {}
    if keys["hi"].any():
        sums: dict[int, int] = {}
        for key, amount in zip(u128_list(keys), u128_list(amounts), strict=True):
            sums[key] = sums.get(key, 0) + amount
        return sums
    distinct, places = np.unique(keys["lo"], return_inverse=True)
    totals = [0] * len(distinct)
    for shift, limb in _limbs(amounts):
        if limb.any():
            part = np.zeros(len(distinct), np.uint64)
            np.add.at(part, places, limb)
            totals = [
                total + (value << shift) for total, value in zip(totals, part.tolist(), strict=True)
            ]
    return dict(zip(distinct.tolist(), totals, strict=True))


def _limbs(amounts: Records) -> Iterator[tuple[int, npt.NDArray[np.uint64]]]:
    low = np.uint64(0xFFFF_FFFF)
    for shift, half in ((0, amounts["lo"]), (64, amounts["hi"])):
        yield shift, half & low
        yield shift + 32, half >> np.uint64(32)


def _add(sums: dict[int, int], more: Mapping[int, int]) -> None:
    for key, value in more.items():
        sums[key] = sums.get(key, 0) + value
