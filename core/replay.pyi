from collections.abc import Iterable

from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.segments import JournalReader
from payvand.core.stage import Stage

def replay(ledger: Ledger, stage: Stage, frames: Iterable[Frame]) -> int:
    """Apply journaled frames, in order, to a ledger and a stage; return the last sequence.

    Raises ReplayDiffers where a frame's outcome is not the one journaled with it.
    """

def replay_journal(
    ledger: Ledger, stage: Stage, placed_frames: Iterable[tuple[Frame, tuple[int, int]]]
) -> int:
    """Apply frames that come with their places; return how many bytes they have.

    The ledger reads old transfers from where they stand. Raises ReplayDiffers, and whatever the
    iteration raises.
    """

def observe_journal(stage: Stage, reader: JournalReader, last: int) -> None:
    """Show a stage the frames of a JournalReader again, up to the sequence *last*."""
