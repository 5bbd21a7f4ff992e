"""How far a long run has come, said now and then, past pytest's capture; silent in a short run."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")

SOAK = os.environ.get("PAYVAND_SOAK") == "1"
INTERVAL_SECONDS = 20.0
_spoken = 0.0
_counts: dict[str, int] = {}
_uncaptured: Callable[[], AbstractContextManager[object]] = nullcontext


def speak_within(uncaptured: Callable[[], AbstractContextManager[object]]) -> None:
    """Write within such a block, where what is written is seen."""
    global _uncaptured
    _uncaptured = uncaptured


def say(words: str) -> None:
    """Write a line, but no more often than every twenty seconds."""
    global _spoken
    if SOAK and time.monotonic() - _spoken >= INTERVAL_SECONDS:
        _spoken = time.monotonic()
        with _uncaptured():
            print(f"\n  {time.strftime('%H:%M:%S')}  {words}", end="", file=sys.stderr, flush=True)


def count(what: str, of: int) -> None:
    """Count one of so many."""
    _counts[what] = _counts.get(what, 0) + 1
    say(f"{what}: {_counts[what]:,} of {of:,}")


def counted(items: Iterable[Item], what: str, of: int) -> Iterator[Item]:
    """Iterate, and say how far it has come."""
    for item in items:
        yield item
        count(what, of)
