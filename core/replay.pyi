from collections.abc import Iterable

from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.stage import Stage

def replay(ledger: Ledger, stage: Stage, frames: Iterable[Frame]) -> int:
    """Apply journaled frames, in order, to a ledger and a stage; return the last sequence.

    Raises ReplayDiffers where a frame's outcome is not the one journaled with it.
    """
