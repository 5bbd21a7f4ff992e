"""Feed one target with what libFuzzer makes up, led by the edges that the compiled code takes.

python -m tests.soak.fuzz TARGET [libFuzzer's options and folders...]
"""

import ctypes
import os
import sys

import atheris
from atheris import core_with_libfuzzer

with atheris.instrument_imports(include=["payvand.core.segments", "payvand.core.diagnosis"]):
    from tests.soak.targets import TARGETS


def main() -> None:
    """Join the counters of the compiled code to the fuzzer, and run it."""
    name, *options = sys.argv[1:]
    counting = ctypes.CDLL(os.environ["PAYVAND_COUNTING"])
    if counting.coverage_join(core_with_libfuzzer.__file__.encode()):
        sys.exit("this atheris does not let edges be counted from outside")
    atheris.Setup([sys.argv[0], *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
