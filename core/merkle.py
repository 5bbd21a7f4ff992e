"""A Merkle tree of RFC 6962 (section 2.1) that grows leaf by leaf in the memory of one path.

    leaf  = SHA-256(0x00 || content)          a leaf never passes for a node:
    node  = SHA-256(0x01 || left || right)    the first byte tells them apart
    empty = SHA-256()

What stands of n leaves are the roots of the full subtrees that the bits of n name, the greatest
first. A leaf merges with those of its size, as a one that is added to a binary counter carries:

    7 leaves:   [0 1 2 3] [4 5] [6]      the eighth merges three times, and one root stands

The audit path of a leaf is gathered while the tree grows, so it must be asked for by then.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

__all__ = ["EMPTY_ROOT", "HASH_BYTES", "MerkleTree", "leaf_hash", "root_from_path"]

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


class MerkleTree:
    """The tree over the leaves added so far: 32 bytes for each bit of their count."""

    def __init__(self) -> None:
        """Begin empty."""
        self.size = 0
        """How many leaves there are."""
        self._peaks: list[bytes] = []
        self._paths: dict[int, list[bytes]] = {}

    def watch(self) -> int:
        """Gather the audit path of the next leaf, and return its position."""
        self._paths[self.size] = []
        return self.size

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaves by their hashes (see `leaf_hash`)."""
        peaks, size = self._peaks, self.size
        for node in leaves:
            carry, level = size, 0
            while carry & 1:
                left = peaks.pop()
                if self._paths:
                    self._gather(size, level, left, node)
                node = sha256(b"\x01" + left + node).digest()
                carry >>= 1
                level += 1
            peaks.append(node)
            size += 1
        self.size = size

    def _gather(self, added: int, level: int, left: bytes, right: bytes) -> None:
        """Note the other half for each watched leaf under the two nodes about to merge."""
        for position, path in self._paths.items():
            if position >> level + 1 == added >> level + 1:
                path.append(left if position >> level & 1 else right)

    def root(self) -> bytes:
        """Return the root over all leaves."""
        return self.seal()[0]

    def seal(self) -> tuple[bytes, dict[int, tuple[bytes, ...]]]:
        """Return the root, and the audit path of each watched leaf from the leaf upwards."""
        paths = {position: list(path) for position, path in self._paths.items()}
        if not self._peaks:
            return EMPTY_ROOT, {}
        node = self._peaks[-1]
        start = self.size & self.size - 1
        for peak in reversed(self._peaks[:-1]):
            peak_start = start & start - 1
            for position, path in paths.items():
                if position >= start:
                    path.append(peak)
                elif position >= peak_start:
                    path.append(node)
            node = sha256(b"\x01" + peak + node).digest()
            start = peak_start
        return node, {position: tuple(path) for position, path in paths.items()}


def leaf_hash(content: bytes | memoryview) -> bytes:
    """Return the hash of a leaf with that content."""
    return sha256(b"\x00" + content).digest()


def root_from_path(leaf: bytes, position: int, size: int, path: Sequence[bytes]) -> bytes | None:
    """Return the root that an audit path leads to; None where no tree of *size* has such a path.

    The steps of RFC 9162, section 2.1.3.2: the position and the last position move up together.
    """
    if not 0 <= position < size:
        return None
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0 or len(sibling) != HASH_BYTES:
            return None
        if position & 1 or position == last:
            node = sha256(b"\x01" + sibling + node).digest()
            while position and not position & 1:
                position >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        position >>= 1
        last >>= 1
    return node if last == 0 else None
