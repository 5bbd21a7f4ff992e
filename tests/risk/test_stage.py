"""The compiled stage against the naive one, in small universes where every rule is met.

Few accounts, few ids and small amounts make retries, limits, windows and block lists meet. The
same traffic is decided on as it came, one by one, in other batches, and learned from a journal.
"""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.core.records import TRANSFER, Records, TransferFlags, u128_array
from payvand.risk.rules import (
    ALL_CODES,
    Action,
    AmountRule,
    BlockedRule,
    Rule,
    RulePack,
    VelocityRule,
)
from payvand.risk.stage import RiskStage
from tests.support.reference_risk import ReferenceStage

END = 2**64 - 1
U128_MAX = 2**128 - 1

amounts = st.sampled_from([0, 1, 2, 5, 10, 2**63 - 1, 2**64 - 1, 2**64, U128_MAX])
limits = st.sampled_from([0, 3, 10, 12, 2**63 - 1])
code_masks = st.sampled_from([ALL_CODES, 0b10, 0b100])


@st.composite
def rule_packs(draw: st.DrawFn) -> RulePack:
    rules: list[Rule] = []
    for number in draw(st.permutations(range(1, draw(st.integers(0, 8)) + 1))):
        first = draw(st.sampled_from([0, 0, 0, 30]))
        shared = {
            "id": f"rule-{number}",
            "number": number,
            "action": draw(st.sampled_from([Action.REVIEW, Action.DECLINE])),
            "reason": "AM14",
            "valid_from": first,
            "valid_to": draw(st.sampled_from([END, END, 60])),
            "text": {"en": "", "fa": ""},
            "codes": draw(code_masks),
        }
        match draw(st.sampled_from(["amount", "velocity", "velocity", "velocity", "blocked"])):
            case "amount":
                rule: Rule = AmountRule(**shared, ledger=1, amount_max=draw(limits))
            case "velocity":
                rule = VelocityRule(
                    **shared,
                    width_ns=draw(st.sampled_from([1, 2, 7, 50])),
                    count_max=draw(st.integers(1, 5)),
                    ledger=draw(st.sampled_from([0, 1])),
                    amount_max=draw(st.none() | limits),
                )
            case _:
                lists = st.frozensets(st.integers(1, 4), max_size=2)
                rule = BlockedRule(**shared, debtors=draw(lists), creditors=draw(lists))
        rules.append(rule)
    rules.sort(key=lambda rule: rule.number)
    return RulePack("test", 1, b"", tuple(rules))


events = st.tuples(
    st.integers(1, 40) | st.integers(0, 2**127),  # id
    st.sampled_from([0, 1, 1, 2, 3]),  # debtor
    st.sampled_from([0, 1, 4]),  # creditor
    amounts,
    st.sampled_from([1, 1, 1, 2]),  # ledger
    st.sampled_from([1, 1, 1, 2, 9, 10, 0, 300]),  # code
    st.sampled_from([0, 0, 0, 2, 4, 8, 1]),  # flags
)
batches = st.lists(
    st.tuples(st.integers(0, 12), st.lists(events, min_size=1, max_size=12)), max_size=8
)
Batch = tuple[Records, int]


def records_of(rows: list[tuple[int, ...]]) -> Records:
    made = np.zeros(len(rows), TRANSFER)
    ids, debtors, creditors, amount, ledgers, codes, flags = zip(*rows, strict=True)
    made["id"] = u128_array(ids)
    made["user_data_64"] = debtors
    made["user_data_128"]["hi"] = creditors
    made["amount"] = u128_array(amount)
    made["ledger"], made["code"], made["flags"] = ledgers, codes, flags
    return made


def timed(traffic: list[tuple[int, list[tuple[int, ...]]]]) -> list[Batch]:
    """Give batches their timestamps, as the engine does: a gap, then 1 ns for each event."""
    now = 0
    batches = []
    for gap, rows in traffic:
        now += gap + len(rows)
        batches.append((records_of(rows), now))
    return batches


def singles(batches: list[Batch]) -> list[Batch]:
    return [
        (transfers[place : place + 1], timestamp - len(transfers) + 1 + place)
        for transfers, timestamp in batches
        for place in range(len(transfers))
    ]


def decide_all(stage: RiskStage, batches: list[Batch]) -> list[int]:
    return [
        decision
        for transfers, timestamp in batches
        for decision in stage.decide_records(transfers, timestamp).tolist()
    ]


@given(rules=rule_packs(), traffic=batches)
def test_decisions_are_those_of_the_naive_stage(
    rules: RulePack, traffic: list[tuple[int, list[tuple[int, ...]]]]
) -> None:
    compiled, naive = RiskStage.from_rules(rules, payments_max=128), ReferenceStage(rules)
    for transfers, timestamp in timed(traffic):
        decisions = compiled.decide_records(transfers, timestamp).tolist()
        assert decisions == naive.decide(transfers, timestamp)


