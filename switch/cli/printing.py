"""How commands print: tables for people, JSON for scripts, amounts with their thousands."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from payvand.switch.cli.display import display, isolated, named

__all__ = [
    "JsonListing",
    "amount_text",
    "moment",
    "print_json",
    "print_table",
    "print_told_table",
    "progress_console",
    "table",
]

TABLE_WIDTH_MAX: Final = 400


def print_json(content: Any) -> None:
    """Print *content* as one JSON object on standard output."""
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))


class JsonListing:
    """One JSON object with a list of any length, printed as it comes, in the memory of one item.

    `begin`, then `item` for each, then `end`.
    """

    def __init__(self) -> None:
        """Nothing is printed yet."""
        self._items = 0

    def begin(self, fields: Mapping[str, Any], name: str) -> None:
        """Print the fields before the list, and its *name*."""
        click.echo("{\n" + "".join(f"  {_field(*field)},\n" for field in fields.items()), nl=False)
        click.echo(f"  {json.dumps(name)}: [", nl=False)

    def item(self, content: Any) -> None:
        """Print an item."""
        click.echo(("," if self._items else "") + "\n    ", nl=False)
        click.echo(json.dumps(content, ensure_ascii=False), nl=False)
        self._items += 1

    def end(self, fields: Mapping[str, Any]) -> None:
        """Print the fields after the list."""
        click.echo("\n  ]" if self._items else "]", nl=False)
        click.echo("".join(f",\n  {_field(*field)}" for field in fields.items()) + "\n}")


def _field(name: str, value: Any) -> str:
    return f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"


def progress_console() -> Console:
    """Return the console that progress goes to: standard error."""
    return Console(stderr=True, highlight=False)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", numbers: int = 0
) -> Table:
    """Return a table whose columns from *numbers* on are numbers, set to the right; 0 for none.

    Columns are called by their English headings, and shown in the caller's language.
    """
    shown = display()
    made = Table(
        title=isolated(title) or None,
        title_justify="right" if shown.is_persian else "left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
    )
    places = range(len(columns))
    order = places[::-1] if shown.is_persian else places
    for place in order:
        right = shown.is_persian or (bool(numbers) and place >= numbers)
        made.add_column(
            isolated(named("heading", columns[place])),
            justify="right" if right else "left",
            no_wrap=True,
        )
    for row in rows:
        cells = [
            isolated(shown.number(cell) if numbers and place >= numbers else cell)
            for place, cell in enumerate(row)
        ]
        made.add_row(*(cells[place] for place in order))
    return made


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "", numbers: int = 0
) -> None:
    """Print a table on standard output; see `table`."""
    made = table(columns, rows, title=title, numbers=numbers)
    console = Console(highlight=False)
    # Wider than the terminal a table wraps, but no figure is cut off.
    wide = console.options.update(width=TABLE_WIDTH_MAX)
    console.width = max(console.width, Measurement.get(console, wide, made).maximum)
    console.print(made)


def print_told_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str, numbers: int
) -> None:
    """Print a table whose headings are in the caller's language already."""
    print_table(columns, rows, title=title, numbers=numbers)


def amount_text(amount: int | str) -> str:
    """Return an amount of minor units with its thousands apart."""
    return f"{int(amount):,}"


def moment(nanoseconds: int) -> str:
    """Return a time to the millisecond, for people, by the calendar asked for; empty for 0."""
    return display().moment(nanoseconds)
