"""Expressions mean what they say: random ones, held against the same thing said in Python."""

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from payvand.risk.expression import Expression, ExpressionFault, Names, compile_expression
from payvand.risk.key_list import KeyList
from payvand.risk.program import Program

NAMES = Names(("amount", "code", "creditor"), ("mean", "hour"), ("mules", "shops"), has_score=True)
LISTS = {"mules": {1, 5, 2**64 - 1}, "shops": {0, 7}}
Row = dict[str, Any]
Said = tuple[str, Callable[[Row], Any]]
"""A piece of the language, and what it means of a row."""

numbers = st.sampled_from([nan, -1.5, -1.0, 0.0, 0.5, 1.0, 5.0, 22.0, 1e18])
integers = st.sampled_from([0, 1, 2, 5, 7, 10, 1_000_000, 2**53 + 1, 2**63, 2**64 - 1])
rows = st.fixed_dictionaries(
    {"amount": integers, "code": integers, "creditor": integers, "mean": numbers, "hour": numbers}
    | {"score": numbers}
)


def number(value: Any) -> float:
    return float(value)


def whole(depth: int) -> st.SearchStrategy[Said]:
    """Integers."""
    field = st.sampled_from(NAMES.fields).map(lambda name: (name, lambda row: row[name]))
    literal = integers.map(lambda value: (f"{value:_}", lambda row: value))
    if depth == 0:
        return field | literal
    divided = st.tuples(whole(0), st.sampled_from(["%", "//"]), st.sampled_from([1, 3, 1000]))
    return field | literal | divided.map(_divided)


def _divided(said: tuple[Said, str, int]) -> Said:
    (text, mean), sign, by = said
    if sign == "%":
        return f"{text} % {by}", lambda row: mean(row) % by
    return f"{text} // {by}", lambda row: mean(row) // by


def real(depth: int) -> st.SearchStrategy[Said]:
    """Numbers."""
    names = (*NAMES.features, "score")
    feature = st.sampled_from(names).map(lambda name: (name, lambda row: row[name]))
    literal = st.sampled_from([0.5, 2.0, 1e3]).map(lambda value: (repr(value), lambda row: value))
    if depth == 0:
        return feature | literal
    either = real(depth - 1) | whole(depth - 1)
    joined = st.tuples(either, st.sampled_from("+-*/"), either).map(_joined)
    called = st.tuples(st.sampled_from(["min", "max", "coalesce"]), either, either).map(_called)
    unary = st.tuples(st.sampled_from(["abs", "-"]), either).map(_unary)
    return feature | literal | joined | called | unary


def _joined(said: tuple[Said, str, Said]) -> Said:
    (left, a), sign, (right, b) = said

    def mean(row: Row) -> float:
        x, y = number(a(row)), number(b(row))
        match sign:
            case "+":
                return x + y
            case "-":
                return x - y
            case "*":
                return x * y
            case _:
                return x / y if y != 0 else nan

    return f"({left} {sign} {right})", mean


def _called(said: tuple[str, Said, Said]) -> Said:
    name, (left, a), (right, b) = said

    def mean(row: Row) -> float:
        x, y = number(a(row)), number(b(row))
        if name == "coalesce":
            return y if isnan(x) else x
        if isnan(x) or isnan(y):
            return nan
        return min(x, y) if name == "min" else max(x, y)

    return f"{name}({left}, {right})", mean


def _unary(said: tuple[str, Said]) -> Said:
    sign, (text, a) = said
    if sign == "abs":
        return f"abs({text})", lambda row: abs(number(a(row)))
    return f"(-{text})", lambda row: -number(a(row))


def truth(depth: int) -> st.SearchStrategy[Said]:
    """What is true or false."""
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    side = whole(1) | real(1)
    compared = st.tuples(side, signs, side).map(_compared)
    listed = st.tuples(whole(1), st.booleans(), st.sampled_from(NAMES.lists)).map(_listed)
    chosen = st.tuples(side, st.booleans(), st.lists(integers, min_size=1, max_size=4)).map(_in_set)
    missing = real(1).map(lambda said: (f"missing({said[0]})", lambda row: isnan(said[1](row))))
    leaf = compared | listed | chosen | missing
    if depth == 0:
        return leaf
    inner = truth(depth - 1)
    both = st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(_both)
    return leaf | both | inner.map(lambda said: (f"not ({said[0]})", lambda row: not said[1](row)))


def _compared(said: tuple[Said, str, Said]) -> Said:
    (left, a), sign, (right, b) = said

    def mean(row: Row) -> bool:
        x, y = a(row), b(row)
        if isinstance(x, float) or isinstance(y, float):
            x, y = number(x), number(y)
            if isnan(x) or isnan(y):
                return False
        match sign:
            case "<":
                return bool(x < y)
            case "<=":
                return bool(x <= y)
            case ">":
                return bool(x > y)
            case ">=":
                return bool(x >= y)
            case "==":
                return bool(x == y)
            case _:
                return bool(x != y)

    return f"{left} {sign} {right}", mean


def _listed(said: tuple[Said, bool, str]) -> Said:
    (text, a), outside, name = said
    word = "not in" if outside else "in"
    return f"{text} {word} @{name}", lambda row: (a(row) in LISTS[name]) is not outside


def _in_set(said: tuple[Said, bool, list[int]]) -> Said:
    (text, a), outside, values = said

    def mean(row: Row) -> bool:
        x = a(row)
        if isinstance(x, float):
            return not isnan(x) and (x in {float(value) for value in values}) is not outside
        return (x in values) is not outside

    word = "not in" if outside else "in"
    return f"{text} {word} {{{', '.join(map(str, values))}}}", mean


