"""The whole stage: features, a model and expressions decide, and the cut into batches doesn't.

The oracle computes features naively, walks the trees naively and says the expressions in Python.
"""

from dataclasses import dataclass, field
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.core.records import TRANSFER, Records, TransferFlags, u128_array, u128_of
from payvand.risk.ensemble import Ensemble, Tree
from payvand.risk.feature_file import FeatureSet, read_features
from payvand.risk.rules import RuleFileFault, RulePack, read_rules
from payvand.risk.stage import RiskStage
from tests.support.reference_features import ReferenceEngine
from tests.support.reference_trees import raw_score

FEATURES = """
format = 1
name = "test"
version = 1
time_unit = "ns"
fields = ["debtor", "creditor", "amount", "code"]

[[feature]]
name = "tried"
key = "debtor"
aggregate = "count"
window = "1s"

[[feature]]
name = "habit"
key = "debtor"
aggregate = "mean"
of = "amount"
window = "1h"
current = false

[[feature]]
name = "fan_in"
key = "creditor"
aggregate = "distinct"
of = "debtor"
window = "1h"

[[feature]]
name = "known_for"
key = ["debtor", "creditor"]
aggregate = "since_first"
"""

RULES = """
format = 1
pack = "test"
version = 1

[[list]]
name = "mules"
accounts = ["0000000000000003", "00000000000000aa"]

[[rule]]
id = "too-much"
number = 7
kind = "expression"
owner = "fraud desk"
action = "decline"
reason = "FRAD"
valid_from = 1970-01-01T00:00:00Z
text = { en = "Far above the debtor's habit", fa = "بسیار بیش از عادت بدهکار" }
when = "amount > 3 * habit"
test = [{ given = { amount = 31, habit = 10 }, is = true }, { given = { amount = 31 }, is = false }]

[[rule]]
id = "fan-in"
number = 8
kind = "expression"
owner = "fraud desk"
action = "review"
reason = "FRAD"
valid_from = 1970-01-01T00:00:00Z
text = { en = "Many pay to one", fa = "واریز از حساب‌های بسیار" }
when = "fan_in >= 3 or creditor in @mules and missing(known_for)"
test = [{ given = { fan_in = 3 }, is = true }, { given = { creditor = 2 }, is = false }]

[[rule]]
id = "model"
number = 3
kind = "expression"
owner = "fraud desk"
action = "decline"
reason = "FRAD"
codes = [1]
valid_from = 1970-01-01T00:00:00Z
text = { en = "Like known frauds", fa = "مانند تقلب‌های شناخته‌شده" }
when = "score > 0.5"
test = [{ given = { score = 0.6 }, is = true }, { given = {}, is = false }]

[[rule]]
id = "velocity"
number = 9
kind = "velocity"
action = "decline"
reason = "AM14"
valid_from = 1970-01-01T00:00:00Z
text = { en = "Too many", fa = "زیاد" }
window_s = 1
count_max = 4
"""


def features() -> FeatureSet:
    return read_features(FEATURES.encode(), source="features")


def model() -> Ensemble:
    """Frown on the third and later attempt within a second, and less on pairs that are known."""
    tree = Tree(
        feature=np.array([0, 1], np.int32),
        threshold=np.array([2.0, 1e9]),
        left=np.array([~0, ~1], np.int32),
        right=np.array([1, ~2], np.int32),
        missing=np.array([2, 2], np.uint8),
        missing_left=np.array([True, False]),
        categories=(None, None),
        leaf=np.array([-1.0, 0.75, 0.25]),
        cover=np.ones(3),
    )
    return Ensemble((tree,), ("tried", "known_for"), 0.0, 1, 1.0, False, b"")


def rules() -> RulePack:
    return read_rules(RULES.encode(), source="rules", features=features(), has_score=True)


def stage(*, payments_max: int = 128) -> RiskStage:
    return RiskStage.from_rules(
        rules(), features=features(), model=model(), payments_max=payments_max, keys_max=64
    )


@dataclass(slots=True)
class Oracle:
    """The same decisions, the long way."""

    engine: ReferenceEngine = field(default_factory=lambda: ReferenceEngine(features()))
    attempts: set[int] = field(default_factory=set)
    passed: list[tuple[int, int, int]] = field(default_factory=list)

    def decide(self, row: Any, timestamp: int) -> int:
        ends = TransferFlags.POST_PENDING_TRANSFER | TransferFlags.VOID_PENDING_TRANSFER
        if not 1 <= row["code"] <= 9 or int(row["flags"]) & ends or row["user_data_64"] == 0:
            return 0
        identity, debtor = u128_of(row["id"]), int(row["user_data_64"])
        broken: list[tuple[int, int]] = []
        if identity not in self.attempts:
            self.attempts.add(identity)
            broken = self._expressions(row, timestamp)
        if all(identity != other for other, _, _ in self.passed):
            recent = [p for p in self.passed if p[1] == debtor and p[2] > timestamp - 10**9]
            broken += [(2, 9)] if len(recent) >= 4 else []
            if all(action != 2 for action, _ in broken):
                self.passed.append((identity, debtor, timestamp))
        action = max((action for action, _ in broken), default=0)
        return min((number for a, number in broken if a == action), default=0) << 2 | action

    def _expressions(self, row: Any, timestamp: int) -> list[tuple[int, int]]:
        creditor, amount = int(row["user_data_128"]["hi"]), min(u128_of(row["amount"]), 2**64 - 1)
        event = [timestamp, u128_of(row["id"]) % 2**64, int(row["user_data_64"]), creditor, amount]
        values = self.engine.process([[*event, int(row["code"])]])[0]
        tried, habit, fan_in, known_for = values
        broken = [(2, 7)] if amount > 3 * habit else []
        unknown_mule = creditor in (3, 0xAA) and known_for != known_for
        broken += [(1, 8)] if fan_in >= 3 or unknown_mule else []
        score = raw_score(model(), [tried, known_for])
        return broken + ([(2, 3)] if score > 0.5 and row["code"] == 1 else [])