@given(rules=rule_packs(), traffic=batches, payments_max=st.sampled_from([1, 2, 4, 128]))
def test_how_traffic_is_cut_into_batches_changes_nothing(
    rules: RulePack, traffic: list[tuple[int, list[tuple[int, ...]]]], payments_max: int
) -> None:
    batched = RiskStage.from_rules(rules, payments_max=payments_max)
    single = RiskStage.from_rules(rules, payments_max=payments_max)
    batches = timed(traffic)
    assert decide_all(batched, batches) == decide_all(single, singles(batches))
    assert batched.digest() == single.digest()
    assert batched.statistics() == single.statistics()


@given(rules=rule_packs(), traffic=batches, payments_max=st.sampled_from([1, 2, 4, 128]))
def test_a_replay_comes_to_the_same_state(
    rules: RulePack, traffic: list[tuple[int, list[tuple[int, ...]]]], payments_max: int
) -> None:
    live = RiskStage.from_rules(rules, payments_max=payments_max)
    replayed = RiskStage.from_rules(rules, payments_max=payments_max)
    for transfers, timestamp in timed(traffic):
        decisions = live.decide_records(transfers, timestamp)
        replayed.observe_records(transfers, decisions, timestamp)
        assert live.digest() == replayed.digest()


def burst(count_max: int, **terms: int) -> RulePack:
    rule = VelocityRule(
        id="burst",
        number=5,
        action=Action.DECLINE,
        reason="AM14",
        valid_from=0,
        valid_to=END,
        text={},
        width_ns=100,
        count_max=count_max,
        **terms,
    )
    return RulePack("test", 1, b"", (rule,))


def payments(ids: list[int], *, debtor: int = 7, amount: int = 1) -> Records:
    return records_of([(id, debtor, 8, amount, 1, 1, int(TransferFlags.PENDING)) for id in ids])


def test_a_payment_sees_those_before_it_in_its_own_batch() -> None:
    stage = RiskStage.from_rules(burst(2))
    assert stage.decide_records(payments([1, 2, 3]), 10).tolist() == [0, 0, 5 << 2 | 2]


def test_a_declined_payment_is_not_counted() -> None:
    stage = RiskStage.from_rules(burst(10, ledger=1, amount_max=10))
    assert stage.decide_records(payments([1], amount=11), 10).tolist() == [22]
    assert stage.decide_records(payments([2], amount=10), 11).tolist() == [0]


def test_a_retry_is_counted_once() -> None:
    stage = RiskStage.from_rules(burst(2))
    for moment in range(10, 20):
        assert stage.decide_records(payments([1]), moment).tolist() == [0]
    assert stage.decide_records(payments([2, 3]), 30).tolist() == [0, 22]


def test_a_window_is_open_at_its_far_end() -> None:
    stage = RiskStage.from_rules(burst(1))
    assert stage.decide_records(payments([1]), 10).tolist() == [0]
    assert stage.decide_records(payments([2]), 109).tolist() == [22]
    assert stage.decide_records(payments([3]), 110).tolist() == [0]


def test_a_full_log_forgets_the_oldest_and_says_so() -> None:
    stage = RiskStage.from_rules(burst(2), payments_max=4)
    assert stage.decide_records(payments([1, 2]), 2).tolist() == [0, 0]
    assert not stage.decide_records(payments([3, 4, 5, 6], debtor=9), 6)[:2].any()
    assert stage.statistics().forgotten == 0
    assert not stage.decide_records(payments([7], debtor=3), 7).any()
    assert not stage.decide_records(payments([8], debtor=3), 8).any()
    assert not stage.decide_records(payments([9], debtor=4), 9).any()
    assert stage.statistics().forgotten == 3
    assert stage.statistics().payments == 4
    assert stage.decide_records(payments([10, 11]), 11).tolist() == [0, 0], "1 and 2 are forgotten"


def test_posts_voids_and_the_switchs_own_transfers_always_pass() -> None:
    rules = burst(1, ledger=1, amount_max=0)
    stage = RiskStage.from_rules(rules)
    rows = [
        (1, 7, 8, 5, 1, 1, int(TransferFlags.POST_PENDING_TRANSFER)),
        (2, 7, 8, 5, 1, 1, int(TransferFlags.VOID_PENDING_TRANSFER)),
        (3, 7, 8, 5, 1, 10, 0),
        (4, 7, 8, 5, 1, 11, 0),
    ]
    assert not stage.decide_records(records_of(rows), 10).any()
    assert stage.statistics().payments == 0


def test_a_log_whose_length_is_no_power_of_two_is_refused() -> None:
    for payments_max in (0, 3, 2**31):
        with pytest.raises(ValueError, match="power of two"):
            RiskStage.from_rules(burst(1), payments_max=payments_max)


def test_records_that_are_no_transfers_are_refused() -> None:
    stage = RiskStage.from_rules(burst(1))
    with pytest.raises(TypeError, match="TRANSFER"):
        stage.decide_records(np.zeros(1, np.uint8), 1)
    with pytest.raises(ValueError, match="8190"):
        stage.decide_records(np.zeros(8191, TRANSFER), 1)
    with pytest.raises(ValueError, match="2 decisions on 1 transfers"):
        stage.observe_records(payments([1]), np.zeros(2, np.uint32), 1)
