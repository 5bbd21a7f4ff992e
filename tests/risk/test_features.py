"""The compiled features against the naive ones, bit for bit, over random traffic and labels.

Few keys, short windows and small values make events enter, leave, tie and repeat all the time. The
same stream is taken in as it came, one by one, by several threads, and cut elsewhere.
"""

from math import isnan

import hypothesis.strategies as st
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given

from payvand.risk.feature_engine import FeatureEngine
from payvand.risk.feature_file import Aggregate, Feature, FeatureSet, Window, read_features
from tests.support.reference_features import Event, ReferenceEngine

FIELDS = ("payer", "payee", "amount", "kind")
NAN = float("nan")
Events = npt.NDArray[np.uint64]
Step = tuple[str, list[Event], list[bool]]

widths = st.sampled_from([1, 2, 5, 20, 100])
wheres = st.sampled_from([(), (), (("kind", (1,)),), (("kind", (0, 2)), ("payee", (1, 2)))])
keys = st.sampled_from([("payer",), ("payer",), ("payee",), ("payer", "payee")])


@st.composite
def aggregates(draw: st.DrawFn, name: str) -> Aggregate:
    key = draw(keys)
    kind = draw(st.sampled_from(["sliding", "sliding", "delayed", "tumbling", "decayed", "ever"]))
    only = ""
    match kind:
        case "sliding":
            window = Window("sliding", draw(widths))
            choices = ["count", "sum", "mean", "std", "min", "max", "distinct"]
        case "delayed":
            window = Window("sliding", draw(widths), draw(widths))
            choices = ["count", "sum", "mean", "std", "rate", "rate"]
        case "tumbling":
            width = draw(widths)
            window = Window("tumbling", width, 0, draw(st.integers(0, width - 1)))
            choices = ["count", "sum", "mean", "std", "min", "max", "distinct"]
        case "decayed":
            window = Window("decayed", draw(widths))
            choices = ["count", "sum", "mean", "std"]
        case _:
            window = Window("ever")
            choices = ["since_last", "since_first"]
    if len(key) == 2 and "distinct" in choices:
        choices.remove("distinct")
    aggregate = draw(st.sampled_from(choices))
    if kind == "delayed" and aggregate in ("count", "sum", "mean"):
        only = draw(st.sampled_from(["", "flagged", "genuine"]))
    of = None
    if aggregate in ("sum", "mean", "std", "min", "max"):
        of = draw(st.sampled_from(["amount", "amount", "payee"]))
    elif aggregate == "distinct":
        of = draw(st.sampled_from(["payer", "payee", "amount", "kind"]))
    current = aggregate != "since_last" and draw(st.booleans())
    empty = draw(st.sampled_from([NAN, 0.0, -1.0]))
    return Aggregate(name, key, aggregate, of, window, draw(wheres), only, current, empty)


@st.composite
def feature_sets(draw: st.DrawFn) -> FeatureSet:
    count = draw(st.integers(1, 8))
    features: tuple[Feature, ...] = tuple(
        draw(aggregates(f"feature_{place}")) for place in range(count)
    )
    return FeatureSet("test", 1, b"", "s", 1, FIELDS, features)


amounts = st.sampled_from([0, 1, 1, 2, 3, 7, 1000, 2**48 - 1, 2**48, 2**64 - 1])


@st.composite
def streams(draw: st.DrawFn) -> list[Step]:
    """Batches of events, and flags of some past ones in between."""
    now, identity = draw(st.integers(0, 50)), 0
    steps: list[Step] = []
    past: list[Event] = []
    for _ in range(draw(st.integers(1, 5))):
        batch = []
        for _ in range(draw(st.integers(1, 12))):
            now += draw(st.sampled_from([0, 0, 1, 1, 2, 10, 90]))
            identity += 1
            keys = [draw(st.integers(0, 2)), draw(st.integers(0, 2))]
            batch.append([now, identity, *keys, draw(amounts), draw(st.integers(0, 2))])
        steps.append(("events", batch, []))
        past += batch
        chosen = draw(st.lists(st.sampled_from(past), max_size=5, unique_by=lambda event: event[1]))
        marks = [draw(st.sampled_from([True, True, False])) for _ in chosen]
        steps.append(("flags", chosen, marks))
    return steps


def array_of(events: list[Event]) -> Events:
    return np.array(events, np.uint64).reshape(-1, 2 + len(FIELDS))


def run(engine: FeatureEngine, steps: list[Step], *, threads: int = 1) -> list[Events]:
    """Return what came out, as bits."""
    out = []
    for what, events, marks in steps:
        if what == "events":
            out.append(engine.process(array_of(events), threads=threads).view(np.uint64))
        else:
            engine.flag(array_of(events), marks)
    return out


def one_by_one(steps: list[Step]) -> list[Step]:
    cut: list[Step] = []
    for what, events, marks in steps:
        cut += [(what, [event], marks[at : at + 1]) for at, event in enumerate(events)]
    return cut


@given(features=feature_sets(), steps=streams())
def test_features_are_those_of_the_naive_engine_to_the_bit(
    features: FeatureSet, steps: list[Step]
) -> None:
    compiled, naive = FeatureEngine(features, keys_max=64), ReferenceEngine(features)
    for what, events, marks in steps:
        if what == "events":
            got, wanted = compiled.process(array_of(events)), np.array(naive.process(events))
            assert np.array_equal(got, wanted, equal_nan=True), (got, wanted)
        else:
            compiled.flag(array_of(events), marks)
            for event, mark in zip(events, marks, strict=True):
                naive.flag(event, mark)


@given(
    features=feature_sets(),
    steps=streams(),
    keys_max=st.sampled_from([8, 64]),
    entries_per_key=st.sampled_from([1, 8]),
    threads=st.integers(2, 4),
)
def test_neither_the_cut_nor_threads_change_a_bit_even_where_keys_are_evicted(
    features: FeatureSet, steps: list[Step], keys_max: int, entries_per_key: int, threads: int
) -> None:
    engines = [
        FeatureEngine(features, keys_max=keys_max, entries_per_key=entries_per_key)
        for _ in range(3)
    ]
    whole = np.concatenate(run(engines[0], steps))
    single = np.concatenate(run(engines[1], one_by_one(steps)))
    shared = np.concatenate(run(engines[2], steps, threads=threads))
    assert np.array_equal(whole, single)
    assert np.array_equal(whole, shared)
    assert len({engine.digest() for engine in engines}) == 1
    assert engines[0].statistics() == engines[1].statistics() == engines[2].statistics()