events = st.tuples(
    st.integers(1, 30),
    st.sampled_from([0, 1, 1, 2, 4]),
    st.sampled_from([0, 3, 5]),
    st.sampled_from([1, 10, 11, 100, 2**64 + 1]),
    st.sampled_from([1, 1, 2, 10]),
    st.sampled_from([0, 0, 2, 4]),
)
traffic = st.lists(
    st.tuples(st.sampled_from([0, 1, 10**8, 2 * 10**9]), st.lists(events, min_size=1, max_size=9)),
    max_size=6,
)
Traffic = list[tuple[int, list[tuple[int, ...]]]]


def records_of(rows: list[tuple[int, ...]]) -> Records:
    made = np.zeros(len(rows), TRANSFER)
    ids, debtors, creditors, amounts, codes, flags = zip(*rows, strict=True)
    made["id"], made["amount"] = u128_array(ids), u128_array(amounts)
    made["user_data_64"], made["user_data_128"]["hi"] = debtors, creditors
    made["code"], made["flags"], made["ledger"] = codes, flags, 364
    return made


def batches_of(traffic: Traffic) -> list[tuple[Records, int]]:
    now, batches = 10**18, []
    for gap, rows in traffic:
        now += gap + len(rows)
        batches.append((records_of(rows), now))
    return batches


@given(traffic=traffic)
def test_decisions_are_the_oracles(traffic: Traffic) -> None:
    compiled, oracle = stage(), Oracle()
    for transfers, timestamp in batches_of(traffic):
        first = timestamp - len(transfers) + 1
        wanted = [oracle.decide(row, first + place) for place, row in enumerate(transfers)]
        assert compiled.decide_records(transfers, timestamp).tolist() == wanted


@given(traffic=traffic, payments_max=st.sampled_from([2, 128]))
def test_neither_the_cut_nor_a_replay_changes_anything(traffic: Traffic, payments_max: int) -> None:
    whole, single, replayed = (stage(payments_max=payments_max) for _ in range(3))
    for transfers, timestamp in batches_of(traffic):
        decisions = whole.decide_records(transfers, timestamp)
        first = timestamp - len(transfers) + 1
        one_by_one = [
            int(single.decide_records(transfers[place : place + 1], first + place)[0])
            for place in range(len(transfers))
        ]
        assert decisions.tolist() == one_by_one
        replayed.observe_records(transfers, decisions, timestamp)
        assert whole.digest() == single.digest() == replayed.digest()


def test_a_batch_longer_than_a_block_is_one_history() -> None:
    rows = [(place, place % 7 + 1, 5, 10 + place % 3, 1, 0) for place in range(1, 900)]
    whole, single = stage(payments_max=1024), stage(payments_max=1024)
    decisions = whole.decide_records(records_of(rows), 10**18 + len(rows)).tolist()
    assert decisions == [
        int(single.decide_records(records_of([row]), 10**18 + place)[0])
        for place, row in enumerate(rows, 1)
    ]
    assert len(set(decisions)) > 2


def test_without_the_model_the_other_rules_go_on() -> None:
    burst = records_of([(place, 1, 5, 10, 1, 0) for place in range(1, 4)])
    assert stage().decide_records(burst, 10**18).tolist() == [0, 0, 3 << 2 | 2]
    switched_off = stage()
    switched_off.uses_model = False
    assert switched_off.decide_records(burst, 10**18).tolist() == [0, 0, 0]


def test_parts_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="read for other features"):
        RiskStage.from_rules(rules(), features=features())
    plain = RulePack("test", 1, b"", ())
    with pytest.raises(ValueError, match="needs the features"):
        RiskStage.from_rules(plain, model=model())
    other = read_features(FEATURES.replace("tried", "attempted").encode(), source="features")
    with pytest.raises(ValueError, match="trained on other features: tried"):
        RiskStage.from_rules(plain, features=other, model=model())
    seconds = read_features(FEATURES.replace('"ns"', '"s"').encode(), source="features")
    with pytest.raises(ValueError, match="count nanoseconds"):
        RiskStage.from_rules(plain, features=seconds)
    device = read_features(FEATURES.replace('"code"]', '"device"]').encode(), source="features")
    with pytest.raises(ValueError, match="knows no device"):
        RiskStage.from_rules(plain, features=device)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("3 * habit", "3 * habits", "rule[0].when (too-much): column 14: 'habits' is neither"),
        ("@mules and", "@mule and", "rule[1].when (fan-in): column 28: there is no list 'mule'"),
        ("habit = 10", "habit = 11", "rule[0].test[0] (too-much): is false, not true"),
        ("habit = 10", "debtors = 1", "rule[0].test[0].given.debtors (too-much): isn't a field"),
        ("amount = 31 }, is = f", "amount = 3.1 }, is = f", "rule[0].test[1].given.amount"),
        ("is = false", "is = true", "rule[0].test (too-much): needs a case that is true and"),
        ('owner = "fraud desk"\n', "", "rule[0].owner (too-much): is missing"),
        ('name = "mules"', 'name = "Mules"', "list[0].name: is 'Mules', not a name"),
    ],
)
def test_what_is_wrong_with_an_expression_rule_is_named(old: str, new: str, problem: str) -> None:
    document = RULES.replace(old, new, 1).encode()
    with pytest.raises(RuleFileFault) as caught:
        read_rules(document, source="rules", features=features(), has_score=True)
    found = [str(problem) for problem in caught.value.problems]
    assert any(line.startswith(problem) for line in found), found
