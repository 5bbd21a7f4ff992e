"""How a report's cells and headings are printed for people, in Persian or English."""

from dataclasses import dataclass
from typing import Final

from payvand.settlement.reporting.report import Column, ColumnKind
from payvand.settlement.reporting.running import Cell, Findings
from payvand.switch.names.catalogue import (
    KINDS,
    Language,
    has_name,
    name_of,
    persian_digits,
    persian_number,
)
from payvand.switch.names.texts import form_of
from payvand.switch.rules.solar_hijri import local, moment_at, solar_text

__all__ = ["ReportTexts"]

CODES: Final = tuple(kind for kind in KINDS if kind != "heading")
"""Where the names of codes are looked for."""


@dataclass(frozen=True, slots=True)
class ReportTexts:
    """Print for people; moments by Tehran's clock, in Persian by the Solar Hijri calendar."""

    language: Language

    @property
    def total(self) -> str:
        """The word for a last row that adds up."""
        return name_of("heading", "total", self.language)

    def cell(self, column: Column, cell: Cell) -> str:
        """Return what stands in a table for *cell*."""
        if cell is None:
            return ""
        match column.kind:
            case ColumnKind.TEXT:
                return str(cell)
            case ColumnKind.CODE:
                kind = next((kind for kind in CODES if has_name(kind, str(cell))), CODES[0])
                return name_of(kind, str(cell), self.language)
            case ColumnKind.MOMENT:
                return self.moment(int(cell))
            case ColumnKind.MILLISECONDS:
                return f"{self._number(f'{int(cell):,}')} {self.said('ms')}"
            case ColumnKind.PER_MILLE:
                whole, rest = divmod(abs(int(cell)), 10)
                return self._number(f"{'-' if int(cell) < 0 else ''}{whole:,}.{rest}") + " %"
            case ColumnKind.AMOUNT | ColumnKind.COUNT:
                return self._number(f"{int(cell):,}")

    def about(self, findings: Findings) -> list[str]:
        """Return the lines below a report's title: what was asked, and where it stands."""
        asked = findings.asked
        lines = []
        if asked.day is not None:
            persian = self.language is Language.FA
            day = persian_digits(solar_text(asked.day)) if persian else asked.day.isoformat()
            lines.append(self.said("Business day {day}").format(day=day))
        if asked.window:
            window = self._number(str(asked.window))
            lines.append(self.said("Settlement window {window}").format(window=window))
        if asked.participant:
            lines.append(asked.participant)
        lines.append(
            self.said("As of frame {sequence} of the journal, {at}").format(
                sequence=self._number(f"{findings.sequence:,}"), at=self.moment(findings.stands_at)
            )
        )
        if findings.truncated:
            lines.append(self.said("There are more rows than these: ask for less."))
        return lines

    def moment(self, nanoseconds: int) -> str:
        """Return a time to the second, by Tehran's clock."""
        here = local(moment_at(nanoseconds))
        if self.language is Language.FA:
            return persian_digits(f"{solar_text(here.date())} {here:%H:%M:%S}")
        return f"{here:%Y-%m-%d %H:%M:%S}"

    def _number(self, text: str) -> str:
        return persian_number(text) if self.language is Language.FA else text

    def said(self, template: str) -> str:
        """Return a sentence, with its {figures} yet to be filled in."""
        return form_of(template) if self.language is Language.FA else template
