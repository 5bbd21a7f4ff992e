"""A switch in a process of its own, with six banks and three services, that the commands set up."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from payvand.switch.cli import main

__all__ = ["APPROVED", "DIRECTORY", "PAYVAND", "Town", "town"]

PAYVAND = str(Path(sys.executable).parent / "payvand")
APPROVED = ("--approve-as", "second-operator")
"""What lets a second operator approve at once what a command proposes."""
DIRECTORY = str(files("payvand.switch.sandbox") / "directory.toml")


@dataclass(frozen=True)
class Town:
    """A switch with six banks and three services, and its data folder."""

    data: Path

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--data", str(self.data)])

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == exit_code, result.stdout + result.stderr
        return json.loads(result.stdout)


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    folder = Path(tempfile.mkdtemp(prefix="payvand-tests-", dir="/var/tmp"))
    folder.chmod(0o755)
    town = Town(folder)
    assert town.run("certificates", "--directory", DIRECTORY).exit_code == 0
    options = ["--listen", "127.0.0.1:0", "--metrics-port", "0", "--acceptance-deadline", "1"]
    with subprocess.Popen(
        [PAYVAND, "serve", "--data", str(folder), *options, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as switch:
        assert switch.stdout is not None
        assert json.loads(switch.stdout.readline())["ready"]
        assert len(town.json("participants", "put", DIRECTORY, *APPROVED)["participants"]) == 9
        town.json("fund", "--prefunding", DIRECTORY, *APPROVED)
        yield town
        switch.terminate()
        assert switch.wait(timeout=30) == 0
    shutil.rmtree(folder)
