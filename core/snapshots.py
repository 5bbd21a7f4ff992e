"""The snapshot files of a folder: which there are, which to keep, whether they are whole.

    snapshot-SEQUENCE.books     the books behind the frame SEQUENCE
    ids-ROW-ROW.run             ids of old rows, which snapshots name

Two snapshots are kept, so that a damaged one falls back to the one before. A file of ids goes once
neither they nor the ledger need it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from payvand.core.errors import SnapshotDamaged
from payvand.core.run_scan import check_run
from payvand.core.snapshot_reading import SnapshotReader, check_snapshot

__all__ = [
    "SNAPSHOTS_KEPT",
    "clear_unfinished",
    "damaged_runs",
    "damaged_snapshots",
    "prune",
    "sequence_of",
    "snapshots",
]

SNAPSHOTS_KEPT = 2
_NAME = re.compile(r"snapshot-(\d{16,})\.books")


def snapshots(folder: Path) -> list[Path]:
    """Return the snapshot files of a folder, the newest first."""
    named = {
        int(match[1]): path for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))
    }
    return [named[sequence] for sequence in sorted(named, reverse=True)]


def sequence_of(path: Path) -> int:
    """Return the last frame that a snapshot shows, by its name."""
    match = _NAME.fullmatch(path.name)
    assert match is not None, "only snapshots are asked"
    return int(match[1])


def prune(folder: Path, in_use: set[str]) -> None:
    """Delete the snapshots beyond the two newest, and the files of ids that nobody needs.

    *in_use* names the files of ids that the ledger needs itself.
    """
    needed = set(in_use)
    for number, path in enumerate(snapshots(folder)):
        if number < SNAPSHOTS_KEPT:
            try:
                needed |= SnapshotReader(path).run_names()
            except SnapshotDamaged:
                continue  # recovery will fall back to the one before, and tell
        else:
            path.unlink()
    for path in folder.glob("ids-*.run"):
        if path.name not in needed:
            path.unlink()


def clear_unfinished(folder: Path) -> None:
    """Delete what was being written when a process stopped."""
    for path in (
        *folder.glob("ids-*.part"),
        *folder.glob("snapshot.part"),
        *folder.glob("known-end.part"),
    ):
        path.unlink()


def damaged_runs(folder: Path) -> Iterator[SnapshotDamaged]:
    """Prove every byte of every file of ids of a folder; give what is wrong with those."""
    for path in sorted(folder.glob("ids-*.run")):
        try:
            check_run(path)
        except SnapshotDamaged as fault:
            yield fault


def damaged_snapshots(folder: Path) -> Iterator[SnapshotDamaged]:
    """Prove every byte of every snapshot of a folder; give what is wrong with those that aren't."""
    for path in snapshots(folder):
        try:
            check_snapshot(path)
        except SnapshotDamaged as fault:
            yield fault
