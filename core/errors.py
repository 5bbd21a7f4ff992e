"""What can go wrong with the books, as exceptions: whose fault it is, and what to do.

    PayvandFault
    ├── JournalFault            the journal can't do its work
    │   ├── JournalInUse        another process has it
    │   ├── JournalUnusable     the folder or the file system refuses
    │   ├── JournalCorrupt      bytes that were acknowledged are not what they were
    │   ├── JournalStopped      a write failed; the engine has stopped for good
    │   └── SnapshotDamaged     bytes of what follows from the journal are not what was written
    ├── ReplayDiffers           the books computed now are not those that were journaled
    └── EngineClosed            the engine takes no more work

Outcomes of events (a limit reached, an account not found) are statuses, never exceptions.
"""

__all__ = [
    "EngineClosed",
    "JournalCorrupt",
    "JournalFault",
    "JournalInUse",
    "JournalStopped",
    "JournalUnusable",
    "PayvandFault",
    "ReplayDiffers",
    "SnapshotDamaged",
]


class PayvandFault(Exception):
    """A fault of operation. `hint` says what to do about it."""

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.args[0]} ({self.hint})"


class JournalFault(PayvandFault):
    """The journal can't do its work."""


class JournalInUse(JournalFault):
    """Another process writes this journal."""


class JournalUnusable(JournalFault):
    """The folder or the file system refuses: not there, read-only, no permission, full."""


class JournalCorrupt(JournalFault):
    """Bytes of the journal are not what was written; says where.

    `segment` is the file's name, `sequence` the frame's number, `start` and `stop` the range of
    bytes of the file that holds the damage.
    """

    def __init__(self, segment: str, sequence: int, start: int, stop: int, what: str) -> None:
        super().__init__(
            f"{segment}: frame {sequence}, bytes {start} to {stop}: {what}",
            hint="restore this file from a copy; do not delete it, later frames depend on it",
        )
        self.segment = segment
        self.sequence = sequence
        self.start = start
        self.stop = stop
        self.what = what


class JournalStopped(JournalFault):
    """A write or a flush failed. What was not acknowledged may or may not be there; restart."""


class SnapshotDamaged(JournalFault):
    """Bytes of a snapshot, or of another file that follows from the journal, are not as written.

    `file` is its name, `start` and `stop` the range of bytes that holds the damage.
    """

    def __init__(self, file: str, start: int, stop: int, what: str) -> None:
        super().__init__(
            f"{file}: bytes {start} to {stop}: {what}",
            hint="delete this file; what it held follows from the journal",
        )
        self.file = file
        self.start = start
        self.stop = stop
        self.what = what


class ReplayDiffers(PayvandFault):
    """Replaying a frame gave another outcome than the one journaled with it."""


class EngineClosed(PayvandFault):
    """The engine was closed or has stopped and takes no more work."""
