"""Every bound of the books, in one place. The C side holds the same figures in `types.pxd`."""

__all__ = [
    "BATCH_EVENTS_MAX",
    "COMMIT_WORKERS",
    "ENTRIES_LEAST",
    "ENTRIES_SHARE",
    "FRAME_BYTES_MAX",
    "HORIZON_ROWS",
    "NOTE_BYTES_MAX",
    "PAYLOADS_BYTES_MAX",
    "QUERY_ROWS_MAX",
    "RECORDS_KEPT",
    "SEGMENT_BYTES",
    "SNAPSHOT_BYTES",
    "TAIL_BYTES_MAX",
]

BATCH_EVENTS_MAX = 8190
"""Events in one batch, and so records in one frame."""

COMMIT_WORKERS = 4
"""Threads that carry batches: as many as the pipeline has stages, and one for the batch that waits
before a stage."""

ENTRIES_SHARE = 48
"""One in so many of the horizon's movements keeps its accounts in memory before they go to a run on
disk: 8 bytes each, and room for twice as many and a batch. The more, the less is merged later."""

ENTRIES_LEAST = 1024
"""So many movements do in any case, however short the horizon is."""

QUERY_ROWS_MAX = BATCH_EVENTS_MAX
"""Records in the answer to one query."""

PAYLOADS_BYTES_MAX = 4 << 20
"""Bytes of all payloads of one batch."""

NOTE_BYTES_MAX = 1 << 20
"""Bytes of the note of one frame."""

HORIZON_ROWS = 1 << 24
"""Transfer events whose ids are kept in memory, unless an engine is told otherwise. A retry of an
older one is answered from disk."""

RECORDS_KEPT = 1 << 16
"""Transfer events kept in memory as whole records; more than all batches under way hold."""

SEGMENT_BYTES = 64 << 20
"""Bytes of one segment file of the journal, allocated at once."""

SNAPSHOT_BYTES = 1 << 30
"""Bytes of journal from one snapshot to the next, unless an engine is told otherwise, and at least
three times the bytes of the snapshot before: what is replayed at most when it is opened."""

FRAME_BYTES_MAX = 16 << 20
"""Bytes of one frame: the greatest batch with the greatest payloads and expiries fits."""

TAIL_BYTES_MAX = 64 << 20
"""Bytes of durable frames kept in memory for those who follow closely; others read the files."""
