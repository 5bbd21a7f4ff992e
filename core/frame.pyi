from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.records import Operation, Records

FAULTS: dict[int, str]
"""What may be wrong with the bytes where a frame should be, in words."""

def check_frame(data: Any, offset: int = 0) -> tuple[int, int, int, int]:
    """Check the bytes at *offset* as a frame → (fault, length, start, stop); see FAULTS.

    The length is 0 unless the header is sound; *start* and *stop* tell which bytes of *data* are
    wrong.
    """

def checked_frame(data: Any, offset: int, length: int) -> Frame:
    """Return the Frame of bytes that `check_frame` has found good."""

class Frame:
    """A batch as it stands in the journal: its inputs and what became of them.

    Raises ValueError where the bytes are not exactly one good frame. Arrays are read-only views.
    """

    raw: bytes
    def __init__(self, raw: bytes) -> None: ...
    @property
    def sequence(self) -> int:
        """The frame's number in the journal, from 1, without gaps."""
    @property
    def timestamp(self) -> int:
        """The timestamp of the last record, ns; record i of n has this - n + 1 + i."""
    @property
    def operation(self) -> Operation:
        """What the frame asks of the ledger."""
    @property
    def event(self) -> int:
        """The application's tag of the frame; 0 for none."""
    @property
    def previous(self) -> bytes:
        """Digest of the frame before, 32 bytes."""
    @property
    def digest(self) -> bytes:
        """Digest of this frame, 32 bytes, which the next one carries."""
    @property
    def records(self) -> Records:
        """The events: ACCOUNT[n], TRANSFER[n] or LIMIT[n] by the operation."""
    @property
    def statuses(self) -> npt.NDArray[np.uint32]:
        """What became of each event, u4[n]; 0xFFFFFFFF = it took effect."""
    @property
    def decisions(self) -> npt.NDArray[np.uint32]:
        """What the stage before the ledger decided, u4[n], or empty."""
    @property
    def resolved(self) -> Records:
        """Amounts that moved where they aren't the amounts asked for, RESOLVED[k]."""
    @property
    def expired(self) -> Records:
        """Reservations that ran out before the first event, EXPIRED[k], in order."""
    @property
    def payload_offsets(self) -> npt.NDArray[np.uint32]:
        """Where each record's payload begins, u4[n + 1], or empty."""
    @property
    def payloads(self) -> bytes:
        """All payloads, one behind the other."""
    @property
    def note(self) -> bytes:
        """Bytes that belong to the frame as a whole; empty for none."""
    def payload(self, index: int) -> bytes:
        """Return the payload of one record."""
