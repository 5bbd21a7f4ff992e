"""Child processes of a demo: `payvand` commands that never outlive it.

Each is tied to this process by its standard input (see `tether`), stands in a session of its own
so that a Ctrl-C at the terminal reaches only this process, and is asked to stop before it is
made to.
"""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from payvand.core.errors import PayvandFault

__all__ = ["Child", "ChildEnded"]

STOP_S_MAX: Final = 30.0
LINE_BYTES_MAX: Final = 1 << 20


class ChildEnded(PayvandFault):
    """A child ended before it was asked to."""


class Child:
    """A running child; from `Child.start`."""

    def __init__(self, name: str, process: Process, log: Path) -> None:
        """Hold *process*, whose standard error goes to *log*."""
        self.name = name
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, name: str, arguments: Sequence[str], *, log: Path) -> Self:
        """Start `payvand` with *arguments*; what it says to people goes to the end of *log*."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "payvand.switch.sandbox.tether", *arguments),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                start_new_session=True,
                limit=LINE_BYTES_MAX,
            )
        return cls(name, process, log)

    async def lines(self) -> AsyncIterator[str]:
        """Yield what it prints, line by line, until it ends."""
        assert self._process.stdout is not None, "it was started with a pipe"
        async for line in self._process.stdout:
            yield line.decode()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing where it has ended."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def ended(self) -> ChildEnded:
        """Return the fault of its having ended by itself."""
        code = await self._process.wait()
        return ChildEnded(f"{self.name} has ended, with exit code {code}", hint=f"see {self.log}")

    async def stop(self) -> None:
        """Ask it to stop, and make it stop where it doesn't within 30 seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S_MAX):
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
