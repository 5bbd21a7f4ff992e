"""The naive feature engine: the same definitions, computed anew from the whole history each time.

Only the fading windows keep a state, since rounding is part of their definition.
"""

from dataclasses import dataclass, field
from math import isnan, nan, sqrt

from payvand.risk.feature_file import Aggregate, Calendar, FeatureSet, Field, Ratio, ZScore
from payvand.risk.layout import FADES

VALUE_MAX = 2**48 - 1
Event = list[int]


@dataclass(slots=True)
class Past:
    """An event that was taken in."""

    event: Event
    flagged: bool = False


@dataclass(slots=True)
class Faded:
    """Count, sum and squares that fade, in fractions of 2**32, 2**16 and 2**8."""

    tick: int = 0
    sums: list[int] = field(default_factory=lambda: [0, 0, 0])

    def fade_to(self, tick: int) -> None:
        """Let time pass."""
        ticks, self.tick = tick - self.tick, tick
        halvings, rest = divmod(ticks, 1024)
        if ticks:
            for place, value in enumerate(self.sums):
                value >>= min(halvings, 128)
                self.sums[place] = value * int(FADES[rest]) >> 64 if rest else value


@dataclass(slots=True)
class ReferenceEngine:
    """Compute features event by event."""

    features: FeatureSet
    past: list[Past] = field(default_factory=list)
    faded: dict[tuple[object, ...], Faded] = field(default_factory=dict)

    def process(self, events: list[Event]) -> list[list[float]]:
        """Return the features of each event."""
        return [self._process_one(event) for event in events]

    def flag(self, event: Event, flagged: bool) -> None:
        """Set or take a flag."""
        for past in self.past:
            if past.event == event:
                past.flagged = flagged
                return

    def _process_one(self, event: Event) -> list[float]:
        aggregates = [f for f in self.features.features if isinstance(f, Aggregate)]
        values = {f.name: self._read(f, event) for f in aggregates if not f.current}
        self._enter_faded(aggregates, event)
        self.past.append(Past(event))
        values |= {f.name: self._read(f, event) for f in aggregates if f.current}
        for feature in self.features.features:
            match feature:
                case Field():
                    values[feature.name] = float(self._field(event, feature.field))
                case Calendar():
                    values[feature.name] = self._calendar(feature, event[0])
                case Ratio():
                    above, below = values[feature.above], values[feature.below]
                    values[feature.name] = _or_empty(_divide(above, below), feature.empty)
                case ZScore():
                    difference = values[feature.value] - values[feature.mean]
                    value = _divide(difference, values[feature.std])
                    values[feature.name] = _or_empty(value, feature.empty)
        return [values[name] for name in self.features.names]

    def _field(self, event: Event, name: str) -> int:
        return event[2 + self.features.fields.index(name)]

    def _calendar(self, feature: Calendar, time: int) -> float:
        hours = (time + feature.offset) // self.features.units_per_second // 3600
        number = hours % 24 if feature.calendar == "hour" else (hours // 24 + 3) % 7
        if feature.within is None:
            return float(number)
        first, last = feature.within
        inside = first <= number <= last if first <= last else number >= first or number <= last
        return float(inside)

    def _of_key(self, feature: Aggregate, event: Event) -> list[Past]:
        """Return the past events of the same key that meet the feature's where."""
        return [
            past
            for past in self.past
            if all(self._field(past.event, k) == self._field(event, k) for k in feature.key)
            and self._meets(feature, past.event)
        ]

    def _meets(self, feature: Aggregate, event: Event) -> bool:
        return all(self._field(event, name) in values for name, values in feature.where)

    def _read(self, feature: Aggregate, event: Event) -> float:
        window, now = feature.window, event[0]
        if window.kind == "decayed":
            return _or_empty(self._read_faded(feature, event), feature.empty)
        past = self._of_key(feature, event)
        if feature.aggregate == "since_last":
            return _or_empty(float(now - past[-1].event[0]) if past else nan, feature.empty)
        if feature.aggregate == "since_first":
            return _or_empty(float(now - past[0].event[0]) if past else nan, feature.empty)
        if window.kind == "sliding":
            young, old = now - window.delay, now - window.delay - window.width
            past = [p for p in past if old < p.event[0] <= young]
        else:
            bucket = (now + window.offset) // window.width
            past = [p for p in past if (p.event[0] + window.offset) // window.width == bucket]
        return _or_empty(self._aggregate(feature, past), feature.empty)

    def _aggregate(self, feature: Aggregate, past: list[Past]) -> float:
        flagged = sum(p.flagged for p in past)
        if feature.aggregate == "rate":
            return flagged / len(past) if past else nan
        if feature.only:
            past = [p for p in past if p.flagged is (feature.only == "flagged")]
        if feature.aggregate == "count":
            return float(len(past))
        assert feature.of is not None
        raw = [self._field(p.event, feature.of) for p in past]
        if feature.aggregate == "distinct":
            return float(len(set(raw)))
        values = [min(value, VALUE_MAX) for value in raw]
        if feature.aggregate == "sum":
            return float(sum(values))
        if not values:
            return nan
        match feature.aggregate:
            case "mean":
                return float(sum(values)) / len(values)
            case "std":
                spread = len(values) * sum(v * v for v in values) - sum(values) ** 2
                return sqrt(float(spread >> 64) * 2.0**64 + float(spread % 2**64)) / len(values)
            case "min":
                return float(min(values))
            case _:
                return float(max(values))

    # --- fading ------------------------------------------------------------------------------

    def _faded_of(self, feature: Aggregate, event: Event) -> Faded:
        """Return the state that a fading feature reads, at the event's time."""
        key = tuple(self._field(event, name) for name in feature.key)
        whole = (feature.key, key, feature.window, feature.where, feature.of)
        state = self.faded.setdefault(whole, Faded())
        state.fade_to(event[0] * 1024 // feature.window.width)
        return state

    def _enter_faded(self, features: list[Aggregate], event: Event) -> None:
        states = {
            id(state): (state, feature)
            for feature in features
            if feature.window.kind == "decayed" and self._meets(feature, event)
            for state in [self._faded_of(feature, event)]
        }
        for state, feature in states.values():
            value = min(self._field(event, feature.of), VALUE_MAX) if feature.of else 0
            state.sums[0] += 1 << 32
            state.sums[1] += value << 16
            state.sums[2] += value * value << 8

    def _read_faded(self, feature: Aggregate, event: Event) -> float:
        state = self._faded_of(feature, event)
        count = float(state.sums[0]) / 2**32
        total = float(state.sums[1]) / 2**16
        match feature.aggregate:
            case "count":
                return count
            case "sum":
                return total
            case _ if state.sums[0] == 0:
                return nan
            case "mean":
                return total / count
            case _:
                mean = total / count
                variance = float(state.sums[2]) / 2**8 / count - mean * mean
                return sqrt(variance) if variance > 0 else 0.0


def _or_empty(value: float, empty: float) -> float:
    return empty if isnan(value) else value


def _divide(above: float, below: float) -> float:
    return above / below if below != 0 else nan
