from collections.abc import Iterable
from typing import Self

class KeyList:
    """Hold keys, once and for all."""

    count: int
    def __new__(cls, keys: Iterable[int]) -> Self: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __len__(self) -> int: ...
