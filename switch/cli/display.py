"""How a command tells people what it found: in which language, and by which calendar.

    payvand --lang fa --calendar hijri windows

Both may stand in the environment instead. JSON is the same whatever they say.

A Persian table runs from right to left: its first column is the rightmost. Each cell is isolated,
as Unicode has it, so that a terminal that orders text by direction orders each cell by itself and
never mixes two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from unicodedata import bidirectional

import click
from rich.cells import cell_len

from payvand.switch.names import catalogue
from payvand.switch.names.catalogue import (
    Language,
    has_name,
    name_of,
    persian_digits,
    persian_number,
)
from payvand.switch.names.texts import NO_NAMES, filled, form_of, persian
from payvand.switch.rules.solar_hijri import local, solar_text

__all__ = [
    "Calendar",
    "Display",
    "display",
    "isolated",
    "named",
    "padded",
    "reason_text",
    "said",
    "told",
]

NS: Final = 1_000_000_000


class Calendar(StrEnum):
    """By which calendar days are shown."""

    GREGORIAN = "gregorian"
    HIJRI = "hijri"


@dataclass(frozen=True, slots=True)
class Display:
    """What the caller asked for."""

    language: Language = Language.EN
    calendar: Calendar = Calendar.GREGORIAN

    @property
    def is_persian(self) -> bool:
        """Whether people read from right to left."""
        return self.language is Language.FA

    def number(self, text: str) -> str:
        """Return a printed number in the language's digits."""
        return persian_number(text) if self.is_persian else text

    def moment(self, nanoseconds: int) -> str:
        """Return a time to the millisecond; in UTC, or by Tehran's clock where it is Solar Hijri.

        Empty for 0.
        """
        if not nanoseconds:
            return ""
        seconds, rest = divmod(nanoseconds, NS)
        at, day, zone = datetime.fromtimestamp(seconds, UTC), "", "UTC"
        if self.calendar is Calendar.HIJRI:
            at = local(at)
            day, zone = solar_text(at.date()), "تهران" if self.is_persian else "Tehran"
        text = f"{day or f'{at:%Y-%m-%d}'} {at:%H:%M:%S}.{rest // 1_000_000:03}"
        return f"{persian_digits(text) if self.is_persian else text} {zone}"

    def said(self, template: str, **values: object) -> str:
        """Return a sentence with its {figures} filled in; see `said`."""
        if self.is_persian:
            return filled(form_of(template), values)
        return template.format(**values)


def display() -> Display:
    """Return what the caller of the running command asked for."""
    context = click.get_current_context(silent=True)
    asked = context.find_root().obj if context is not None else None
    return asked if isinstance(asked, Display) else Display()


def named(kind: str, code: str) -> str:
    """Return what a code is called: see `names.catalogue`."""
    return name_of(kind, code, display().language)


def said(template: str, **values: object) -> str:
    """Return a sentence in the caller's language, with its {figures} filled in.

    Give the template as it stands in the source: tests look for its translation there.
    """
    return display().said(template, **values)


def told(text: str, names: Mapping[str, str] = NO_NAMES) -> str:
    """Return an English *text* that was made elsewhere in the caller's language.

    *names* has the Persian of names that may stand in it, by the English.
    """
    return persian(text, names) if display().is_persian else text


def reason_text(code: str, detail: str) -> str:
    """Return why a payment failed: its ISO 20022 code with the name, and our own word for it."""
    if not code:
        return ""
    words = f"{code} {named('reason', code)}" if has_name("reason", code) else code
    return f"{words} ({named('ledger_status', detail)})" if detail else words


def padded(text: str, width: int) -> str:
    """Return *text*, isolated, with blanks up to *width* cells of a terminal behind it."""
    return isolated(text) + " " * max(width - cell_len(text), 0)


def isolated(text: str) -> str:
    """Return *text* so that it is ordered by itself where it has letters that run leftwards."""
    leftward = any(bidirectional(letter) in ("R", "AL") for letter in text)
    return catalogue.isolated(text) if leftward else text
