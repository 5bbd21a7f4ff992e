"""Compiled trees against the naive ones: the same leaf, and the same bits on every path."""

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from payvand.risk.ensemble import Ensemble, Tree
from payvand.risk.tree_evaluator import INSTRUCTIONS, TreeModel, machine_instructions
from tests.support.reference_trees import leaf_reached, raw_score

FEATURES = 4
PATHS = INSTRUCTIONS[: INSTRUCTIONS.index(machine_instructions()) + 1]
NAN = float("nan")
Floats = npt.NDArray[np.float64]

thresholds = st.sampled_from([-2.5, -1e-35, 0.0, 1e-40, 0.1, 1.0, 3.0, 3.5, float("inf")])
values = st.sampled_from(
    [
        *(NAN, -float("inf"), -3.0, -1.0, -0.5, -1e-35, -2e-35, -0.0, 0.0, 1e-36, 1e-35, 2e-35),
        *(0.1, np.nextafter(0.1, 1), 0.99, 1.0, 1.5, 2.0, 3.0, 3.5, 40.0, 1e300, float("inf")),
    ]
)
leaves = st.floats(-4, 4, width=32)


@st.composite
def trees(draw: st.DrawFn, leaves_max: int) -> Tree:
    """A tree grown leaf by leaf, as its trainer might have."""
    count = draw(st.integers(1, leaves_max))
    left, right = np.zeros(count - 1, np.int32), np.zeros(count - 1, np.int32)
    for node in range(count - 1):
        if node:
            # The new node takes the place of a leaf.
            replaced = draw(st.integers(0, node))
            left[:node][left[:node] == ~replaced] = node
            right[:node][right[:node] == ~replaced] = node
            left[node], right[node] = ~replaced, ~(node + 1)
        else:
            left[node], right[node] = ~0, ~1
        if draw(st.booleans()):
            left[node], right[node] = right[node], left[node]
    chances = np.random.default_rng(draw(st.integers(0, 2**32)))
    sets = [
        frozenset(chances.integers(0, 45, chances.integers(1, 5)).tolist())
        if chances.random() < 0.2
        else None
        for _ in range(count - 1)
    ]
    missing = chances.integers(0, 3, count - 1).astype(np.uint8)
    return Tree(
        feature=chances.integers(0, FEATURES, count - 1).astype(np.int32),
        threshold=np.array([draw(thresholds) for _ in range(count - 1)], np.float64),
        left=left,
        right=right,
        missing=missing,
        missing_left=chances.random(count - 1) < 0.5,
        categories=tuple(sets),
        leaf=np.array([draw(leaves) for _ in range(count)], np.float64),
        cover=chances.integers(0, 9, count).astype(np.float64),
    )


@st.composite
def ensembles(draw: st.DrawFn, leaves_max: int = 8) -> Ensemble:
    made = draw(st.lists(trees(leaves_max), min_size=1, max_size=20))
    return Ensemble(
        trees=tuple(made),
        feature_names=tuple("abcd"),
        base=draw(leaves),
        divisor=draw(st.sampled_from([1, 1, len(made)])),
        sigmoid=1.0,
        single_precision=draw(st.booleans()),
        digest=b"",
    )


rows_of_values = st.lists(st.tuples(*[values] * FEATURES), min_size=1, max_size=20)


@given(ensemble=ensembles(), rows=rows_of_values)
def test_every_row_comes_to_the_leaf_of_the_naive_walk(
    ensemble: Ensemble, rows: list[tuple[float, ...]]
) -> None:
    assert not [problem for tree in ensemble.trees if (problem := tree.problem(FEATURES))]
    model = TreeModel(ensemble)
    single = ensemble.single_precision
    reached = [
        [leaf_reached(t, row, single_precision=single) for t in ensemble.trees] for row in rows
    ]
    assert model.leaves_reached(np.array(rows)).tolist() == reached
    expected = [raw_score(ensemble, row) for row in rows]
    assert np.allclose(model.score(np.array(rows)), expected, rtol=0, atol=1e-12)


@given(ensemble=ensembles(), rows=rows_of_values, repeats=st.sampled_from([1, 9, 40]))
def test_all_instruction_sets_and_cuts_give_the_same_bits(
    ensemble: Ensemble, rows: list[tuple[float, ...]], repeats: int
) -> None:
    batch = np.array(rows * repeats)
    scores = [TreeModel(ensemble, instructions=name).score(batch) for name in PATHS]
    model = TreeModel(ensemble)
    scores.append(np.array([model.score_one(row) for row in batch]))
    assert {score.tobytes() for score in scores} == {scores[0].tobytes()}


