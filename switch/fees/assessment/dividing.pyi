from typing import Any

import numpy as np
import numpy.typing as npt

NODE: np.dtype[np.void]
"""Where a node's branches begin and end, and their parts in sum."""
BRANCH: np.dtype[np.void]
"""A branch: its parts, and the leaf or node that it leads to."""

class Divider:
    """Divides amounts along one tree of parts; immutable."""

    @property
    def leaves(self) -> int:
        """How many parts an amount is divided into."""

    def __init__(self, nodes: npt.NDArray[Any], branches: npt.NDArray[Any], leaves: int) -> None:
        """Hold arrays of `NODE` and `BRANCH`, and how many leaves they lead to."""

    def divide(self, amount: int) -> tuple[int, ...]:
        """Return the parts of *amount*, a leaf each; their sum is the amount."""

    def divide_many(self, amounts: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the parts of each of *amounts*, uint64[amounts, leaves]; without the GIL."""
