"""Stubs say what compiled modules are: mypy's stubtest finds a stub that has drifted."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VIEW = ROOT / "build" / "view"
FOLDERS = ("core", "risk", "switch", "bench")
NOT_OURS = r"""
.*\.__reduce_cython__
.*\.__setstate_cython__
.*\.__test__
.*\.__pyx_.*
"""


def compiled_modules() -> list[str]:
    return [
        ".".join(path.relative_to(VIEW).with_suffix("").parts)
        for folder in FOLDERS
        for path in sorted((VIEW / "payvand" / folder).rglob("*.pyi"))
        if path.with_suffix(".pyx").exists()
    ]


def test_every_stub_agrees_with_its_module(tmp_path: Path) -> None:
    allowlist = tmp_path / "allowlist"
    allowlist.write_text(NOT_OURS)
    command = [sys.executable, "-m", "mypy.stubtest", *compiled_modules()]
    options = ["--allowlist", str(allowlist), "--ignore-unused-allowlist"]
    # A compiled module shows what it imports as its own; that isn't drift.
    options += ["--ignore-missing-stub", "--ignore-disjoint-bases", "--concise"]
    options += ["--mypy-config-file", str(ROOT / "pyproject.toml")]
    done = subprocess.run(
        command + options,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=os.environ | {"MYPYPATH": str(VIEW)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_public_compiled_module_has_a_stub() -> None:
    """A module whose name Python code imports needs one; mypy is blind without."""
    named = {
        line.split()[1]
        for room in ("core", "risk", "settlement", "switch", "bench", "tests")
        for path in (ROOT / room).rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("from payvand.")
    }
    missing = []
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.pyx"):
            module = "payvand." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if module in named and not path.with_suffix(".pyi").exists():
                missing.append(module)
    assert missing == []