@given(ensemble=ensembles(), rows=rows_of_values)
def test_contributions_add_up_to_the_score(
    ensemble: Ensemble, rows: list[tuple[float, ...]]
) -> None:
    model = TreeModel(ensemble)
    brought, start = model.contributions(np.array(rows))
    assert np.allclose(brought.sum(1) + start, model.score(np.array(rows)), rtol=0, atol=1e-12)


@given(ensemble=ensembles(leaves_max=3), data=st.data())
def test_big_trees_are_walked_to_the_same_leaves(ensemble: Ensemble, data: st.DataObject) -> None:
    """One tree of more than 64 leaves keeps all from the tables; their leaves don't change."""
    rows = np.array(data.draw(rows_of_values))
    chain = np.arange(69, dtype=np.int32)
    big = Tree(
        feature=(chain % FEATURES).astype(np.int32),
        threshold=np.linspace(-4, 4, 69),
        left=~chain,
        right=np.append(chain[1:], ~69).astype(np.int32),
        missing=np.full(69, 2, np.uint8),
        missing_left=chain % 3 == 0,
        categories=(None,) * 69,
        leaf=np.linspace(-1, 1, 70),
        cover=np.ones(70),
    )
    mixed = Ensemble(
        (*ensemble.trees, big), tuple("abcd"), 0.0, 1, 0.0, ensemble.single_precision, b""
    )
    model = TreeModel(mixed)
    assert model.path == "nodes"
    single = mixed.single_precision
    reached = [[leaf_reached(t, row, single_precision=single) for t in mixed.trees] for row in rows]
    assert model.leaves_reached(rows).tolist() == reached
    assert np.allclose(model.score(rows), [raw_score(mixed, row) for row in rows], atol=1e-12)


def chain_of(count: int) -> Ensemble:
    """Return one tree that tells values apart at 1, 2, … count - 1, by a leaf for each."""
    nodes = np.arange(count - 1, dtype=np.int32)
    tree = Tree(
        feature=np.zeros(count - 1, np.int32),
        threshold=nodes + 1.0,
        left=~nodes,
        right=np.append(nodes[1:], ~(count - 1)).astype(np.int32),
        missing=np.zeros(count - 1, np.uint8),
        missing_left=np.zeros(count - 1, np.bool_),
        categories=(None,) * (count - 1),
        leaf=np.arange(float(count)),
        cover=np.ones(count),
    )
    return Ensemble((tree,), ("a",), 0.0, 1, 0.0, False, b"")


@pytest.mark.parametrize("count", [2, 9, 10, 31, 32, 33, 64, 65, 700])
@pytest.mark.parametrize("name", PATHS)
def test_any_number_of_leaves_and_edges_is_told_apart(count: int, name: str) -> None:
    model = TreeModel(chain_of(count), instructions=name)
    values = np.arange(0.5, count + 1, 0.5)
    expected = np.minimum(np.ceil(values) - 1, count - 1)
    assert np.array_equal(model.score(values[:, None]), expected)


def test_many_trees_tell_hundreds_of_edges_of_one_feature_apart() -> None:
    """More edges than three levels of the search tree hold."""
    trees = []
    for place in range(1200):
        tree = chain_of(2).trees[0]
        trees.append(
            Tree(
                feature=tree.feature,
                threshold=np.array([place + 1.0]),
                left=tree.left,
                right=tree.right,
                missing=tree.missing,
                missing_left=tree.missing_left,
                categories=tree.categories,
                leaf=tree.leaf,
                cover=tree.cover,
            )
        )
    ensemble = Ensemble(tuple(trees), ("a",), 0.0, 1, 0.0, False, b"")
    values = np.arange(0.5, 1202, 0.5)
    for name in PATHS:
        scores = TreeModel(ensemble, instructions=name).score(values[:, None])
        assert np.array_equal(scores, np.minimum(np.ceil(values) - 1, 1200))


def test_rows_of_another_width_are_refused() -> None:
    model = TreeModel(chain_of(2))
    with pytest.raises(TypeError, match=r"f64\[n, 1\]"):
        model.score(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="2 values instead of 1"):
        model.score_one(np.zeros(2))
