"""How much of the switch one caller may take at a time: the rest is for the others.

What a caller sends beyond its share ends with RESOURCE_EXHAUSTED and has no effect; on a stream
the switch simply stops reading.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from payvand.switch.identity import Caller

__all__ = ["CALLS_MAX", "STREAMS_MAX", "Admission", "TooManyCalls"]

CALLS_MAX: Final = 64
"""Calls of one caller that are under way; each holds one message of at most 16 MiB."""

STREAMS_MAX: Final = 16
"""Open streams of one caller, of all methods together."""


class TooManyCalls(Exception):
    """The caller has as much under way as it may; this call had no effect."""


class Admission:
    """Count what each caller has under way."""

    def __init__(self) -> None:
        """Start with nobody."""
        self._under_way: Counter[tuple[Caller, bool]] = Counter()

    @contextmanager
    def admit(self, caller: Caller, *, stream: bool) -> Iterator[None]:
        """Let a call or a stream in for the time of the body.

        Raises:
            TooManyCalls: the caller has to wait for some of its others to end.
        """
        leave = self.enter(caller, stream=stream)
        try:
            yield
        finally:
            leave()

    def enter(self, caller: Caller, *, stream: bool) -> Callable[[], None]:
        """Do as `admit`; return what is called, once, where the call is over."""
        key = (caller, stream)
        kind, most = ("streams", STREAMS_MAX) if stream else ("calls", CALLS_MAX)
        if self._under_way[key] >= most:
            raise TooManyCalls(
                f"{caller.role} {caller.name!r} has {most} {kind} under way, which is the most: "
                "wait for some of them to end"
            )
        self._under_way[key] += 1
        return partial(self._leave, key)

    def _leave(self, key: tuple[Caller, bool]) -> None:
        self._under_way[key] -= 1
        if not self._under_way[key]:
            del self._under_way[key]
