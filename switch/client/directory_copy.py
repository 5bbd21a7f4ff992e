"""A bank's own copy of the directory: proved equal by one question, or led to where it differs.

Both sides keep the same set hash in the form of a tree. The bank asks for the root; if it is its
own, the copies are equal. If not it asks for what lies below the nodes that differ, some levels at
a time, down to the leaves, and compares those: the number of questions grows with the logarithm of
the directory, for each place that differs.

What goes into the hash, for whoever builds a copy in another language:

* a key has 16 bytes: the alias's kind, then its digits as a number of 15 bytes, big-endian;
* its leaf is the first 16 bits of the SHA-256 of the key;
* an entry's digest is the SHA-256 of the key, the account (8 bytes), the bank code (2 bytes), both
  big-endian, and the owner's name in UTF-8;
* a node is the number of the entries below it and the sum of their digests, read as numbers
  big-endian, modulo 2**256. The node n of a level has the children 2n and 2n + 1.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from payvand.v1.directory_service_pb2 import AliasKind

__all__ = [
    "LEVELS",
    "Difference",
    "DirectoryCopy",
    "Leaf",
    "Node",
    "alias_key",
    "differences",
    "entry_digest",
    "leaf_of",
]

LEVELS: Final = 16
"""The level of the leaves."""
LEVELS_A_QUESTION: Final = 4
NODES_A_QUESTION: Final = 1_000
KEY_BYTES: Final = 16
MODULUS: Final = 1 << 256

Node = tuple[int, bytes]
"""How many entries lie below a node, and the sum of their digests."""

Leaf = tuple[list[tuple[bytes, bytes]], list[int]]
"""What the directory has of a leaf and the copy doesn't, as keys and digests; and which of the
digests that the copy has the directory doesn't, by place."""


def alias_key(kind: AliasKind, value: str) -> bytes:
    """Return the key of the alias *value*, a mobile number in any of its usual forms."""
    digits = value.removeprefix("+")
    if kind == AliasKind.ALIAS_KIND_MOBILE:
        digits = f"98{digits[-10:]}"
    elif kind == AliasKind.ALIAS_KIND_IBAN:
        digits = value.removeprefix("IR")
    return bytes((kind,)) + int(digits).to_bytes(KEY_BYTES - 1, "big")


def entry_digest(key: bytes, iban: str, name: str) -> bytes:
    """Return the digest of all that the directory says of an alias."""
    head = key + int(iban[7:]).to_bytes(8, "big") + int(iban[4:7]).to_bytes(2, "big")
    return hashlib.sha256(head + name.encode()).digest()


def leaf_of(key: bytes) -> int:
    """Return the leaf in which the entry with *key* lies."""
    return int.from_bytes(hashlib.sha256(key).digest()[:2], "big")


class DirectoryCopy:
    """A bank's own copy of what the directory says, in memory, with its set hash."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._digests: dict[bytes, bytes] = {}
        self._leaves: dict[int, dict[bytes, bytes]] = {}
        self._levels: list[dict[int, tuple[int, int]]] | None = None

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._digests)

    def put(self, kind: AliasKind, value: str, iban: str, name: str) -> None:
        """Put in what an alias says, instead of what it said before.

        >>> copy = DirectoryCopy()
        >>> copy.put(AliasKind.ALIAS_KIND_MOBILE, "09121234567", "IR" + "0" * 24, "سارا احمدی")
        >>> len(copy)
        1
        """
        key = alias_key(kind, value)
        self._remove(key)
        digest = entry_digest(key, iban, name)
        self._digests[key] = digest
        self._leaves.setdefault(leaf_of(key), {})[key] = digest
        self._levels = None

    def remove(self, kind: AliasKind, value: str) -> None:
        """Take an alias out, where it is there."""
        self._remove(alias_key(kind, value))

    def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        """Return nodes of one level of the set hash."""
        if self._levels is None:
            self._levels = self._summed()
        row = self._levels[level]
        found = (row.get(index, (0, 0)) for index in indexes)
        return [(count, total.to_bytes(32, "big")) for count, total in found]

    def leaf(self, index: int) -> list[tuple[bytes, bytes]]:
        """Return key and digest of each entry in a leaf."""
        return list(self._leaves.get(index, {}).items())

    def _remove(self, key: bytes) -> None:
        if self._digests.pop(key, None) is not None:
            del self._leaves[leaf_of(key)][key]
            self._levels = None

    def _summed(self) -> list[dict[int, tuple[int, int]]]:
        """Add up all levels, the root first; a node that isn't there is empty."""
        row: dict[int, tuple[int, int]] = {}
        for index, leaf in self._leaves.items():
            total = sum(int.from_bytes(digest, "big") for digest in leaf.values())
            row[index] = (len(leaf), total % MODULUS)
        levels = [row]
        for _ in range(LEVELS):
            above: dict[int, tuple[int, int]] = {}
            for index, (count, total) in row.items():
                others, sum_ = above.get(index >> 1, (0, 0))
                above[index >> 1] = (count + others, (total + sum_) % MODULUS)
            levels.append(row := above)
        return levels[::-1]


@dataclass(frozen=True, slots=True)
class Difference:
    """An alias of which the copy and the directory say different things."""

    kind: AliasKind
    number: int
    """The alias's digits, as a number."""
    in_copy: bool
    """Whether the copy has it."""
    in_directory: bool
    """Whether the directory has it; where both do, it says something else."""


class Asked(Protocol):
    """Whom a bank asks: the directory of the switch, over the network."""

    async def nodes(self, level: int, indexes: Sequence[int]) -> list[Node]:
        """Return nodes of one level of the set hash."""

    async def compare_leaf(self, index: int, digests: Sequence[bytes]) -> Leaf:
        """Return how a leaf differs from one with *digests*."""


async def differences(copy: DirectoryCopy, directory: Asked) -> list[Difference]:
    """Return the aliases on which *copy* and *directory* differ; none where they are equal.

    Asked is once for the root, a few times for the levels below it and once for each leaf that
    differs. What changes meanwhile may or may not be told.
    """
    level = 0
    differing = await _differing(copy, directory, 0, [0])
    while differing and level < LEVELS:
        below = min(LEVELS_A_QUESTION, LEVELS - level)
        level += below
        children = [index << below | child for index in differing for child in range(1 << below)]
        differing = await _differing(copy, directory, level, children)
    found = []
    for index in differing:
        own = copy.leaf(index)
        theirs, unknown = await directory.compare_leaf(index, [digest for _, digest in own])
        here, there = {own[place][0] for place in unknown}, {key for key, _ in theirs}
        found += [
            Difference(
                key[0],  # type: ignore[arg-type]  # the number is one of the enum's
                int.from_bytes(key[1:], "big"),
                key in here,
                key in there,
            )
            for key in sorted(here | there)
        ]
    return found


async def _differing(
    copy: DirectoryCopy, directory: Asked, level: int, indexes: list[int]
) -> list[int]:
    differing = []
    for start in range(0, len(indexes), NODES_A_QUESTION):
        part = indexes[start : start + NODES_A_QUESTION]
        theirs = await directory.nodes(level, part)
        pairs = zip(part, copy.nodes(level, part), theirs, strict=True)
        differing += [index for index, own, other in pairs if own != other]
    return differing
