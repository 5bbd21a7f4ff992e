"""`payvand fees catalogue`: schedules of agencies, from a file to what is in force, and back."""

from pathlib import Path

import click

from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.fees.options import schedule_file
from payvand.switch.cli.options import as_json
from payvand.switch.cli.printing import print_json
from payvand.switch.cli.table_faults import tell_faults, text_of
from payvand.switch.fees.catalogue.reading import read
from payvand.switch.rules.checking import faults_in

__all__ = ["catalogue"]


@click.group()
def catalogue() -> None:
    """Keep the schedules of what agencies charge."""


@catalogue.command()
@click.argument("files", type=schedule_file, nargs=-1, required=True)
@as_json
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Say what is wrong with each of FILES, line by line; asks no switch."""
    faults = {file: faults_in(text_of(file), read) for file in files}
    if as_json:
        told = [
            {
                "file": str(file),
                "faults": [
                    {"line": one.line, "path": one.path, "rule": one.rule, "hint": one.hint}
                    for one in found
                ],
            }
            for file, found in faults.items()
        ]
        print_json({"files": told})
    else:
        for file, found in faults.items():
            try:
                tell_faults(file, found, as_json=False)
            except click.exceptions.Exit:
                continue
    if any(faults.values()):
        raise click.exceptions.Exit(ANSWER_IS_NO)
