from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.risk.expression import Expression
from payvand.risk.key_list import KeyList

class Program:
    """Run one expression over blocks of events."""

    expression: Expression
    def __new__(cls, expression: Expression, lists: Sequence[KeyList]) -> Self:
        """Make a program; *lists* in the order of the names that it was compiled with."""
    def evaluate(
        self,
        events: npt.NDArray[np.uint64],
        features: npt.NDArray[np.float64],
        scores: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Return the truth of each row: u64[n, 2 + fields], f64[n, features], f64[n] → bool[n]."""
