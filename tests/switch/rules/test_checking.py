"""Faults by line, whatever is broken and however many; and what differs between two texts."""

import random
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.rules.checking import FAULTS_MAX, faults_of
from payvand.switch.rules.differing import differences
from payvand.switch.rules.rulebook import TABLE_BYTES_MAX, TABLES, shipped_text
from payvand.switch.rules.toml_lines import line_of, lines_by_path

TEXTS = {name: shipped_text(name) for name in TABLES}
KEYS = st.sampled_from(["code", "name", "until", "a-b"])
VALUES = st.one_of(
    st.integers(0, 99).map(str),
    st.sampled_from(
        [
            '"plain"',
            "'a # b'",
            '"[not] a = list"',
            '"\\" = [1]"',
            "true",
            '"""two\nlines = [ """',
            "'''two\n[[no]]\n'''",
            "{ x = 1, y = [2, 3] }",
            "[]",
            '["a", # c\n  "b"]',
            '[\n  ["1404-01-01", "a"],\n\n  # none\n  ["x"],\n]',
        ]
    ),
)
SPACE = st.sampled_from(["", "\n", "# [[bank]]\n", "\n# a = 1\n\n"])


def paths_of(value: Any, path: str) -> list[str]:
    """Return the path of everything in a parsed text."""
    found = [path] if path else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths_of(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            found += paths_of(inner, f"{path}[{index}]")
    return found


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, int]]:
    """A TOML text, and on which line each of its keys and tables stands."""
    text, lines = "", {}

    def entries(path: str) -> None:
        nonlocal text
        for key in draw(st.lists(KEYS, unique=True, max_size=3)):
            text += draw(SPACE)
            lines[f"{path}{key}"] = text.count("\n") + 1
            text += f"{key} = {draw(VALUES)} # end\n"

    entries("")
    counts = {"bank": 0, "rail": 0}
    for name in draw(st.lists(st.sampled_from(list(counts)), max_size=5)):
        text += draw(SPACE)
        path = f"{name}[{counts[name]}]"
        counts[name] += 1
        lines[path] = text.count("\n") + 1
        text += f"[[{name}]]\n"
        entries(f"{path}.")
        for index in range(draw(st.integers(0, 2))):
            inner = f"{path}.limit[{index}]"
            lines[inner] = text.count("\n") + 1
            text += f"[[ {name}.limit ]]\n"
            entries(f"{inner}.")
    return text, lines


@given(texts())
def test_each_key_and_table_is_found_on_its_line(case: tuple[str, dict[str, int]]) -> None:
    text, lines = case
    content = tomllib.loads(text)
    found = lines_by_path(text)
    assert {path: found.get(path) for path in lines} == lines
    for path in paths_of(content, ""):
        assert 1 <= line_of(found, path) <= text.count("\n") + 1


@pytest.mark.parametrize("name", TABLES)
def test_everything_in_the_tables_of_the_switch_has_a_line(name: str) -> None:
    found = lines_by_path(TEXTS[name])
    lines = TEXTS[name].split("\n")
    for path in paths_of(tomllib.loads(TEXTS[name]), ""):
        if path.endswith("]"):
            assert line_of(found, path)
        else:
            key = path.rpartition(".")[2]
            if path in found:
                assert lines[found[path] - 1].lstrip().startswith((key, "[["))
            else:
                assert f"{path}[0]" in found
    assert faults_of(name, TEXTS[name]) == []


BREAKS = {
    "banks": [
        ('code = "', 'code = "x'),
        ('name_en = "', 'name_in = "'),
        ('bins = ["', 'bins = ["1'),
    ],
    "holidays": [('  ["14', '  ["13-14'), ('  ["14', '  ["15')],
    "rails": [
        ('from = "14', 'from = "x14'),
        ('channel = "', 'channel = "x'),
        ('kind = "', 'kind = "x'),
    ],
    "services": [("digit = ", "digit = 1"), ('source = "', 'sauce = "')],
}


@pytest.mark.parametrize("name", BREAKS)
@pytest.mark.parametrize("seed", range(12))
def test_every_row_that_is_broken_is_told_of_on_one_of_its_lines(name: str, seed: int) -> None:
    draw = random.Random(f"{name} {seed}")
    lines = TEXTS[name].split("\n")
    old, new = draw.choice(BREAKS[name])
    places = [place for place, line in enumerate(lines) if line.startswith(old)]
    broken = sorted(draw.sample(places, draw.randrange(1, min(len(places), 9) + 1)))
    for place in broken:
        lines[place] = lines[place].replace(old, new, 1)
    faults = faults_of(name, "\n".join(lines))
    assert [fault.line for fault in faults] == sorted(fault.line for fault in faults)
    assert all(fault.rule and fault.hint for fault in faults)
    heads = [place for place, line in enumerate(lines) if line.startswith(("[[", "  ["))]
    rows = {max(head for head in heads if head <= place) for place in broken}
    told = {max(head for head in heads if head <= fault.line - 1) for fault in faults}
    assert told == rows


def test_what_is_no_toml_is_told_with_its_line() -> None:
    (fault,) = faults_of("banks", 'version = "1"\nsource = ?\n')
    assert (fault.line, fault.rule) == (2, "rules.toml")
    (fault,) = faults_of("banks", "x" * (TABLE_BYTES_MAX + 1))
    assert fault.rule == "rules.size"


def test_what_rows_have_with_each_other_is_told_once_each_is_right() -> None:
    text = TEXTS["banks"].replace('successor = "017"', 'successor = "999"')
    (fault,) = faults_of("banks", text)
    assert fault.rule == "banks.missing"
    assert text.split("\n")[fault.line - 1] == 'successor = "999"'
    both = text.replace('code = "012"', 'code = "12"')
    assert [fault.rule for fault in faults_of("banks", both)] == ["banks.code"]


def test_faults_are_bounded() -> None:
    assert len(faults_of("holidays", TEXTS["holidays"].replace('  ["14', '  ["15'))) == FAULTS_MAX


@pytest.mark.parametrize("name", TABLES)
def test_a_table_does_not_differ_from_itself_however_it_is_written(name: str) -> None:
    text = TEXTS[name]
    assert differences(text, text) == []
    assert (
        differences(text, "\n".join(line.partition("  # ")[0] for line in text.split("\n"))) == []
    )


@given(st.data())
def test_what_differs_is_told_both_ways_and_nothing_else_is(data: st.DataObject) -> None:
    codes = st.lists(st.sampled_from([f"{code:03}" for code in range(20)]), unique=True)
    names = st.sampled_from(["a", "b"])
    before, after = ({code: data.draw(names) for code in data.draw(codes)} for _ in range(2))

    def text(rows: dict[str, str]) -> str:
        order = data.draw(st.permutations(list(rows)))
        return "".join(f'[[bank]]\ncode = "{code}"\nname = "{rows[code]}"\n' for code in order)

    changes = differences(text(before), text(after))
    expected = {
        f"bank {code}": (
            "added" if code not in before else "removed" if code not in after else "changed"
        )
        for code in before.keys() | after.keys()
        if before.get(code) != after.get(code)
    }
    assert {change.row: change.kind for change in changes} == expected
    for change in changes:
        code = change.row.removeprefix("bank ")
        fields = {field.field: (field.before, field.after) for field in change.fields}
        assert fields["name"] == (before.get(code, ""), after.get(code, ""))
