"""Lay out a feature file: which words of a key's row and of an entry hold what.

Windows over the same part of the same history share one state, whatever is read of it. The arrays
made here have the structs of `plan.pxd` as their dtypes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.errors import PayvandFault
from payvand.risk.feature_file import Aggregate, Calendar, FeatureSet, Field, Ratio, ZScore

__all__ = ["FADES", "FEATURE_PLAN", "Plan", "lay_out"]

Array = npt.NDArray[np.void]

WHERES_MAX = 16
DISTINCTS_MAX = 8
GROUPS_MAX = 16
ROW_WORDS_MAX = 4_096
ENTRY_WORDS_MAX = 64
ROW_HEAD_WORDS = 5
EVENT_HEAD_FIELDS = 2
_KINDS = ("sliding", "delayed", "tumbling", "decayed")
_OPERATIONS = (
    *("field", "hour", "weekday", "count", "sum", "mean", "deviation", "word", "front", "rate"),
    *("since", "faded_count", "faded_sum", "faded_mean", "faded_deviation", "ratio", "zscore"),
)


def _struct(**fields: Any) -> np.dtype[np.void]:
    return np.dtype(list(fields.items()))


CONDITION = _struct(field="<u4", values_first="<u4", values_count="<u4", reserved="<u4")
WHERE = _struct(conditions_first="<u4", conditions_count="<u4", moments="<u4", reserved="<u4")
WINDOW = np.dtype(
    [(name, "<u8") for name in ("width", "delay", "offset")]
    + [
        (name, "<u2")
        for name in (
            *("kind", "where", "state", "value", "sum", "squares", "flagged_sum", "least"),
            *(
                "greatest",
                "distinct",
                "distinct_stream",
                "least_links",
                "greatest_links",
                "reserved",
            ),
        )
    ]
)
EXTREMUM = np.dtype(
    [(name, "<u2") for name in ("where", "value", "links", "back", "bottom", "is_greatest")]
    + [("reserved", "<u4")]
)
DISTINCT = _struct(where="<u2", value="<u2", field="<u4")
VALUE = _struct(field="<u4", word="<u2", clamped="<u2")
GROUP = np.dtype(
    [("horizon", "<u8"), ("key_a", "<u4"), ("key_b", "<u4")]
    + [
        (name, "<u2")
        for name in (
            *("row_words", "entry_words", "id_word", "flags", "wheres_first", "wheres_count"),
            *("windows_first", "windows_count", "extrema_first", "extrema_count"),
            *("distincts_first", "distincts_count", "values_first", "values_count"),
            *("before_first", "before_count", "after_first", "after_count", "marks", "reserved"),
        )
    ]
)
READ = np.dtype(
    [("empty", "<f8"), ("offset", "<u8"), ("field", "<u4")]
    + [
        (name, "<u2")
        for name in ("operation", "output", "count", "count_less", "sum", "sum_less", "squares")
    ]
    + [("inputs", "<u2", (3,))]
    + [(name, "<u2") for name in ("within_first", "within_last", "has_within", "reserved")]
)
FEATURE_PLAN = (CONDITION, WHERE, WINDOW, EXTREMUM, DISTINCT, VALUE, GROUP, READ)
"""In the order in which the engine asserts their sizes."""


class FeatureLayoutFault(PayvandFault):
    """The features are right one by one but more than one layout holds."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A feature file laid out; arrays of the dtypes above."""

    groups: Array
    wheres: Array
    conditions: Array
    values: npt.NDArray[np.uint64]
    windows: Array
    extrema: Array
    distincts: Array
    kept: Array
    """What entries keep: VALUE."""
    reads: Array
    """What groups read, by group, those that leave out the event first."""
    fields: Array
    """READ of fields and calendars: of the event alone."""
    derived: Array
    """READ of ratios and z-scores, in the order of the file."""
    outputs: int
    units_per_second: int


@dataclass(slots=True)
class _Window:
    """A window in the making."""

    kind: int
    width: int
    delay: int
    offset: int
    where: int
    of: str | None
    parts: set[str] = field(default_factory=set)
    distinct: str | None = None


