"""Which figures of a table are kept back, so that no few payers can be told from it.

A cell that counts fewer than a least number, and not none, is kept back. That alone hides nothing
where its neighbours and their sum are told: the difference is the cell. So among the cells below a
sum that is told, either none is kept back, or at least two that together count the least number
and more; where too few are small, the smallest of the others is kept back with them. Where even all
of them don't suffice, the sum is kept back too, and is a small cell among its own neighbours. What
is below a cell that is kept back is kept back.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Cell", "keep_back"]


@dataclass(slots=True)
class Cell:
    """A count, and the cells that it is the sum of."""

    count: int
    cells: Sequence["Cell"] = ()
    is_kept_back: bool = field(default=False)

    def hide(self) -> None:
        """Keep it back with all below it."""
        self.is_kept_back = True
        for cell in self.cells:
            cell.hide()


def keep_back(cell: Cell, least: int) -> None:
    """Mark what is kept back of *cell*, which is told for itself, and of all below it."""
    _mark(cell, least)
    if 0 < cell.count < least:
        cell.hide()


def _mark(cell: Cell, least: int) -> None:
    for one in cell.cells:
        _mark(one, least)
        if 0 < one.count < least:
            one.hide()
    hidden = [one for one in cell.cells if one.is_kept_back]
    left = sorted(
        (one for one in cell.cells if not one.is_kept_back and one.count),
        key=lambda one: one.count,
    )
    while hidden and not _is_enough(hidden, least):
        if not left:
            cell.hide()
            return
        left[0].hide()
        hidden.append(left.pop(0))


def _is_enough(hidden: Sequence[Cell], least: int) -> bool:
    return len(hidden) > 1 and sum(one.count for one in hidden) >= least
