from typing import Any

import numpy as np
import numpy.typing as npt

STEP: np.dtype[np.void]
"""A fee: its kind, rounding and source by number, its amounts and rates, and where its bands, the
terms of its condition and its cuts begin and end."""
BAND: np.dtype[np.void]
TERM: np.dtype[np.void]
"""A fact by its row, and which of its choices fulfil a condition, as bits."""
CUT: np.dtype[np.void]
"""A reduction: its rate, its most, and the terms of its condition."""

class Steps:
    """The steps of one service on one day; immutable."""

    @property
    def count(self) -> int:
        """How many steps there are."""

    def __init__(
        self,
        steps: npt.NDArray[Any],
        bands: npt.NDArray[Any],
        terms: npt.NDArray[Any],
        cuts: npt.NDArray[Any],
        facts_min: npt.NDArray[np.uint64],
        facts_max: npt.NDArray[np.uint64],
    ) -> None:
        """Hold arrays of `STEP`, `BAND`, `TERM` and `CUT`, and the bounds of each fact."""

    def reckon(
        self, facts: npt.NDArray[np.uint64]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], npt.NDArray[np.uint8]]:
        """Return gross, amounts and statuses of the cases whose facts are the columns of *facts*.

        Args:
            facts: uint64[facts, cases]; choices by their place.

        Returns:
            gross and amounts as uint64[2 · count, cases], each fee and its tax one behind the
            other, zero where it isn't charged; and a status of each case: 0 fine, 1 a fact is out
            of its range, 2 an amount is above the greatest, 3 no fee is charged. What isn't fine
            has no amounts.
        """
