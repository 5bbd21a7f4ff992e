"""Recovery: from the files of a folder to the books as they stood.

The newest snapshot that is whole is brought in, and the frames behind it are applied again. A
damaged one is set aside and the one before is taken; without any, all frames are applied.
"""

from dataclasses import dataclass, field
from pathlib import Path

from payvand.core.archive import Archive
from payvand.core.errors import JournalCorrupt, SnapshotDamaged
from payvand.core.journal import Journal
from payvand.core.known_end import KNOWN_END_NAME, read_known_end
from payvand.core.ledger import Ledger
from payvand.core.replay import observe_journal, replay_journal
from payvand.core.segments import JournalEnd, JournalReader, digest_of_frame, read_ahead
from payvand.core.snapshots import clear_unfinished, prune, sequence_of, snapshots
from payvand.core.stage import Stage

__all__ = ["Recovery", "check_known_end", "recover"]


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found when a data folder was opened."""

    sequence: int
    """Of the last good frame; 0 for a new journal."""
    digest: bytes
    """Of that frame, 32 bytes, which the next one carries; zeros for a new journal."""
    torn_bytes: int
    """How many bytes of an unfinished write were erased: nothing in them was acknowledged."""
    transfers: int
    accounts: int
    snapshot: int = 0
    """The sequence of the frame that the books were brought in from; 0 where all were applied."""
    damaged: tuple[SnapshotDamaged, ...] = field(default=())
    """What was set aside: snapshots, now under names that end in `.damaged`, and a known end."""
    replayed_bytes: int = 0
    """How many bytes of frames were applied again."""


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
    after, digest, damaged = _load_newest(journal.folder, archive, stage, covered)
    clear_unfinished(journal.folder)
    prune(journal.folder, archive.run_names())
    archive.start(ledger)
    reader = JournalReader(journal.folder, after=after, digest=digest)
    replayed_bytes = replay_journal(ledger, stage, read_ahead(reader))
    end = reader.end
    damaged += _hold_against_known_end(journal, end)
    needed, by = max((after, "a snapshot"), (covered or 0, "a run of entries"))
    if end is None and needed == 0:
        journal.start(journal.identity)
        archive.take_snapshots(0)
        return Recovery(0, bytes(32), 0, 0, 0, damaged=damaged)
    if end is None or end.sequence < needed:
        raise _lost(end, needed, f"{by} shows them")
    journal.resume(end.journal_id, end.segment, end.offset, end.sequence, end.digest)
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
        replayed_bytes,
    )


def _hold_against_known_end(
    journal: Journal, end: JournalEnd | None
) -> tuple[SnapshotDamaged, ...]:
    """Raise JournalCorrupt where a journal ends too early; return what is wrong with the file."""
    try:
        check_known_end(journal.folder, end)
    except SnapshotDamaged as fault:
        return (fault,)
    return ()


def check_known_end(folder: Path, end: JournalEnd | None) -> None:
    """Hold a journal that was read to its end against how far it is known to reach.

    Raises:
        JournalCorrupt: it ends earlier, or holds another frame there.
        SnapshotDamaged: what says how far it reaches is damaged, or of another journal.
    """
    known = read_known_end(folder)
    if known is None:
        return
    if end is None or end.sequence < known.sequence:
        raise _lost(end, known.sequence, f"{KNOWN_END_NAME} tells of them")
    if end.journal_id != known.journal_id:
        raise SnapshotDamaged(KNOWN_END_NAME, 16, 32, "of another journal")
    if digest_of_frame(folder, known.sequence) != known.digest:
        raise JournalCorrupt(
            end.segment, known.sequence, 0, end.offset, "another frame than the one acknowledged"
        )


def _lost(end: JournalEnd | None, sequence: int, who: str) -> JournalCorrupt:
    """Return the fault of a journal that ends before frame *sequence*."""
    first = end.sequence + 1 if end else 1
    offset = end.offset if end else 0
    return JournalCorrupt(
        end.segment if end else "segment-0000000000000001.journal",
        first,
        offset,
        offset,
        f"frames {first} to {sequence} are missing, here or in segments behind: {who}",
    )


def _load_newest(
    folder: Path, archive: Archive, stage: Stage, covered: int | None
) -> tuple[int, bytes | None, tuple[SnapshotDamaged, ...]]:
    """Bring in the newest snapshot that is whole → (its sequence, its digest, those set aside).

    One that shows frames whose entries were lost is deleted: they come of applying the frames, and
    runs of ids that are made again meanwhile are not those that it names.
    """
    damaged = []
    for path in snapshots(folder):
        if covered is not None and sequence_of(path) > covered:
            path.unlink()
            continue
        try:
            sequence, digest, saved = archive.load(path)
        except SnapshotDamaged as fault:
            damaged.append(fault)
            path.rename(path.with_name(path.name + ".damaged"))
            continue
        if saved is None or not stage.load(saved):
            observe_journal(stage, JournalReader(folder), sequence)
        return sequence, digest, tuple(damaged)
    return 0, None, tuple(damaged)
