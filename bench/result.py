"""What a run of a benchmark says: results, each beside its peer or limit, and proofs.

A figure alone says as much about the machine as about the program. So every result carries a
reference that was measured beside it in the same run, and their ratio is what counts.
"""

from dataclasses import dataclass, field
from typing import Any

from payvand.bench.machine import Machine

__all__ = ["Report", "Result"]


@dataclass(frozen=True, slots=True)
class Result:
    """One figure, and what was measured beside it."""

    name: str
    value: float
    unit: str
    reference: str
    """What was measured beside it: a limit of the machine, or a peer doing the same."""
    reference_value: float
    """In the same unit."""
    detail: dict[str, Any] = field(default_factory=dict)
    """How it was measured: sizes, the generator's share, percentiles."""

    @property
    def ratio(self) -> float:
        """The value in units of the reference."""
        return self.value / self.reference_value

    def as_json(self) -> dict[str, Any]:
        """Return the figures for a script; three or more digits of each are kept."""
        return {
            "name": self.name,
            "value": _rounded(self.value),
            "unit": self.unit,
            "reference": self.reference,
            "reference_value": _rounded(self.reference_value),
            "ratio": _rounded(self.ratio),
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that one run found."""

    subject: str
    machine: Machine
    quick: bool
    """Whether it took seconds: then figures show that it works, and little else."""
    results: list[Result]
    proofs: dict[str, bool]
    """Whether the books proved right after each run."""

    @property
    def proved(self) -> bool:
        """Whether every proof holds; figures without it are worth nothing."""
        return all(self.proofs.values())

    def as_json(self) -> dict[str, Any]:
        """Return everything for a script."""
        return {
            "subject": self.subject,
            "quick": self.quick,
            "machine": self.machine.as_json(),
            "results": [result.as_json() for result in self.results],
            "proofs": self.proofs,
        }


def _rounded(figure: float) -> float:
    return round(figure) if abs(figure) >= 1000 else float(f"{figure:.4g}")
