"""What rows of a schedule have in common: codes, titles, conditions, rows that follow in time."""

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Final, Protocol, TypeVar

from payvand.switch.fees.catalogue.condition import ALWAYS, Condition
from payvand.switch.rules.table_row import RulesError, TableRow
from payvand.switch.rules.validity import Dated, Overlap, Validity, arranged

__all__ = [
    "CHOICES_MAX",
    "CODE_FORM",
    "FACTS_MAX",
    "arranged_rows",
    "by_code",
    "code_of",
    "condition_of",
    "first_gap",
    "titles_of",
]

CODE_FORM: Final = re.compile(r"[a-z][a-z0-9_]{0,47}")
FACTS_MAX: Final = 16
CHOICES_MAX: Final = 64


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


Coded = TypeVar("Coded", bound=_Coded)
DatedRow = TypeVar("DatedRow", bound=Dated)


def code_of(row: TableRow, key: str = "code") -> str:
    """Take a code: small letters, digits and underscores."""
    code = row.text(key)
    if CODE_FORM.fullmatch(code) is None:
        hint = "1 to 48 small letters, digits and underscores, the first a letter"
        raise row.fault(key, "fees.code", hint)
    return code


def titles_of(row: TableRow) -> dict[str, str]:
    """Take what a thing is called, in both languages."""
    return {"title_en": row.text("title_en"), "title_fa": row.text("title_fa")}


def by_code(
    file: TableRow, key: str, read: Callable[[TableRow], Coded], *, count_max: int
) -> Mapping[str, Coded]:
    """Take all rows of a kind; no two of them have one code."""
    found: dict[str, Coded] = {}
    for row in file.rows(key, optional=True):
        one = read(row)
        row.finish()
        if one.code in found:
            raise row.fault("code", "fees.twice", f"{one.code} has a row already")
        found[one.code] = one
        if len(found) > count_max:
            raise row.fault("code", "fees.count", f"at most {count_max} of {key}")
    return MappingProxyType(found)


def condition_of(row: TableRow, key: str = "when") -> Condition:
    """Take a condition, `when = { place = "village", payer = ["veteran", "insured"] }`."""
    if row.is_missing(key):
        return ALWAYS
    inner = row.row(key)
    allowed = []
    for fact in inner.keys_left:
        choices = inner.texts(fact) if inner.is_list(fact) else (inner.text(fact),)
        if not choices or len(set(choices)) < len(choices):
            raise inner.fault(fact, "rules.type", "one choice or more, each once")
        allowed.append((fact, choices))
    if not 0 < len(allowed) <= FACTS_MAX:
        raise row.fault(key, "rules.type", f"1 to {FACTS_MAX} facts; leave it out for always")
    return Condition(tuple(allowed))


def arranged_rows(
    row: TableRow,
    key: str,
    rows: Iterable[DatedRow],
    kind: Callable[[DatedRow], Hashable],
) -> tuple[DatedRow, ...]:
    """Return *rows* with their ends; two of one kind never hold on one day."""
    try:
        return arranged(rows, kind)
    except Overlap as overlap:
        raise RulesError(row.at(key), "rules.overlap", str(overlap), is_between_rows=True) from None


def first_gap(needed: Validity, validities: Iterable[Validity]) -> date | None:
    """Return the first day of *needed* that none of *validities* covers, or None."""
    day = needed.first
    for validity in sorted(validities, key=lambda one: one.first):
        if validity.first > day:
            return day
        if validity.last >= needed.last:
            return None
        if validity.last >= day:
            day = validity.last + timedelta(days=1)
    return day
