"""A bank's file as it was read: its rows in columns, what was set aside, what it says of itself."""

from array import array
from dataclasses import dataclass, field
from typing import Self

from payvand.settlement.errors import SettlementFault

__all__ = [
    "AMOUNT_MAX",
    "IDENTITY_DIGITS",
    "BankFile",
    "BankRows",
    "FileRefused",
    "SetAside",
    "compact",
    "identity_of",
]

AMOUNT_MAX = (1 << 63) - 1
"""The greatest amount of a row, in minor units."""

IDENTITY_DIGITS = 32
"""How many hexadecimal digits a payment's id has."""


class FileRefused(SettlementFault):
    """A bank's file can't be read at all."""


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that couldn't be taken; the rest of the file was."""

    number: int
    rule: str
    """The broken rule: `row.columns`, `amount.…`, `side.unknown`, `day.format`."""
    text: str
    """The row as it stands in the file, at most 500 characters."""


@dataclass(slots=True)
class BankRows:
    """Rows in columns: a million of them take a few dozen megabytes."""

    numbers: "array[int]" = field(default_factory=lambda: array("q"))
    """The line in the file, or the count of the entry, from 1."""
    amounts: "array[int]" = field(default_factory=lambda: array("q"))
    """In minor units; negative where money left the participant."""
    days: "array[int]" = field(default_factory=lambda: array("q"))
    """Days since 1970-01-01."""
    references: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.references)

    def add(self, number: int, amount: int, day: int, reference: str) -> None:
        """Add a row."""
        self.numbers.append(number)
        self.amounts.append(amount)
        self.days.append(day)
        self.references.append(reference)

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, str]]) -> Self:
        """Return rows given one by one."""
        made = cls()
        for row in rows:
            made.add(*row)
        return made


@dataclass(frozen=True, slots=True)
class BankFile:
    """All that a file came to."""

    sha256: bytes
    encoding: str
    """As which its text was read; empty for XML, which says so itself."""
    rows: BankRows
    set_aside: tuple[SetAside, ...]
    declared_count: int | None
    """How many rows it says it has; None where it says nothing."""
    declared_sum: int | None
    """What its amounts add up to by its own word, without their sides."""
    truncated: bool = False
    """It ends in the midst of something."""

    @property
    def control_faults(self) -> list[str]:
        """Return how the file contradicts what it says of itself."""
        faults = []
        count = len(self.rows) + len(self.set_aside)
        total = sum(map(abs, self.rows.amounts))
        if self.declared_count is not None and self.declared_count != count:
            faults.append(f"{self.declared_count} rows declared, {count} there")
        if self.declared_sum is not None and self.declared_sum != total and not self.set_aside:
            faults.append(f"a sum of {self.declared_sum} declared, {total} there")
        if self.truncated:
            faults.append("the file ends in the midst of it")
        return faults


def identity_of(reference: str) -> int:
    """Return the payment's id that a reference is, or 0 where it is something else."""
    digits = reference if len(reference) == IDENTITY_DIGITS else compact(reference)
    if len(digits) != IDENTITY_DIGITS:
        return 0
    try:
        return int(digits, 16)
    except ValueError:
        return 0


def compact(reference: str) -> str:
    """Leave out what people put between digits."""
    return "".join(reference.replace("-", "").split())
