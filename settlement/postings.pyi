from mmap import mmap

from payvand.core.frame import Frame

SCAN_END: int
"""The bytes end here, or there are only zeros left."""
SCAN_FRAME: int
"""The frame here opens accounts or has an event: it is the caller's."""
SCAN_FAULT: int
"""The bytes here are no good frame, or not the next one."""

class PostingSums:
    """Add up what postings debit and credit, by account."""

    def __init__(self) -> None: ...
    def add(self, frame: Frame) -> None:
        """Add the postings of a frame; raises ForeignRecord where one doesn't name its accounts."""
    def scan(self, data: mmap | bytes, offset: int, sequence: int) -> tuple[int, int, int]:
        """Add the frames of a segment's bytes from *offset*, the first being *sequence*, on.

        Returns (offset, sequence, SCAN_…) of where it stopped. Checksums of frames are checked,
        and that their numbers have no gap.
        """
    def take(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the sums so far as ({account: debits}, {account: credits}), and begin anew."""
