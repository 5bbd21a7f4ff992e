from pathlib import Path

class Journal:
    """Append frames to the segments of a folder; at most one Journal a folder, machine-wide."""

    folder: Path
    segment_bytes: int
    direct: bool
    sequence: int
    identity: bytes
    """The journal's id, 16 bytes: of the one in the folder, or for a new one."""
    def __init__(self, folder: Path, *, segment_bytes: int) -> None:
        """Open a folder for writing; `start` or `resume` must follow.

        Raises JournalInUse, JournalUnusable.
        """
    def start(self, journal_id: bytes) -> None:
        """Begin an empty journal under a 16-byte id."""
    def resume(
        self, journal_id: bytes, segment: str, offset: int, sequence: int, digest: bytes
    ) -> None:
        """Go on behind the last good frame: in file *segment* at *offset*.

        *digest* is the SHA-256 of that frame.
        """
    def erase(self, start: int, stop: int) -> None:
        """Overwrite a torn tail with zeros, in whole blocks, and make that durable."""
    def prepare(self) -> None:
        """Make the next segment ready ahead of its turn, where it isn't; may take a while.

        Returns early once its turn has come, or `leave` was called.
        """
    def leave(self) -> None:
        """Let a `prepare` on another thread come to its end soon."""
    @property
    def needs_spare(self) -> bool:
        """True while no segment is ready for the time when the present one is full."""
    def note_end(self) -> None:
        """Put down how far the journal reaches, for whoever opens it to know; see `known_end.py`.

        Where that can't be written, what was known before stays.
        """
    def close(self) -> None:
        """Close the files and give up the lock."""
