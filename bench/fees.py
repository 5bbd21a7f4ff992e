"""What is measured about the collection of fees."""

from payvand.bench.assessing import assess
from payvand.bench.fee_bills import inquire, issue_bulk, pay_split
from payvand.bench.workbench import Subject

__all__ = ["FEES"]

FEES = Subject(
    "fees",
    "Measure what it takes to collect fees.",
    {"assess": assess, "issue_bulk": issue_bulk, "inquire": inquire, "pay_split": pay_split},
    long=frozenset({"inquire"}),
)
"""By the names of their results: `assess` is fees a second, `issue_bulk` bills issued a second in
one bulk call, `inquire` the slower 99th percentile of inquiries by number and by payer, `pay_split`
payments a second with four beneficiaries each."""
