"""A proof: whether a law of the books holds, and what was seen.

A proof compares two things that were made apart from each other: the ledger in memory, the frames
of the journal, the rows of the database, the notes of closings. Its name is stable, for scripts;
where it doesn't hold, its detail names what is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SHOWN_MAX", "Proof", "verdict"]

SHOWN_MAX = 5
"""How many disagreements a proof names."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a law holds, and what was seen."""

    name: str
    """The law, in snake_case."""
    holds: bool
    detail: str
    """What was looked at where the law holds, else what is wrong."""


def verdict(name: str, wrong: Sequence[str], seen: str, *, wrong_total: int = 0) -> Proof:
    """Return a proof: *seen* where nothing is wrong, else what is.

    Give *wrong_total* where there was more than the list holds.
    """
    if not wrong:
        return Proof(name, True, seen)
    more = max(len(wrong), wrong_total) - SHOWN_MAX
    return Proof(name, False, "; ".join(wrong[:SHOWN_MAX]) + (f" and {more} more" * (more > 0)))
