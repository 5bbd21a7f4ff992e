"""A switch as a process of its own, to be stopped, killed and started again on the same port."""

import asyncio
import json
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.town import issue_people

_PROGRAM = """
import sys
from pathlib import Path
from payvand.switch.app import serve
from payvand.switch.config import load
sys.exit(serve(load(data=Path(sys.argv[1]), listen=sys.argv[2], database=sys.argv[3],
                    acceptance_deadline_s=int(sys.argv[4]), stop_grace_s=5)))
"""


@dataclass
class SwitchProcess:
    """One data folder's switch; at most one process of it runs at a time."""

    data: Path
    database: str = ""
    acceptance_deadline_s: int = 2
    address: str = "127.0.0.1:0"
    """After the first start it has the port that was free then."""
    metrics: str = ""
    _process: asyncio.subprocess.Process | None = field(default=None, repr=False)

    async def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        assert self._process is None
        issue_people(self.data / "certificates")
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", _PROGRAM, str(self.data), self.address, self.database),
            str(self.acceptance_deadline_s),
            stdout=asyncio.subprocess.PIPE,
            stderr=(self.data / "log").open("wb"),
        )
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise AssertionError(f"it didn't start: {(self.data / 'log').read_text()}")
        ready = json.loads(line)
        assert ready["ready"] is True
        self.address, self.metrics = ready["address"], ready["metrics"]

    async def kill(self) -> None:
        """End it as a crash does."""
        assert await self._end(signal.SIGKILL) == -signal.SIGKILL

    async def stop(self) -> None:
        """Ask it to stop, and see that it does so in order."""
        code = await self._end(signal.SIGTERM)
        assert code == 0, (self.data / "log").read_text()

    async def wait(self) -> int:
        """Wait until it ends by itself; return its exit code."""
        assert self._process is not None
        code = await self._process.wait()
        self._process = None
        return code

    async def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return await self.wait()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid
