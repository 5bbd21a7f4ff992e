from typing import Self

import numpy as np
import numpy.typing as npt

from payvand.risk.ensemble import Ensemble

INSTRUCTIONS: tuple[str, ...]
"""The instruction sets that there are paths for, from the plainest on."""

def machine_instructions() -> str:
    """Return the best instruction set of this machine that there is a path for."""

class TreeModel:
    """Score rows of features by an ensemble of trees.

    One thread uses a model at a time.
    """

    ensemble: Ensemble
    columns: int
    """Values of a row: the ensemble's features."""
    trees: int
    def __new__(cls, ensemble: Ensemble, *, instructions: str | None = None) -> Self:
        """Compile an ensemble; *instructions* other than the machine's best are for tests."""
    @property
    def path(self) -> str:
        """How rows are scored: `avx512`, `avx2` or `portable` mask tables, or `nodes`."""
    def score_one(self, values: npt.NDArray[np.float64]) -> float:
        """Return the raw score of one row."""
    def score(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the raw scores of f64[n, features]: f64[n]."""
    def probability(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the probabilities of f64[n, features]; the raw scores where there are none."""
    def leaves_reached(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """Return the leaf of each tree that each row comes to, as its file numbers it: i4[n, t]."""
    def contributions(
        self, values: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.float64], float]:
        """Return what each feature brought, f64[n, features], and what all scores begin with.

        Each row adds up to its score less the second result, exactly but for the last rounding.
        """
