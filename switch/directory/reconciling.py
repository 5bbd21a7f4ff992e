"""How a bank proves that its copy of the directory is right, and finds where it is not.

Both sides keep the same set hash (`set_tree`). The bank asks for the root; if it is its own, the
copies are equal. If not it asks for what lies below the nodes that differ, `LEVELS_A_QUESTION`
levels at a time, down to the leaves, and there for the keys themselves: the number of questions
grows with the logarithm of the directory, for each place that differs.

What goes into the hash is told here in plain Python, for whoever builds a copy in another language:

* a key has 16 bytes, big-endian: the alias's kind, then its digits as a number;
* its path is the first 16 bits of the SHA-256 of the key;
* an entry's digest is the SHA-256 of the key, the account (8 bytes), the bank code (2 bytes), both
  big-endian, and the name in UTF-8;
* a node is the number of the entries below it and the sum of their digests, read as numbers
  big-endian, modulo 2**256.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from payvand.switch.directory.set_tree import LEVEL_MAX, SetTree, path_of_key

__all__ = ["Copy", "Difference", "Entry", "Node", "Questioned", "differences", "entry_digest"]

LEVELS_A_QUESTION = 4
KEY_BYTES = 16

Node = tuple[int, bytes]
"""How many entries lie below a node, and the sum of their digests."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An alias and all that the directory says of it."""

    key: int
    account: int
    bank_code: int
    name: bytes

    @property
    def digest(self) -> bytes:
        """Return the entry's digest."""
        return entry_digest(self.key, self.account, self.bank_code, self.name)


def entry_digest(key: int, account: int, bank_code: int, name: bytes) -> bytes:
    """Return the digest of an entry, as the directory makes it."""
    head = (
        key.to_bytes(KEY_BYTES, "big") + account.to_bytes(8, "big") + bank_code.to_bytes(2, "big")
    )
    return hashlib.sha256(head + name).digest()


class Questioned(Protocol):
    """Whom a bank asks: the directory of the switch, or a stub that asks it over the network."""

    def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        """Return nodes of one level of the set hash."""

    def leaf(self, index: int) -> list[tuple[int, bytes]]:
        """Return key and digest of each entry in a leaf."""


class Copy:
    """A bank's own copy of the directory, with its set hash."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.entries: dict[int, Entry] = {}
        """By key."""
        self._tree = SetTree()
        self._leaves: dict[int, set[int]] = {}

    def put(self, entry: Entry) -> None:
        """Put in an entry, instead of the one with its key."""
        self.remove(entry.key)
        path = _path(entry.key)
        self.entries[entry.key] = entry
        self._leaves.setdefault(path, set()).add(entry.key)
        self._tree.add(path, entry.digest)

    def remove(self, key: int) -> None:
        """Take out the entry with *key*, where there is one."""
        entry = self.entries.pop(key, None)
        if entry is not None:
            path = _path(key)
            self._leaves[path].remove(key)
            self._tree.remove(path, entry.digest)

    def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        """Return nodes of one level of the set hash."""
        return self._tree.nodes(level, indexes)

    def leaf(self, index: int) -> list[tuple[int, bytes]]:
        """Return key and digest of each entry in a leaf."""
        return [(key, self.entries[key].digest) for key in self._leaves.get(index, ())]


@dataclass(frozen=True, slots=True)
class Difference:
    """A key on which two copies differ."""

    key: int
    is_mine: bool
    """Whether the asking side has it."""
    is_theirs: bool
    """Whether the side that was asked has it; where both do, it says something else of it."""


def differences(mine: Questioned, theirs: Questioned) -> Iterator[Difference]:
    """Yield the keys on which *mine* and *theirs* differ; none where the copies are equal.

    *theirs* is asked once for the root, a few times for the levels below it and once for each leaf
    that differs. What changes meanwhile may or may not be told.
    """
    level, differing = 0, _differing(mine, theirs, 0, [0])
    while differing and level < LEVEL_MAX:
        below = min(LEVELS_A_QUESTION, LEVEL_MAX - level)
        level += below
        children = [index << below | child for index in differing for child in range(1 << below)]
        differing = _differing(mine, theirs, level, children)
    for index in differing:
        own, other = dict(mine.leaf(index)), dict(theirs.leaf(index))
        for key in own.keys() | other.keys():
            if own.get(key) != other.get(key):
                yield Difference(key, key in own, key in other)


def _differing(mine: Questioned, theirs: Questioned, level: int, indexes: list[int]) -> list[int]:
    pairs = zip(indexes, mine.nodes(level, indexes), theirs.nodes(level, indexes), strict=True)
    return [index for index, own, other in pairs if own != other]


def _path(key: int) -> int:
    return path_of_key(key.to_bytes(KEY_BYTES, "big"))
