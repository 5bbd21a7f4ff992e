"""Accounts and transfers one at a time: what they hold and what they refuse."""

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.core import (
    ACCOUNT,
    TRANSFER,
    Account,
    AccountFilter,
    AccountFlags,
    AccountStatus,
    Ledger,
    QueryFilter,
    Transfer,
    TransferFlags,
    TransferStatus,
    u128_array,
)

u128 = st.integers(0, 2**128 - 1)
u64, u32, u16 = st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)

transfers = st.builds(
    Transfer,
    **dict.fromkeys(
        ("id", "debit_account_id", "credit_account_id", "amount", "pending_id", "user_data_128"),
        u128,
    ),
    **dict.fromkeys(("user_data_64", "timestamp"), u64),
    **dict.fromkeys(("user_data_32", "timeout", "ledger"), u32),
    code=u16,
    flags=st.integers(0, 511),
)


def opened() -> Ledger:
    """Return a ledger with the accounts 1 and 2."""
    ledger = Ledger()
    for id in (1, 2):
        ledger.create_account(Account(id=id, ledger=1, code=1), 1)
    return ledger


@given(transfers)
def test_a_value_is_its_record_and_back(transfer: Transfer) -> None:
    record = transfer.record()
    assert record.dtype == TRANSFER
    assert Transfer.of(record[0]) == transfer
    assert isinstance(transfer.flags, TransferFlags)


def test_one_transfer_is_a_batch_of_one() -> None:
    alone, together = opened(), opened()
    transfer = Transfer(
        id=7, debit_account_id=1, credit_account_id=2, amount=2**100, ledger=1, code=3
    )
    for expected in (TransferStatus.CREATED, TransferStatus.EXISTS):
        outcome = alone.create_transfer(transfer, 9)
        result = together.create_transfers(transfer.record(), 9)[0]
        assert outcome.status is expected
        assert outcome.status == result["status"]
        assert outcome.timestamp == result["timestamp"]
    assert alone.digest() == together.digest()
    made = alone.lookup_transfer(7)
    assert made is not None
    assert (made.amount, made.code, made.flags) == (2**100, 3, TransferFlags(0))
    account = alone.lookup_account(1)
    assert account is not None
    assert (account.debits_posted, account.flags) == (2**100, AccountFlags(0))
    assert alone.lookup_transfer(8) is alone.lookup_account(3) is None


def test_an_account_that_exists_is_told_from_a_new_one() -> None:
    ledger = opened()
    again = ledger.create_account(Account(id=1, ledger=1, code=2), 5)
    assert again.status is AccountStatus.EXISTS_WITH_DIFFERENT_CODE


@pytest.mark.parametrize(
    ("kind", "fields", "fault"),
    [
        (Transfer, {"id": -1}, "id=-1 must be from 0"),
        (Transfer, {"id": 1, "amount": 2**128}, "amount=.* must be from 0 to 2\\*\\*128 - 1"),
        (Transfer, {"id": 1, "timeout": 2**32}, "timeout"),
        (Transfer, {"id": 1, "flags": 512}, "flags=0x200 has bits that TransferFlags"),
        (Account, {"id": 1, "ledger": 1, "code": 2**16}, "code=65536"),
        (Account, {"id": 1, "ledger": 1, "code": 1, "flags": 64}, "flags=0x40 has bits"),
        (AccountFilter, {"account_id": 2**128}, "account_id"),
        (QueryFilter, {"limit": -1}, "limit=-1"),
    ],
)
def test_what_a_field_cannot_hold_raises_when_the_value_is_made(
    kind: Any, fields: dict[str, int], fault: str
) -> None:
    with pytest.raises(ValueError, match=f"^{fault}"):
        kind(**fields)


@pytest.mark.parametrize("wrong", [1.0, "1", None, True, np.uint64(1)])
def test_what_is_no_integer_raises_when_the_value_is_made(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^amount=.* must be an int"):
        Transfer(id=1, amount=wrong)
    with pytest.raises(TypeError, match=r"^code=.* must be an int"):
        QueryFilter(code=wrong)


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (lambda books: books.create_transfers(np.zeros(1, ACCOUNT), 1), TypeError),
        (lambda books: books.create_transfers(np.zeros((1, 1), TRANSFER), 1), TypeError),
        (lambda books: books.create_transfers([(1, 2)], 1), TypeError),
        (lambda books: books.create_transfers(np.zeros(8191, TRANSFER), 1), ValueError),
        (lambda books: books.create_transfers(np.zeros(1, TRANSFER), -1), ValueError),
        (lambda books: books.create_transfers(np.zeros(1, TRANSFER), 1 << 63), ValueError),
        (lambda books: books.create_transfers(np.zeros(1, TRANSFER), 1.5), (TypeError, ValueError)),
        (lambda books: books.create_transfer(Account(id=1, ledger=1, code=1), 1), TypeError),
        (lambda books: books.create_account(Transfer(id=1), 1), TypeError),
        (lambda books: books.lookup_accounts(np.zeros(1, "<u8")), TypeError),
        (lambda books: books.lookup_accounts(u128_array([-1])), ValueError),
        (lambda books: books.lookup_transfer(2**128), ValueError),
        (lambda books: books.aggregates(code=-1), ValueError),
    ],
)
def test_what_is_not_well_formed_touches_nothing(call: Any, fault: Any) -> None:
    ledger = opened()
    before = ledger.digest()
    with pytest.raises(fault):
        call(ledger)
    assert ledger.digest() == before


def test_records_with_gaps_between_them_are_taken_as_they_are() -> None:
    dense, sparse = opened(), opened()
    rows = np.concatenate(
        [
            Transfer(
                id=id, debit_account_id=1, credit_account_id=2, amount=id, ledger=1, code=1
            ).record()
            for id in range(1, 9)
        ]
    )
    dense.create_transfers(np.ascontiguousarray(rows[::2]), 5)
    sparse.create_transfers(rows[::2], 5)
    assert dense.digest() == sparse.digest()
