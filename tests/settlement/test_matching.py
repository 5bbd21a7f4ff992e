"""Every fault in a bank's rows is found and classified once, and none is invented."""

from random import Random

import hypothesis.strategies as st
import pytest
from hypothesis import given

from payvand.settlement.reconciliation.bank_file import BankRows, identity_of
from payvand.settlement.reconciliation.matching import Kind, Postings, Rule, match
from tests.support.bank_files import FAULTS, Row, SpoiledFile, columns_of, draw_postings, found_in

faults = st.lists(st.sampled_from(sorted(FAULTS)), max_size=14)


@given(st.integers(0, 2**32), st.integers(0, 80), faults)
def test_every_injected_fault_is_found_once_and_none_is_invented(
    seed: int, count: int, names: list[str]
) -> None:
    random = Random(seed)
    file = SpoiledFile(draw_postings(random, count), random).spoil(names)
    matching = match(file.postings, columns_of(file.rows))
    assert found_in(matching, file.postings) == file.expected


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_each_fault_alone_is_its_kind(name: str) -> None:
    random = Random(5)
    file = SpoiledFile(draw_postings(random, 60), random).spoil([name] * 5)
    matching = match(file.postings, columns_of(file.rows))
    assert found_in(matching, file.postings) == file.expected
    assert file.expected.total() >= 5


@given(st.integers(0, 2**32), st.integers(0, 60), faults)
def test_every_row_and_every_payment_is_matched_or_in_a_break(
    seed: int, count: int, names: list[str]
) -> None:
    random = Random(seed)
    file = SpoiledFile(draw_postings(random, count), random).spoil(names)
    matching = match(file.postings, columns_of(file.rows))
    exact = [row for row, rule in enumerate(matching.rule_of) if rule is Rule.EXACT]
    rows = [row for each in matching.breaks for row in each.rows]
    assert sorted(exact + rows) == list(range(len(file.rows)))
    broken = {
        payment
        for each in matching.breaks
        if each.kind is not Kind.DUPLICATE_AT_BANK
        for payment in each.payments
    }
    agreed = {matching.payment_of[row] for row in exact}
    assert agreed | broken == set(range(count))
    assert not agreed & broken
    assert matching.counts.total() == sum(rule is not Rule.NONE for rule in matching.rule_of)


@given(st.integers(0, 2**32), faults)
def test_the_order_of_the_postings_changes_nothing(seed: int, names: list[str]) -> None:
    random = Random(seed)
    file = SpoiledFile(draw_postings(random, 40), random).spoil(names)
    order = list(range(40))
    random.shuffle(order)
    ours = file.postings
    turned = Postings(
        *([column[at] for at in order] for column in (ours.ids, ours.amounts, ours.days))
    )
    rows = columns_of(file.rows)
    assert found_in(match(ours, rows), ours) == found_in(match(turned, rows), turned)


@pytest.mark.parametrize("wrong", ["references", "amounts", "nothing fits", "all alike"])
@pytest.mark.timeout(30)
def test_a_file_that_is_wrong_from_end_to_end_is_read_in_time(wrong: str) -> None:
    random = Random(9)
    postings = draw_postings(random, 30_000)
    rows = SpoiledFile(postings, random).rows
    if wrong == "references":
        rows = [Row(f"bank-{n}", row.amount, row.day) for n, row in enumerate(rows)]
    elif wrong == "amounts":
        rows = [Row(row.reference, row.amount * 10, row.day) for row in rows[:20_000]]
    elif wrong == "nothing fits":
        rows = [Row(f"bank-{n}", row.amount * 10, row.day) for n, row in enumerate(rows)]
    else:
        postings.amounts[:] = [7] * 30_000
        rows = [Row("", 7, 20_400)] * 30_000
    matching = match(postings, columns_of(rows))
    told = {row for each in matching.breaks for row in each.rows}
    assert len(told) == len(rows)


def test_what_fits_two_payments_equally_is_left_to_people() -> None:
    postings = Postings([1 << 90, 2 << 90], [500, 500], [10, 10])
    rows = BankRows.of([(1, 500, 10, "")])
    kinds = [each.kind for each in match(postings, rows).breaks]
    assert kinds == [Kind.MISSING_AT_BANK, Kind.MISSING_AT_BANK, Kind.UNKNOWN_AT_SWITCH]


def test_a_row_that_claims_another_payment_is_not_matched_by_its_looks() -> None:
    postings = Postings([1 << 90], [500], [10])
    rows = BankRows.of([(1, 500, 10, f"{77 << 60:032x}")])
    kinds = [each.kind for each in match(postings, rows).breaks]
    assert kinds == [Kind.MISSING_AT_BANK, Kind.UNKNOWN_AT_SWITCH]


def test_a_row_that_fits_nothing_has_suggestions_the_best_first() -> None:
    postings = Postings([1 << 90, 2 << 90, 3 << 90], [-500, 510, 9_000], [10, 10, 10])
    rows = BankRows.of([(1, 505, 10, "?")])
    (unknown,) = [b for b in match(postings, rows).breaks if b.kind is Kind.UNKNOWN_AT_SWITCH]
    assert [payment for payment, _ in unknown.suggestions] == [1, 0]
    assert all(60 <= score <= 100 for _, score in unknown.suggestions)


def test_what_a_file_need_not_have_is_matched_and_not_missed() -> None:
    postings = Postings([1 << 90, 2 << 90], [500, -500], [10, 10], {1})
    payment = (1, 500, 10, f"{1 << 90:032x}")
    settlement = (2, -500, 10, f"{2 << 90:032x}")
    assert match(postings, BankRows.of([payment])).breaks == []
    assert match(postings, BankRows.of([payment, settlement])).breaks == []


def test_groups_stay_within_one_side() -> None:
    """A debit and a credit that happen to add up to a surplus aren't what a bank merges."""
    postings = Postings([1 << 90, 2 << 90, 3 << 90], [100, 70, -20], [10, 10, 10])
    rows = BankRows.of([(1, 150, 10, f"{1 << 90:032x}")])
    kinds = {each.kind for each in match(postings, rows).breaks}
    assert kinds == {Kind.AMOUNT_DIFFERS, Kind.MISSING_AT_BANK}


@pytest.mark.parametrize(
    ("reference", "identity"),
    [
        (f"{5 << 100:032x}", 5 << 100),
        ("00000000-0000-0000-0000-0000000000ff", 255),
        (" 0000 0000 0000 0000 0000 0000 0000 00ff", 255),
        ("ff", 0),
        ("", 0),
        ("g" * 32, 0),
    ],
)
def test_references_are_ids_in_all_ways_people_write_them(reference: str, identity: int) -> None:
    assert identity_of(reference) == identity
