from collections.abc import Callable
from pathlib import Path

from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.stage import Stage

class Archive:
    """Keep a ledger's recent rows in memory, and older ones on disk; take snapshots."""

    snapshot_failure: int
    """The errno of the last snapshot; 0 where it is written."""
    cover: Callable[[int], bool] | None
    """Called before a snapshot that shows frames up to a sequence is named: returns once all else
    that recovery needs for it is on disk; False where it can't be."""
    def __new__(
        cls,
        ledger: Ledger,
        journal: Journal,
        stage: Stage,
        *,
        horizon: int,
        records: int,
        snapshot_bytes: int,
    ) -> Archive:
        """Begin with an empty ledger and an open journal; the ledger keeps the archive.

        Args:
            horizon: rows kept in memory, a power of two; at times up to twice as many.
            records: of which the records too, a power of two; more than are ever under way.
            snapshot_bytes: of journal from one snapshot to the next; 0 takes none.
        """
    snapshot_sequence: int
    """Of the newest snapshot; 0 while there is none."""
    def load(self, path: Path) -> tuple[int, bytes | None, bytes | None]:
        """Bring a snapshot into the empty ledger → (sequence, its digest, what the stage saved).

        The digest is that of the frame; None where the journal has no such frame.

        Raises SnapshotDamaged, and leaves the ledger empty, where it or a run that it names is
        not what was written.
        """
    def take_snapshots(self, replayed_bytes: int) -> None:
        """Begin to take snapshots, once the ledger stands where the journal ends.

        *replayed_bytes* of the journal lie behind the one that was loaded.
        """
    def run_names(self) -> set[str]:
        """Return the names of the files of ids in use; for the archive's thread alone."""
    def take_snapshot(self) -> int:
        """Have a snapshot taken now, and wait for it; return 0 or the errno that kept it away.

        One that can't be written does no harm, and the next is taken in its time: the journal
        holds all that a snapshot would.
        """
    def start(self, ledger: Ledger) -> None:
        """Take rows into the past as they get old, on a thread of its own, until `stop`.

        *ledger* is the one that the archive was made with; the thread keeps it.
        """
    def stop(self) -> None:
        """End the thread, and wait until it has ended. Idempotent."""
