"""What is measured about the country's conventions: identifiers by the array, and the directory."""

from payvand.bench.directory import directory
from payvand.bench.identifiers import identifiers
from payvand.bench.workbench import Subject

__all__ = ["DOMESTIC"]

DOMESTIC = Subject(
    "domestic",
    "Measure what the country's conventions cost in a payment's way.",
    {"identifiers": identifiers, "directory": directory},
)
