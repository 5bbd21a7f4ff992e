"""Settlement windows as the journal tells them.

A window is closed by one frame: event `WINDOW_CLOSED`, the chain of settlement transfers as its
records, the positions as its note. If the chain wasn't applied the window wasn't closed. A
payment belongs to the window that was open when the frame of its *posting* was applied: by
sequence, never by a clock. The closing frame's own transfers settle the window and aren't among
its debits and credits.

`WindowBook` reads only the notes and costs nothing for other frames. `recount.py` believes no
note: it adds up every posting of the journal again.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.records import Records
from payvand.settlement.errors import ForeignRecord, WindowFault
from payvand.settlement.netting import (
    EVENT_WINDOW_CLOSED,
    NetPosition,
    Netting,
    Posted,
    net_window,
)

__all__ = [
    "ClosedWindow",
    "WindowBook",
    "closes_window",
    "is_zero",
    "moved_amounts",
    "unnamed_accounts",
]

CREATED = 0xFFFF_FFFF


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
