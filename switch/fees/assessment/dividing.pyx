"""Amounts divided by nested parts, each node by the largest remainder.

The nodes of a tree stand in one array, each before those below it. An amount enters at the first;
a node divides what it got among its branches, which are leaves or nodes further on:

    node 0 ─┬─ 60 ─► node 1 ─┬─ 70 ─► leaf 0
            │                └─ 30 ─► leaf 1
            ├─ 15 ─► leaf 2
            └─ 25 ─► leaf 3
"""

import numpy as np

from payvand.core.types cimport u64, u128

cdef enum:
    BRANCHES_MAX = 64
    NODES_MAX = 1024

cdef packed struct Node:
    u64 branch_first
    u64 branches_end
    u64 parts               # of all its branches

cdef packed struct Branch:
    u64 parts
    u64 target              # a leaf, or a node where is_node
    u64 is_node

NODE = np.dtype([(name, np.uint64) for name in ("branch_first", "branches_end", "parts")])
BRANCH = np.dtype([(name, np.uint64) for name in ("parts", "target", "is_node")])


cdef class Divider:
    """Divides amounts along one tree of parts; immutable."""

    cdef readonly Py_ssize_t leaves
    cdef const Node[::1] _nodes
    cdef const Branch[::1] _branches

    def __init__(self, nodes, branches, leaves):
        """Hold arrays of `NODE` and `BRANCH`, and how many leaves they lead to."""
        if not 0 < len(nodes) <= NODES_MAX:
            raise ValueError(f"1 to {NODES_MAX} nodes, not {len(nodes)}")
        if max(node["branches_end"] - node["branch_first"] for node in nodes) > BRANCHES_MAX:
            raise ValueError(f"at most {BRANCHES_MAX} branches a node")
        self._nodes = nodes
        self._branches = branches
        self.leaves = leaves

    def divide(self, u64 amount):
        """Return the parts of *amount*, a leaf each."""
        parts = np.zeros((1, self.leaves), np.uint64)
        cdef u64[:, ::1] view = parts
        with nogil:
            self._divide(amount, &view[0, 0])
        return tuple(parts[0].tolist())

    def divide_many(self, const u64[::1] amounts):
        """Return the parts of each of *amounts*, uint64[amounts, leaves]."""
        parts = np.zeros((len(amounts), self.leaves), np.uint64)
        cdef u64[:, ::1] view = parts
        cdef Py_ssize_t index
        with nogil:
            for index in range(amounts.shape[0]):
                self._divide(amounts[index], &view[index, 0])
        return parts

    cdef void _divide(self, u64 amount, u64* leaves) noexcept nogil:  # out: leaves
        cdef u64[NODES_MAX] reached
        cdef Py_ssize_t node
        reached[0] = amount
        for node in range(self._nodes.shape[0]):
            self._divide_node(&self._nodes[node], reached[node], leaves, reached)

    cdef void _divide_node(self, const Node* node, u64 amount, u64* leaves,
                           u64* reached) noexcept nogil:  # out: leaves, reached
        cdef u64[BRANCHES_MAX] part, remainder
        cdef u64 count = node.branches_end - node.branch_first
        cdef u64 left = amount, index, greatest
        cdef const Branch* branch = &self._branches[node.branch_first]
        cdef u128 product
        for index in range(count):
            product = <u128>amount * branch[index].parts
            # A division of 64 bits takes a fifth of one of 128.
            if product >> 64 == 0:
                part[index] = <u64>product // node.parts
            else:
                part[index] = <u64>(product // node.parts)
            remainder[index] = <u64>(product - <u128>part[index] * node.parts)
            left -= part[index]
        # Fewer are left than there are branches with a remainder.
        while left:
            greatest = 0
            for index in range(1, count):
                if remainder[index] > remainder[greatest]:
                    greatest = index
            part[greatest] += 1
            remainder[greatest] = 0
            left -= 1
        for index in range(count):
            if branch[index].is_node:
                reached[branch[index].target] = part[index]
            else:
                leaves[branch[index].target] = part[index]
