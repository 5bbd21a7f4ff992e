"""How an amount is divided among those whom a share tree names, to the rial.

Each node divides what reaches it by the largest remainder: everyone gets the whole rial of its
part, and the rial left over go one each to the greatest remainders, of equal ones to the first.
Level by level, so that a law's sixty percent are sixty percent whatever they are divided into then.

A tree has conditions and dates. `resolve` decides them for a case, once; what is left are parts,
along which amounts are divided, one or many.
"""

from datetime import date
from math import gcd

import numpy as np
import numpy.typing as npt

from payvand.switch.fees.assessment.dividing import BRANCH, NODE, Divider
from payvand.switch.fees.assessment.facts import Facts, known_facts, service_of
from payvand.switch.fees.assessment.lines import AssessmentError
from payvand.switch.fees.catalogue.schedule import Beneficiary, Schedule, Share
from payvand.switch.rules.solar_hijri import solar_text
from payvand.switch.rules.validity import in_force

__all__ = ["Shares", "resolve"]


class Shares:
    """A share tree each of whose cases is decided; immutable."""

    beneficiaries: tuple[Beneficiary, ...]
    """Of the parts, in their order; one may stand there more than once."""

    def __init__(self, beneficiaries: tuple[Beneficiary, ...], divider: Divider) -> None:
        """Use `resolve`."""
        self.beneficiaries = beneficiaries
        self._divider = divider

    def divide(self, amount: int) -> tuple[int, ...]:
        """Return the part of each of `beneficiaries`; their sum is *amount*."""
        return self._divider.divide(amount)

    def divide_many(self, amounts: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the parts of each of *amounts*, uint64[amounts, beneficiaries]."""
        return self._divider.divide_many(amounts)


def resolve(schedule: Schedule, service: str, tree: str, facts: Facts, *, day: date) -> Shares:
    """Return how *tree* divides what is paid on *day* for a case.

    Args:
        schedule: in force on that day.
        service: whose case it is; a code of the schedule.
        tree: a code of the schedule.
        facts: of the case.
        day: by Tehran's clock; the tree's row in force then counts.

    Raises `AssessmentError` where there is no such service, tree or row, or a fact is wrong.
    """
    known = known_facts(schedule, service_of(schedule, service), facts)
    rows = schedule.share_trees.get(tree)
    if rows is None:
        hint = f"{schedule.agency} has the trees {', '.join(schedule.share_trees)}"
        raise AssessmentError("share_tree", "share_tree.unknown", hint)
    row = in_force(rows, day)
    if row is None:
        hint = f"{tree} has no row on {solar_text(day)}"
        raise AssessmentError("share_tree", "share_tree.not_in_force", hint)
    flat = _Flat(known)
    flat.add(_decided(row.root, known))
    beneficiaries = tuple(schedule.beneficiaries[code] for code in flat.leaves)
    nodes, branches = np.array(flat.nodes, NODE), np.array(flat.branches, BRANCH)
    return Shares(beneficiaries, Divider(nodes, branches, len(flat.leaves)))


def _decided(share: Share, facts: Facts) -> Share:
    """Return the node that gets all of *share*: itself, or where its cases lead."""
    while share.has_cases:
        share = next(case for case in share.shares if case.condition.holds(facts))
    return share


class _Flat:
    """A tree as the arrays of a `Divider`."""

    def __init__(self, facts: Facts) -> None:
        self.nodes: list[tuple[int, int, int]] = []
        self.branches: list[tuple[int, int, int]] = []
        self.leaves: list[str] = []
        self._facts = facts

    def add(self, share: Share) -> int:
        """Add a node with all below it, and return its place."""
        place = len(self.nodes)
        self.nodes.append((0, 0, 0))
        below = share.shares or (share,)  # All goes to one: a node with a single branch.
        parts = [one.parts or 1 for one in below]
        divisor = gcd(*parts)
        first = len(self.branches)
        self.branches += [(0, 0, 0)] * len(below)
        for index, one in enumerate(below):
            target = _decided(one, self._facts)
            if target.beneficiary:
                self.leaves.append(target.beneficiary)
                end, is_node = len(self.leaves) - 1, 0
            else:
                end, is_node = self.add(target), 1
            self.branches[first + index] = (parts[index] // divisor, end, is_node)
        self.nodes[place] = (first, first + len(below), sum(parts) // divisor)
        return place
