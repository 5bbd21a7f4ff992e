"""A rule file is read whole or refused with everything that is wrong, by field and rule."""

from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from payvand.risk.reasons import Reasons
from payvand.risk.rules import (
    Action,
    AmountRule,
    BlockedRule,
    RuleFileFault,
    VelocityRule,
    account_key,
    default_rules,
    load_rules,
    read_rules,
)

IBAN = "IR062960000000100324200001"
HEAD = 'format = 1\npack = "test"\nversion = 3\n'
SHARED = """
[[rule]]
id = "{id}"
number = {number}
action = "decline"
reason = "AM13"
valid_from = 2025-05-22T00:00:00+03:30
text = {{ en = "Too much", fa = "زیاد" }}
"""
AMOUNT = 'kind = "amount"\nledger = 364\namount_max = 10\n'


def file_of(body: str, *, id: str = "amount.one", number: int = 1) -> bytes:
    return (HEAD + SHARED.format(id=id, number=number) + body).encode()


def problems_of(document: bytes) -> list[str]:
    with pytest.raises(RuleFileFault) as caught:
        read_rules(document, source="test.toml")
    assert "test.toml" in str(caught.value)
    return [str(problem) for problem in caught.value.problems]


def test_a_rule_file_says_what_it_says() -> None:
    document = file_of(AMOUNT + "codes = [1, 2]\n")
    pack = read_rules(document, source="test.toml")
    rule = pack.rules[0]
    assert (pack.name, pack.version, len(pack.digest)) == ("test", 3, 32)
    assert isinstance(rule, AmountRule)
    assert (rule.id, rule.number, rule.action) == ("amount.one", 1, Action.DECLINE)
    assert (rule.ledger, rule.amount_max, rule.codes) == (364, 10, 0b110)
    tehran = datetime(2025, 5, 22, tzinfo=ZoneInfo("Asia/Tehran"))
    assert rule.valid_from == int(tehran.timestamp()) * 1_000_000_000
    assert rule.valid_to == 2**64 - 1


def test_accounts_of_a_list_are_known_by_their_keys() -> None:
    body = f'kind = "blocked"\ndebtors = ["{IBAN}"]\ncreditors = ["00000000000000ff"]\n'
    rule = read_rules(file_of(body), source="test.toml").rules[0]
    assert isinstance(rule, BlockedRule)
    digest = blake2b(IBAN.encode(), digest_size=8, person=b"payvand.account").digest()
    assert rule.debtors == {int.from_bytes(digest, "big")} == {account_key(IBAN)}
    assert rule.creditors == {255}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ('kind = "amount"\nledger = 364\n', "rule[0].amount_max (amount.one): is missing"),
        (
            'kind = "amount"\nledger = 364\namount_max = -1\n',
            "rule[0].amount_max (amount.one): is -1, not from 0 to 9223372036854775807",
        ),
        (AMOUNT + "codes = [10]\n", "rule[0].codes[0] (amount.one): isn't a kind of payment"),
        (AMOUNT + "codes = []\n", "rule[0].codes (amount.one): is empty"),
        (AMOUNT + "window = 3\n", "rule[0].window (amount.one): isn't a field here"),
        (AMOUNT + "ledgers = true\n", "rule[0].ledgers (amount.one): isn't a field here"),
        ('kind = "magic"\n', "rule[0].kind (amount.one): is 'magic' instead of"),
        ("", "rule[0].kind (amount.one): is missing"),
        (
            'kind = "velocity"\nwindow_s = 60\ncount_max = 3\namount_max = 5\n',
            "rule[0].ledger (amount.one): is missing: amounts of several currencies",
        ),
        (
            'kind = "velocity"\nwindow_s = true\ncount_max = 3\n',
            "rule[0].window_s (amount.one): isn't an integer",
        ),
        (
            AMOUNT + "valid_to = 2025-05-21T00:00:00Z\n",
            "rule[0].valid_to (amount.one): isn't after valid_from",
        ),
        (
            AMOUNT + "valid_to = 2026-05-21T00:00:00\n",
            "rule[0].valid_to (amount.one): has no offset from UTC",
        ),
        (
            AMOUNT + "valid_to = 1969-05-21T00:00:00Z\n",
            "rule[0].valid_to (amount.one): is before 1970",
        ),
        (
            'kind = "blocked"\ndebtors = ["0000000000000000"]\n',
            "rule[0].debtors[0] (amount.one): is neither an IBAN nor 16 hexadecimal digits",
        ),
    ],
)
def test_what_is_wrong_is_named_by_field_and_rule(body: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems_of(file_of(body)))


def test_all_that_is_wrong_is_named_at_once() -> None:
    document = HEAD + '[[rule]]\nid = "A B"\nkind = "amount"\nvalid_from = 3\n'
    paths = {found.split(" ")[0].split(":")[0] for found in problems_of(document.encode())}
    names = ("id", "number", "action", "reason", "valid_from", "text", "ledger", "amount_max")
    assert paths == {f"rule[0].{name}" for name in names}


def test_numbers_and_ids_are_given_once() -> None:
    document = file_of(AMOUNT) + (SHARED.format(id="amount.one", number=1) + AMOUNT).encode()
    assert problems_of(document) == [
        "rule[1].id (amount.one): is that of rule[0] as well",
        "rule[1].number (amount.one): is that of rule[0] as well",
    ]


@pytest.mark.parametrize(
    "document",
    [b"\xff\xfe", b"format = ", b"", b"format = 2", b"format = 1\nrule = 3", b"rule = [1]"],
)
def test_what_is_no_rule_file_is_refused(document: bytes) -> None:
    assert problems_of(document)


@given(data=st.data())
def test_a_damaged_file_is_refused_or_read_but_never_anything_else(data: st.DataObject) -> None:
    document = bytearray(file_of(AMOUNT))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(document) - 1))
        document[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=4))
    try:
        read_rules(bytes(document), source="damaged.toml")
    except RuleFileFault as fault:
        assert fault.problems and fault.hint


def test_a_faulty_account_number_is_not_repeated_in_the_fault() -> None:
    body = f'kind = "blocked"\ndebtors = ["{IBAN} "]\n'
    assert not any(IBAN in problem for problem in problems_of(file_of(body)))


def test_a_file_is_read_from_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_bytes(file_of('kind = "velocity"\nwindow_s = 60\ncount_max = 3\n'))
    rule = load_rules(path).rules[0]
    assert isinstance(rule, VelocityRule)
    assert (rule.width_ns, rule.count_max, rule.amount_max) == (60_000_000_000, 3, None)


def test_the_rules_that_come_along_speak_both_languages() -> None:
    rules = default_rules().rules
    assert {type(rule) for rule in rules} == {AmountRule, VelocityRule, BlockedRule}
    assert all(rule.text["en"] and rule.text["fa"] for rule in rules)


def test_a_decision_is_explained_by_its_rule() -> None:
    reasons = Reasons(read_rules(file_of(AMOUNT), source="test.toml"))
    reason = reasons.explain(1 << 2 | 2)
    assert (reason.action, reason.rule_id, reason.reason) == (Action.DECLINE, "amount.one", "AM13")
    assert reason.text == {"en": "Too much", "fa": "زیاد"}
    assert reasons.explain(0).action is Action.ALLOW


def test_a_decision_of_a_rule_that_no_pack_knows_still_says_its_number() -> None:
    reason = Reasons().explain(7 << 2 | 1)
    assert (reason.action, reason.rule_number, reason.rule_id) == (Action.REVIEW, 7, "rule-7")
    assert reason.reason == "NARR"
