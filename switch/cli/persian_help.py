"""What click says, in Persian: `--help`, and what is wrong with the words of a command.

A command's help is looked up paragraph by paragraph, an option's as a whole: `names.texts`.
"""

import re
from collections.abc import Iterable
from copy import copy
from inspect import cleandoc
from typing import Final

import click

from payvand.switch.names.texts import persian

__all__ = ["PersianFormatter", "in_persian", "paragraphs", "tell_usage"]

EXTRA: Final = re.compile(r"(.*?)(?:  )?\[([^\[\]]*)\]", re.DOTALL)
"""An option's help, and what click puts behind it: its default, its variable, its range."""


class PersianFormatter(click.HelpFormatter):
    """Writes help whose options and headings are told in Persian."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write how the command is called."""
        super().write_usage(prog, args, prefix or f"{persian('Usage')}: ")

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(persian(heading))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write a list of options or commands with what each does."""
        super().write_dl([(name, _record(text)) for name, text in rows], col_max, col_spacing)


class _PersianContext(click.Context):
    formatter_class = PersianFormatter


def in_persian(command: click.Command) -> click.Command:
    """Return a copy of *command*, and of those in it, whose help is Persian."""
    copied = copy(command)
    copied.context_class = _PersianContext
    copied.help = "\n\n".join(map(persian, paragraphs(command.help or "")))
    if isinstance(copied, click.Group):
        copied.commands = {name: in_persian(one) for name, one in copied.commands.items()}
    return copied


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a help text, each on one line unless it keeps its lines."""
    parts = cleandoc(text).split("\n\n")
    return [part if part.startswith("\b") else " ".join(part.split()) for part in parts]


def tell_usage(fault: click.ClickException) -> None:
    """Write to standard error what is wrong with the words of a command."""
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    if context is not None:
        formatter = PersianFormatter(width=context.terminal_width)
        context.command.format_usage(context, formatter)
        click.echo(formatter.getvalue().rstrip("\n"), err=True)
        path = f"{context.command_path} {context.help_option_names[0]}"
        click.echo(persian(f"Try '{path}' for help.") + "\n", err=True)
    click.echo(f"{persian('Error')}: {persian(fault.format_message())}", err=True)


def _record(text: str) -> str:
    """Return an option's help in Persian, with what click puts behind it."""
    found = EXTRA.fullmatch(text)
    if found is None:
        return persian(text)
    extra = persian(found[2].replace("; ", "\n")).replace("\n", "؛ ")
    return f"{persian(found[1])}  [{extra}]".strip()
