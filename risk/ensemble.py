"""An ensemble of decision trees, whoever trained it: flat arrays, checked once, then relied upon.

A node tests one feature and sends a row to its left or right child. What is not a number, or counts
as missing, goes where the node says. Leaves carry what is added to the score.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.core.errors import PayvandFault

__all__ = ["ZERO_BOUND", "Ensemble", "Missing", "ModelFileFault", "Tree"]

TREES_MAX = 10_000
LEAVES_MAX = 4_096
FEATURES_MAX = 4_096
ZERO_BOUND = 1e-35
"""Where zero counts as missing, anything this near to it does."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int32]


class ModelFileFault(PayvandFault):
    """A model file is wrong; nothing of it was taken. `line` says where, 0 for the whole."""

    def __init__(self, source: str, line: int, message: str) -> None:
        place = f"{source}, line {line}" if line else source
        super().__init__(f"{place}: {message}", hint="save the model again, or train it again")
        self.source = source
        self.line = line


class Missing:
    """What a node sends the way of its `missing_left`; numbers of the `missing` array."""

    NEVER = 0
    """Nothing; what is no number counts as zero."""
    ZERO = 1
    """Zero, and what is no number."""
    NAN = 2
    """What is no number."""


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree. Nodes are numbered from 0, the root; a child below 0 is the leaf ~child."""

    feature: Integers
    threshold: Floats
    """A value up to and including it goes left; of a node with categories it says nothing."""
    left: Integers
    right: Integers
    missing: npt.NDArray[np.uint8]
    missing_left: npt.NDArray[np.bool_]
    categories: tuple[frozenset[int] | None, ...]
    """Of each node: None where it compares; else the values that, truncated, go left. All others go
    right, but those that `missing` sends."""
    leaf: Floats
    cover: Floats
    """How much of the training data came to each leaf: rows, or the weight of rows."""

    @property
    def depth_first(self) -> tuple[list[int], list[int]]:
        """Return the nodes, parents first, and the leaves from left to right."""
        nodes: list[int] = []
        leaves: list[int] = []
        waiting = [0] if len(self.feature) else [-1]
        while waiting:
            place = waiting.pop()
            if place < 0:
                leaves.append(~place)
            else:
                nodes.append(place)
                waiting += (int(self.right[place]), int(self.left[place]))
        return nodes, leaves

    def problem(self, features: int) -> str:
        """Say what keeps this from being a tree over so many features; empty where nothing does."""
        nodes, leaves = len(self.feature), len(self.leaf)
        if not 1 <= leaves <= LEAVES_MAX or nodes != leaves - 1:
            return f"has {leaves} leaves and {nodes} nodes; at most {LEAVES_MAX}, one node less"
        lengths = {
            *(len(self.threshold), len(self.left), len(self.right), len(self.missing)),
            *(len(self.missing_left), len(self.categories)),
        }
        if lengths != {nodes} or len(self.cover) != leaves:
            return "has columns of different lengths"
        children = np.concatenate([self.left, self.right])
        if ((children < -leaves) | (children >= nodes)).any():
            return "has a child that isn't there"
        if len(set(children.tolist())) != len(children) or (children == 0).any():
            return "has a node with two parents, or a root with one"
        # As many different children as there are nodes but the root, and leaves: a tree, unless
        # some of them lead in a circle that the root doesn't reach.
        reached = self.depth_first
        if len(reached[0]) != nodes or len(reached[1]) != leaves:
            return "has nodes that the root doesn't reach"
        if ((self.feature < 0) | (self.feature >= features)).any():
            return f"tests a feature that isn't one of the {features}"
        if not np.isfinite(self.leaf).all() or np.isnan(self.threshold).any():
            return "has a leaf or a threshold that is no number"
        if (self.cover < 0).any() or not np.isfinite(self.cover).all():
            return "has a leaf with less than no rows"
        return ""


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Trees whose leaves add up."""

    trees: tuple[Tree, ...]
    feature_names: tuple[str, ...]
    base: float
    """The score that the sum starts from."""
    divisor: int
    """The sum is divided by it; other than 1 where trees are averaged."""
    sigmoid: float
    """The probability is 1 / (1 + exp(-sigmoid * score)); 0 where the score is none."""
    single_precision: bool
    """Values are rounded to 32 bits before they are compared."""
    digest: bytes
    """SHA-256 of the file."""


def checked(ensemble: Ensemble, source: str, lines: Sequence[int]) -> Ensemble:
    """Return an ensemble that holds together; *lines* say where each tree stands.

    Raises ModelFileFault.
    """
    if not 1 <= len(ensemble.trees) <= TREES_MAX:
        raise ModelFileFault(source, 0, f"has {len(ensemble.trees)} trees; from 1 to {TREES_MAX}")
    if not 1 <= len(ensemble.feature_names) <= FEATURES_MAX:
        raise ModelFileFault(source, 0, f"has {len(ensemble.feature_names)} features")
    for place, tree in enumerate(ensemble.trees):
        problem = tree.problem(len(ensemble.feature_names))
        if problem:
            raise ModelFileFault(source, lines[place], f"tree {place} {problem}")
    return ensemble
