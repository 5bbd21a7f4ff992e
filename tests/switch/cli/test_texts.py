"""Whatever a command tells people has its Persian, with the same figures in it."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from payvand.switch.cli import COMMANDS, main
from payvand.switch.names.texts import persian
from tests.support.told_texts import help_texts, messages, sentences

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "core",
    "settlement",
    "settlement/reconciliation",
    "settlement/reporting",
    "switch",
    "switch/approvals",
    "switch/cli",
    "switch/cli/fees",
    "switch/client",
    "switch/directory",
    "switch/files",
    "switch/identifiers",
    "switch/registry",
    "switch/rule_changes",
    "switch/rules",
    "switch/services",
    "switch/wire",
)
"""What is said in these is all in Persian; a room that joins them is added here."""
SOURCES = [
    *(path for room in ROOMS for path in sorted((ROOT / room).glob("*.py"))),
    ROOT / "switch" / "sandbox" / "demo.py",
]
FA = {
    file.name: tomllib.loads(file.read_text(encoding="utf-8"))
    for file in (files("payvand.switch.names") / "fa").iterdir()
    if file.name.endswith(".toml")
}
TEXTS = {text: told for texts in FA.values() for text, told in texts.items()}
NOT_FROM_SOURCE = {"click.toml", "words.toml"}
PERSIAN = re.compile("[آ-ی]")

SAID = {text for path in SOURCES for text in sentences(path)}
MESSAGES = {text for path in SOURCES for text in messages(path)}
HELP = {text for text in help_texts(main) if text and "Results:" not in text}


def figures(text: str) -> list[str]:
    return sorted(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("texts", [SAID, MESSAGES, HELP], ids=["said", "messages", "help"])
def test_every_text_has_its_persian(texts: set[str]) -> None:
    assert len(texts) > 50
    assert sorted(text for text in texts if text not in TEXTS) == []


def test_a_text_and_its_persian_have_the_same_figures() -> None:
    for text, told in TEXTS.items():
        if text in HELP:
            continue
        assert figures(text) == figures(told), text


def test_no_persian_stands_there_for_what_nobody_says() -> None:
    said = SAID | MESSAGES | HELP
    for name, texts in FA.items():
        if name not in NOT_FROM_SOURCE:
            assert sorted(set(texts) - said) == [], name


@pytest.mark.parametrize("text", sorted(text for text in MESSAGES if figures(text)))
def test_a_message_is_recognised_by_its_form_whatever_its_figures(text: str) -> None:
    # As many figures as the form has, none of which is a word that has its own Persian.
    values = {name: f"x{place}y" for place, name in enumerate(dict.fromkeys(figures(text)))}
    filled = re.sub(r"\{(\w+)\}", lambda figure: values[figure[1]], text)
    told = persian(filled)
    assert told != filled
    for value in values.values():
        assert value in told


@given(st.text("abcdefgh 0123456789.:;,()\n", max_size=60))
def test_a_text_that_no_file_has_is_not_lost(text: str) -> None:
    told = persian(text)
    kept = re.sub("[\u2068\u2069 ،؛,;]", "", told)
    assert [letter for letter in kept if letter in "abcdefgh"] == [
        letter for letter in text if letter in "abcdefgh"
    ]


def test_what_stands_in_a_message_is_told_in_persian_too() -> None:
    told = persian(
        "the switch at 127.0.0.1:7420 answered FAILED_PRECONDITION: "
        "window 3 can't be settled: melli owes 1,250 and has 0, it lacks 1,250; "
        "mellat owes 7 and has 0, it lacks 7; fund them, then repeat"
    )
    assert "FAILED_PRECONDITION" in told
    assert "پنجرهٔ ۳" in told
    assert "۱٬۲۵۰" in told
    assert "owes" not in told


def run(*arguments: str, lang: str = "fa") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *arguments])


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("data", "diff")])
def test_help_is_persian_from_its_first_word_to_its_last(command: tuple[str, ...]) -> None:
    told = run(*command, "--help")
    assert told.exit_code == 0
    assert told.stdout.startswith("کاربرد: ")
    for line in told.stdout.splitlines():
        words = re.findall(r"(?<![\w./{<-])[a-z]{3,}(?![\w./:-])", line)
        names = {*COMMANDS, *map(str.lower, words)} if not PERSIAN.search(line) else set()
        assert PERSIAN.search(line) or set(words) <= names, line
    assert "Show this message" not in told.stdout
    assert run(*command, "--help", lang="en").stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["data"], "کاربرد"),
        (["data", "import", "banks"], "آرگومان"),
        (["data", "import", "nothing", "file"], "یکی از این‌ها نیست"),
        (["data", "diff"], "داده نشده"),
        (["nothing"], "وجود ندارد"),
        (["totals", "--nothing"], "وجود ندارد"),
        (["windows", "--count", "x"], "عدد درست نیست"),
        (["windows", "--count", "0"], "در بازهٔ"),
        (["statement", "--csv", "--json"], "را برگزینید"),
        (["data", "list", "--at", "yesterday"], "بنویسید"),
        (["fund"], "را بدهید"),
        (["files", "x"], "عدد درست نیست"),
    ],
)
def test_what_is_wrong_with_a_command_is_told_in_persian(arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.output
    assert not re.search("Error|Invalid|Missing|Try|Usage", result.output), result.output


def test_a_fault_and_its_hint_are_told_in_persian(tmp_path: Path) -> None:
    result = run("totals", "--data", str(tmp_path), "--address", "127.0.0.1:1")
    assert result.exit_code == 3
    assert "خطا: " in result.stderr
    assert "راهنما: " in result.stderr
    assert str(tmp_path) in result.stderr
