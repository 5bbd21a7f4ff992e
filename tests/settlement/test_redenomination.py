"""The new rial rehearsed: all balances converted, nothing made or lost, the old books untouched."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.core.ledger import Ledger
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    TRANSFER,
    AccountFlags,
    TransferFlags,
    u128_array,
    u128_list,
)
from payvand.settlement import redenomination
from payvand.settlement.redenomination import RESIDUAL_ACCOUNT, RIALS_PER_QERAN, rehearse, to_qeran
from tests.support.vectors import vectors

OLD, NEW = 364, 10_364
VECTORS = [vector for vector in vectors("currency") if "exact" in vector]
LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS

AMOUNTS = st.one_of(st.integers(1, 10**4), st.integers(1, 10**30))
MOVES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), AMOUNTS, st.booleans()), max_size=30
)


def books_of(moves: list[tuple[int, int, int, bool]], limits: list[int]) -> Ledger:
    """Return books in which money moved between six accounts, three of them limited."""
    books = Ledger()
    accounts = np.zeros(6, ACCOUNT)
    accounts["id"] = u128_array(range(17, 23))
    accounts["ledger"] = OLD
    accounts["code"] = [1, 1, 1, 2, 2, 3]
    accounts["flags"][:3] = LIMITED
    books.create_accounts(accounts, 1)
    limited = np.zeros(3, LIMIT)
    limited["account_id"] = u128_array(range(17, 20))
    limited["limit"] = u128_array(limits)
    books.set_limits(limited, 2)
    transfers = np.zeros(len(moves), TRANSFER)
    for place, (debit, credit, amount, pending) in enumerate(moves):
        transfers[place : place + 1]["id"] = u128_array([place + 1])
        transfers[place : place + 1]["debit_account_id"] = u128_array([17 + debit])
        transfers[place : place + 1]["credit_account_id"] = u128_array([17 + credit])
        transfers[place : place + 1]["amount"] = u128_array([amount])
        transfers["flags"][place] = TransferFlags.PENDING if pending else 0
    transfers["ledger"] = OLD
    transfers["code"] = 1
    books.create_transfers(transfers, 3)
    return books


def balances(books: Ledger, ids: range) -> list[int]:
    accounts = books.lookup_accounts(u128_array(ids))
    pairs = zip(
        u128_list(accounts["credits_posted"]), u128_list(accounts["debits_posted"]), strict=True
    )
    return [credits - debits for credits, debits in pairs]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["current_rial"]))
def test_the_reference_amounts_are_rounded_so(vector: dict[str, Any]) -> None:
    rials = vector["current_rial"]
    whole, minor = divmod(to_qeran(rials), 100)
    expected = vector["new_rial"] if vector["exact"] else vector["nearest_new_rial"]
    assert f"{whole}.{minor:02}" == expected
    residual = RIALS_PER_QERAN * to_qeran(rials) - rials
    assert residual == vector.get("residual_current_rial", 0)
    assert to_qeran(-rials) == -to_qeran(rials)


@given(MOVES, st.lists(AMOUNTS, min_size=3, max_size=3))
def test_every_balance_is_converted_and_the_residual_account_evens_out(
    moves: list[tuple[int, int, int, bool]], limits: list[int]
) -> None:
    books = books_of(moves, limits)
    before = books.digest()
    found = rehearse(books, old=OLD, new=NEW)
    # A reservation's rounding may take more than the room that was left; all else always holds.
    assert [proof.name for proof in found.proofs if not proof.holds] in (
        [],
        ["reservations_converted"],
    )
    ids = range(17, 23)
    old, new = balances(books, ids), balances(found.copy, ids)
    for one, other in zip(old, new, strict=True):
        assert abs(100 * other - one) <= 50
    (residual,) = balances(found.copy, range(RESIDUAL_ACCOUNT, RESIDUAL_ACCOUNT + 1))
    assert sum(new) + residual == 0
    assert residual == found.residual_account_qeran
    assert found.residual_rials == -100 * residual
    assert books.digest() == before


def test_reservations_are_made_again_and_the_least_are_left_out() -> None:
    books = books_of([(5, 0, 10_000, False), (0, 3, 49, True), (0, 3, 1_250, True)], [0, 0, 0])
    found = rehearse(books, old=OLD, new=NEW)
    assert found.holds
    assert (found.reservations, found.reservations_left_out) == (2, 1)
    account = found.copy.lookup_accounts(u128_array([17]))
    assert u128_list(account["debits_pending"]) == [13]


def test_whoever_is_at_the_limit_stays_within_it() -> None:
    books = books_of([(0, 3, 150, False), (1, 3, 149, False), (2, 3, 1, False)], [150, 149, 1])
    found = rehearse(books, old=OLD, new=NEW)
    assert found.holds
    assert balances(found.copy, range(17, 20)) == [-2, -1, 0]


@pytest.mark.parametrize(
    ("wrong", "proofs"),
    [
        (lambda rials: rials // 100, {"residuals_bounded"}),
        (lambda rials: to_qeran(rials) + (rials == 12_345), {"residuals_bounded"}),
        (lambda rials: 0, {"residuals_bounded"}),
    ],
)
def test_a_conversion_that_takes_from_accounts_fails_its_proofs(
    wrong: Any, proofs: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    books = books_of([(5, 3, 12_345, False), (5, 4, 199, False)], [0, 0, 0])
    monkeypatch.setattr(redenomination, "to_qeran", wrong)
    found = rehearse(books, old=OLD, new=NEW)
    assert {proof.name for proof in found.proofs if not proof.holds} == proofs


def test_books_that_lost_money_fail_the_proofs() -> None:
    books = books_of([(5, 3, 12_345, False)], [0, 0, 0])
    books._set_balances(20, 0, 0, 0, 12_300)
    found = rehearse(books, old=OLD, new=NEW)
    failed = {proof.name for proof in found.proofs if not proof.holds}
    assert {"source_balances", "nothing_made_or_lost"} <= failed
