"""The ages of the oldest unprocessed items, sampled on the event loop for the metrics' thread.

The parts of the switch belong to the event loop, and Prometheus is served from another thread. So
the loop takes a sample four times a second, and the thread reads only samples. Where the loop
itself stalls, every age grows by the time since: a stall is an age like any other.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

__all__ = ["Ages"]

PERIOD_S: Final = 0.25
LATE_S: Final = 2.0
"""A sample older than this says that the loop stalls."""


class Ages:
    """The last sample of every stage's age."""

    def __init__(self, sources: Mapping[str, Callable[[], float]]) -> None:
        """Sample what *sources* return, seconds by stage, four times a second while `run` runs."""
        self._sources = sources
        self._sample = dict.fromkeys(sources, 0.0)
        self._taken = time.monotonic()

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            self._sample = {stage: age_s() for stage, age_s in self._sources.items()}
            self._taken = time.monotonic()
            await asyncio.sleep(PERIOD_S)

    def age_s(self, stage: str) -> float:
        """Return the age of *stage*'s oldest item; from any thread."""
        since = time.monotonic() - self._taken
        age = self._sample[stage]
        return age + since if age or since > LATE_S else 0.0
