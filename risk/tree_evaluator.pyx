"""Scores of an ensemble of trees, by the instructions that the machine has.

    model = TreeModel(load_lightgbm(path))
    scores = model.score(values)                # f64[n, features] → f64[n]

A score is the sum of one leaf a tree, in fixed point: the same bits for one row or many, on every
machine. It is the trainer's own raw score to within 2**-49 a tree. `contributions` says what of a
score each feature brought: down a tree the expectation changes from node to node, and each change
is the tested feature's. In fixed point these changes add up to the score without a rest.

One thread uses a model at a time: it owns the scratch memory of a tile of rows.
"""

import numpy as np

from payvand.risk import mask_tables

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign

from payvand.core.types cimport u8, u16, u32, u64

INSTRUCTIONS = ("portable", "avx2", "avx512")

assert mask_tables.NODE.itemsize == 32


def machine_instructions():
    """Return the best instruction set of this machine that there is a path for."""
    return INSTRUCTIONS[best_instructions()]


cdef const void* start_of(array):
    """Return where the memory of a contiguous array begins."""
    cdef const u8[::1] view = array.reshape(-1).view(np.uint8)
    return &view[0]


def _aligned(array):
    """Return a copy that begins at a cache line, so that no line of it lies across two."""
    room = np.empty(array.nbytes + 64, np.uint8)
    start = -room.ctypes.data % 64
    copy = room[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


cdef class TreeModel:
    """Score rows of features by an ensemble of trees."""

    def __cinit__(self, ensemble, *, instructions=None):
        best = best_instructions()
        chosen = best if instructions is None else INSTRUCTIONS.index(instructions)
        if chosen > best:
            raise ValueError(f"this machine has no {instructions}; it has {INSTRUCTIONS[best]}")
        fixed = mask_tables.leaves_of(ensemble)
        self.ensemble = ensemble
        self.instructions = chosen
        self.columns = len(ensemble.feature_names)
        self.trees = len(ensemble.trees)
        self.base = fixed.base
        self.unit = 2.0 ** -fixed.shift / ensemble.divisor
        self.expected = fixed
        tables = mask_tables.compile_tables(ensemble, fixed)
        if tables is None:
            self._take_nodes(mask_tables.compile_nodes(ensemble, fixed))
        else:
            self._take_tables(tables)
        self.steps = _Steps(ensemble, fixed, self.order)

    def __dealloc__(self):
        free(self.bins)
        free(<void*>self.forest.feature)
        free(<void*>self.forest.block)

    def _take_tables(self, tables):
        """Point the forest into mask tables."""
        cdef FeatureEdges* feature
        cdef BlockMasks* block
        cdef void* room = NULL
        self.order = tables.order
        self.forest.trees, self.forest.columns = self.trees, self.columns
        self.forest.features, self.forest.blocks = len(tables.features), len(tables.blocks)
        self.forest.leaves_max = tables.leaves_max
        self.forest.single_precision = self.ensemble.single_precision
        kept = self.kept = []
        _allocate(&room, self.forest.features * sizeof(FeatureEdges))
        self.forest.feature = feature = <FeatureEdges*>room
        for edges in tables.features:
            values, levels = _aligned(edges.edges), _aligned(edges.levels)
            kept += [values, levels]
            feature.edges = <const double*>start_of(values)
            feature.levels = <const double*>start_of(levels)
            feature.edges_count, feature.first_bin = edges.edges_count, edges.first_bin
            feature.column, feature.depth = edges.column, len(edges.starts)
            for level, start in enumerate(edges.starts):
                feature.starts[<u32>level] = start
            feature += 1
        _allocate(&room, self.forest.blocks * sizeof(BlockMasks))
        self.forest.block = block = <BlockMasks*>room
        for masks in tables.blocks:
            lines, leaves = _aligned(masks.masks), _aligned(masks.leaves)
            kept += [lines, masks.places, leaves]
            block.masks = <const u8*>start_of(lines)
            block.places = <const u16*>start_of(masks.places)
            block.leaves = <const int64_t*>start_of(leaves)
            block.trees = masks.trees
            block += 1
        _allocate(&room, TILE_ROWS * self.forest.features * sizeof(u16))
        self.bins = <u16*>room

    def _take_nodes(self, nodes):
        self.kept = nodes
        self.nodes = <const Node*>(start_of(nodes.nodes) if len(nodes.nodes) else NULL)
        self.roots = <const int32_t*>start_of(nodes.roots)
        self.sets = <const u32*>start_of(nodes.sets)
        self.leaves = <const int64_t*>start_of(nodes.leaves)
        self.first_leaf = nodes.first_leaf
        self.forest.single_precision = self.ensemble.single_precision

    # --- scores ------------------------------------------------------------------------------

    cdef void score_rows(self, const double* rows, u64 count, double* scores) noexcept nogil:
        """Score rows of `columns` values each (in: rows; out: scores)."""
        cdef int64_t sums[TILE_ROWS]
        cdef u64 first = 0
        cdef u32 place, tile
        while first < count:
            tile = <u32>min(count - first, <u64>TILE_ROWS)
            if self.forest.features:
                sum_tile(&self.forest, &rows[first * self.columns], tile, self.instructions,
                         self.bins, sums)
            else:
                for place in range(tile):
                    sums[place] = walk(
                        self.nodes, self.roots, self.trees, self.sets, self.leaves,
                        &rows[(first + place) * self.columns], self.forest.single_precision, NULL)
            for place in range(tile):
                scores[first + place] = <double>(sums[place] + self.base) * self.unit
            first += tile

    @property
    def path(self):
        """How rows are scored: `avx512`, `avx2` or `portable` mask tables, or `nodes`."""
        return INSTRUCTIONS[self.instructions] if self.forest.features else "nodes"

    def score_one(self, const double[::1] values):
        """Return the raw score of one row."""
        cdef double score
        if values.shape[0] != self.columns:
            raise ValueError(f"{values.shape[0]} values instead of {self.columns}")
        self.score_rows(&values[0], 1, &score)
        return score

    def score(self, values):
        """Return the raw scores of f64[n, features]: f64[n]."""
        cdef const double[:, ::1] rows = self._checked(values)
        scores = np.empty(len(values))
        cdef double[::1] out = scores
        cdef u64 count = rows.shape[0]
        if count:
            with nogil:
                self.score_rows(&rows[0, 0], count, &out[0])
        return scores

    def probability(self, values):
        """Return the probabilities of f64[n, features]; the raw scores where there are none."""
        scores = self.score(values)
        if self.ensemble.sigmoid == 0:
            return scores
        return 1 / (1 + np.exp(-self.ensemble.sigmoid * scores))

    def _checked(self, values):
        if (not isinstance(values, np.ndarray) or values.dtype != np.float64 or values.ndim != 2
                or values.shape[1] != self.columns):
            raise TypeError(f"values must be f64[n, {self.columns}]")
        return np.ascontiguousarray(values)

    # --- reasons -----------------------------------------------------------------------------

    def leaves_reached(self, values):
        """Return the leaf of each tree that each row comes to, as its file numbers it: i4[n, t]."""
        cdef const double[:, ::1] rows = self._checked(values)
        cdef u64 count = rows.shape[0]
        cdef u64 first = 0
        cdef u32 tile, place
        reached = np.empty((count, self.trees), np.int32)
        if count == 0:
            return reached
        cdef u32[:, ::1] out
        cdef u8[:, ::1] found
        if not self.forest.features:
            walked = np.empty((count, self.trees), np.uint32)
            out = walked
            for first in range(count):
                walk(self.nodes, self.roots, self.trees, self.sets, self.leaves, &rows[first, 0],
                     self.forest.single_precision, &out[first, 0])
            return (walked - self.first_leaf).astype(np.int32)
        ranks = np.empty((TILE_ROWS, self.trees), np.uint8)
        found = ranks
        while first < count:
            tile = <u32>min(count - first, <u64>TILE_ROWS)
            find_tile(&self.forest, &rows[first, 0], tile, self.instructions, self.bins,
                      &found[0, 0])
            for place in range(self.trees):
                reached[first:first + tile, place] = self.order[place][ranks[:tile, place]]
            first += tile
        return reached

    def contributions(self, values):
        """Return what each feature brought, f64[n, features], and what all scores begin with.

        Each row adds up to its score less the second result, exactly but for the last rounding.
        """
        sums = self.steps.add_up(self.leaves_reached(values), self.columns)
        return sums * self.unit, (self.steps.start + self.base) * self.unit


cdef int _allocate(void** room, u64 size) except -1:
    if posix_memalign(room, 64, max(size, <u64>64)):
        raise MemoryError(f"no memory for {size} bytes")
    return 0


class _Steps:
    """How the expectation changes on the way to each leaf, by feature, in fixed point."""

    def __init__(self, ensemble, fixed, order):
        self.start = 0
        first_leaf, starts, features, changes = [], [0], [], []
        for place, tree in enumerate(ensemble.trees):
            first_leaf.append(len(starts) - 1)
            by_leaf = _steps_of(tree, fixed.leaves[place], fixed.expected[place])
            self.start += int(fixed.expected[place][0] if len(tree.feature)
                              else fixed.leaves[place][0])
            for leaf in range(len(tree.leaf)):
                features += [feature for feature, _ in by_leaf[leaf]]
                changes += [change for _, change in by_leaf[leaf]]
                starts.append(len(features))
        self._first_leaf = np.array(first_leaf, np.int64)
        self._starts = np.array(starts, np.int64)
        self._features = np.array(features or [0], np.int64)
        self._changes = np.array(changes or [0], np.int64)

    def add_up(self, leaves, columns):
        """Return the sums of the changes by feature, i8[n, features], for i4[n, trees]."""
        sums = np.zeros((len(leaves), columns), np.int64)
        cdef int64_t[:, ::1] out = sums
        cdef const int64_t[::1] starts = self._starts
        cdef const int64_t[::1] features = self._features
        cdef const int64_t[::1] changes = self._changes
        cdef const int64_t[:, ::1] places = np.ascontiguousarray(leaves + self._first_leaf)
        cdef Py_ssize_t row, tree
        cdef int64_t step, place
        with nogil:
            for row in range(places.shape[0]):
                for tree in range(places.shape[1]):
                    place = places[row, tree]
                    for step in range(starts[place], starts[place + 1]):
                        out[row, features[step]] += changes[step]
        return sums


def _steps_of(tree, leaves, expected):
    """Return for each leaf the changes on the way to it: [(feature, change), …]."""
    steps = [[] for _ in range(len(leaves))]
    if len(tree.feature) == 0:
        return steps
    waiting = [(0, {})]
    while waiting:
        node, so_far = waiting.pop()
        for child in (int(tree.left[node]), int(tree.right[node])):
            value = leaves[~child] if child < 0 else expected[child]
            feature = int(tree.feature[node])
            brought = dict(so_far)
            brought[feature] = brought.get(feature, 0) + int(value) - int(expected[node])
            if child < 0:
                steps[~child] = sorted(brought.items())
            else:
                waiting.append((child, brought))
    return steps
