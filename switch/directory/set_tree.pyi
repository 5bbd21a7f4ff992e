from collections.abc import Sequence

LEVEL_MAX: int
"""The level of the leaves."""

def path_of_key(key: bytes) -> int: ...

class SetTree:
    """A set hash in the form of a tree: counts and sums of digests by the path of their keys."""

    def __init__(self) -> None: ...
    def add(self, path: int, digest: bytes) -> None:
        """Put in an entry by its *path* and its *digest* of 32 bytes."""

    def remove(self, path: int, digest: bytes) -> None:
        """Take back an entry that was put in."""

    def nodes(self, level: int, indexes: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return the count and the sum, 32 bytes big-endian, of nodes of one *level*."""
