from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.switch.directory.set_tree import SetTree

ALIASES_MAX: int
NAME_BYTES_MAX: int
FOUND: np.dtype[np.void]
"""What `find` says of a key: `account`, `bank_code` and `is_there`."""

class DirectoryFull(Exception):
    """No more aliases or names fit; nothing was changed."""

class AliasTable:
    """All aliases in memory. One thread uses it."""

    def __init__(self) -> None: ...
    tree: SetTree
    def put(
        self,
        keys: npt.NDArray[np.void],
        accounts: npt.NDArray[np.uint64],
        bank_codes: npt.NDArray[np.uint16],
        names: Sequence[bytes],
    ) -> int:
        """Put in aliases, or give those that are there another account; return how many are new."""

    def has_room(self, count: int) -> bool:
        """Tell whether *count* more aliases fit, whatever their names."""

    def remove(self, keys: npt.NDArray[np.void]) -> int:
        """Take aliases out; return how many were there."""

    def find(self, keys: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
        """Return what stands behind each key, as `FOUND`."""

    def name(self, key: int) -> bytes | None:
        """Return the name kept with an alias, or None where the alias is not there."""

    def leaf(self, index: int) -> list[tuple[int, bytes]]:
        """Return key and digest of each alias in a leaf of the set hash."""

    def statistics(self) -> dict[str, int]:
        """Return the number of aliases and the memory that they take, by part."""

    def __len__(self) -> int: ...

def keys_of_digits(kind: int, texts: npt.NDArray[np.bytes_]) -> npt.NDArray[Any]:
    """Return the keys of aliases of one kind from their digits, 0 where an item is no number."""
