"""What an assessment says: lines that sum to its total, each with what it follows from."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

__all__ = ["Assessment", "AssessmentError", "Line", "LineKind"]


class AssessmentError(ValueError):
    """What was asked can't be assessed; the asker has to change it.

    `field` is its path (`facts.pages`, `service`), `rule` the stable id of the broken rule, `hint`
    what to do. The rules: `service.unknown`, `service.not_charged`, `facts.unknown`,
    `facts.missing`, `facts.type`, `facts.choice`, `facts.range`, `facts.nothing_charged`,
    `amount.range`, `fee.unknown`, `share_tree.unknown`, `share_tree.not_in_force`.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


class LineKind(StrEnum):
    """What a line is for."""

    FEE = "fee"
    VALUE_ADDED_TAX = "value_added_tax"
    """Of the fee before it, whose code it carries."""
    PENALTY = "penalty"
    INTEREST = "interest"
    REBATE = "rebate"
    """Taken off what is owed; all others come on top."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line; amounts are whole rial."""

    kind: LineKind
    fee: str
    """The code of the fee that it is, or that it comes on top of."""
    cause: str
    """The code of the penalty, interest or rebate; empty elsewhere."""
    gross: int
    """Before the reduction."""
    reduction: int
    reduced_by: str
    """The code of the reduction; empty where none holds."""
    amount: int
    """What is to be paid: gross without reduction."""
    share_tree: str
    """By whose shares it is divided."""
    legal_basis: str
    reasons: tuple[str, ...] = ()
    """How the amount came, step by step; only where it was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a case costs, by one version of a schedule on one day."""

    agency: str
    service: str
    number: int
    """Of the schedule's version; 0 of a file that no switch has taken in."""
    digest: str
    """SHA-256 of the schedule's text, in hexadecimal."""
    day: date
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """What all lines come to."""
        return sum(line.amount for line in self.lines)
