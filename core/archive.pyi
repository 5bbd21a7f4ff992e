from payvand.core.journal import Journal
from payvand.core.ledger import Ledger

class Archive:
    """Keep a ledger's recent rows in memory, and older ones on disk."""

    def __new__(cls, ledger: Ledger, journal: Journal, *, horizon: int, records: int) -> Archive:
        """Begin with an empty ledger and an open journal; the ledger keeps the archive.

        Args:
            horizon: rows kept in memory, a power of two; at times up to twice as many.
            records: of which the records too, a power of two; more than are ever under way.
        """
    def start(self) -> None:
        """Take rows into the past as they get old, on a thread of its own, until `stop`."""
    def stop(self) -> None:
        """End the thread, and wait until it has ended. Idempotent."""
