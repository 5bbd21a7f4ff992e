"""What differs between two versions of a table: rows that came, went or changed, field by field.

Rows are told apart by what names them (a bank by its code, a limit by its rail, its channel and
its first day) and not by where they stand, so that a sorted table is the same table.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

__all__ = ["FieldChange", "RowChange", "differences"]

NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "bank": ("code",),
        "bin": ("digits", "from"),
        "service": ("digit", "from"),
        "rail": ("name",),
        "limit": ("channel", "from"),
        "hours": ("from", "on"),
        "tariff": ("name", "from"),
        "tier": ("above",),
    }
)
"""The fields that name a row of each kind; others are named by their first day."""
FIRST_DAY: Final = ("from",)
_DAY: Final = "holiday"
"""Holidays are a list of lists, one for each day."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field and what it was and is; empty where it wasn't or isn't there."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that differs."""

    row: str
    """What names it, for example `bank 062` or `rail pol, limit remote 1404-03-01`."""
    kind: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...]


def differences(
    before: str, after: str, named_by: Mapping[str, tuple[str, ...]] = NAMED_BY
) -> list[RowChange]:
    """Return what *after* changes of *before*, both the TOML texts of one table.

    *named_by* has the fields that name a row of each kind.
    """
    old, new = _rows(before, named_by), _rows(after, named_by)
    changes = []
    for row in [*old, *(row for row in new if row not in old)]:
        was, becomes = old.get(row, {}), new.get(row, {})
        fields = tuple(
            FieldChange(field, was.get(field, ""), becomes.get(field, ""))
            for field in [*was, *(field for field in becomes if field not in was)]
            if was.get(field) != becomes.get(field)
        )
        if row not in new:
            changes.append(RowChange(row, "removed", fields))
        elif row not in old:
            changes.append(RowChange(row, "added", fields))
        elif fields:
            changes.append(RowChange(row, "changed", fields))
    return changes


def _rows(text: str, named_by: Mapping[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    """Return the fields of each row of a text, by what names the row."""
    rows: dict[str, dict[str, str]] = {}
    for name, fields in _walk("", tomllib.loads(text), named_by):
        unique, number = name, 1
        while unique in rows:
            number += 1
            unique = f"{name} ({number})"
        rows[unique] = fields
    return rows


def _walk(
    name: str, values: Mapping[str, Any], named_by: Mapping[str, tuple[str, ...]]
) -> Iterator[tuple[str, dict[str, str]]]:
    fields: dict[str, str] = {}
    inner: list[tuple[str, dict[str, str]]] = []
    for key, value in values.items():
        if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
            for row in value:
                named = [
                    _shown(row[field]) for field in named_by.get(key, FIRST_DAY) if field in row
                ]
                title = " ".join([key, *named])
                inner += _walk(f"{name}, {title}" if name else title, row, named_by)
        elif isinstance(value, list) and value and all(isinstance(one, list) for one in value):
            inner += [(f"{_DAY} {row[0]}", {"name": _shown(row[1:])}) for row in value]
        else:
            fields[key] = _shown(value)
    yield name or "the table", fields
    yield from inner


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:,}" if isinstance(value, int) and value > 9999 else str(value)
