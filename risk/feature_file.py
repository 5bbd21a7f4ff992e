"""Feature files: what is computed of an event and its keys' history, as versioned data.

An event is a row of unsigned 64-bit integers: its time, its id, then the fields that the file
names. Features come out as floats in the order of the file; NaN says that there is no value, as
the mean of nothing.

    format = 1                          # of this file
    name = "example"                    # name and version of the set of features
    version = 1
    time_unit = "s"                     # ns, us, ms or s: what the events' times count
    fields = ["customer", "terminal", "amount", "kind"]

    [[feature]]                         # a field of the event itself
    name = "amount"
    field = "amount"

    [[feature]]                         # something over the key's history
    name = "customer_mean_7d"
    key = "customer"                    # or a pair of fields: ["customer", "terminal"]
    aggregate = "mean"
    of = "amount"
    window = "7d"                       # the events at t' with t - 7d < t' <= t
    where = { kind = [1, 2] }           # optional: only events with these values
    current = false                     # optional: leave out the event itself; it counts otherwise
    empty = 0.0                         # optional: instead of NaN

    [[feature]]
    name = "terminal_risk_7d"
    key = "terminal"
    aggregate = "rate"                  # of flagged events, as labelled frauds
    window = "7d"
    delay = "7d"                        # counts what is older than that: t - 14d < t' <= t - 7d

    [[feature]]
    name = "amount_to_mean"             # of earlier features of the file
    ratio = ["amount", "customer_mean_7d"]

Aggregates: `count`; `sum`, `mean`, `std`, `min`, `max` of a field; `distinct` values of a field;
`rate` of flagged events; `since_last` and `since_first`, the time since the key's last event
before this one and since its first. Windows: a duration slides; `{ tumbling = "1d", offset =
"3h30m" }` is the part of the day so far; `{ half_life = "12h" }` fades. With a delay, `only =
"flagged"` or `"genuine"` narrows `count`, `sum` and `mean`. A `zscore` of three features is
(value - mean) / std. `calendar = "hour"` or `"weekday"` (Monday is 0) is of the event's time plus
`offset`; `within = [22, 6]` makes it 1 inside, 0 outside.

A flag counts from the moment its event is older than the delay, or from its arrival where that is
later; an event that nobody flagged by then counts as genuine.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import nan
from pathlib import Path
from typing import Any

from payvand.risk.fields import Fields, FileFault, Problem, read_toml

__all__ = [
    "Aggregate",
    "Calendar",
    "Feature",
    "FeatureFileFault",
    "FeatureSet",
    "Field",
    "Ratio",
    "Window",
    "ZScore",
    "default_features",
    "load_features",
    "read_features",
]

FORMAT = 1
FILE_BYTES_MAX = 1 << 20
FEATURES_MAX = 512
FIELDS_MAX = 32
DURATION_MAX_S = 10 * 366 * 86_400
VALUES_MAX = 16
"""Values of one field in a `where`."""
AGGREGATES = {
    "count": False,
    "sum": True,
    "mean": True,
    "std": True,
    "min": True,
    "max": True,
    "distinct": True,
    "rate": False,
    "since_last": False,
    "since_first": False,
}
"""Each aggregate, and whether it needs `of`."""

_UNITS = {"ns": 1_000_000_000, "us": 1_000_000, "ms": 1_000, "s": 1}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_CALENDARS = {"hour": 24, "weekday": 7}


class FeatureFileFault(FileFault):
    """A feature file is wrong; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a key's history counts. Times are in the file's time unit."""

    kind: str
    """`sliding`, `tumbling`, `decayed`, or `ever` where none is needed."""
    width: int = 0
    """Of a sliding or tumbling window; the half-life of a decayed one."""
    delay: int = 0
    """Events count once they are this old; sliding windows only."""
    offset: int = 0
    """Tumbling windows begin at multiples of the width less this."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the event itself."""

    name: str
    field: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """The hour or the weekday of the event."""

    name: str
    calendar: str
    offset: int
    within: tuple[int, int] | None
    """1 from the first to the last of these, round the clock, 0 else; None gives the number."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Something over the history of a key."""

    name: str
    key: tuple[str, ...]
    aggregate: str
    of: str | None
    window: Window
    where: tuple[tuple[str, tuple[int, ...]], ...]
    only: str
    """`flagged`, `genuine` or empty for all."""
    current: bool
    empty: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """One feature by another."""

    name: str
    above: str
    below: str
    empty: float


