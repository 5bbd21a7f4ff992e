"""Rules: what the stage before the ledger declines or marks for review, as dated data.

A rule file is TOML, validated wholly before anything is made of it; a fault names the field's
path and the rule's id. A rule is never edited in place once it was in force: it gets a `valid_to`,
and its successor a number of its own, so that a journaled decision can be explained years later.

    format = 1                          # of this file
    pack = "example"                    # name and version of the set of rules
    version = 3

    [[rule]]
    id = "amount.credit-transfer"       # for people
    number = 1                          # for the journal; from 1 to 65535, never reused
    kind = "amount"                     # amount, velocity, blocked or expression
    action = "decline"                  # or "review"
    reason = "AM13"                     # ISO 20022 external status reason code
    valid_from = 2025-05-22T00:00:00+03:30
    valid_to = 2026-03-21T00:00:00+03:30   # optional; the first moment it no longer holds
    text = { en = "…", fa = "…" }
    codes = [1]                         # kinds of payment, 1 to 9; optional: all
    ledger = 364                        # currency unit
    amount_max = 2_000_000_000          # minor units; a greater amount breaks the rule

    [[list]]                            # optional: accounts that expressions name as @mules
    name = "mules"
    accounts = ["IR06…", "00000000000000ff"]

`velocity` has `window_s` and `count_max`, and optionally `ledger` and `amount_max`: it is broken by
the payment that makes it more than `count_max` of one debtor account in the window, or their sum
more than `amount_max`. `blocked` has `debtors` and `creditors`, lists of IBANs or of account keys
(16 hexadecimal digits), so that a file need not hold account numbers in clear. `expression` has
`when`, in the language of `expression.py`, over fields and features and the model's score; its
`owner`, who answers for it; and tests, of which at least one is true and one isn't:

    when = "amount > 10 * debtor_mean_30d and creditor in @mules"
    owner = "fraud desk"
    test = [
        { given = { amount = 1100, debtor_mean_30d = 100.0, creditor = 255 }, is = true },
        { given = { amount = 1100 }, is = false },        # features not given are missing
    ]
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b, sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from payvand.risk.expression import Expression, Names, compile_expression
from payvand.risk.feature_file import FeatureSet
from payvand.risk.fields import Fields, FileFault, Problem, read_toml
from payvand.risk.key_list import KeyList
from payvand.risk.lexicon import ExpressionFault
from payvand.risk.payment_fields import PAYMENT_FIELDS
from payvand.risk.program import Program

__all__ = [
    "ALL_CODES",
    "RULES_MAX",
    "Action",
    "AmountRule",
    "BlockedRule",
    "ExpressionRule",
    "Rule",
    "RuleFileFault",
    "RulePack",
    "VelocityRule",
    "account_key",
    "default_rules",
    "load_rules",
    "names_of",
    "read_rules",
]

FORMAT = 1
FILE_BYTES_MAX = 16 << 20
RULES_MAX = 256
"""Rules in one pack."""
KIND_RULES_MAX = 32
"""Velocity rules in one pack, and blocked rules: the stage keeps a bit for each."""
NUMBER_MAX = 65_535
LIST_MAX = 100_000
"""Accounts in one list of a blocked rule."""
COUNT_MAX = 1_000_000
TESTS_MAX = 64
"""Tests of one expression."""
WINDOW_S_MAX = 366 * 86_400
AMOUNT_MAX = (1 << 63) - 1
"""The greatest limit: what TOML's integers hold. Amounts beyond are over every limit."""
ALL_CODES = 0b11_1111_1110
"""Bit c: payments of code c. Codes from 10 on are the switch's own and always pass."""
END_OF_TIME = (1 << 64) - 1

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[.-][a-z0-9]+)*")
_LIST = re.compile(r"[a-z][a-z0-9_-]*")
_REASON = re.compile(r"[A-Z]{2}[A-Z0-9]{2}")
_KEY = re.compile(r"[0-9a-f]{16}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}")


class Action(IntEnum):
    """What a rule asks for; the two lowest bits of a decision."""

    ALLOW = 0
    REVIEW = 1
    DECLINE = 2


