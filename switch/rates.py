"""How many payments a participant may submit a second, where operators have set it.

A bucket holds two seconds' worth. What a request holds is known only once it is decoded, so a
request is let in while there is anything left, and may leave the bucket below nothing; then the
next one waits until it is above again. So over seconds the rate holds, and no batch is too large.
"""

import time
from collections.abc import Callable
from typing import Final

from payvand.switch.routing import Route

__all__ = ["BURST_S", "Rates"]

NS: Final = 1_000_000_000
BURST_S: Final = 2


class Rates:
    """The buckets of all participants that have a rate. One for each process."""

    def __init__(self, monotonic_ns: Callable[[], int] = time.monotonic_ns) -> None:
        """Begin with full buckets; *monotonic_ns* never runs back."""
        self._monotonic_ns = monotonic_ns
        self._levels: dict[int, tuple[int, int]] = {}
        """Payments times nanoseconds a second, and when that was; by participant."""

    def wait_ms(self, route: Route) -> int:
        """Return how long a participant has to wait before its next request; 0 for not at all."""
        if not route.payments_per_second:
            return 0
        level = self._level(route)
        return 0 if level > 0 else -(-(1 - level) // (route.payments_per_second * 1_000_000))

    def spend(self, route: Route, payments: int) -> None:
        """Take what a request of a participant held."""
        if route.payments_per_second:
            level = self._level(route) - payments * NS
            self._levels[route.number] = (level, self._monotonic_ns())

    def _level(self, route: Route) -> int:
        now = self._monotonic_ns()
        full = route.payments_per_second * BURST_S * NS
        level, at = self._levels.get(route.number, (full, now))
        return min(level + (now - at) * route.payments_per_second, full)
