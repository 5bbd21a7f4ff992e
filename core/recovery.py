"""Recovery: from the files of a folder to the books as they stood.

The newest snapshot that is whole is brought in, and the frames behind it are applied again. A
damaged one is set aside and the one before is taken; without any, all frames are applied.
"""

from dataclasses import dataclass, field
from pathlib import Path

from payvand.core.archive import Archive
from payvand.core.errors import JournalCorrupt, SnapshotDamaged
from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.replay import observe_journal, replay_journal
from payvand.core.segments import JournalReader, read_ahead
from payvand.core.snapshots import clear_unfinished, prune, sequence_of, snapshots
from payvand.core.stage import Stage

__all__ = ["Recovery", "recover"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found when a data folder was opened."""

    sequence: int
    """Of the last good frame; 0 for a new journal."""
    digest: bytes
    """SHA-256 of that frame, 32 bytes; zeros for a new journal."""
    torn_bytes: int
    """How many bytes of an unfinished write were erased: nothing in them was acknowledged."""
    transfers: int
    accounts: int
    snapshot: int = 0
    """The sequence of the frame that the books were brought in from; 0 where all were applied."""
    damaged: tuple[SnapshotDamaged, ...] = field(default=())
    """Snapshots that were set aside, under names that end in `.damaged`."""


def recover(
    journal: Journal, ledger: Ledger, stage: Stage, archive: Archive, covered: int | None = None
) -> Recovery:
    """Bring an empty ledger to where a journal ends, and get both ready for the next frame.

    Starts the archive, which the caller stops in the end, also where this raises. *covered* is the
    last frame whose movements stand in runs of entries; None where there are no such runs.

    Raises:
        JournalCorrupt: acknowledged bytes are not what they were.
        ReplayDiffers: the frames lead to other outcomes than those journaled with them.
    """
    after, damaged = _load_newest(journal.folder, archive, stage, covered)
    clear_unfinished(journal.folder)
    prune(journal.folder, archive.run_names())
    archive.start()
    reader = JournalReader(journal.folder, after=after)
    replayed_bytes = replay_journal(ledger, stage, read_ahead(reader))
    end = reader.end
    needed, by = max((after, "a snapshot"), (covered or 0, "a run of entries"))
    if end is None and needed == 0:
        journal.start(journal.identity)
        archive.take_snapshots(0)
        return Recovery(0, bytes(32), 0, 0, 0, damaged=damaged)
    if end is None or end.sequence < needed:
        sequence = end.sequence if end else 0
        raise JournalCorrupt(
            end.segment if end else "segment-0000000000000001.journal",
            sequence + 1,
            end.offset if end else 0,
            end.offset if end else 0,
            f"frames up to {needed} are missing: {by} shows them",
        )
    journal.resume(end.journal_id, end.segment, end.offset, end.sequence)
    torn_bytes = 0
    if end.torn is not None:
        journal.erase(*end.torn)
        torn_bytes = end.torn[1] - end.torn[0]
    archive.take_snapshots(replayed_bytes)
    return Recovery(
        end.sequence,
        end.digest,
        torn_bytes,
        ledger.transfers_count,
        ledger.accounts_count,
        after,
        damaged,
    )


def _load_newest(
    folder: Path, archive: Archive, stage: Stage, covered: int | None
) -> tuple[int, tuple[SnapshotDamaged, ...]]:
    """Bring in the newest snapshot that is whole → (its sequence or 0, those set aside).

    One that shows frames whose entries were lost is deleted: they come of applying the frames, and
    runs of ids that are made again meanwhile are not those that it names.
    """
    damaged = []
    for path in snapshots(folder):
        if covered is not None and sequence_of(path) > covered:
            path.unlink()
            continue
        try:
            sequence, saved = archive.load(path)
        except SnapshotDamaged as fault:
            damaged.append(fault)
            path.rename(path.with_name(path.name + ".damaged"))
            continue
        if saved is None:
            observe_journal(stage, JournalReader(folder), sequence)
        else:
            stage.load(saved)
        return sequence, tuple(damaged)
    return 0, tuple(damaged)