@dataclass(slots=True)
class _Group:
    """A group in the making."""

    key: tuple[str, ...]
    wheres: list[tuple[tuple[str, tuple[int, ...]], ...]] = field(default_factory=list)
    moments: set[int] = field(default_factory=set)
    windows: list[_Window] = field(default_factory=list)
    reads: list[tuple[int, Aggregate, int]] = field(default_factory=list)
    """Column, feature, window (or where, for a moment)."""

    def where_of(self, feature: Aggregate) -> int:
        if feature.where not in self.wheres:
            self.wheres.append(feature.where)
        return self.wheres.index(feature.where)

    def window_of(self, feature: Aggregate, where: int) -> int:
        """Return the window that a feature reads, made where there is none that fits."""
        window = feature.window
        kind = "delayed" if window.delay else window.kind
        of = None if feature.aggregate == "distinct" else feature.of
        shape = (_KINDS.index(kind), window.width, window.delay, window.offset, where)
        fitting = (
            place
            for place, other in enumerate(self.windows)
            if (other.kind, other.width, other.delay, other.offset, other.where) == shape
            and (of is None or other.of in (None, of))
            and (feature.aggregate != "distinct" or other.distinct in (None, feature.of))
        )
        place = next(fitting, len(self.windows))
        if place == len(self.windows):
            self.windows.append(_Window(*shape, None))
        chosen = self.windows[place]
        chosen.of = of if of is not None else chosen.of
        match feature.aggregate:
            case "sum" | "mean":
                chosen.parts.add("sum")
                if feature.only:
                    chosen.parts.add("flagged_sum")
            case "std":
                chosen.parts |= {"sum", "squares"}
            case "min":
                chosen.parts.add("least")
            case "max":
                chosen.parts.add("greatest")
            case "distinct":
                chosen.distinct = feature.of
        return place


def lay_out(features: FeatureSet) -> Plan:
    """Return the layout of a feature file.

    Raises FeatureLayoutFault where a bound of the layout is exceeded; says which.
    """
    groups: dict[tuple[str, ...], _Group] = {}
    for column, feature in enumerate(features.features):
        if isinstance(feature, Aggregate):
            group = groups.setdefault(feature.key, _Group(feature.key))
            where = group.where_of(feature)
            if feature.window.kind == "ever":
                group.moments.add(where)
                group.reads.append((column, feature, where))
            else:
                group.reads.append((column, feature, group.window_of(feature, where)))
    if len(groups) > GROUPS_MAX:
        raise _too_many("keys", len(groups), GROUPS_MAX)
    return _Maker(features).plan(list(groups.values()))


def _too_many(what: str, count: int, most: int) -> FeatureLayoutFault:
    return FeatureLayoutFault(
        f"the features need {count} {what}, and a layout holds at most {most}",
        hint="take features out, or split the file between two engines",
    )


