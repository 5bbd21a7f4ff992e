"""Recovery: from the journal's files to the books as they stood."""

from dataclasses import dataclass

from payvand.core.journal import Journal
from payvand.core.ledger import Ledger
from payvand.core.replay import replay_journal
from payvand.core.segments import JournalReader
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


def recover(journal: Journal, ledger: Ledger, stage: Stage) -> Recovery:
    """Replay a journal's frames into an empty ledger and get it ready for the next frame.

    Raises:
        JournalCorrupt: acknowledged bytes are not what they were.
        ReplayDiffers: the frames lead to other outcomes than those journaled with them.
    """
    reader = JournalReader(journal.folder)
    replay_journal(ledger, stage, reader)
    end = reader.end
    if end is None:
        journal.start(journal.identity)
        return Recovery(0, bytes(32), 0, 0, 0)
    journal.resume(end.journal_id, end.segment, end.offset, end.sequence)
    torn_bytes = 0
    if end.torn is not None:
        journal.erase(*end.torn)
        torn_bytes = end.torn[1] - end.torn[0]
    return Recovery(
        end.sequence, end.digest, torn_bytes, ledger.transfers_count, ledger.accounts_count
    )
