"""Compile an ensemble: to mask tables where its trees are small, to a list of nodes where not.

Leaves become integers in units of 2**-shift, chosen so that no sum can overflow. For what the
tables mean see `tree_kernel.h`.
"""

from dataclasses import dataclass
from math import ceil, log2
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.risk.ensemble import ZERO_BOUND, Ensemble, Missing, Tree

__all__ = [
    "Block",
    "CompiledNodes",
    "CompiledTables",
    "compile_nodes",
    "compile_tables",
    "leaves_of",
]

SHIFT_MAX = 48
BINS_MAX = 65_535
LEAVES_MAX = 64
GROUP = 8
"""Edges that are compared at once."""
NODE = np.dtype(
    [
        *(("threshold", "<f8"), ("left", "<i4"), ("right", "<i4"), ("column", "<u4")),
        *(("set_first", "<u4"), ("set_bits", "<u4"), ("missing", "u1"), ("missing_left", "u1")),
        ("reserved", "u1", (2,)),
    ]
)

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class FixedLeaves:
    """Leaves as integers."""

    shift: int
    base: int
    leaves: tuple[npt.NDArray[np.int64], ...]
    """Of each tree, by the numbers that its nodes use."""
    expected: tuple[npt.NDArray[np.int64], ...]
    """Of each node: the mean of the leaves below it, weighted by what came to them in training."""


@dataclass(frozen=True, slots=True)
class FeatureEdges:
    """Where a feature's tests turn."""

    column: int
    edges: npt.NDArray[np.float64]
    """In groups of eight, filled up with infinities."""
    edges_count: int
    levels: npt.NDArray[np.float64]
    starts: tuple[int, ...]
    first_bin: int


@dataclass(frozen=True, slots=True)
class Block:
    """The masks of as many trees as fit a line."""

    masks: Array
    places: npt.NDArray[np.uint16]
    leaves: npt.NDArray[np.int64]
    trees: int


@dataclass(frozen=True, slots=True)
class CompiledTables:
    """An ensemble of small trees."""

    leaves_max: int
    features: tuple[FeatureEdges, ...]
    blocks: tuple[Block, ...]
    order: tuple[npt.NDArray[np.int64], ...]
    """Of each tree: the leaves from left to right, by the numbers that its nodes use."""


@dataclass(frozen=True, slots=True)
class CompiledNodes:
    """An ensemble of any trees; leaves are numbered through all of them."""

    nodes: Array
    roots: npt.NDArray[np.int32]
    sets: npt.NDArray[np.uint32]
    leaves: npt.NDArray[np.int64]
    first_leaf: npt.NDArray[np.int64]


def leaves_of(ensemble: Ensemble) -> FixedLeaves:
    """Return the leaves and the nodes' expectations in fixed point."""
    bound = abs(ensemble.base) * ensemble.divisor
    bound += sum(float(np.abs(tree.leaf).max()) for tree in ensemble.trees)
    shift = min(SHIFT_MAX, 61 - ceil(log2(bound + 1)))
    base = round(ensemble.base * ensemble.divisor * 2.0**shift)
    leaves = tuple(_fixed(tree.leaf, shift) for tree in ensemble.trees)
    expected = tuple(_fixed(_expectations(tree), shift) for tree in ensemble.trees)
    return FixedLeaves(shift, base, leaves, expected)


def _fixed(values: npt.NDArray[np.float64], shift: int) -> npt.NDArray[np.int64]:
    return np.rint(np.ldexp(values, shift)).astype(np.int64)


def _expectations(tree: Tree) -> npt.NDArray[np.float64]:
    """Return the mean of the leaves below each node; the plain mean where no cover is known."""
    cover, total = np.zeros(len(tree.feature)), np.zeros(len(tree.feature))
    weights = tree.cover if tree.cover.sum() > 0 else np.ones(len(tree.leaf))
    for node in reversed(tree.depth_first[0]):
        for child in (int(tree.left[node]), int(tree.right[node])):
            weight = weights[~child] if child < 0 else cover[child]
            cover[node] += weight
            total[node] += weight * tree.leaf[~child] if child < 0 else total[child]
    return np.divide(total, cover, out=np.zeros_like(total), where=cover > 0)


