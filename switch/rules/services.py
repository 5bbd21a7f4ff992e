"""What the service digit of a bill means, day by day; no bill is ill formed for it."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Self

from payvand.switch.rules.table_row import TableRow, parse_toml
from payvand.switch.rules.validity import Overlap, Validity, arranged, in_force

__all__ = ["Service", "Services", "parse", "read"]

DIGIT_MAX = 9


@dataclass(frozen=True, slots=True)
class Service:
    """One reading of a service digit."""

    digit: int
    name: str
    """A short name for programs, for example `electricity`."""
    name_en: str
    name_fa: str
    validity: Validity
    source: str

    def with_validity(self, validity: Validity) -> Self:
        """Return the same row with another validity."""
        return replace(self, validity=validity)


@dataclass(frozen=True, slots=True)
class Services:
    """One version of the table."""

    version: str
    services: tuple[Service, ...]

    def service(self, digit: int, day: date) -> Service | None:
        """Return what *digit* means on *day*, or None where nobody knows or sources differ."""
        return in_force((row for row in self.services if row.digit == digit), day)


def parse(text: str) -> Services:
    """Return the table that the TOML *text* holds, or raise `RulesError`."""
    return read(parse_toml(text))


def read(file: TableRow) -> Services:
    """Return the table that a parsed *file* holds, or raise `RulesError`."""
    version = file.text("version")
    services: list[Service] = []
    for row in file.rows("service"):
        digit = row.amount("digit")
        if digit > DIGIT_MAX:
            raise row.fault("digit", "services.digit", "a service digit is 0 to 9")
        services.append(
            Service(
                digit,
                row.text("name"),
                row.text("name_en"),
                row.text("name_fa"),
                row.validity(),
                row.text("source"),
            )
        )
        row.finish()
    file.finish()
    try:
        return Services(version, arranged(services, lambda service: service.digit))
    except Overlap as overlap:
        raise file.fault("service", "rules.overlap", str(overlap)) from None
