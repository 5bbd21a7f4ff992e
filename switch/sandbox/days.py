"""The days of a demo on its data folder: which one is to be played, and how far it came.

    days/0001/*.xml, *.csv      the files that the banks send
    days/0001/plan.json         which bank sends which, how often, in which order; written last
    days/0001/window            the number of the settlement window that closes it
    days/0001/statements/       a statement for each participant
    days/0001/result.json       what the day came to; written last of all

A day without its plan is planned anew, one without its result is carried on. Since the files of a
day are the same whenever they are sent, and so the ids of its payments, carrying on is safe.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.sandbox.day import day_date, plan_day
from payvand.switch.sandbox.day_files import write_file

__all__ = ["Day", "next_day"]

PLAN: Final = "plan.json"
WINDOW: Final = "window"
RESULT: Final = "result.json"


@dataclass(frozen=True, slots=True)
class Day:
    """A day whose files are there."""

    number: int
    folder: Path
    instructions: int
    """How many instructions its files hold, each file counted once."""
    sendings: int
    """How many are sent: a file that goes out twice counts twice."""
    files: dict[str, list[Path]]
    """The files of each bank in the order of sending; one that is sent twice stands twice."""

    @property
    def window(self) -> int:
        """The number of the window that closes the day; 0 while none was chosen."""
        try:
            return int((self.folder / WINDOW).read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0

    def choose_window(self, number: int) -> None:
        """Note that *number* is the window to close, before it is closed."""
        _write(self.folder / WINDOW, str(number))

    @property
    def begun(self) -> bool:
        """Tell whether an earlier run began to play the day."""
        return (self.folder / "begun").exists()

    def begin(self) -> None:
        """Note that the day is being played."""
        (self.folder / "begun").touch()

    def complete(self, result: dict[str, Any]) -> None:
        """Note what the day came to; it is over."""
        _write(self.folder / RESULT, json.dumps(result, indent=2, ensure_ascii=False))

    @classmethod
    def read(cls, number: int, folder: Path) -> Self | None:
        """Return the day of *folder*, or None where it was never planned to its end."""
        try:
            plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        files: dict[str, list[Path]] = {}
        for file in plan["files"]:
            files.setdefault(file["bank"], []).extend([folder / file["name"]] * file["turns"])
        return cls(
            number,
            folder,
            sum(file["instructions"] for file in plan["files"]),
            sum(file["instructions"] * file["turns"] for file in plan["files"]),
            files,
        )


def next_day(
    data: Path,
    directory: Sequence[ParticipantEntry],
    *,
    instructions: int,
    seed: int,
    tell: Callable[[str], None],
) -> Day:
    """Return the day of *data* that isn't over, with its files, or plan the one after the last.

    *tell* is called with each file's name before it is written.
    """
    days = data / "days"
    number = 1
    while (days / f"{number:04}" / RESULT).exists():
        number += 1
    folder = days / f"{number:04}"
    if (day := Day.read(number, folder)) is not None:
        return day
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files = plan_day(directory, number=number, instructions=instructions, seed=seed)
    for file in files:
        tell(file.name)
        write_file(file, folder / file.name, on=day_date(number))
    plan = {
        "day": day_date(number).isoformat(),
        "seed": seed,
        "files": [
            {
                "bank": file.bank,
                "name": file.name,
                "form": file.form,
                "instructions": len(file.lines),
                "turns": file.turns,
            }
            for file in files
        ],
    }
    _write(folder / PLAN, json.dumps(plan, indent=2))
    day = Day.read(number, folder)
    assert day is not None, "the plan was just written"
    return day


def _write(path: Path, text: str) -> None:
    """Put *text* at *path* whole or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text + "\n", encoding="utf-8")
    fresh.replace(path)
