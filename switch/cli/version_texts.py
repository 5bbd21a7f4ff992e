"""How versions of dated data are told: what a version changes, and since when it was in force."""

from collections.abc import Iterable
from typing import Any, Final

import click

from payvand.switch.cli.display import display, isolated, said
from payvand.switch.rules.solar_hijri import (
    DateError,
    moment_at,
    moment_text,
    nanoseconds_of,
    parse_moment,
)
from payvand.v1.rule_table_service_pb2 import ForcePeriod, RowChange, RowChangeKind

__all__ = ["NOW", "due", "period_text", "print_rows", "rows_json", "solar"]

NOW: Final = "now"
SIGNS: Final = {
    RowChangeKind.ROW_CHANGE_KIND_ADDED: "+",
    RowChangeKind.ROW_CHANGE_KIND_REMOVED: "-",
    RowChangeKind.ROW_CHANGE_KIND_CHANGED: "~",
}


def due(at: str | None) -> int:
    """Return the time that *at* names; 0 for the present, which the switch then takes."""
    if at is None or at == NOW:
        return 0
    try:
        return nanoseconds_of(parse_moment(at))
    except DateError as error:
        raise click.BadParameter(error.hint, param_hint="--at") from error


def solar(at: int) -> str:
    """Return a time in nanoseconds since 1970 as the country writes it."""
    return display().number(moment_text(moment_at(at)))


def period_text(period: ForcePeriod) -> str:
    """Return when a version was in force."""
    if period.until:
        return said("from {since} to {until}", since=solar(period.since), until=solar(period.until))
    return said("from {since}", since=solar(period.since))


def print_rows(rows: Iterable[RowChange]) -> None:
    """Print what differs, row by row."""
    is_empty = True
    for row in rows:
        is_empty = False
        click.echo(f"{SIGNS[row.kind]} {row.row}")
        for field in row.fields:
            before, after = (isolated(text) or said("none") for text in (field.before, field.after))
            if row.kind == RowChangeKind.ROW_CHANGE_KIND_CHANGED:
                click.echo(f"    {field.field}: {before} → {after}")
            else:
                click.echo(f"    {field.field}: {isolated(field.before or field.after)}")
    if is_empty:
        click.echo(said("no row differs"))


def rows_json(rows: Iterable[RowChange]) -> list[dict[str, Any]]:
    """Return what differs for scripts."""
    return [
        {
            "row": row.row,
            "kind": RowChangeKind.Name(row.kind).removeprefix("ROW_CHANGE_KIND_").lower(),
            "fields": [
                {"field": one.field, "before": one.before, "after": one.after} for one in row.fields
            ],
        }
        for row in rows
    ]
