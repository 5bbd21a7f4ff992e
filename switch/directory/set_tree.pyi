from collections.abc import Sequence

LEVEL_MAX: int
"""The level of the leaves."""

class SetTree:
    """A set hash in the form of a tree: counts and sums of digests by the path of their keys."""

    def __init__(self) -> None: ...
    def nodes(self, level: int, indexes: Sequence[int]) -> list[tuple[int, bytes]]:
        """Return the count and the sum, 32 bytes big-endian, of nodes of one *level*."""
