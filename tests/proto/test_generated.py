"""The code generated from the contract is the one in the repository, and the contract is clean."""

import subprocess
import sys
from os import environ, pathsep
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
BIN = Path(sys.executable).parent


def generate(folder: Path) -> None:
    """Run the generator as `make proto` does, into *folder*."""
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.glob("payvand/v1/*.proto"))
    subprocess.run(
        [
            *(sys.executable, "-m", "grpc_tools.protoc", "-I."),
            *(f"--{kind}_out={folder}" for kind in ("python", "pyi", "grpc_python", "mypy_grpc")),
            *sources,
        ],
        cwd=PROTO,
        env={**environ, "PATH": f"{BIN}{pathsep}{environ['PATH']}"},
        check=True,
        capture_output=True,
    )


def test_regenerating_the_contract_changes_nothing(tmp_path: Path) -> None:
    generate(tmp_path)
    fresh = {path.name: path.read_text() for path in (tmp_path / "payvand/v1").iterdir()}
    held = {path.name: path.read_text() for path in PROTO.glob("payvand/v1/*_pb2*.py*")}
    assert sorted(held) == sorted(fresh)
    stale = [name for name, text in fresh.items() if held[name] != text]
    assert not stale, f"run `make proto` and commit {stale}"


@pytest.mark.parametrize(
    "command",
    [["lint"], ["format", "--diff", "--exit-code"], ["breaking", "--against", "accepted.binpb"]],
)
def test_buf_finds_nothing_to_say_about_the_contract(command: list[str]) -> None:
    run = subprocess.run(
        [str(BIN / "buf"), *command], cwd=PROTO, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
