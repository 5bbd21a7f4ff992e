"""The naive evaluator of trees: one row, one tree, one test after the other, in plain floats."""

from collections.abc import Sequence
from math import isnan, trunc

import numpy as np

from payvand.risk.ensemble import ZERO_BOUND, Ensemble, Missing, Tree


def leaf_reached(tree: Tree, row: Sequence[float], *, single_precision: bool) -> int:
    """Return the leaf that a row comes to."""
    place = 0 if len(tree.feature) else -1
    while place >= 0:
        value = row[tree.feature[place]]
        if single_precision:
            with np.errstate(over="ignore"):  # beyond 32 bits is infinite, and meant so
                value = float(np.float32(value))
        place = int((tree.left if _goes_left(tree, place, value) else tree.right)[place])
    return ~place


def raw_score(ensemble: Ensemble, row: Sequence[float]) -> float:
    """Return the sum of the leaves, as the trainer's own program makes it."""
    leaves = [
        float(tree.leaf[leaf_reached(tree, row, single_precision=ensemble.single_precision)])
        for tree in ensemble.trees
    ]
    return ensemble.base + sum(leaves) / ensemble.divisor


def _goes_left(tree: Tree, node: int, value: float) -> bool:
    missing_left = bool(tree.missing_left[node])
    if isnan(value) and tree.missing[node] == Missing.NAN:
        return missing_left
    categories = tree.categories[node]
    if categories is not None:
        return not isnan(value) and -1 < value < 2**53 and trunc(value) in categories
    if isnan(value):
        value = 0.0
    if tree.missing[node] == Missing.ZERO and abs(value) <= ZERO_BOUND:
        return missing_left
    return value <= float(tree.threshold[node])
