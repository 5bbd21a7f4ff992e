"""Tariffs: exact to the last unit, the same in the table, in the chains and in fractions."""

import math
from dataclasses import replace
from datetime import date
from fractions import Fraction

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.core.records import TRANSFER, TransferFlags, u128_list
from payvand.settlement.netting import charge_account, position_account
from payvand.switch.rules.table_row import AMOUNT_MAX, RulesError
from payvand.switch.rules.tariffs import KINDS, Tariff, Tier, parse
from payvand.switch.rules.validity import Validity
from payvand.switch.wire.charging import CHARGES_MAX, ChargeTable, charge_ids

LEDGER = 364
OPERATOR = 9
AMOUNTS = st.one_of(
    st.integers(1, 2_000), st.integers(1, AMOUNT_MAX), st.sampled_from([AMOUNT_MAX, 10**6])
)


@st.composite
def tiers(draw: st.DrawFn) -> tuple[Tier, ...]:
    bounds = [0, *sorted(draw(st.sets(AMOUNTS, max_size=4)))]
    made = []
    for above in bounds:
        low, high = sorted((draw(st.integers(0, 10**6)), draw(AMOUNTS)))
        made.append(
            Tier(above, draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6)), low, high)
        )
    return tuple(made)


@st.composite
def tariff_lists(draw: st.DrawFn) -> list[Tariff]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        payer = draw(st.sampled_from(["debtor", "creditor"]))
        other = "creditor" if payer == "debtor" else "debtor"
        to_bank = draw(st.booleans())
        tariff = Tariff(
            name=f"tariff-{number}",
            kind=draw(st.sampled_from(KINDS)),
            charge="interchange" if to_bank else "switch_fee",
            payer=payer,
            receiver=other if to_bank else "operator",
            tiers=draw(tiers()),
            validity=Validity(),
            source="a test",
        )
        if sum(one.kind == tariff.kind for one in found) < CHARGES_MAX:
            found.append(tariff)
    return found


def in_fractions(tariff: Tariff, amount: int) -> int:
    """Return a fee by the words of the table alone."""
    tier = max((one for one in tariff.tiers if one.above < amount), key=lambda one: one.above)
    exact = tier.flat + Fraction(amount) * Fraction(tier.per_million, 1_000_000)
    return min(max(math.ceil(exact), tier.fee_min), tier.fee_max)


def table_of(tariffs: list[Tariff]) -> ChargeTable:
    return ChargeTable(tariffs, {"operator": charge_account(OPERATOR)}, KINDS, LEDGER)


@given(tariff_lists(), AMOUNTS)
def test_a_fee_is_what_fractions_give_rounded_up_and_bounded(
    tariffs: list[Tariff], amount: int
) -> None:
    table = table_of(tariffs)
    for number, kind in enumerate(KINDS, 1):
        expected = [(one, in_fractions(one, amount)) for one in tariffs if one.kind == kind]
        assert [(one, one.of(amount)) for one, _ in expected] == expected
        assert table.quote(number, amount) == [pair for pair in expected if pair[1]]


@given(tariff_lists(), st.lists(st.tuples(AMOUNTS, st.integers(0, 5), st.booleans()), max_size=20))
def test_chains_hold_each_payment_and_just_what_it_costs(
    tariffs: list[Tariff], drawn: list[tuple[int, int, bool]]
) -> None:
    payments = np.zeros(len(drawn), TRANSFER)
    for index, (amount, code, pending) in enumerate(drawn):
        payments[index]["id"]["lo"] = index + 1
        payments[index]["debit_account_id"]["lo"] = position_account(1)
        payments[index]["credit_account_id"]["lo"] = position_account(2 if index % 3 else OPERATOR)
        payments[index]["amount"]["lo"] = amount
        payments[index]["code"] = code
        payments[index]["ledger"] = LEDGER
        payments[index]["flags"] = TransferFlags.PENDING if pending else 0
        payments[index]["timeout"] = 10 if pending else 0
    offsets = np.arange(len(payments) + 1, dtype=np.uint32) * 7
    chains, bounds, places = table_of(tariffs).charge(payments, offsets)
    assert np.diff(bounds)[places].tolist() == [7] * len(payments)
    assert bounds[-1] == offsets[-1] and len(bounds) == len(chains) + 1
    ids = charge_ids(np.ascontiguousarray(payments["id"]))
    ends = [*places.tolist(), len(chains)][1:]
    for index, (start, stop) in enumerate(zip(places.tolist(), ends, strict=True)):
        payment, charges = chains[start], chains[start + 1 : stop]
        creditor = 2 if index % 3 else OPERATOR
        accounts = {"debtor": 1, "creditor": creditor, "operator": OPERATOR}
        expected = []
        for one in tariffs:
            code = int(payment["code"])
            fee = in_fractions(one, int(payment["amount"]["lo"]))
            payer, receiver = accounts[one.payer], accounts[one.receiver]
            if 1 <= code <= 3 and KINDS[code - 1] == one.kind and fee and payer != receiver:
                expected.append((charge_account(payer), charge_account(receiver), fee))
        assert expected == list(
            zip(
                u128_list(charges["debit_account_id"]),
                u128_list(charges["credit_account_id"]),
                u128_list(charges["amount"]),
                strict=True,
            )
        )
        assert u128_list(charges["id"]) == u128_list(ids[index])[: len(charges)]
        flags = [int(row["flags"]) & TransferFlags.LINKED for row in chains[start:stop]]
        assert flags == [TransferFlags.LINKED] * len(charges) + [0]
        for charge in charges:
            assert charge["timeout"] == payment["timeout"]
            pending = int(payment["flags"]) & TransferFlags.PENDING
            assert int(charge["flags"]) & ~TransferFlags.LINKED == pending
            assert charge["user_data_128"] == payment["id"]


def test_a_table_that_cannot_be_is_refused_by_rule() -> None:
    good = """
version = "1"
[[tariff]]
name = "a"
kind = "credit_transfer"
charge = "interchange"
payer = "debtor"
receiver = "creditor"
source = "a test"
[[tariff.tier]]
per_million = 100
"""
    (tariff,) = parse(good).on(date(2026, 11, 24))
    assert tariff == replace(tariff, tiers=(Tier(0, 0, 100, 0, AMOUNT_MAX),))
    for change, rule in [
        (('receiver = "creditor"', 'receiver = "debtor"'), "tariffs.receiver"),
        (('receiver = "creditor"', 'receiver = "operator"'), "tariffs.receiver"),
        (("per_million = 100", "above = 5"), "tariffs.tiers"),
        (("per_million = 100", "per_million = 1000001"), "tariffs.per_million"),
        (("per_million = 100", "min = 5\nmax = 4"), "tariffs.bounds"),
        (('kind = "credit_transfer"', 'kind = "recall"'), "rules.choice"),
    ]:
        with pytest.raises(RulesError) as caught:
            parse(good.replace(*change))
        assert caught.value.rule == rule
    rows = good.partition("[[tariff]]")[2]
    five = 'version = "1"\n' + "".join(
        "[[tariff]]" + rows.replace('name = "a"', f'name = "{name}"') for name in "abcde"
    )
    with pytest.raises(RulesError) as caught:
        parse(five)
    assert caught.value.rule == "tariffs.count"