@dataclass(frozen=True, slots=True)
class ZScore:
    """How many standard deviations a feature lies from a mean."""

    name: str
    value: str
    mean: str
    std: str
    empty: float


Feature = Field | Calendar | Aggregate | Ratio | ZScore


@dataclass(frozen=True, slots=True)
class FeatureSet:
    """The features of a file."""

    name: str
    version: int
    digest: bytes
    """SHA-256 of the file."""
    time_unit: str
    units_per_second: int
    fields: tuple[str, ...]
    """Of an event, behind its time and id."""
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The features' names, in their order."""
        return tuple(feature.name for feature in self.features)


def load_features(path: Path) -> FeatureSet:
    """Read a feature file.

    Raises FeatureFileFault where it is wrong, OSError where it can't be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        problem = Problem("", "", f"is larger than {FILE_BYTES_MAX:,} bytes")
        raise FeatureFileFault(str(path), [problem])
    return read_features(path.read_bytes(), source=str(path))


def default_features() -> FeatureSet:
    """Return the features of payments that come with Payvand."""
    name = "default_features.toml"
    return read_features(files(__package__).joinpath(name).read_bytes(), source=name)


def read_features(document: bytes, *, source: str) -> FeatureSet:
    """Make features of the bytes of a feature file; *source* names it in faults.

    Raises FeatureFileFault with everything that is wrong, not only the first.
    """
    table, problems = read_toml(document)
    if problems:
        raise FeatureFileFault(source, problems)
    top = Fields(table, "", "", problems)
    if top.integer("format", 1, 1 << 31) not in (FORMAT, None):
        top.wrong("format", f"is not {FORMAT}, the only one that this version reads")
    name = top.pattern("name", re.compile(r"[a-z][a-z0-9-]{0,63}"), "a name of lower-case words")
    version = top.integer("version", 1, 1 << 31)
    unit = top.choice("time_unit", tuple(_UNITS))
    fields = _read_fields(top)
    reader = _Reader(problems, fields, _UNITS[unit] if unit else 1)
    features = reader.read_all(top)
    top.nothing_else()
    if problems:
        raise FeatureFileFault(source, problems)
    assert name is not None and version is not None and unit is not None
    digest = sha256(document).digest()
    return FeatureSet(name, version, digest, unit, _UNITS[unit], fields, tuple(features))


def _read_fields(top: Fields) -> tuple[str, ...]:
    names = top.take("fields", list, "a list of names")
    if names is None:
        return ()
    if len(names) > FIELDS_MAX:
        top.wrong("fields", f"has {len(names)} names; an event has at most {FIELDS_MAX}")
        return ()
    for index, name in enumerate(names):
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            top.wrong(f"fields[{index}]", "isn't a name of lower-case letters, digits and _")
        elif name in ("time", "id") or name in names[:index]:
            top.wrong(f"fields[{index}]", f"{name!r} is there already")
    return tuple(name for name in names if isinstance(name, str))


class _Reader:
    """Reads the features of a file one by one; later ones may name earlier ones."""

    def __init__(
        self, problems: list[Problem], fields: Sequence[str], units_per_second: int
    ) -> None:
        self._problems = problems
        self._fields = fields
        self._units_per_second = units_per_second
        self._seen: list[str] = []

    def read_all(self, top: Fields) -> list[Feature]:
        """Return the features that are right; what is wrong is noted."""
        tables = top.take("feature", list, "an array of tables")
        if tables is None:
            return []
        if not 1 <= len(tables) <= FEATURES_MAX:
            top.wrong("feature", f"has {len(tables)} features instead of 1 to {FEATURES_MAX}")
            return []
        features = []
        for index, table in enumerate(tables):
            path = f"feature[{index}]"
            if not isinstance(table, dict):
                self._problems.append(Problem(path, "", "isn't a table"))
                continue
            owner = table.get("name")
            named = owner if isinstance(owner, str) else ""
            fields = Fields(table, path + ".", named[:80], self._problems)
            feature = self._read(fields, table)
            if named in self._seen:
                fields.wrong("name", "is that of an earlier feature as well")
            self._seen.append(named)
            if feature is not None:
                features.append(feature)
        return features

    def _read(self, fields: Fields, table: Mapping[str, Any]) -> Feature | None:
        before = len(self._problems)
        name = fields.pattern("name", _NAME, "a name of lower-case letters, digits and _") or ""
        kinds = [kind for kind in _READERS if kind in table]
        feature = None
        if len(kinds) != 1:
            fields.wrong("name", f"needs exactly one of {', '.join(_READERS)}")
        else:
            feature = _READERS[kinds[0]](self, name, fields)
            fields.nothing_else()
        return feature if len(self._problems) == before else None

    def _read_field(self, name: str, fields: Fields) -> Feature | None:
        field = fields.choice("field", self._fields)
        return None if field is None else Field(name, field)

    def _read_calendar(self, name: str, fields: Fields) -> Feature | None:
        calendar = fields.choice("calendar", tuple(_CALENDARS))
        offset = self._duration(fields, "offset", default=0)
        within = fields.take("within", list, "a list of two integers", default=None)
        if calendar is None or offset is None:
            return None
        if within is not None:
            top = _CALENDARS[calendar]
            if len(within) != 2 or not all(
                isinstance(end, int) and not isinstance(end, bool) and 0 <= end < top
                for end in within
            ):
                fields.wrong("within", f"isn't two integers from 0 to {top - 1}")
                return None
            return Calendar(name, calendar, offset, (within[0], within[1]))
        return Calendar(name, calendar, offset, None)

    def _read_ratio(self, name: str, fields: Fields) -> Feature | None:
        names = self._earlier(fields, "ratio", 2)
        empty = fields.number("empty", default=nan)
        return None if names is None else Ratio(name, names[0], names[1], empty)

    def _read_zscore(self, name: str, fields: Fields) -> Feature | None:
        names = self._earlier(fields, "zscore", 3)
        empty = fields.number("empty", default=nan)
        return None if names is None else ZScore(name, names[0], names[1], names[2], empty)

    def _earlier(self, fields: Fields, name: str, count: int) -> list[str] | None:
        names = fields.take(name, list, f"a list of {count} features")
        if names is None:
            return None
        if len(names) != count or not all(other in self._seen for other in names):
            fields.wrong(name, f"isn't a list of {count} earlier features")
            return None
        return list(names)

    def _read_aggregate(self, name: str, fields: Fields) -> Feature | None:
        aggregate = fields.choice("aggregate", tuple(AGGREGATES))
        key = self._key(fields)
        of = None
        if aggregate is not None and AGGREGATES[aggregate]:
            of = fields.choice("of", self._fields)
        since = aggregate in ("since_last", "since_first")
        window = Window("ever") if since else self._window(fields)
        where = self._where(fields)
        only = fields.choice("only", ("flagged", "genuine"), default="")
        current = fields.flag("current", default=not since)
        empty = fields.number("empty", default=nan)
        if aggregate is None or window is None or key is None or where is None:
            return None
        for message in _mismatches(aggregate, window, len(key), only or "", current):
            fields.wrong("aggregate", message)
        return Aggregate(name, key, aggregate, of, window, where, only or "", current, empty)

    def _key(self, fields: Fields) -> tuple[str, ...] | None:
        value = fields.take("key", str | list, "a field or a list of two fields")
        if value is None:
            return None
        key = (value,) if isinstance(value, str) else tuple(value)
        if not 1 <= len(key) <= 2 or len(set(map(str, key))) != len(key):
            fields.wrong("key", "isn't a field or a list of two fields")
            return None
        if not all(field in self._fields for field in key):
            fields.wrong("key", f"isn't of the fields {', '.join(self._fields)}")
            return None
        return key

    def _window(self, fields: Fields) -> Window | None:
        value = fields.take("window", str | dict, "a duration or a table")
        delay = self._duration(fields, "delay", default=0)
        if value is None or delay is None:
            return None
        if isinstance(value, str):
            width = self._parsed(fields, "window", value)
            return None if width is None else Window("sliding", width, delay)
        inner = fields.inner("window", value)
        if "tumbling" in value:
            width = self._duration(inner, "tumbling")
            offset = self._duration(inner, "offset", default=0)
            window = None if width is None or offset is None else Window("tumbling", width, 0)
            if window is not None and offset is not None:
                window = Window("tumbling", window.width, 0, offset % window.width)
        else:
            width = self._duration(inner, "half_life")
            window = None if width is None else Window("decayed", width)
        inner.nothing_else()
        if delay:
            fields.wrong("delay", "goes with a sliding window only")
        return window

    def _duration(self, fields: Fields, name: str, *, default: Any = ...) -> int | None:
        value = fields.take(name, str, "a duration, as 7d or 1h30m", default=default)
        if not isinstance(value, str):
            return value if value is default else None
        return self._parsed(fields, name, value)

    def _parsed(self, fields: Fields, name: str, text: str) -> int | None:
        parts = _DURATION.fullmatch(text[:40])
        if not text or parts is None:
            fields.wrong(name, f"is {text[:40]!r}, not a duration, as 7d or 1h30m")
            return None
        days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
        duration = days * 86_400 + hours * 3_600 + minutes * 60 + seconds
        if not 1 <= duration <= DURATION_MAX_S:
            fields.wrong(name, "isn't between a second and ten years")
            return None
        return duration * self._units_per_second

    def _where(self, fields: Fields) -> tuple[tuple[str, tuple[int, ...]], ...] | None:
        table = fields.take("where", dict, "a table of fields and values", default={})
        if table is None:
            return None
        conditions = []
        for field in sorted(table):
            values = table[field]
            if field not in self._fields:
                fields.wrong("where", f"{field[:80]!r} isn't of {', '.join(self._fields)}")
            elif (
                not isinstance(values, list)
                or not 1 <= len(values) <= VALUES_MAX
                or not all(
                    isinstance(value, int) and not isinstance(value, bool) and value >= 0
                    for value in values
                )
            ):
                fields.wrong(f"where.{field}", f"isn't a list of 1 to {VALUES_MAX} integers")
            else:
                conditions.append((field, tuple(sorted(set(values)))))
        return tuple(conditions)


_READERS = {
    "field": _Reader._read_field,
    "calendar": _Reader._read_calendar,
    "aggregate": _Reader._read_aggregate,
    "ratio": _Reader._read_ratio,
    "zscore": _Reader._read_zscore,
}


def _mismatches(
    aggregate: str, window: Window, key_fields: int, only: str, current: bool
) -> list[str]:
    """Say which parts of an aggregate don't go together."""
    wrong = []
    if only and (not window.delay or aggregate not in ("count", "sum", "mean")):
        wrong.append("with `only` is a count, sum or mean with a delay")
    if aggregate == "rate" and (window.kind != "sliding" or not window.delay):
        wrong.append("rate needs a sliding window with a delay")
    if window.delay and aggregate in ("min", "max", "distinct"):
        wrong.append(f"{aggregate} goes without a delay")
    if window.kind == "decayed" and aggregate in ("min", "max", "distinct"):
        wrong.append(f"{aggregate} doesn't fade")
    if aggregate == "distinct" and key_fields == 2:
        wrong.append("distinct has a key of one field")
    if aggregate == "since_last" and current:
        wrong.append("since_last leaves out the event itself")
    return wrong
