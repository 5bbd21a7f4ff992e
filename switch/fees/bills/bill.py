"""A bill: what somebody owes an agency, as it was issued.

A bill says what is owed and never what was paid: that is read from the ledger (see `standing`).
Amounts are in minor units of the agency's currency unit.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final

from payvand.switch.fees.bills.number import agency_of, bill_number

__all__ = [
    "AMOUNT_MAX",
    "LINES_MAX",
    "Bill",
    "BillLine",
    "BillRefused",
    "Instalment",
]

AMOUNT_MAX: Final = 10**18
"""Of a bill, so that a column of 63 bits holds it."""
LINES_MAX: Final = 64


class BillRefused(Exception):
    """A bill can't be issued, found or changed as asked; nothing was changed.

    `field` says what is wrong, `rule` is the stable id of the broken rule, `hint` what to do.
    """

    def __init__(self, field: str, rule: str, hint: str) -> None:
        super().__init__(f"{field}: {rule}: {hint}" if field else f"{rule}: {hint}")
        self.field = field
        self.rule = rule
        self.hint = hint


@dataclass(frozen=True, slots=True)
class BillLine:
    """One charge of a bill."""

    fee: str
    """The fee's code in the agency's schedule."""
    kind: str
    """fee, value_added_tax, penalty or interest."""
    amount: int
    share_tree: str
    """The code of the tree that says whose the money is."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of a bill that is due by itself."""

    amount: int
    due: date


@dataclass(frozen=True)
class Bill:
    """A bill as it was issued."""

    key: int
    service: str
    """The code of the agency's service."""
    reference: str
    """What the agency calls it; each of its bills has another."""
    payer: str
    """A national, legal or foreign person's id; empty where the bill is the bearer's."""
    subject_kind: str
    """plate, case, file, invoice, meter, or empty."""
    subject: str
    lines: tuple[BillLine, ...]
    due: date
    objection_until: date | None
    """The last day on which the payer may object; None where there is none."""
    allows_partial: bool
    instalments: tuple[Instalment, ...]
    """Empty where all is due at once; else they add up to the amount."""
    bill_id: int
    """Of the scheme of 1385; 0 for none."""
    payment_id: int
    treasury_id: str
    """Thirty digits of the treasury's own making; empty for none."""
    schedule_version: int
    """Of the fee schedule that it was made by."""
    facts: str
    """What it was assessed by, JSON; empty where the agency reckoned by itself."""
    issued_at: int
    """In nanoseconds since 1970."""

    @cached_property
    def amount(self) -> int:
        """What is asked."""
        return sum(line.amount for line in self.lines)

    @property
    def agency(self) -> int:
        """The number of the participant that issued it."""
        return agency_of(self.key)

    @property
    def number(self) -> str:
        """Thirty digits, by which anybody finds it."""
        return bill_number(self.key)
