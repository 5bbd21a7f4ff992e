"""A feature file is read whole or refused with everything that is wrong, by field and feature."""

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.risk.feature_engine import FeatureEngine
from payvand.risk.feature_file import (
    Aggregate,
    Calendar,
    FeatureFileFault,
    Window,
    default_features,
    load_features,
    read_features,
)

HEAD = 'format = 1\nname = "test"\nversion = 3\ntime_unit = "ms"\nfields = ["payer", "amount"]\n'
COUNT = '[[feature]]\nname = "count"\nkey = "payer"\naggregate = "count"\n'


def problems_of(body: str, head: str = HEAD) -> list[str]:
    with pytest.raises(FeatureFileFault) as caught:
        read_features((head + body).encode(), source="test.toml")
    return [str(problem) for problem in caught.value.problems]


def test_a_feature_file_says_what_it_says() -> None:
    body = COUNT + 'window = "1d2h"\ndelay = "30m"\nonly = "genuine"\nempty = 0\n'
    features = read_features((HEAD + body).encode(), source="test.toml")
    feature = features.features[0]
    assert isinstance(feature, Aggregate)
    assert feature.window == Window("sliding", 26 * 3_600_000, 30 * 60_000)
    assert (feature.key, feature.only, feature.current) == (("payer",), "genuine", True)
    assert (features.version, features.names, features.units_per_second) == (3, ("count",), 1000)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (COUNT, "feature[0].window (count): is missing"),
        (COUNT + 'window = "1x"\n', "feature[0].window (count): is '1x', not a duration"),
        (COUNT + 'window = ""\n', "feature[0].window (count): is '', not a duration"),
        (COUNT + 'window = "0s"\n', "feature[0].window (count): isn't between a second"),
        (
            COUNT + 'window = { tumbling = "1d" }\ndelay = "1d"\n',
            "feature[0].delay (count): goes with a sliding window only",
        ),
        (
            COUNT + 'window = { half_life = "1d", x = 1 }\n',
            "feature[0].window.x (count): isn't a field here",
        ),
        (
            COUNT + 'window = "1d"\nwhere = { kind = [1] }\n',
            "feature[0].where (count): 'kind' isn't of payer, amount",
        ),
        (
            COUNT + 'window = "1d"\nwhere = { payer = [] }\n',
            "feature[0].where.payer (count): isn't a list of 1 to 16 integers",
        ),
        (
            COUNT + 'window = "1d"\nonly = "flagged"\n',
            "feature[0].aggregate (count): with `only` is a count, sum or mean with a delay",
        ),
        (
            COUNT.replace('"count"\nkey', '"a"\nkey').replace("payer", "payee"),
            "feature[0].key (a): isn't of the fields payer, amount",
        ),
        (
            COUNT.replace('aggregate = "count"', 'aggregate = "rate"') + 'window = "1d"\n',
            "feature[0].aggregate (count): rate needs a sliding window with a delay",
        ),
        (
            COUNT.replace('aggregate = "count"', 'aggregate = "mean"') + 'window = "1d"\n',
            "feature[0].of (count): is missing",
        ),
        (
            COUNT + 'window = "1d"\n[[feature]]\nname = "r"\nratio = ["count", "later"]\n',
            "feature[1].ratio (r): isn't a list of 2 earlier features",
        ),
        (
            (COUNT + 'window = "1d"\n') * 2,
            "feature[1].name (count): is that of an earlier feature as well",
        ),
        ('[[feature]]\nname = "x"\n', "feature[0].name (x): needs exactly one of field, calendar"),
        (
            '[[feature]]\nname = "x"\ncalendar = "hour"\nwithin = [1, 24]\n',
            "feature[0].within (x): isn't two integers from 0 to 23",
        ),
        ("feature = []\n", "feature: has 0 features instead of 1 to 512"),
    ],
)
def test_what_is_wrong_is_named_by_field_and_feature(body: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems_of(body)), problems_of(body)


def test_fields_are_named_once_and_time_and_id_are_there_already() -> None:
    head = HEAD.replace('"amount"', '"payer", "time", "Amount"')
    assert problems_of(COUNT + 'window = "1d"\n', head) == [
        "fields[1]: 'payer' is there already",
        "fields[2]: 'time' is there already",
        "fields[3]: isn't a name of lower-case letters, digits and _",
    ]


@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_but_never_anything_else(data: st.DataObject) -> None:
    document = bytearray((HEAD + COUNT + 'window = "1d"\nwhere = { payer = [1] }\n').encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(document) - 1))
        document[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    try:
        read_features(bytes(document), source="damaged.toml")
    except FeatureFileFault as fault:
        assert fault.problems and fault.hint


def test_a_calendar_reads_the_local_hour(tmp_path: Path) -> None:
    body = '[[feature]]\nname = "night"\ncalendar = "hour"\noffset = "3h30m"\nwithin = [22, 5]\n'
    body += '[[feature]]\nname = "weekday"\ncalendar = "weekday"\n'
    path = tmp_path / "features.toml"
    path.write_text(HEAD + body)
    features = load_features(path)
    assert isinstance(features.features[0], Calendar)
    # 2025-11-24 18:29 and 18:30 UTC, a Monday: 21:59 and 22:00 in Tehran.
    times = [1_764_008_940_000, 1_764_009_000_000]
    events = np.array([[time, 0, 1, 1] for time in times], np.uint64)
    assert FeatureEngine(features).process(events).tolist() == [[0, 0], [1, 0]]


def test_the_features_that_come_along_are_computed() -> None:
    features = default_features()
    engine = FeatureEngine(features, keys_max=64)
    start = 1_764_000_000_000_000_000
    events = [[start + hour * 3_600_000_000_000, hour, 7, 9, 1000, 1] for hour in range(5)]
    values = engine.process(np.array(events, np.uint64))
    last = dict(zip(features.names, values[-1].tolist(), strict=True))
    assert (last["debtor_count_1d"], last["debtor_sum_1d"], last["debtor_mean_30d"]) == (
        4,
        4e3,
        1e3,
    )
    assert (last["debtor_fan_out_1d"], last["creditor_fan_in_1d"]) == (1, 1)
    assert last["pair_since_first"] == 4 * 3_600_000_000_000
    assert last["amount_to_mean"] == 1
    assert np.isnan(values[0][features.names.index("pair_since_first")])
