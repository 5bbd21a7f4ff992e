"""How long to wait before the next try, and when to give up."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random, uniform
from typing import Final

__all__ = ["Backoff"]

FIRST_S: Final = 0.05
FACTOR: Final = 2.0
LONGEST_S: Final = 2.0


class Backoff:
    """Bounded exponential backoff with jitter, and a patience that progress renews.

    Delays are 50 ms, 100 ms … at most 2 s, each shortened by up to half at random, so that the
    banks that one restart cut off don't come back in step.
    """

    def __init__(
        self,
        patience_s: float,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        random: Random | None = None,
    ) -> None:
        """Be ready to wait *patience_s* in all before giving up; 0 means never to try again.

        *clock* is the event loop's own where none is given, *random* the one all share.
        """
        self._patience_s = patience_s
        self._clock = clock or asyncio.get_running_loop().time
        self._sleep = sleep
        self._uniform = random.uniform if random else uniform
        self.progress()

    def progress(self) -> None:
        """Note that the switch answered: the next failure starts from the shortest delay."""
        self._tries = 0
        self._since: float | None = None

    async def wait(self) -> bool:
        """Wait before the next try; return False, at once, where patience is at its end."""
        now = self._clock()
        if self._since is None:
            self._since = now
        left = self._since + self._patience_s - now
        if left <= 0:
            return False
        longest = min(LONGEST_S, FIRST_S * FACTOR**self._tries)
        self._tries = min(self._tries + 1, 32)
        await self._sleep(min(left, longest * self._uniform(0.5, 1)))
        return True
