"""The faults of a file of rules, each with its line, for people and for scripts."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from payvand.switch.cli.display import isolated, said, told
from payvand.switch.cli.faults import ANSWER_IS_NO
from payvand.switch.cli.printing import print_json
from payvand.switch.rules.checking import FAULTS_MAX, TableFault, faults_in
from payvand.switch.rules.table_row import TableRow

__all__ = ["checked_text", "tell_faults", "text_of"]


def text_of(file: Path) -> str:
    """Return the text of a file; ends the command with code 2 where it isn't UTF-8."""
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.BadParameter(
            f"rules.encoding: save the file as UTF-8: {error}", param_hint="FILE"
        ) from error


def checked_text(file: Path, read: Callable[[TableRow], Any], *, as_json: bool) -> str:
    """Return the text of a file that *read* can read; ends the command with its faults."""
    text = text_of(file)
    if faults := faults_in(text, read):
        tell_faults(file, faults, as_json=as_json)
    return text


def tell_faults(file: Path, faults: Sequence[TableFault], *, as_json: bool) -> None:
    """Print the faults of a file, or that it has none; ends the command with code 1 for any."""
    if as_json:
        listed = [
            {"line": one.line, "path": one.path, "rule": one.rule, "hint": one.hint}
            for one in faults
        ]
        print_json({"file": str(file), "faults": listed})
    else:
        for one in faults:
            path = f"{one.path}: " if one.path else ""
            click.echo(f"{file}:{one.line}: {path}{one.rule}: {isolated(told(one.hint))}")
        if len(faults) >= FAULTS_MAX:
            click.echo(said("{file}: there may be more; mend these first", file=file))
        if not faults:
            click.echo(said("{file}: nothing is wrong with it", file=file))
    if faults:
        raise click.exceptions.Exit(ANSWER_IS_NO)
