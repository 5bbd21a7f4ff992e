"""A PostgreSQL server seen from outside: its pid file, and which processes are its own."""

import contextlib
import os
import signal
import time
from pathlib import Path

from payvand.settlement.errors import DatabaseUnavailable

__all__ = ["is_ready", "postmaster_pid", "stop_orphan"]

POLL_S = 0.01
ORPHAN_S_MAX = 30.0


def _postmaster_lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def postmaster_pid(cluster: Path) -> int:
    lines = _postmaster_lines(cluster)
    return int(lines[0]) if lines and lines[0].isdigit() else 0


def is_ready(cluster: Path) -> bool:
    """Tell whether the server wrote that it accepts connections (line 8 of its pid file)."""
    lines = _postmaster_lines(cluster)
    return len(lines) >= 8 and lines[7].strip() == "ready"


def _servers_in(cluster: Path) -> list[int]:
    """Return the live processes of this cluster: PostgreSQL's all work in its folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        # Processes come and go, and others' can't be read; neither can be one of ours.
        with contextlib.suppress(OSError):
            if (entry / "cwd").readlink() == cluster:
                found.append(int(entry.name))
    return found


def stop_orphan(cluster: Path) -> None:
    """Stop what a killed switch left running, and remove a pid file that names nobody of ours.

    The home's lock is held, so whatever still runs here has no owner. The pid file goes only
    once no process of the cluster is left: it also guards the shared memory of orphaned backends.
    A pid in it may since belong to another program, which PostgreSQL would take for a server.
    """
    if not _postmaster_lines(cluster) or not Path("/proc/self/cwd").exists():
        return
    cluster = cluster.resolve()
    deadline = time.monotonic() + ORPHAN_S_MAX
    signals = iter((signal.SIGINT, signal.SIGQUIT))
    ask_again = time.monotonic()
    while servers := _servers_in(cluster):
        now = time.monotonic()
        if now > deadline:
            raise DatabaseUnavailable(
                f"processes {servers} of an earlier server don't end", hint="end them by hand"
            )
        postmaster = postmaster_pid(cluster)
        if now >= ask_again and postmaster in servers:
            ask_again = now + ORPHAN_S_MAX / 2
            with contextlib.suppress(ProcessLookupError):
                os.kill(postmaster, next(signals, signal.SIGQUIT))
        time.sleep(POLL_S)
    (cluster / "postmaster.pid").unlink(missing_ok=True)
