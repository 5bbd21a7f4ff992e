"""What is measured about the collection of fees."""

from payvand.bench.assessing import assess
from payvand.bench.workbench import Subject

__all__ = ["FEES"]

FEES = Subject(
    "fees",
    "Measure what it takes to collect fees.",
    {"assess": assess},
)
"""By the names of their results: `assess` is fees a second."""
