"""Features of a table of history: the same numbers, to the bit, as the stream gave or will give.

    values = features_of_table(features, {"time": …, "id": …, "customer": …, "amount": …},
                               flagged=frauds, threads=2)

The table is put in the order of time and id and taken through the same engine as the stream, labels
handed over at the moment at which they count. Columns are integers: an amount in a float is no
amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.risk.feature_engine import FeatureEngine
from payvand.risk.feature_file import Aggregate, FeatureSet

__all__ = ["events_of_table", "features_of_table"]

Integers = npt.NDArray[np.uint64]


def events_of_table(features: FeatureSet, columns: Mapping[str, npt.NDArray[Any]]) -> Integers:
    """Return the events of a table, u64[n, 2 + fields], in the table's order.

    Raises KeyError where a column is missing, TypeError where one is no integer and ValueError
    where one is negative or of another length.
    """
    names = ("time", "id", *features.fields)
    events = np.empty((len(columns["time"]), len(names)), np.uint64)
    for place, name in enumerate(names):
        column = np.asarray(columns[name])
        if not np.issubdtype(column.dtype, np.integer):
            raise TypeError(f"column {name!r} is of {column.dtype}; it must be of integers")
        if len(column) != len(events):
            raise ValueError(f"column {name!r} has {len(column)} rows instead of {len(events)}")
        if column.size and int(column.min()) < 0:
            raise ValueError(f"column {name!r} holds a negative number")
        events[:, place] = column
    return events


def features_of_table(
    features: FeatureSet,
    columns: Mapping[str, npt.NDArray[Any]],
    *,
    flagged: npt.NDArray[np.bool_] | None = None,
    flagged_at: npt.NDArray[np.uint64] | None = None,
    threads: int = 1,
    engine: FeatureEngine | None = None,
) -> npt.NDArray[np.float64]:
    """Return the features of each row, f64[n, features], in the table's order.

    Args:
        columns: `time`, `id` and the fields of the feature file, integers.
        flagged: which rows turned out to be frauds.
        flagged_at: when that was known, by row, in the file's time unit; at once where not given.
            A flag never counts before its window's delay is over.
        threads: how many share the work; the numbers are the same for any.
        engine: a fresh engine of the same features, for other bounds than those of a new one.
    """
    events = events_of_table(features, columns)
    order = np.lexsort((events[:, 1], events[:, 0]))
    events = events[order]
    engine = FeatureEngine(features) if engine is None else engine
    flags = _Flags.of(features, events, order, flagged, flagged_at)
    values = np.empty((len(events), engine.outputs), np.float64)
    done = 0
    while done < len(events):
        stop = flags.next_stop(done)
        values[done:stop] = engine.process(events[done:stop], threads=threads)
        chosen = flags.take(stop)
        engine.flag(events[chosen], np.ones(len(chosen), np.bool_))
        done = stop
    result = np.empty_like(values)
    result[order] = values
    return result


@dataclass(slots=True)
class _Flags:
    """Flags waiting for their moment; places are those of the sorted events.

    A flag that is known before its delay is over may be handed over at any time until then: so
    the events are cut only where a flag falls due, once for all that can go with it.
    """

    times: Integers
    places: npt.NDArray[np.intp]
    """Of flagged events, in the order in which their flags fall due."""
    due: Integers
    late: npt.NDArray[np.bool_]
    """Flags that came after the delay: they count from that moment exactly."""
    waiting: npt.NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        features: FeatureSet,
        events: Integers,
        order: npt.NDArray[np.intp],
        flagged: npt.NDArray[np.bool_] | None,
        flagged_at: npt.NDArray[np.uint64] | None,
    ) -> "_Flags":
        """Gather the flags; none where nothing looks at them."""
        times = np.ascontiguousarray(events[:, 0])
        delays = [f.window.delay for f in features.features if isinstance(f, Aggregate)]
        delay = min((delay for delay in delays if delay), default=0)
        places = np.empty(0, np.intp)
        if flagged is not None and delay:
            places = np.flatnonzero(np.asarray(flagged)[order])
        visible = times[places] + np.uint64(delay)
        known = times[places] if flagged_at is None else np.asarray(flagged_at)[order][places]
        due = np.maximum(visible, known.astype(np.uint64))
        by_due = np.argsort(due, kind="stable")
        places, due, visible = places[by_due], due[by_due], visible[by_due]
        return cls(times, places, due, due > visible, np.ones(len(places), np.bool_))

    def next_stop(self, done: int) -> int:
        """Return the place of the first event that must find a waiting flag set."""
        if not self.waiting.any():
            return len(self.times)
        due = self.due[np.argmax(self.waiting)]
        return max(int(np.searchsorted(self.times, due, side="left")), done + 1)

    def take(self, stop: int) -> npt.NDArray[np.intp]:
        """Return the places of the flags to hand over before the event at *stop*."""
        if stop == len(self.times):
            return np.empty(0, np.intp)
        ready = self.waiting & (self.places < stop)
        ready &= ~self.late | (self.due <= self.times[stop])
        self.waiting &= ~ready
        return self.places[ready]
