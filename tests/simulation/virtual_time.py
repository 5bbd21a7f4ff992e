"""An event loop on virtual time: who waits for a moment waits for no real one.

Real work is done by real threads (the engine's) while virtual time stands still; how long the disk
took is then drawn from the seed, and passes in virtual time before the loop hears of it. So every
run of the same seed goes the same way.
"""

import asyncio
import os
import selectors
from collections.abc import Callable
from typing import Any, Final, cast

NS: Final = 1_000_000_000
EPOCH_NS: Final = 1_767_225_600 * NS
"""When a simulation begins, by the clock of the books."""

REAL_WAIT_S: Final = 30.0
"""How long real work may take before the simulation says that it hangs."""


class Stuck(Exception):
    """Nothing is left that could ever happen, or real work never ends."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time moves from one planned moment to the next."""

    def __init__(self, disk_delay_ns: Callable[[], int]) -> None:
        """Begin at `EPOCH_NS`; *disk_delay_ns* says how long each completion is on its way."""
        self.now_ns = EPOCH_NS
        self.working: Callable[[], bool] = lambda: False
        """Whether threads are at work whose completion the loop has not been told of."""
        self.settle: Callable[[], None] = lambda: None
        """Returns once no thread is at work."""
        self._disk_delay_ns = disk_delay_ns
        self._arriving: dict[int, asyncio.TimerHandle] = {}
        super().__init__(cast(selectors.BaseSelector, _Selector(self)))

    def time(self) -> float:
        """Return virtual seconds since the simulation began; floats are fine enough for days."""
        return (self.now_ns - EPOCH_NS) / NS

    def clock(self) -> int:
        """Return virtual nanoseconds since 1970: the clock of the books."""
        return self.now_ns

    def arriving(self, fd: int) -> bool:
        """Tell whether the completion behind *fd* is on its way to the loop."""
        return fd in self._arriving

    def add_reader(self, fd: Any, callback: Callable[..., Any], *args: Any) -> None:
        """Call back once *fd* is readable and the disk's delay has passed after that."""

        def readable() -> None:
            if not self.working():
                os.eventfd_read(fd)  # It tells of what the loop has heard of already.
                return
            super(VirtualLoop, self).remove_reader(fd)
            self._arriving[fd] = self.call_later(self._disk_delay_ns() / NS, arrived)

        def arrived() -> None:
            self.settle()  # What began meanwhile is done as well, whatever threads need for it.
            del self._arriving[fd]
            super(VirtualLoop, self).add_reader(fd, readable)
            callback(*args)

        super().add_reader(fd, readable)

    def remove_reader(self, fd: Any) -> bool:
        """Call back no more, also for what is on its way."""
        timer = self._arriving.pop(fd, None)
        if timer is not None:
            timer.cancel()
        return super().remove_reader(fd)

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> "asyncio.Future[Any]":
        """Run *func* at once: while real work is done, virtual time stands still."""
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as fault:
            done.set_exception(fault)
        return done


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    """Waits for files only while threads work, and for moments by moving virtual time."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        """Return what is readable once no thread works, or move time by *timeout* seconds."""
        if timeout == 0:
            return []  # What can run now runs first: files are looked at between moments.
        while self._loop.working():
            ready = super().select(REAL_WAIT_S)
            if not ready:
                raise Stuck(f"threads have worked for {REAL_WAIT_S} s and told nothing")
            return ready
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("nothing is planned: somebody waits for what never happens")
        self._loop.now_ns += max(1, round(timeout * NS))
        return []
