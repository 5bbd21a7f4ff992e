from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.risk.feature_file import FeatureSet

KEYS_MAX: int
"""Keys of each kind where nothing else is asked for."""
ENTRIES_PER_KEY: int
"""Events kept for each key, on average over all of them."""

@dataclass(frozen=True, slots=True)
class KeyStatistics:
    """How the histories of one key stand."""

    key: tuple[str, ...]
    """Its fields."""
    keys: int
    keys_max: int
    """When there are more, the quietest of eight under a moving hand is evicted."""
    entries_max: int
    """Events kept for all keys together."""
    evicted: int
    """Keys that went before their history was over."""
    forgotten: int
    """Events that went because one key alone filled a quarter of the room."""
    bytes_per_key: int
    """At most, index included."""
    bytes_per_entry: int
    """At most, for each event kept; 0 where windows need no events."""

class FeatureEngine:
    """Compute the features of a file over a stream of events.

    An event is a row of u64: its time in the file's unit, its id, then the fields that the file
    names. Values above 2**48 - 1 count as that in sums and extrema.
    """

    features: FeatureSet
    event_fields: int
    outputs: int
    keys_max: int
    def __new__(
        cls, features: FeatureSet, *, keys_max: int = ..., entries_per_key: int = ...
    ) -> Self:
        """Reserve room for *keys_max* keys of each kind; memory is touched as they come."""
    def process(
        self, events: npt.NDArray[np.uint64], *, threads: int = 1
    ) -> npt.NDArray[np.float64]:
        """Take in events, u64[n, 2 + fields] in the order of their times → f64[n, features].

        Raises ValueError, before anything is taken in, where an event is older than the one before.
        """
    def _process_part(
        self,
        events: npt.NDArray[np.uint64],
        outputs: npt.NDArray[np.float64],
        part: int,
        parts: int,
    ) -> None: ...
    def flag(
        self, events: npt.NDArray[np.uint64], flagged: npt.NDArray[np.bool_] | Sequence[bool]
    ) -> int:
        """Tell which of some past events were frauds, bool[n]; return how many are forgotten.

        The events are given as they were; a flag may be taken back.
        """
    def _checked(self, events: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]: ...
    def statistics(self) -> list[KeyStatistics]:
        """Return how the histories of each key stand."""
    def _statistics_of(self, group: int) -> KeyStatistics: ...
    def digest(self) -> bytes:
        """Return SHA-256 of the state: equal for equal histories, however they were cut."""
