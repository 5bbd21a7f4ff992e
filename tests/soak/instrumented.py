"""The compiled code built once more, with its memory and arithmetic watched and its edges counted.

From a copy of the tree under `build/instrumented`, so that what is installed stays as it is. Later
builds compile only what has changed. It takes gcc with libasan and libubsan, which Debian's brings.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.support.disk import ROOT

COPY = ROOT / "build" / "instrumented"
FOLDERS = ("core", "risk", "settlement", "switch", "bench", "proto", "tests")
LEFT_OUT = {"__pycache__", ".hypothesis"}
SANITIZERS = "address,undefined"
# Damage is told by how the process ends. Python never gives all of its memory back.
ASAN_OPTIONS = "detect_leaks=0:verify_asan_link_order=0:allocator_may_return_null=1"
UBSAN_OPTIONS = "halt_on_error=1:print_stacktrace=1"


def _refresh() -> None:
    """Bring the copy's sources up to date, leaving alone what is the same."""
    wanted = {path.relative_to(ROOT) for path in ROOT.iterdir() if path.is_file()}
    for folder in FOLDERS:
        wanted |= {path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file()}
    wanted = {path for path in wanted if path.suffix != ".so" and not LEFT_OUT & {*path.parts}}
    for folder in FOLDERS:
        for path in (COPY / folder).rglob("*"):
            if path.is_file() and path.suffix != ".so" and path.relative_to(COPY) not in wanted:
                path.unlink()
    for path in wanted:
        source, target = ROOT / path, COPY / path
        if not target.exists() or source.stat().st_mtime_ns != target.stat().st_mtime_ns:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _compiler(*arguments: str) -> str:
    done = subprocess.run(["gcc", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@cache
def build() -> Path:
    """Build the copy, and return the library that counts edges."""
    _refresh()
    counting = COPY / "build" / "coverage.so"
    counting.parent.mkdir(exist_ok=True)
    source = COPY / "tests" / "soak" / "coverage.c"
    flags = ["-O2", "-Wall", "-Werror", "-shared", "-fPIC"]
    _compiler(*flags, "-o", str(counting), str(source), "-ldl")
    flags_of_build = {"PAYVAND_SANITIZE": SANITIZERS, "PAYVAND_COVERAGE": "1", "CC": "gcc"}
    subprocess.run(
        [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
        cwd=COPY,
        env={**os.environ, **flags_of_build},
        check=True,
        capture_output=True,
    )
    return counting


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """Start Python on the instrumented code; the output goes through a pipe, errors within it."""
    libraries = [str(build())]
    libraries += [_compiler(f"-print-file-name=lib{name}.so") for name in ("asan", "ubsan")]
    environment = {name: value for name, value in os.environ.items() if name != "PAYVAND_SOAK"}
    environment |= {
        "LD_PRELOAD": " ".join(libraries),
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": str(COPY / "build" / "view"),
        "ASAN_OPTIONS": ASAN_OPTIONS,
        "UBSAN_OPTIONS": UBSAN_OPTIONS,
        "PAYVAND_COUNTING": libraries[0],
    }
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=COPY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