class RuleFileFault(FileFault):
    """A rule file is wrong; the rules in force have not changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What all rules have."""

    id: str
    number: int
    """Stands in journaled decisions; never reused."""
    action: Action
    reason: str
    """An ISO 20022 external status reason code."""
    valid_from: int
    """The first moment at which it holds, nanoseconds since 1970."""
    valid_to: int
    """The first moment at which it holds no longer."""
    text: Mapping[str, str]
    """By language: `en`, `fa`."""
    codes: int = ALL_CODES
    """Bit c: it looks at payments of code c."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRule(Rule):
    """Broken by a payment of more than `amount_max` minor units of the ledger."""

    ledger: int
    amount_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityRule(Rule):
    """Broken by the payment that makes it too many, or too much, of one debtor account.

    Counts payments that the stage let pass, the one in question included, in the window
    (t - width, t].
    """

    width_ns: int
    count_max: int
    ledger: int = 0
    """0: all; a rule with an `amount_max` has one."""
    amount_max: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockedRule(Rule):
    """Broken by a payment from one of `debtors` or to one of `creditors`."""

    debtors: frozenset[int]
    """Account keys."""
    creditors: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpressionRule(Rule):
    """Broken by a payment of which its expression is true."""

    when: Expression
    owner: str
    """Who answers for it."""


@dataclass(frozen=True, slots=True)
class RulePack:
    """A set of rules, in the order of their numbers."""

    name: str
    version: int
    digest: bytes
    """SHA-256 of the file."""
    rules: tuple[Rule, ...]
    names: Names = Names(PAYMENT_FIELDS, ())  # noqa: RUF009 - it is frozen
    """What its expressions may speak of; the stage must offer the same."""
    lists: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """Account keys, by the name that expressions use."""


def names_of(features: FeatureSet | None, *, has_score: bool, lists: Sequence[str] = ()) -> Names:
    """Return what expressions may speak of, where these features are computed."""
    fields = PAYMENT_FIELDS if features is None else features.fields
    return Names(fields, () if features is None else features.names, tuple(lists), has_score)


def account_key(iban: str) -> int:
    """Return the 64-bit key under which the books and the stage know an account.

    A bank may choose its account numbers, so the key is a cryptographic hash; personalised, so
    that it can't be looked up in tables made for something else.
    """
    digest = blake2b(iban.encode("ascii"), digest_size=8, person=b"payvand.account").digest()
    return int.from_bytes(digest, "big")


def load_rules(
    path: Path, *, features: FeatureSet | None = None, has_score: bool = False
) -> RulePack:
    """Read a rule file; its expressions may speak of *features*, and of the score if there is one.

    Raises RuleFileFault where it is wrong, OSError where it can't be read.
    """
    if path.stat().st_size > FILE_BYTES_MAX:
        raise RuleFileFault(
            str(path), [Problem("", "", f"is larger than {FILE_BYTES_MAX:,} bytes")]
        )
    return read_rules(path.read_bytes(), source=str(path), features=features, has_score=has_score)


def default_rules() -> RulePack:
    """Return the rules that come with Payvand."""
    return read_rules(
        files(__package__).joinpath("default_rules.toml").read_bytes(), source="default_rules.toml"
    )


def read_rules(
    document: bytes, *, source: str, features: FeatureSet | None = None, has_score: bool = False
) -> RulePack:
    """Make rules of the bytes of a rule file; *source* names it in faults.

    Raises RuleFileFault with everything that is wrong, not only the first.
    """
    table, problems = read_toml(document)
    if problems:
        raise RuleFileFault(source, problems)
    top = Fields(table, "", "", problems)
    if top.integer("format", 1, 1 << 31) not in (FORMAT, None):
        top.wrong("format", f"is not {FORMAT}, the only one that this version reads")
    name = top.pattern("pack", _NAME, "a name of lower-case words")
    version = top.integer("version", 1, 1 << 31)
    lists = _read_lists(top)
    names = names_of(features, has_score=has_score, lists=tuple(lists))
    rules = [rule for rule in _read_all(top, names, lists) if rule is not None]
    top.nothing_else()
    if problems:
        raise RuleFileFault(source, problems)
    assert name is not None and version is not None
    rules.sort(key=lambda rule: rule.number)
    return RulePack(name, version, sha256(document).digest(), tuple(rules), names, lists)


def _read_lists(top: Fields) -> dict[str, frozenset[int]]:
    lists: dict[str, frozenset[int]] = {}
    for index, table in enumerate(top.take("list", list, "an array of tables", default=[]) or []):
        if not isinstance(table, dict):
            top.wrong(f"list[{index}]", "isn't a table")
            continue
        fields = Fields(table, f"list[{index}].", "", top.problems)
        name = fields.pattern("name", _LIST, "a name of lower-case words")
        accounts = _accounts(fields, "accounts")
        fields.nothing_else()
        if name in lists:
            fields.wrong("name", "is that of an earlier list as well")
        elif name is not None and accounts is not None:
            lists[name] = accounts
    return lists


def _read_all(top: Fields, names: Names, lists: Mapping[str, frozenset[int]]) -> list[Rule | None]:
    tables = top.take("rule", list, "an array of tables", default=[])
    if tables is None:
        return []
    if len(tables) > RULES_MAX:
        top.wrong("rule", f"has {len(tables)} rules; a pack holds at most {RULES_MAX}")
        return []
    rules: list[Rule | None] = []
    seen: dict[str | int, int] = {}
    kinds: dict[object, int] = {}
    for index, table in enumerate(tables):
        path = f"rule[{index}]"
        if not isinstance(table, dict):
            top.wrong(path, "isn't a table")
            continue
        identity = table.get("id")
        fields = Fields(
            table, path + ".", identity if isinstance(identity, str) else "", top.problems
        )
        kind = table.get("kind")
        rules.append(_read_rule(fields, names, lists))
        kinds[str(kind)] = kinds.get(str(kind), 0) + 1
        for name in ("id", "number"):
            value = table.get(name)
            if isinstance(value, str | int) and seen.setdefault(value, index) != index:
                fields.wrong(name, f"is that of rule[{seen[value]}] as well")
    for kind in ("velocity", "blocked"):
        if kinds.get(kind, 0) > KIND_RULES_MAX:
            top.wrong("rule", f"has more than {KIND_RULES_MAX} of kind {kind}")
    return rules


def _read_rule(fields: Fields, names: Names, lists: Mapping[str, frozenset[int]]) -> Rule | None:
    """Make a rule, or None where something about it is wrong and was noted."""
    before = len(fields.problems)
    kind = fields.take("kind", str, "a text")
    action = fields.take("action", str, "a text")
    if action is not None and action not in ("review", "decline"):
        fields.wrong("action", f"is {action!r} instead of 'review' or 'decline'")
    shared: dict[str, Any] = {
        "id": fields.pattern("id", _NAME, "a name of lower-case words"),
        "number": fields.integer("number", 1, NUMBER_MAX),
        "action": Action.DECLINE if action == "decline" else Action.REVIEW,
        "reason": fields.pattern("reason", _REASON, "an ISO 20022 reason code, as AM13"),
        "valid_from": fields.moment("valid_from"),
        "valid_to": fields.moment("valid_to", default=END_OF_TIME),
        "text": fields.texts("text", ("en", "fa")),
        "codes": _codes(fields, "codes"),
    }
    own: dict[str, Any] = {}
    match kind:
        case "amount":
            own = {
                "ledger": fields.integer("ledger", 1, (1 << 32) - 1),
                "amount_max": fields.integer("amount_max", 0, AMOUNT_MAX),
            }
        case "velocity":
            own = {
                "width_ns": (fields.integer("window_s", 1, WINDOW_S_MAX) or 0) * 1_000_000_000,
                "count_max": fields.integer("count_max", 1, COUNT_MAX),
                "ledger": fields.integer("ledger", 1, (1 << 32) - 1, default=0),
                "amount_max": fields.integer("amount_max", 0, AMOUNT_MAX, default=None),
            }
            if own["amount_max"] is not None and own["ledger"] == 0:
                fields.wrong("ledger", "is missing: amounts of several currencies have no sum")
        case "blocked":
            own = {
                "debtors": _accounts(fields, "debtors"),
                "creditors": _accounts(fields, "creditors"),
            }
        case "expression":
            own = {
                "when": _expression(fields, names, lists),
                "owner": fields.take("owner", str, "a text"),
            }
        case str():
            fields.wrong("kind", f"is {kind[:80]!r} instead of one of {', '.join(_KINDS)}")
    first, last = shared["valid_from"], shared["valid_to"]
    if first is not None and last is not None and first >= last:
        fields.wrong("valid_to", "isn't after valid_from")
    if kind in _KINDS:
        fields.nothing_else()
    if len(fields.problems) > before or kind is None:
        return None
    return _KINDS[kind](**shared, **own)


_KINDS: Mapping[str, type[Rule]] = {
    "amount": AmountRule,
    "velocity": VelocityRule,
    "blocked": BlockedRule,
    "expression": ExpressionRule,
}


def _expression(
    fields: Fields, names: Names, lists: Mapping[str, frozenset[int]]
) -> Expression | None:
    """Return a rule's compiled expression, once its own tests have passed."""
    text = fields.take("when", str, "a text")
    tests = fields.take("test", list, "a list of tests")
    if text is None or tests is None:
        return None
    try:
        expression = compile_expression(text, names)
    except ExpressionFault as fault:
        fields.wrong("when", str(fault))
        return None
    if len(tests) > TESTS_MAX:
        fields.wrong("test", f"has {len(tests)} tests; a rule has at most {TESTS_MAX}")
        return None
    program = Program(expression, [KeyList(lists[name]) for name in names.lists])
    answers = set()
    for index, test in enumerate(tests):
        path = f"test[{index}]"
        if not isinstance(test, dict) or set(test) != {"given", "is"}:
            fields.wrong(path, "isn't a table of `given` and `is`")
        elif not isinstance(test["given"], dict) or not isinstance(test["is"], bool):
            fields.wrong(path, "gives no table, or is neither true nor false")
        elif (truth := _tested(fields, path, test["given"], names, program)) is not None:
            answers.add(test["is"])
            if truth is not test["is"]:
                fields.wrong(path, f"is {str(truth).lower()}, not {str(test['is']).lower()}")
    if answers != {True, False}:
        fields.wrong("test", "needs a case that is true and one that isn't")
    return expression