def _both(said: tuple[Said, str, Said]) -> Said:
    (left, a), word, (right, b) = said
    if word == "and":
        return f"({left} and {right})", lambda row: a(row) and b(row)
    return f"({left}) or ({right})", lambda row: a(row) or b(row)


def evaluate(expression: Expression, of: list[Row]) -> list[bool]:
    lists = [KeyList(LISTS[name]) for name in NAMES.lists]
    events = np.array([[0, 0, *(row[name] for name in NAMES.fields)] for row in of], np.uint64)
    features = np.array([[row[name] for name in NAMES.features] for row in of])
    scores = np.array([row["score"] for row in of])
    truths: list[bool] = Program(expression, lists).evaluate(events, features, scores).tolist()
    return truths


@given(said=truth(3), of=st.lists(rows, min_size=1, max_size=5), repeats=st.sampled_from([1, 60]))
def test_an_expression_means_what_it_says(said: Said, of: list[Row], repeats: int) -> None:
    text, mean = said
    expression = compile_expression(text, NAMES)
    assert evaluate(expression, of * repeats) == [bool(mean(row)) for row in of] * repeats


ROW: Row = {"amount": 10, "code": 1, "creditor": 5, "mean": 2.0, "hour": nan, "score": 0.0}


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("amount > 3 * mean and not missing(mean)", True),
        ("amount == 10 or amount == 11 and code == 2", True),
        ("not amount == 10 or code == 1", True),
        ("not not (amount == 10)", True),
        ("amount - 2 * 3 == 4", True),
        ("amount - 2 - 3 == 5", True),
        ("-mean == 0 - 2", True),
        ("--mean == 2", True),
        ("mean in {1, 2.0, -3}", True),
        ("hour != 3", False),
        ("hour not in {3}", False),
        ("not hour == 3", True),
        ("amount / 0 > 1 or amount / 0 <= 1", False),
        ("coalesce(hour, 12) == 12", True),
        ("max(1, mean, 1.5) == 2", True),
        ("missing(min(hour, 1))", True),
        ("creditor in @mules and creditor not in @shops", True),
        ("10_000 == 1e4", True),
    ],
)
def test_precedence_and_missing_numbers(text: str, true: bool) -> None:
    assert evaluate(compile_expression(text, NAMES), [ROW]) == [true]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "stands where a value should"),
        ("amount", 1, "an integer, where true or false is needed"),
        ("amount > payee", 10, "'payee' is neither a field nor a feature"),
        ("amount > 1 > 0", 12, "don't chain"),
        ("amount >", 9, "stands where a value should"),
        ("amount > 1 code", 12, "isn't expected here"),
        ("(amount > 1", 12, "stands where ')' should"),
        ("amount & 1", 8, "'&' means nothing here"),
        ("amount > 1 and code", 16, "an integer, where true or false is needed"),
        ("not amount", 5, "an integer, where true or false is needed"),
        ("amount % mean == 1", 8, "needs a whole number behind it"),
        ("amount % 0 == 1", 8, "needs a whole number behind it"),
        ("mean % 2 == 1", 6, "a number, where an integer is needed"),
        ("amount in @friends", 11, "there is no list 'friends'"),
        ("mean in @mules", 6, "a number, where an integer is needed"),
        ("amount in mules", 11, "needs a set"),
        ("amount in {1.5}", 12, "isn't a whole number"),
        ("amount in {1", 13, "isn't expected in a set"),
        ("amount in {1, code}", 15, "isn't a number"),
        ("missing(amount > 1)", 1, "true or false, where a number is needed"),
        ("abs(mean, mean) > 1", 1, "doesn't take 2 values"),
        ("min(mean) > 1", 1, "doesn't take 1 values"),
        ("amount > 18446744073709551616", 10, "greater than 2**64 - 1"),
        ("mean > 1e999", 8, "greater than any number"),
        ("(" * 40 + "amount == 1" + ")" * 40, 33, "parentheses in another"),
        ("amount == 1 or " * 200 + "amount == 1", 973, "takes over 256 instructions"),
        ("amount == " + "1" * 5000, 4096, "is longer than"),
    ],
)
def test_what_is_wrong_is_named_by_its_column(text: str, column: int, message: str) -> None:
    with pytest.raises(ExpressionFault) as caught:
        compile_expression(text, NAMES)
    assert message in str(caught.value)
    assert caught.value.column == column


def test_a_score_needs_a_model() -> None:
    with pytest.raises(ExpressionFault, match="there is no model"):
        compile_expression("score > 1", Names(("amount",), ()))


words = st.sampled_from(
    [
        *(*NAMES.fields, *NAMES.features, "score", "and", "or", "not", "in", "(", ")", "{", "}"),
        *(",", "<", "==", "+", "-", "//", "%", "1", "2.5", "@mules", "min", "missing", "۱", "é"),
    ]
)


@given(text=st.lists(words, max_size=14).map(" ".join) | st.text(max_size=40))
def test_any_text_is_refused_or_evaluated(text: str) -> None:
    try:
        expression = compile_expression(text, NAMES)
    except ExpressionFault as fault:
        assert 1 <= fault.column <= len(text) + 1
        return
    assert len(evaluate(expression, [ROW, ROW])) == 2


@given(keys=st.sets(st.integers(0, 40) | st.integers(0, 2**64 - 1)), key=st.integers(0, 40))
def test_a_list_holds_its_keys_and_no_other(keys: set[int], key: int) -> None:
    held = KeyList(keys)
    assert len(held) == len(keys)
    assert all(k in held for k in keys)
    assert (key in held) == (key in keys)
