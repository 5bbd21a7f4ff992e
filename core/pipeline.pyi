from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.core.frame import Frame
from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.records import Operation, Records
from payvand.core.stage import Stage

class Pipeline:
    """Own the slots, and the stages through which workers carry them."""

    def __new__(
        cls, ledger: Ledger, stage: Stage, journal: Journal, chain: bytes, wake_fd: int
    ) -> Self:
        """Commit on behind the frame whose SHA-256 is *chain*; write 8 bytes to *wake_fd*
        whenever a batch became durable or everything stopped."""
    @property
    def has_room(self) -> bool:
        """True while there is a slot to fill."""
    @property
    def under_way(self) -> int:
        """How many sealed batches are not durable yet."""
    @property
    def records_in_hand(self) -> int:
        """How many records the slot in hand holds."""
    @property
    def ticket(self) -> int:
        """The number of the batch in hand: batches are numbered in order, from 0."""
    @property
    def applied_sequence(self) -> int:
        """The sequence of the last batch that the ledger holds; read it under `lock_books`."""
    @property
    def durable(self) -> int:
        """The sequence of the last frame on stable storage."""
    @property
    def batches_durable(self) -> int:
        """How many of the batches are on stable storage: those with a lower ticket."""
    @property
    def failed(self) -> int | BaseException | None:
        """What stopped the pipeline: an errno of the journal, an exception, or None."""
    def fits(self, operation: Operation, rows: Records, payloads_bytes: int) -> bool:
        """Tell whether a submission may join the batch in hand.

        A chain that a submission leaves open must end with it, and whether a batch is imported is
        told by its first event: so such submissions keep apart from others'.
        """
    def add(
        self,
        operation: Operation,
        rows: Records,
        payloads: bytes | npt.NDArray[np.uint8] | None = None,
        offsets: npt.NDArray[np.uint32] | None = None,
        balances: bool = False,
    ) -> int:
        """Copy a submission that fits into the batch in hand; return its first record's place."""
    def seal(
        self, now: int, operation: Operation | None = None, event: int = 0, note: bytes = b""
    ) -> None:
        """Send the batch in hand on its way; *operation* is given for one without records."""
    def linger(self) -> bool:
        """Wait for the batch sealed last, where it is small and the disk quick; True if durable.

        It saves the caller a sleep and a waking where a batch is alone. The wait is short and ends
        in any case; where this returns False, the caller is woken as ever.
        """
    def outcome(self, ticket: int) -> tuple[int, int, Records, npt.NDArray[np.uint32], Records]:
        """Return (sequence, timestamp, RESULT[n], decisions u4[n], RESOLVED[k]) of a batch."""
    def balances(self, ticket: int, first: int, count: int) -> Records:
        """Return AFTER[count], those behind a part of a batch that asked; zeros where it failed."""
    def frame(self, ticket: int) -> Frame:
        """Return the frame of a batch, as it stands in the journal."""
    def times(self, ticket: int) -> tuple[int, int, int, int]:
        """Return (next expiry or 0, ns of scoring and ledger, ns of write and flush, records)."""
    def release(self) -> None:
        """Give back the slot of the oldest batch, which is durable."""
    def lock_books(self) -> int:
        """Keep workers from the ledger's memory until `unlock_books`, for the caller to read it.

        Returns the sequence of the last batch in it: what was read is durable once `durable` has
        come as far.
        """
    def unlock_books(self) -> None:
        """Let workers go on."""
    def run(self) -> None:
        """Carry batches until `stop`; COMMIT_WORKERS threads do so side by side."""
    def stop(self) -> None:
        """Let the workers end once every sealed batch is durable."""
