"""Netting conserves money and never breaks a limit, whatever the traffic was."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.core.ledger import Ledger
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    TRANSFER,
    AccountFlags,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
)
from payvand.core.statuses import TransferStatus
from payvand.settlement.closing import read_standing
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import (
    Netting,
    Posted,
    is_position,
    net_window,
    participant_of,
    position_account,
    settlement_account,
    settlement_transfer_id,
)
from tests.support.traffic import ANSWER, records_of

CENTRAL_BANK = 1
UNIT = 364
numbers = st.integers(1, 4)
amounts = st.integers(1, 100)


@dataclass
class SmallBank:
    """A ledger with four banks, driven directly."""

    ledger: Ledger = field(default_factory=Ledger)
    serial: int = 0
    last: dict[int, Posted] = field(default_factory=dict)
    window: int = 1

    def open(self, caps: dict[int, int], funds: dict[int, int]) -> None:
        limited = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
        rows = [{"id": CENTRAL_BANK, "ledger": UNIT, "code": 3}]
        for number in caps:
            for account in (position_account(number), settlement_account(number)):
                rows.append({"id": account, "ledger": UNIT, "code": 1, "flags": limited})
        self.ledger.create_accounts(records_of(ACCOUNT, rows), 0)
        limits = [{"account_id": position_account(n), "limit": cap} for n, cap in caps.items()]
        self.ledger.set_limits(records_of(LIMIT, limits), 0)
        for number, amount in funds.items():
            self.move(CENTRAL_BANK, settlement_account(number), amount)

    def move(self, debit: int, credit: int, amount: int, **others: int) -> int:
        self.serial += 1
        row = {"id": self.serial, "debit_account_id": debit, "credit_account_id": credit}
        row |= {"amount": amount, "ledger": UNIT, "code": 1, **others}
        (result,) = self.ledger.create_transfers(records_of(TRANSFER, [row]), 0)
        return int(result["status"])

    def pay(self, debtor: int, creditor: int, amount: int, way: str) -> None:
        pending = int(TransferFlags.PENDING) if way != "single" else 0
        debit, credit = position_account(debtor), position_account(creditor)
        status = self.move(debit, credit, amount, flags=pending)
        if status == TransferStatus.CREATED and way in ("post", "void"):
            flag = "POST" if way == "post" else "VOID"
            self.move(
                *(debit, credit, amount),
                id=self.serial | ANSWER,
                pending_id=self.serial,
                flags=int(TransferFlags[f"{flag}_PENDING_TRANSFER"]),
            )

    def net(self) -> Netting:
        accounts, limits = read_standing(self.ledger, range(1, 5))
        return net_window(self.window, accounts=accounts, limits=limits, last=self.last)

    def close(self) -> Netting:
        netting = self.net()
        if not netting.shortfalls:
            chain = netting.transfers()
            results = self.ledger.create_transfers(chain, 0)
            assert (results["status"] == TransferStatus.CREATED).all()
            self.last, self.window = dict(netting.posted), self.window + 1
        return netting

    def balances(self) -> dict[int, int]:
        accounts, _ = read_standing(self.ledger, range(1, 5))
        columns = (u128_list(accounts[name]) for name in ("id", "credits_posted", "debits_posted"))
        return {
            account: credits - debits for account, credits, debits in zip(*columns, strict=True)
        }


payments = st.tuples(
    numbers, numbers, amounts, st.sampled_from(["single", "single", "post", "void", "reserve"])
).filter(lambda payment: payment[0] != payment[1])
days = st.lists(st.lists(payments, max_size=25), min_size=1, max_size=4)
money = st.fixed_dictionaries({number: st.integers(0, 300) for number in range(1, 5)})


def closings(
    caps: dict[int, int], funds: dict[int, int], traffic: list[list[tuple[int, int, int, str]]]
) -> Iterator[tuple[SmallBank, dict[int, int], Netting]]:
    """Yield the bank, the balances before, and the netting of each window of a day."""
    bank = SmallBank()
    bank.open(caps, funds)
    for window in traffic:
        for payment in window:
            bank.pay(*payment)
        before = bank.balances()
        yield bank, before, bank.close()


@given(money, money, days)
def test_a_closing_brings_each_position_to_what_is_carried(
    caps: dict[int, int],
    funds: dict[int, int],
    traffic: list[list[tuple[int, int, int, str]]],
) -> None:
    for bank, before, netting in closings(caps, funds, traffic):
        after = bank.balances()
        if netting.shortfalls:
            assert after == before
            continue
        for position in netting.positions:
            inside, outside = (
                position_account(position.participant),
                settlement_account(position.participant),
            )
            assert before[inside] == position.opening + position.net
            assert after[inside] == position.carried
            assert after[outside] == before[outside] + position.settled


@given(money, money, days)
def test_a_closing_conserves_money(
    caps: dict[int, int],
    funds: dict[int, int],
    traffic: list[list[tuple[int, int, int, str]]],
) -> None:
    for bank, before, netting in closings(caps, funds, traffic):
        assert sum(position.net for position in netting.positions) == 0
        after = bank.balances()
        assert sum(after.values()) == sum(before.values()) == sum(funds.values())
        # What is carried is owed to creditors, so all settlement accounts hold at most the funds.
        held = sum(balance for account, balance in after.items() if not is_position(account))
        assert held <= sum(funds.values())


@given(money, money, days)
def test_only_creditors_with_reservations_carry(
    caps: dict[int, int],
    funds: dict[int, int],
    traffic: list[list[tuple[int, int, int, str]]],
) -> None:
    for bank, _, netting in closings(caps, funds, traffic):
        if netting.shortfalls:
            continue
        accounts, _ = read_standing(bank.ledger, range(1, 5))
        pending = dict(
            zip(u128_list(accounts["id"]), u128_list(accounts["debits_pending"]), strict=True)
        )
        for position in netting.positions:
            assert 0 <= position.carried <= pending[position_account(position.participant)]


@given(money, money, days)
def test_a_shortfall_names_exactly_the_debtors_that_cannot_pay(
    caps: dict[int, int],
    funds: dict[int, int],
    traffic: list[list[tuple[int, int, int, str]]],
) -> None:
    for _, before, netting in closings(caps, funds, traffic):
        owing = {
            position.participant: -(position.opening + position.net)
            for position in netting.positions
            if position.opening + position.net < 0
        }
        held = {number: before[settlement_account(number)] for number in owing}
        assert {s.participant: (s.owes, s.available) for s in netting.shortfalls} == {
            number: (owes, held[number]) for number, owes in owing.items() if held[number] < owes
        }


@given(money, money, days)
def test_netting_again_gives_the_same_note_and_transfers(
    caps: dict[int, int],
    funds: dict[int, int],
    traffic: list[list[tuple[int, int, int, str]]],
) -> None:
    bank = SmallBank()
    bank.open(caps, funds)
    for payment in traffic[0]:
        bank.pay(*payment)
    first, second = bank.net(), bank.net()
    assert first.note() == second.note()
    if not first.shortfalls:
        assert first.transfers().tobytes() == second.transfers().tobytes()


def test_a_window_without_payments_settles_nothing() -> None:
    bank = SmallBank()
    bank.open({1: 5, 2: 5, 3: 5, 4: 5}, {1: 9})
    netting = bank.close()
    assert not len(netting.transfers())
    assert [position.participant for position in netting.positions] == [1, 2, 3, 4]


def test_a_position_moved_from_outside_is_told() -> None:
    bank = SmallBank()
    bank.open({1: 5, 2: 5, 3: 5, 4: 5}, {1: 9})
    bank.move(CENTRAL_BANK, position_account(2), 7)
    with pytest.raises(WindowFault, match=r"add up to \{364: 7\} instead"):
        bank.net()


def test_amounts_beyond_64_bits_are_settled_exactly() -> None:
    bank = SmallBank()
    huge = 2**100 + 1
    bank.open({1: huge, 2: 0, 3: 0, 4: 0}, {1: huge})
    bank.pay(1, 2, huge, "single")
    netting = bank.close()
    assert netting.positions[0].settled == -huge
    assert bank.balances()[settlement_account(2)] == huge


@given(st.integers(1, 2**40), st.integers(1, 2**40))
def test_ids_of_settlement_transfers_are_the_switchs_own_and_differ(
    window: int, number: int
) -> None:
    ids = {
        settlement_transfer_id(w, n, attempt)
        for w in (window, window + 1)
        for n in (number, number + 1)
        for attempt in (0, 1)
    }
    assert len(ids) == 8
    assert all(identity >> 127 for identity in ids)


@given(st.integers(1, 2**60))
def test_accounts_lead_back_to_their_participant(number: int) -> None:
    assert participant_of(position_account(number)) == number
    assert participant_of(settlement_account(number)) == number
    assert is_position(position_account(number))
    assert not is_position(settlement_account(number))


def test_the_chain_is_linked_up_to_its_last_transfer() -> None:
    bank = SmallBank()
    bank.open({n: 50 for n in range(1, 5)}, {n: 50 for n in range(1, 5)})
    bank.pay(1, 2, 10, "single")
    bank.pay(3, 2, 10, "single")
    chain: Records = bank.net().transfers()
    assert chain["flags"].tolist() == [TransferFlags.LINKED, TransferFlags.LINKED, 0]
    assert not np.any(bank.ledger.states(u128_array(u128_list(chain["id"])))["state"])