class _Maker:
    """Gives every part its words and gathers the arrays."""

    def __init__(self, features: FeatureSet) -> None:
        self._features = features
        self._column = {name: place for place, name in enumerate(features.names)}
        self._field = {
            name: EVENT_HEAD_FIELDS + place for place, name in enumerate(features.fields)
        }
        self._rows: dict[str, list[tuple[Any, ...]]] = {
            name: []
            for name in ("groups", "wheres", "conditions", "windows", "extrema", "distincts")
        }
        self._rows |= {name: [] for name in ("kept", "reads", "fields", "derived")}
        self._values: list[int] = []

    def plan(self, groups: Sequence[_Group]) -> Plan:
        for group in groups:
            self._add_group(group)
        for column, feature in enumerate(self._features.features):
            self._add_plain(column, feature)
        rows = self._rows
        return Plan(
            groups=_array(rows["groups"], GROUP),
            wheres=_array(rows["wheres"], WHERE),
            conditions=_array(rows["conditions"], CONDITION),
            values=np.array(self._values, np.uint64),
            windows=_array(rows["windows"], WINDOW),
            extrema=_array(rows["extrema"], EXTREMUM),
            distincts=_array(rows["distincts"], DISTINCT),
            kept=_array(rows["kept"], VALUE),
            reads=_array(rows["reads"], READ),
            fields=_array(rows["fields"], READ),
            derived=_array(rows["derived"], READ),
            outputs=len(self._features.features),
            units_per_second=self._features.units_per_second,
        )

    def _add_group(self, group: _Group) -> None:
        if len(group.wheres) > WHERES_MAX:
            raise _too_many("wheres of one key", len(group.wheres), WHERES_MAX)
        firsts = {name: len(rows) for name, rows in self._rows.items()}
        words = ROW_HEAD_WORDS
        words = self._add_wheres(group, words)
        entry = _Entry(self._field)
        streams: list[tuple[int, str]] = []
        for window in group.windows:
            words = self._add_window(window, words, entry, streams)
        if len(streams) > DISTINCTS_MAX:
            raise _too_many("distinct fields of one key", len(streams), DISTINCTS_MAX)
        for where, name in streams:
            word = entry.word(name, clamped=False)
            self._rows["distincts"].append((where, word, self._field[name]))
        words = self._add_extrema(group, firsts["windows"], words, entry)
        if words > ROW_WORDS_MAX:
            raise _too_many("words of one key", words, ROW_WORDS_MAX)
        if entry.words >= ENTRY_WORDS_MAX:
            raise _too_many("words of one event", entry.words, ENTRY_WORDS_MAX - 1)
        flags = any(window.kind == _KINDS.index("delayed") for window in group.windows)
        horizon = max((_horizon(window) for window in group.windows), default=0)
        self._rows["kept"] += entry.rows
        before = self._add_reads(group, firsts, current=False)
        after = self._add_reads(group, firsts, current=True)
        spans = [
            value
            for name in ("wheres", "windows", "extrema", "distincts", "kept")
            for value in (firsts[name], len(self._rows[name]) - firsts[name])
        ]
        key = [self._field[name] for name in group.key]
        marks = sum(1 << place for place, where in enumerate(group.wheres) if not where)
        self._rows["groups"].append(
            (
                *(horizon, key[0], key[1] if len(key) > 1 else 0, words),
                *(entry.words + flags, entry.words if flags else 0, flags, *spans),
                *(firsts["reads"], before, firsts["reads"] + before, after, marks, 0),
            )
        )

    def _add_wheres(self, group: _Group, words: int) -> int:
        for place, where in enumerate(group.wheres):
            first = len(self._rows["conditions"])
            for name, values in where:
                self._rows["conditions"].append(
                    (self._field[name], len(self._values), len(values), 0)
                )
                self._values += values
            moments = words if place in group.moments else 0
            words += 2 if moments else 0
            self._rows["wheres"].append((first, len(where), moments, 0))
        return words

    def _add_window(
        self, window: _Window, words: int, entry: "_Entry", streams: list[tuple[int, str]]
    ) -> int:
        """Lay out a window's state behind *words* of the row; return the words then."""
        sizes = {"state": 1 if window.kind == _KINDS.index("sliding") else 2}
        sizes |= {"sum": 2, "squares": 2, "flagged_sum": 2, "least": 1, "greatest": 1}
        offsets = {}
        for part, size in sizes.items():
            if part == "state" or part in window.parts:
                offsets[part] = words
                words += size
        stream = 0
        if window.distinct is not None:
            if (window.where, window.distinct) not in streams:
                streams.append((window.where, window.distinct))
            stream = streams.index((window.where, window.distinct))
            offsets["distinct"] = words
            words += 1
        value = entry.word(window.of, clamped=True) if window.of is not None else 0
        self._rows["windows"].append(
            (
                *(window.width, window.delay, window.offset, window.kind, window.where),
                *(offsets["state"], value, offsets.get("sum", 0), offsets.get("squares", 0)),
                *(offsets.get("flagged_sum", 0), offsets.get("least", 0)),
                *(offsets.get("greatest", 0), offsets.get("distinct", 0), stream, 0, 0, 0),
            )
        )
        return words

    def _add_extrema(self, group: _Group, first: int, words: int, entry: "_Entry") -> int:
        """Give the sliding windows' minima and maxima their stacks: one for each value."""
        stacks: dict[tuple[int, str, str], list[int]] = {}
        for place, window in enumerate(group.windows):
            for part in ("least", "greatest"):
                if part in window.parts and window.kind == _KINDS.index("sliding"):
                    assert window.of is not None
                    stacks.setdefault((window.where, window.of, part), []).append(place)
        for (where, of, part), places in stacks.items():
            longest = max(places, key=lambda place: group.windows[place].width)
            bottom = self._rows["windows"][first + longest][_column(part)]
            value = entry.word(of, clamped=True)
            links = entry.link()
            for place in places:
                laid_out = list(self._rows["windows"][first + place])
                laid_out[_column(f"{part}_links")] = links
                self._rows["windows"][first + place] = tuple(laid_out)
            self._rows["extrema"].append(
                (where, value, links, words, bottom, part == "greatest", 0)
            )
            words += 1
        return words

    def _add_reads(self, group: _Group, firsts: dict[str, int], *, current: bool) -> int:
        first, wheres = firsts["windows"], firsts["wheres"]
        chosen = [read for read in group.reads if read[1].current is current]
        for column, feature, place in chosen:
            if feature.window.kind == "ever":
                moments = self._rows["wheres"][wheres + place][2]
                word = moments + (feature.aggregate == "since_last")
                row = _read("since", column, empty=feature.empty, sum=word)
            else:
                row = self._read_of(feature, column, self._rows["windows"][first + place])
            self._rows["reads"].append(row)
        return len(chosen)

    def _read_of(self, feature: Aggregate, column: int, window: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return where a feature stands in the row of its key."""
        part = dict(zip(WINDOW.names or (), window, strict=True))
        kind, state = _KINDS[part["kind"]], 2 * part["state"]
        count, flagged = (state + 2, 0) if kind == "tumbling" else (state + 1, state + 3)
        places = {"count": count, "sum": part["sum"], "squares": part["squares"]}
        operation = {"std": "deviation"}.get(feature.aggregate, feature.aggregate)
        if kind == "decayed":
            operation = f"faded_{operation}"
            places["count"] = part["state"] + 1
        match feature.aggregate:
            case "distinct":
                operation, places["count"] = "count", 2 * part["distinct"]
            case "rate":
                places["count_less"] = flagged
            case "min" | "max":
                places["sum"] = part["least" if feature.aggregate == "min" else "greatest"]
                operation = "word" if kind == "tumbling" else "front"
        if feature.only == "flagged":
            places |= {"count": flagged, "sum": part["flagged_sum"]}
        elif feature.only == "genuine":
            places |= {"count_less": flagged, "sum_less": part["flagged_sum"]}
        return _read(operation, column, empty=feature.empty, field=part["value"], **places)

    def _add_plain(self, column: int, feature: object) -> None:
        match feature:
            case Field():
                row = _read("field", column, field=self._field[feature.field])
                self._rows["fields"].append(row)
            case Calendar():
                within = feature.within
                row = _read(feature.calendar, column, offset=feature.offset, within=within)
                self._rows["fields"].append(row)
            case Ratio():
                inputs = [self._column[feature.above], self._column[feature.below], 0]
                row = _read("ratio", column, empty=feature.empty, inputs=inputs)
                self._rows["derived"].append(row)
            case ZScore():
                names = (feature.value, feature.mean, feature.std)
                inputs = [self._column[name] for name in names]
                row = _read("zscore", column, empty=feature.empty, inputs=inputs)
                self._rows["derived"].append(row)


class _Entry:
    """The words of an entry, given out as they are asked for."""

    def __init__(self, fields: dict[str, int]) -> None:
        self._fields = fields
        self._words: dict[tuple[str, bool], int] = {}
        self.words = 2
        self.rows: list[tuple[int, int, int]] = []

    def word(self, name: str, *, clamped: bool) -> int:
        """Return the word that keeps a field."""
        if (name, clamped) not in self._words:
            self._words[name, clamped] = self.words
            self.rows.append((self._fields[name], self.words, clamped))
            self.words += 1
        return self._words[name, clamped]

    def link(self) -> int:
        """Return a word for the links of a stack."""
        self.words += 1
        return self.words - 1


def _column(name: str) -> int:
    """Return the place of a field in a WINDOW."""
    assert WINDOW.names is not None
    return WINDOW.names.index(name)


def _horizon(window: _Window) -> int:
    """Return how old an entry may grow before the window needs it no more."""
    if window.kind == _KINDS.index("decayed"):
        return 0
    if window.kind == _KINDS.index("tumbling"):
        return window.width if window.distinct is not None else 0
    return window.width + window.delay


def _read(
    operation: str,
    output: int,
    *,
    empty: float = float("nan"),
    offset: int = 0,
    field: int = 0,
    inputs: Sequence[int] = (0, 0, 0),
    within: tuple[int, int] | None = None,
    **places: int,
) -> tuple[Any, ...]:
    words = [places.get(name, 0) for name in ("count", "count_less", "sum", "sum_less", "squares")]
    first, last = within or (0, 0)
    return (
        *(empty, offset, field, _OPERATIONS.index(operation), output),
        *words,
        *(inputs, first, last, within is not None, 0),
    )


def _array(rows: list[tuple[Any, ...]], dtype: np.dtype[np.void]) -> Array:
    return np.array(rows, dtype)


def _fades() -> npt.NDArray[np.uint64]:
    """Return 2**64 * 2**(-n/1024) for n from 0 to 1023, rounded down; the first can't be held."""
    precision = 256
    root = 1 << precision - 1  # 1/2
    for _ in range(10):
        root = isqrt(root << precision)
    fades, value = [0], 1 << precision
    for _ in range(1023):
        value = value * root >> precision
        fades.append(value >> precision - 64)
    return np.array(fades, np.uint64)


FADES = _fades()
"""How much of a value is left after n/1024 of its half-life, in units of 2**-64."""
