"""Where an event breaks two rules it gets the status that stands first in the order of precedence.

Shown without an oracle: each fault is tried alone and then with every other. What both together get
must be the earlier of what each gets alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest

from payvand.core.records import AccountFlags as AF
from payvand.core.records import TransferFlags as TF
from payvand.core.statuses import AccountStatus, TransferStatus
from tests.support.ledger_records import Account, CompiledLedger, Transfer

U128_MAX = 2**128 - 1
SECOND = 1_000_000_000
# Accounts 1 and 2 are sound; 3, 4 and 9 in other ledgers; 5 and 6 closed; 7 and 8 have no room.
Changes = dict[str, int]

MOVEMENT = Transfer(90, 1, 2, 5, ledger=1, code=1)
MOVEMENT_FAULTS: list[Changes] = [
    {"timestamp": 1},
    {"flags": 1 << 9},
    {"id": 0},
    {"id": U128_MAX},
    {"id": 81},  # burnt
    {"debit_account_id": 0},
    {"debit_account_id": U128_MAX},
    {"debit_account_id": 99},
    {"debit_account_id": 3},
    {"debit_account_id": 5},
    {"debit_account_id": 7},
    {"credit_account_id": 0},
    {"credit_account_id": U128_MAX},
    {"credit_account_id": 98},
    {"credit_account_id": 9},
    {"credit_account_id": 6},
    {"credit_account_id": 8},
    {"debit_account_id": 1, "credit_account_id": 1},
    {"debit_account_id": 3, "credit_account_id": 4},
    {"pending_id": 70},
    {"timeout": 1},
    {"flags": TF.CLOSING_DEBIT},
    {"ledger": 0},
    {"ledger": 3},
    {"code": 0},
    {"amount": U128_MAX, "debit_account_id": 1, "credit_account_id": 2},
]
RESERVATION = replace(MOVEMENT, flags=int(TF.PENDING))
RESERVATION_FAULTS = [each for each in MOVEMENT_FAULTS if "flags" not in each]
RESERVATION_FAULTS += [{"flags": TF.PENDING | 1 << 9}]
END = Transfer(90, pending_id=70, amount=5, flags=int(TF.VOID_PENDING_TRANSFER))
END_FAULTS: list[Changes] = [
    {"timestamp": 1},
    {"flags": TF.VOID_PENDING_TRANSFER | 1 << 9},
    {"id": 0},
    {"id": U128_MAX},
    {"id": 81},
    {"flags": TF.POST_PENDING_TRANSFER | TF.VOID_PENDING_TRANSFER},
    {"flags": TF.VOID_PENDING_TRANSFER | TF.PENDING},
    {"flags": TF.VOID_PENDING_TRANSFER | TF.CLOSING_CREDIT},
    {"pending_id": 0},
    {"pending_id": U128_MAX},
    {"pending_id": 90},
    {"pending_id": 99},
    {"pending_id": 71},  # no reservation
    {"pending_id": 72},  # posted
    {"pending_id": 73},  # voided
    {"pending_id": 74},  # expired
    {"timeout": 1},
    {"debit_account_id": 2},
    {"credit_account_id": 1},
    {"ledger": 2},
    {"code": 2},
    {"amount": 6},
    {"amount": 4},
]
ACCOUNT = Account(90)
ACCOUNT_FAULTS: list[Changes] = [
    {"timestamp": 1},
    {"reserved": 1},
    {"flags": 1 << 6},
    {"id": 0},
    {"id": U128_MAX},
    {"flags": AF.DEBITS_MUST_NOT_EXCEED_CREDITS | AF.CREDITS_MUST_NOT_EXCEED_DEBITS},
    {"debits_pending": 1},
    {"debits_posted": 1},
    {"credits_pending": 1},
    {"credits_posted": 1},
    {"ledger": 0},
    {"code": 0},
]


def prepared() -> CompiledLedger:
    """Return books with something in every state that a fault refers to."""
    books = CompiledLedger()
    limits = {7: AF.DEBITS_MUST_NOT_EXCEED_CREDITS, 8: AF.CREDITS_MUST_NOT_EXCEED_DEBITS}
    closed = {5: AF.CLOSED, 6: AF.CLOSED}
    flags = limits | closed
    ledgers = {3: 2, 4: 2, 9: 3}
    accounts = [
        Account(id, ledger=ledgers.get(id, 1), flags=int(flags.get(id, 0))) for id in range(1, 10)
    ]
    assert {each.status for each in books.create_accounts(accounts, 1)} == {0xFFFF_FFFF}
    reservation = Transfer(70, 1, 2, 5, ledger=1, code=1, flags=int(TF.PENDING))
    events = [
        reservation,
        replace(reservation, id=71, flags=0),
        replace(reservation, id=72),
        replace(reservation, id=73),
        replace(reservation, id=74, timeout=1),
        Transfer(75, pending_id=72, amount=5, flags=int(TF.POST_PENDING_TRANSFER)),
        Transfer(76, pending_id=73, flags=int(TF.VOID_PENDING_TRANSFER)),
        replace(reservation, id=81, debit_account_id=99),
    ]
    *sound, burnt = books.create_transfers(events, 2)
    assert {each.status for each in sound} == {0xFFFF_FFFF}
    assert burnt.status == TransferStatus.DEBIT_ACCOUNT_NOT_FOUND
    return books


def transfer_status(event: Transfer) -> TransferStatus:
    """Return what a transfer gets in books of its own."""
    return TransferStatus(prepared().create_transfers([event], 2 * SECOND)[0].status)


def pairs(faults: list[Changes]) -> Iterator[tuple[Changes, Changes]]:
    """Iterate over pairs of faults in different fields."""
    return ((one, two) for one, two in combinations(faults, 2) if not one.keys() & two.keys())


@pytest.mark.parametrize(
    ("sound", "faults"),
    [(MOVEMENT, MOVEMENT_FAULTS), (RESERVATION, RESERVATION_FAULTS), (END, END_FAULTS)],
    ids=["movement", "reservation", "end"],
)
def test_of_two_faults_of_a_transfer_the_earlier_is_named(
    sound: Transfer, faults: list[Changes]
) -> None:
    order = list(TransferStatus)
    created = TransferStatus.CREATED
    assert transfer_status(sound) == created
    tried = 0
    for one, two in pairs(faults):
        alone = [transfer_status(replace(sound, **each)) for each in (one, two)]
        wrong = [status for status in alone if status != created]
        if not wrong:
            continue
        tried += 1
        expected = min(wrong, key=order.index)
        assert transfer_status(replace(sound, **one, **two)) == expected, (one, two, alone)
    assert tried > 100


def test_of_two_faults_of_an_account_the_earlier_is_named() -> None:
    def status(event: Account) -> AccountStatus:
        return AccountStatus(prepared().create_accounts([event], 2 * SECOND)[0].status)

    order = list(AccountStatus)
    for one, two in pairs(ACCOUNT_FAULTS):
        alone = [status(replace(ACCOUNT, **each)) for each in (one, two)]
        assert AccountStatus.CREATED not in alone
        expected = min(alone, key=order.index)
        assert status(replace(ACCOUNT, **one, **two)) == expected, (one, two, alone)
