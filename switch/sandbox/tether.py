"""Run a `payvand` command that ends when the process that started it does.

    python -m payvand.switch.sandbox.tether COMMAND [ARGUMENT]…

The starter holds the other end of standard input. However it ends, that end closes; then this
process asks itself to stop as an operator would, with SIGTERM. So nothing is left behind, and no
signal meant for the starter's terminal needs to reach its children.
"""

import os
import signal
import sys
import threading

from payvand.switch.cli import main

__all__ = ["tether"]


def tether() -> None:
    """Watch standard input on a thread of its own; at its end, send SIGTERM to this process."""
    threading.Thread(target=_watch, name="tether", daemon=True).start()


def _watch() -> None:
    # Not through sys.stdin, whose lock the interpreter wants at its end.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    tether()
    main(sys.argv[1:], prog_name="payvand")
