"""What goes into a commit, checked before anything is touched, and what comes out of it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.core.limits import BATCH_EVENTS_MAX, PAYLOADS_BYTES_MAX
from payvand.core.records import Records

__all__ = [
    "Committed",
    "EngineStatistics",
    "Payloads",
    "StageTimes",
    "checked_events",
    "checked_payloads",
]

Payloads = bytes | npt.NDArray[np.uint8]
"""Payloads of a batch, one behind the other."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What became of one submission; it is on stable storage."""

    sequence: int
    """Of the frame that holds it."""
    timestamp: int
    """Of the frame's last event, in nanoseconds since 1970."""
    results: Records
    """RESULT[n], one for each event, in order."""
    decisions: npt.NDArray[np.uint32]
    """What the stage before the ledger decided, u4[n]; empty where there is no stage."""
    resolved: Records
    """RESOLVED[k]: amounts that moved where they aren't those asked for; `index` counts from the
    submission's first event."""
    balances: Records | None = None
    """AFTER[n], those of both accounts right after each transfer, aligned with the events; zeros
    where one did not take effect. None where nobody asked."""


@dataclass(frozen=True, slots=True)
class StageTimes:
    """How long the stages took for one batch."""

    records: int
    apply_ns: int
    """Scoring, ledger and encoding."""
    write_ns: int
    """Write and flush."""


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """How an engine stands."""

    sequence: int
    """The last frame on stable storage."""
    waiting: int
    """Submissions that wait for room, or for a `still` to end."""
    under_way: int
    """Sealed batches that are not durable yet."""
    oldest_age_ns: int
    """How long the oldest submission that isn't answered has waited; 0 where there is none."""
    tail_bytes: int
    """Frames kept in memory for those who follow closely."""
    direct: bool
    """Whether writes go round the page cache."""
    snapshot_sequence: int
    """The frame up to which the newest snapshot goes; 0 while there is none."""
    snapshot_failure: int
    """The errno that kept the last snapshot from being written; 0 where nothing did."""


def checked_events(events: Records, dtype: np.dtype[np.void]) -> Records:
    """Return *events* contiguous; raise where they are not at most one batch of *dtype*."""
    if not isinstance(events, np.ndarray) or events.dtype != dtype or events.ndim != 1:
        raise TypeError(
            "events must be a one-dimensional numpy array of its record dtype, "
            f"got {getattr(events, 'dtype', type(events).__name__)}"
        )
    if len(events) > BATCH_EVENTS_MAX:
        raise ValueError(f"events has {len(events)} rows; a batch holds at most {BATCH_EVENTS_MAX}")
    return np.ascontiguousarray(events)


def checked_payloads(
    rows: Records, payloads: Payloads | None, offsets: npt.NDArray[np.uint32] | None
) -> Payloads | None:
    """Return *payloads*; raise where they and their *offsets* don't fit *rows*."""
    if payloads is None and offsets is None:
        return None
    if payloads is None or offsets is None:
        raise ValueError("payloads and offsets go together")
    if len(payloads) > PAYLOADS_BYTES_MAX:
        raise ValueError(f"payloads have {len(payloads)} bytes, at most {PAYLOADS_BYTES_MAX}")
    if offsets.dtype != np.uint32 or offsets.shape != (len(rows) + 1,):
        raise TypeError(f"offsets must be u4[{len(rows) + 1}], got {offsets.dtype}{offsets.shape}")
    falls = len(rows) > 1 and bool((offsets[1:] < offsets[:-1]).any())
    if offsets[0] != 0 or offsets[-1] != len(payloads) or falls:
        raise ValueError("offsets must rise from 0 to the length of payloads")
    return payloads