def _tested(
    fields: Fields, path: str, given: Mapping[str, Any], names: Names, program: Program
) -> bool | None:
    """Return what an expression says of a case; fields not given are 0, features missing."""
    event = np.zeros((1, 2 + len(names.fields)), np.uint64)
    features = np.full((1, len(names.features)), np.nan)
    score = np.full(1, np.nan)
    for name, value in given.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        whole = isinstance(value, int) and is_number and 0 <= value < 1 << 64
        if name in names.fields and whole:
            event[0, 2 + list(names.fields).index(name)] = value
        elif name in names.features and name not in names.fields and is_number:
            features[0, list(names.features).index(name)] = value
        elif name == "score" and names.has_score and is_number:
            score[0] = value
        else:
            fields.wrong(f"{path}.given.{name[:80]}", "isn't a field or feature, or of its kind")
            return None
    return bool(program.evaluate(event, features, score)[0])


def _codes(fields: Fields, name: str) -> int | None:
    """Return a list of payment kinds as bits."""
    values = fields.take(name, list, "a list of integers", default=None)
    if values is None:
        return ALL_CODES
    mask = 0
    for index, code in enumerate(values):
        if not isinstance(code, int) or isinstance(code, bool) or not 1 <= code <= 9:
            fields.wrong(f"{name}[{index}]", "isn't a kind of payment, 1 to 9")
        else:
            mask |= 1 << code
    if not values:
        fields.wrong(name, "is empty")
    return mask


def _accounts(fields: Fields, name: str) -> frozenset[int] | None:
    """Return a list of accounts as keys. A wrong one isn't repeated: it may be a real one."""
    values = fields.take(name, list, "a list of accounts", default=[])
    if values is None:
        return None
    if len(values) > LIST_MAX:
        fields.wrong(name, f"has {len(values)} accounts; a list holds at most {LIST_MAX}")
        return None
    keys = set()
    for index, account in enumerate(values):
        if isinstance(account, str) and _KEY.fullmatch(account) and int(account, 16):
            keys.add(int(account, 16))
        elif isinstance(account, str) and _IBAN.fullmatch(account):
            keys.add(account_key(account))
        else:
            fields.wrong(f"{name}[{index}]", "is neither an IBAN nor 16 hexadecimal digits")
    return frozenset(keys)
