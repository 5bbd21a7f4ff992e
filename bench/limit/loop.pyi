import os
from typing import Self

from payvand.core.records import Records

class BareFile:
    """A file of zeros, allocated, past the page cache where that can be."""

    fd: int
    size: int
    def __new__(cls, path: str | os.PathLike[str], size: int) -> Self: ...
    def append(self, size: int) -> int:
        """Write *size* bytes behind the last, make them durable; return how many ns it took."""

class Loop:
    """Accounts 1 to *account_count* of one ledger, and room for *transfers_max* transfers."""

    def __new__(cls, account_count: int, transfers_max: int, ledger: int) -> Self: ...
    def run(self, events: Records, batch: int, file: BareFile) -> int:
        """Apply TRANSFER[n] in batches and write them from the start of a BareFile, durably.

        Returns how many ns it took. Raises OSError; fails where an event is not applied.
        """
    def replay(self, batches: int, batch: int, file: BareFile) -> int:
        """Read, prove and apply the frames of *batches* whole batches from the start of a file.

        Returns how many ns it took. Raises OSError; fails where an event is not applied.
        """

def file_bytes(count: int, batch: int) -> int:
    """Return how many bytes *count* transfers take in frames of *batch*."""

def warm(size: int) -> None:
    """Touch *size* bytes of memory and give them back, so that the next to ask finds them quickly.

    A virtual machine's host may have taken free pages away; the first touch then waits for it.
    """