# --- mask tables ---------------------------------------------------------------------------------


def compile_tables(ensemble: Ensemble, fixed: FixedLeaves) -> CompiledTables | None:
    """Return mask tables, or None where a tree has more than 64 leaves, or bins run out."""
    most = max(len(tree.leaf) for tree in ensemble.trees)
    if most > LEAVES_MAX:
        return None
    leaves_max = 32 if most <= 32 else 64
    features = _edges_of(ensemble)
    if sum(feature.edges_count + 2 for feature in features) > BINS_MAX:
        return None
    lanes = 64 // (leaves_max // 8)
    order = tuple(np.array(tree.depth_first[1], np.int64) for tree in ensemble.trees)
    blocks = tuple(
        _block(ensemble.trees[first : first + lanes], features, leaves_max)
        for first in range(0, len(ensemble.trees), lanes)
    )
    for place, leaves in enumerate(fixed.leaves):
        block = blocks[place // lanes]
        block.leaves[place % lanes, : len(leaves)] = leaves[order[place]]
    return CompiledTables(leaves_max, features, blocks, order)


def _edges_of(ensemble: Ensemble) -> tuple[FeatureEdges, ...]:
    """Return the features that some tree tests, at least one, with their edges."""
    turns: dict[int, set[float]] = {}
    for tree in ensemble.trees:
        for node, column in enumerate(tree.feature.tolist()):
            turns.setdefault(column, set()).update(_turns_of(tree, node))
    if not turns:
        turns[0] = set()
    features = []
    first_bin = 0
    for column in sorted(turns):
        edges = np.array(sorted(turns[column]), np.float64)
        groups, levels, starts = _search_tree(edges)
        features.append(FeatureEdges(column, groups, len(edges), levels, starts, first_bin))
        first_bin += len(edges) + 2
    return tuple(features)


def _turns_of(tree: Tree, node: int) -> list[float]:
    """Return the values up to and including which a node's answer is the same."""
    categories = tree.categories[node]
    if categories is not None:
        below = [-1.0 if category == 0 else np.nextafter(category, -1.0) for category in categories]
        return below + [float(np.nextafter(category + 1.0, -1.0)) for category in categories]
    turns = [float(tree.threshold[node])]
    if tree.missing[node] == Missing.ZERO:
        turns += [float(np.nextafter(-ZERO_BOUND, -1.0)), ZERO_BOUND]
    return turns


def _search_tree(edges: npt.NDArray[np.float64]) -> tuple[Array, Array, tuple[int, ...]]:
    """Return edges in groups of eight, and levels of eight separators above them, root first.

    A separator is the greatest edge of the child before it; the last child has none.
    """
    groups = np.full((max(-(-len(edges) // GROUP), 1), GROUP), np.inf)
    groups.ravel()[: len(edges)] = edges
    levels: list[Array] = []
    greatest = groups[:, -1]
    while len(greatest) > 1:
        nodes = -(-len(greatest) // (GROUP + 1))
        separators = np.full((nodes, GROUP), np.inf)
        for child in range(len(greatest) - 1):
            if child % (GROUP + 1) < GROUP:
                separators[child // (GROUP + 1), child % (GROUP + 1)] = greatest[child]
        levels.insert(0, separators)
        last = np.minimum(np.arange(nodes) * (GROUP + 1) + GROUP, len(greatest) - 1)
        greatest = greatest[last]
    starts = [sum(len(level) for level in levels[:depth]) for depth in range(len(levels))]
    flat = np.concatenate(levels) if levels else np.zeros((1, GROUP))
    return groups, flat, tuple(starts)


def _block(trees: tuple[Tree, ...], features: tuple[FeatureEdges, ...], leaves_max: int) -> Block:
    """Return the masks of some trees, lines that repeat the one before left out."""
    kind: type[np.unsignedinteger[Any]] = np.uint32 if leaves_max == 32 else np.uint64
    lanes = 64 // (leaves_max // 8)
    lines = [np.full(lanes, ~kind(0), kind)]
    places = []
    left = [_left_leaves(tree, kind) for tree in trees]
    for feature in features:
        values = np.append(feature.edges.ravel()[: feature.edges_count], [np.inf, np.nan])
        masks = np.full((len(values), lanes), ~kind(0), kind)
        for lane, tree in enumerate(trees):
            for node in np.flatnonzero(tree.feature == feature.column):
                masks[~goes_left(tree, int(node), values), lane] &= ~left[lane][node]
        place = 0
        for mask in masks:
            if not np.array_equal(mask, lines[place]):
                lines.append(mask)
                place = len(lines) - 1
            places.append(place)
    leaves = np.zeros((lanes, leaves_max), np.int64)
    return Block(np.array(lines, kind), np.array(places, np.uint16), leaves, len(trees))


def _left_leaves(tree: Tree, kind: type[np.unsignedinteger[Any]]) -> Array:
    """Return, for each node, the bits of the leaves of its left child."""
    nodes, order = tree.depth_first
    bit = {leaf: kind(1) << kind(place) for place, leaf in enumerate(order)}
    below = np.zeros(len(nodes), kind)
    left = np.zeros(len(nodes), kind)
    for node in reversed(nodes):
        for child, is_left in ((int(tree.left[node]), True), (int(tree.right[node]), False)):
            bits = bit[~child] if child < 0 else below[child]
            below[node] |= bits
            if is_left:
                left[node] = bits
    return left


def goes_left(tree: Tree, node: int, values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which values a node sends left."""
    none = np.isnan(values)
    categories = tree.categories[node]
    if categories is not None:
        truncated = np.trunc(np.where(none | (abs(values) > 1 << 53), -1, values))
        left = np.isin(truncated, list(categories)) & ~none & (values > -1)
    else:
        known = np.where(none, 0.0, values)
        left = known <= tree.threshold[node]
        if tree.missing[node] == Missing.ZERO:
            left = np.where(abs(known) <= ZERO_BOUND, tree.missing_left[node], left)
    if tree.missing[node] == Missing.NAN:
        left = np.where(none, tree.missing_left[node], left)
    return np.asarray(left, np.bool_)


# --- nodes ---------------------------------------------------------------------------------------


def compile_nodes(ensemble: Ensemble, fixed: FixedLeaves) -> CompiledNodes:
    """Return an ensemble as a list of nodes."""
    counts = [len(tree.feature) for tree in ensemble.trees]
    nodes = np.zeros(sum(counts), NODE)
    first_node = np.cumsum([0, *counts])
    first_leaf = np.cumsum([0, *(len(tree.leaf) for tree in ensemble.trees)])
    words: list[int] = []
    roots = []
    for place, tree in enumerate(ensemble.trees):
        start, leaf = int(first_node[place]), int(first_leaf[place])
        roots.append(start if counts[place] else ~leaf)
        rows = nodes[start : start + counts[place]]
        rows["threshold"], rows["column"] = tree.threshold, tree.feature
        rows["missing"], rows["missing_left"] = tree.missing, tree.missing_left
        for name, child in (("left", tree.left), ("right", tree.right)):
            rows[name] = np.where(child < 0, child - leaf, child + start)
        for node, categories in enumerate(tree.categories):
            if categories is not None:
                bits = max(categories, default=0) + 1
                rows[node]["set_first"], rows[node]["set_bits"] = len(words), bits
                words += _bits(categories, bits)
    leaves = np.concatenate(fixed.leaves)
    sets = np.array(words or [0], np.uint32)
    return CompiledNodes(nodes, np.array(roots, np.int32), sets, leaves, first_leaf[:-1])


def _bits(categories: frozenset[int], bits: int) -> list[int]:
    words = [0] * (-(-bits // 32))
    for category in categories:
        words[category // 32] |= 1 << category % 32
    return words
