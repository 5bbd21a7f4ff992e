"""Processes of a benchmark: Python modules that take part in it and never outlive it.

Each ends when its standard input does, and that end is held here.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Self

from payvand.bench.workbench import BenchUnusable

__all__ = ["Part"]

STOP_S_MAX = 60.0
LINE_BYTES_MAX = 1 << 20


class Part:
    """A running module; from `Part.start`."""

    def __init__(self, module: str, process: Process, log: Path) -> None:
        """Hold *process*, whose standard error goes to *log*."""
        self.module = module
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, module: str, *arguments: str, log: Path) -> Self:
        """Start `python -m payvand.MODULE`."""
        with log.open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", f"payvand.{module}", *arguments),
                stdin=PIPE,
                stdout=PIPE,
                stderr=errors,
                start_new_session=True,
                limit=LINE_BYTES_MAX,
            )
        return cls(module, process, log)

    async def line(self) -> str:
        """Return the next line that it prints.

        Raises:
            BenchUnusable: it ended instead.
        """
        assert self._process.stdout is not None, "it was started with a pipe"
        line = await self._process.stdout.readline()
        if not line:
            await self._process.wait()
            words = await asyncio.to_thread(self.log.read_text, errors="replace")
            raise BenchUnusable(
                f"{self.module} ended with exit code {self._process.returncode}",
                hint=f"its last words: {' / '.join(words.splitlines()[-3:])}",
            )
        return line.decode().strip()

    def say(self, line: str = "") -> None:
        """Write a line to its standard input."""
        assert self._process.stdin is not None, "it was started with a pipe"
        self._process.stdin.write(f"{line}\n".encode())

    def end_input(self) -> None:
        """Let its standard input end, which asks it to end."""
        assert self._process.stdin is not None, "it was started with a pipe"
        self._process.stdin.close()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def cpu_ns(self) -> int:
        """Return the CPU time that it has taken so far, its threads together."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(") ")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks * 1_000_000_000 // os.sysconf("SC_CLK_TCK")

    async def stop(self) -> None:
        """Ask it to end, and make it end where it doesn't."""
        self.end_input()
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
