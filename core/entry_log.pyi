from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.records import Records

_Keys = npt.NDArray[np.uint64]

STRETCH: np.dtype[np.void]
"""A frame and its movements: sequence u8, first u8 (number of its first movement), timestamp u8
(of its last event, ns), last_created u8 (timestamp of the last transfer up to its end, ns), place
u8 (in the journal), movements u4, expired_count u4 (the first of them), record_count u4."""

STAND: np.dtype[np.void]
"""How an account with a history stood behind a movement: key u8, then its four balances."""

def sort_keys(keys: _Keys) -> _Keys:
    """Return keys in their order, u8[n]; those of one account are so already.

    May write to *keys*.
    """

class EntryLog:
    """The entries of the last stretch of the journal, in memory.

    The ledger's thread notes; one thread takes to runs (`gather`, `retire`); those who ask hold it
    back from `retire` meanwhile, and ask for numbers of durable frames alone.
    """

    def __new__(cls, ledger: Ledger, journal: Journal, *, due: int) -> Self:
        """So many movements make a run."""
    def begin(self, sequence: int, number: int) -> None:
        """Begin behind the frame *sequence*: runs hold all movements before *number*."""
    @property
    def oldest(self) -> int:
        """The number of the first movement in memory; those before it are in runs."""
    @property
    def count(self) -> int:
        """How many numbers were given."""
    def segment(self, number: int) -> int:
        """Return the first sequence of a segment of the journal, counted from 0."""
    def fail(self, fault: int) -> None:
        """Say that runs can't be written (errno): the ledger takes no more batches."""
    def call(self) -> None:
        """Let `wait` return."""
    def wait(self) -> None:
        """Return once there may be enough for a run."""
    def want(self, wanted: bool) -> None:
        """Have a run written now, however little there is."""
    def gather(self) -> tuple[Records, _Keys, Records, int, int, int] | None:
        """Return what the next run holds, or None where there is not enough for one.

        STRETCH[k], keys u8[n] in order, STAND[s] in order; then, for `retire`: the last sequence,
        the number and the stand where the rest begins.
        """
    def retire(self, sequence: int, number: int, stand: int) -> None:
        """Forget what a run holds now."""
    def first_beyond(self, field: int, value: int) -> Records | None:
        """Return the first frame in memory, a STRETCH, whose *field* is greater than *value*.

        Fields: 0 sequence, 1 first, 2 timestamp, 3 last_created. None where there is none.
        """
    def keys(self, row: int, first: int, end: int, backwards: bool, most: int) -> _Keys:
        """Return the keys of an account with numbers from *first* up to *end*, in order."""
    def stretches_of(self, numbers: _Keys) -> Records:
        """Return STRETCH[n], the frames of movements in memory."""
    def stretches(self, number: int, most: int) -> Records:
        """Return STRETCH[k], frames from that of a movement on."""
    def stand(self, key: int) -> Records | None:
        """Return the STAND under a key, or None."""
    def read(
        self, places: _Keys, indexes: npt.NDArray[np.uint32], expired: npt.NDArray[np.bool_]
    ) -> Records:
        """Return TRANSFER[n], events as they stand in frames at *places*, with what took effect.

        Where *expired*, what ran out: id, accounts and amount alone. Posts and voids are not
        filled from their pending transfers. Not for two threads at once.

        Raises JournalCorrupt, JournalUnusable.
        """
