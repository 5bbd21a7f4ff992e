"""The proof that snapshots are whole, and show the books that the frames lead to."""

from pathlib import Path

from payvand.core.errors import SnapshotDamaged
from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.recovery import check_known_end
from payvand.core.segments import JournalEnd
from payvand.core.snapshot_reading import SnapshotReader, books_digest
from payvand.core.snapshots import damaged_runs, snapshots
from payvand.settlement.proof import Proof, verdict

__all__ = ["Checkpoints"]


class Checkpoints:
    """Hold the snapshots of a folder against a ledger while it replays the journal."""

    def __init__(self, folder: Path, ledger: Ledger) -> None:
        """Prove every byte of every snapshot, and of the files of ids that they name."""
        self._folder = folder
        self._ledger = ledger
        self._whole: dict[int, tuple[Path, bytes]] = {}
        self._wrong: list[str] = []
        self._count = 0
        for path in snapshots(folder):
            self._count += 1
            try:
                reader = SnapshotReader(path)
                reader.check()
            except SnapshotDamaged as fault:
                self._wrong.append(str(fault))
            else:
                self._whole[reader.sequence] = (path, reader.digest)
        self._wrong += [str(fault) for fault in damaged_runs(folder)]

    def look(self, frame: Frame) -> None:
        """Compare the snapshot behind a frame that the ledger has just applied, where one is."""
        if frame.sequence not in self._whole:
            return
        path, digest = self._whole.pop(frame.sequence)
        if digest != frame.digest:
            self._wrong.append(f"{path.name} was taken behind another frame {frame.sequence}")
        elif books_digest(path) != self._ledger.digest():
            self._wrong.append(f"{path.name} shows other books than the frames lead to")

    def hold_against(self, end: JournalEnd | None) -> None:
        """Raise JournalCorrupt where the journal ends before what is known of it."""
        try:
            check_known_end(self._folder, end)
        except SnapshotDamaged as fault:
            self._wrong.append(str(fault))

    def proof(self) -> Proof:
        """Return `snapshots_equal_journal`, once the journal was read to its end."""
        beyond = [
            f"{path.name} shows frames that the journal has lost"
            for path, _ in self._whole.values()
        ]
        return verdict(
            "snapshots_equal_journal", self._wrong + beyond, f"{self._count:,} snapshots"
        )
