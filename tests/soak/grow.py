"""Fuzz for longer, and keep the inputs that take edges that none before them took.

python -m tests.soak.grow TARGET SECONDS
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.soak import instrumented
from tests.soak.corpus import keep, unpack

# A shared machine may stand still for a while; an input that takes minutes is a finding.
OPTIONS = (
    "-max_len=800",
    "-len_control=0",
    "-timeout=600",
    "-report_slow_units=300",
    "-rss_limit_mb=0",
)


def main() -> None:
    """Grow the corpus of one target."""
    target, seconds = sys.argv[1:]
    with TemporaryDirectory() as name:
        folder = Path(name, "inputs")
        unpack(target, folder)
        options = [f"-max_total_time={seconds}", f"-artifact_prefix={name}/", *OPTIONS]
        process = instrumented.start(["-m", "tests.soak.fuzz", target, *options, str(folder)])
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
        if process.wait():
            sys.exit(f"the fuzzer ended with {process.returncode}: what it found is above")
        keep(target, (path.read_bytes() for path in folder.iterdir()))


if __name__ == "__main__":
    main()
