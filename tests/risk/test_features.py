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
from payvand.risk.history_table import features_of_table
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


@given(features=feature_sets(), steps=streams(), late=st.sampled_from([0, 3, 300]), data=st.data())
def test_a_table_of_history_gives_what_the_stream_gave(
    features: FeatureSet, steps: list[Step], late: int, data: st.DataObject
) -> None:
    """Labels reach the stream when they are known, the table as a column."""
    events = [event for what, batch, _ in steps if what == "events" for event in batch]
    flagged = [data.draw(st.booleans()) for _ in events]
    known = [event[0] + data.draw(st.integers(0, late)) for event in events]
    stream = FeatureEngine(features, keys_max=64)
    outputs = []
    waiting = [place for place, flag in enumerate(flagged) if flag]
    for place, event in enumerate(events):
        now = [p for p in waiting if p < place and known[p] <= event[0]]
        stream.flag(array_of([events[p] for p in now]), [True] * len(now))
        waiting = [p for p in waiting if p not in now]
        outputs.append(stream.process(array_of([event])))
    shuffled = data.draw(st.permutations(range(len(events))))
    rows = array_of(events)[shuffled]
    columns = {name: rows[:, place] for place, name in enumerate(("time", "id", *FIELDS))}
    table = features_of_table(
        features,
        columns,
        flagged=np.array(flagged)[shuffled],
        flagged_at=np.array(known, np.uint64)[shuffled],
        threads=data.draw(st.sampled_from([1, 2])),
        engine=FeatureEngine(features, keys_max=64),
    )
    assert np.array_equal(table, np.concatenate(outputs)[shuffled], equal_nan=True)


def only(feature: str) -> FeatureSet:
    head = 'format = 1\nname = "test"\nversion = 1\ntime_unit = "s"\n'
    fields = 'fields = ["payer", "payee", "amount", "kind"]\n'
    return read_features((head + fields + feature).encode(), source="test")


COUNT = '[[feature]]\nname = "count"\nkey = "payer"\naggregate = "count"\nwindow = "10s"\n'
RATE = '[[feature]]\nname = "rate"\nkey = "payer"\naggregate = "rate"\nwindow = "10s"\ndelay="5s"\n'


def events_at(*times: int, payer: int = 1) -> Events:
    return array_of([[time, place, payer, 2, 10, 0] for place, time in enumerate(times)])


def test_a_window_is_open_at_its_far_end_and_closed_at_its_near_one() -> None:
    engine = FeatureEngine(only(COUNT))
    assert engine.process(events_at(0, 0, 9, 10, 19)).ravel().tolist() == [1, 2, 3, 2, 2]


def test_a_flag_counts_once_the_delay_is_over_and_never_before() -> None:
    engine = FeatureEngine(only(RATE))
    first = events_at(0, 1)
    assert np.isnan(engine.process(first)).all()
    assert engine.flag(first[:1], [True]) == 0
    assert isnan(engine.process(events_at(4))[0, 0])
    assert engine.process(events_at(5, 6, 14, 15)).ravel().tolist() == [1, 0.5, 0.2, 0]


def test_a_late_flag_counts_from_its_arrival() -> None:
    engine = FeatureEngine(only(RATE))
    first = events_at(0)
    engine.process(first)
    assert engine.process(events_at(7))[0, 0] == 0
    assert engine.flag(first, [True]) == 0
    assert engine.process(events_at(8))[0, 0] == 1
    assert engine.flag(first, [False]) == 0
    assert engine.process(events_at(9))[0, 0] == 0


def test_a_flag_of_an_event_that_nobody_remembers_is_told() -> None:
    engine = FeatureEngine(only(RATE))
    engine.process(events_at(0, 100))
    assert engine.flag(events_at(0, 50), [True, True]) == 2


def test_the_quietest_key_makes_room_and_loud_ones_stay() -> None:
    engine = FeatureEngine(only(COUNT), keys_max=8)
    for payer in range(1, 40):
        engine.process(events_at(payer, payer=payer))
    statistics = engine.statistics()[0]
    assert statistics.keys <= statistics.keys_max == 8
    assert statistics.evicted == 39 - statistics.keys
    assert engine.process(events_at(39, payer=39))[0, 0] == 2, "the last one is still known"


def test_a_key_that_fills_the_room_alone_forgets_its_own_oldest_events() -> None:
    engine = FeatureEngine(only(COUNT), keys_max=8, entries_per_key=16)
    values = engine.process(events_at(*[1] * 40))
    assert engine.statistics()[0].forgotten > 0
    assert values.max() < 40


def test_events_out_of_order_are_refused_before_anything_is_taken_in() -> None:
    engine = FeatureEngine(only(COUNT))
    before = engine.digest()
    with pytest.raises(ValueError, match="event 2 is older"):
        engine.process(events_at(5, 6, 4))
    assert engine.digest() == before


@pytest.mark.parametrize(
    ("column", "fault"),
    [(np.array([1.5]), TypeError), (np.array([-1]), ValueError), (np.array([1, 2]), ValueError)],
)
def test_a_column_that_holds_no_amounts_is_refused(
    column: npt.NDArray[np.generic], fault: type[Exception]
) -> None:
    features = only(COUNT)
    good = {name: np.array([1]) for name in ("time", "id", *features.fields)}
    with pytest.raises(fault, match="amount"):
        features_of_table(features, good | {"amount": column})
