"""No count of few payers can be told from a table, nor from the differences of its sums."""

from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.fees.openness.suppression import Cell, keep_back

LEAST = 5
leaves = st.builds(Cell, st.one_of(st.integers(0, 8), st.integers(0, 500)))


def _sum_of(cells: list[Cell]) -> Cell:
    return Cell(sum(cell.count for cell in cells), cells)


tables = st.recursive(leaves, lambda inner: st.builds(_sum_of, st.lists(inner, max_size=5)))


def _all(cell: Cell) -> list[Cell]:
    return [cell, *(inner for one in cell.cells for inner in _all(one))]


@given(tables)
def test_what_is_told_and_every_difference_counts_none_or_enough(table: Cell) -> None:
    keep_back(table, LEAST)
    for cell in _all(table):
        if cell.is_kept_back:
            assert all(one.is_kept_back for one in _all(cell))
            continue
        assert cell.count == 0 or cell.count >= LEAST
        hidden = [one for one in cell.cells if one.is_kept_back]
        assert not hidden or len(hidden) > 1
        assert not hidden or sum(one.count for one in hidden) >= LEAST


@given(st.lists(st.integers(LEAST, 500), max_size=6))
def test_nothing_is_kept_back_where_nothing_is_small(counts: list[int]) -> None:
    table = _sum_of([Cell(count) for count in counts])
    keep_back(table, LEAST)
    assert not any(cell.is_kept_back for cell in _all(table))


def test_a_small_cell_takes_the_smallest_other_with_it() -> None:
    table = _sum_of([Cell(2), Cell(900), Cell(40), Cell(0)])
    keep_back(table, LEAST)
    assert [cell.is_kept_back for cell in table.cells] == [True, False, True, False]


def test_where_all_are_too_few_their_sum_is_kept_back() -> None:
    few = _sum_of([Cell(2), Cell(2)])
    table = _sum_of([few, Cell(50), Cell(60)])
    keep_back(table, LEAST)
    assert [cell.is_kept_back for cell in table.cells] == [True, True, False]
    assert not table.is_kept_back
