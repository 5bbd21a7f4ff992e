from pathlib import Path

def books_digest(path: Path) -> bytes:
    """Return the digest of the ledger that a snapshot shows; see `Ledger.digest`."""

def check_snapshot(path: Path) -> None:
    """Prove every byte of a snapshot file; raise SnapshotDamaged where one is wrong."""

class SnapshotReader:
    """Read one snapshot file."""

    path: Path
    def __new__(cls, path: Path) -> SnapshotReader: ...
    @property
    def journal_id(self) -> bytes:
        """The id of the journal that it belongs to, once its head was read."""
    @property
    def sequence(self) -> int:
        """Of the last frame that it holds, once its head was read."""
    @property
    def digest(self) -> bytes:
        """SHA-256 of that frame, 32 bytes."""
    @property
    def stage_state(self) -> bytes | None:
        """What the stage saved, or None, once all was read."""
    def run_names(self) -> set[str]:
        """Return the names of the files of ids that the snapshot relies on."""
    def check(self) -> None:
        """Prove every byte; raise SnapshotDamaged where one is not what was written."""
