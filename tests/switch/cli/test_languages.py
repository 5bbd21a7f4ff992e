"""Everything that people are told has a name in Persian and in English, and tables stay tables."""

import ast
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from io import StringIO
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from payvand.client import STATE_NAMES
from payvand.core.statuses import AccountStatus, LimitStatus, TransferStatus
from payvand.risk.rules import default_rules
from payvand.settlement.reconciliation.matching import Kind
from payvand.switch import translate
from payvand.switch.approvals.proposal import Act
from payvand.switch.cli import main
from payvand.switch.cli.approvals import STATES as PROPOSAL_STATES
from payvand.switch.cli.claims import CLAIM_KINDS
from payvand.switch.cli.claims import STATE_NAMES as CLAIM_STATES
from payvand.switch.cli.directory import ALIAS_KINDS
from payvand.switch.cli.display import Calendar, Display, reason_text, said
from payvand.switch.cli.printing import moment, print_table, table
from payvand.switch.directory_file import load
from payvand.switch.identity import Role
from payvand.switch.names.catalogue import (
    Language,
    has_name,
    name_of,
    persian_digits,
    persian_number,
)
from payvand.switch.onboarding import ROLE_NAMES
from payvand.switch.rules.rulebook import load as load_rules
from payvand.switch.services.statements import KINDS
from tests.support.command_town import Town, town

__all__ = ["town"]

CLI = Path(__file__).resolve().parents[3] / "switch" / "cli"
SOURCES = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in CLI.glob("*.py")}
SANDBOX = files("payvand.switch.sandbox") / "directory.toml"

CODES = {
    "payment_state": set(STATE_NAMES.values()),
    "claim_state": set(CLAIM_STATES.values()),
    "claim_kind": set(CLAIM_KINDS),
    "alias_kind": set(ALIAS_KINDS),
    "role": {*Role, *ROLE_NAMES.values()},
    "proposal_state": {
        *PROPOSAL_STATES.values(),
        "reviewed",
        "in_force",
        "was_in_force",
        "unknown",
    },
    "act": {act.value for act in Act},
    "entry_kind": set(KINDS.values()),
    "break_kind": {kind.name for kind in Kind},
    "reason": {
        *translate.COUNTED_CODES,
        *translate._CODES.values(),
        translate.NO_REASON_CODE,
        translate.TIMED_OUT.code,
        *(rule.reason for rule in default_rules().rules if rule.reason),
    },
    "ledger_status": {
        status.name
        for statuses in (TransferStatus, AccountStatus, LimitStatus)
        for status in statuses
    },
}


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of functions in the command line's source, with the file's name."""
    for file, tree in SOURCES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                yield file, node


@pytest.mark.parametrize("kind", CODES)
def test_every_code_has_a_name_in_both_languages(kind: str) -> None:
    assert CODES[kind]
    assert [code for code in CODES[kind] if not has_name(kind, code)] == []


def test_every_heading_of_every_report_has_a_name_in_both_languages() -> None:
    seen = 0
    for file, call in calls("print_table", "table"):
        if file == "printing.py":
            continue
        columns = call.args[0]
        assert isinstance(columns, ast.Tuple), f"{file}:{call.lineno}: write the headings there"
        for column in columns.elts:
            heading = ast.literal_eval(column)
            assert not heading or has_name("heading", heading), f"{file}: {heading!r}"
            seen += 1
        for keyword in call.keywords:
            if keyword.arg == "title":
                title = ast.unparse(keyword.value)
                assert title.startswith("said("), f"{file}:{call.lineno}: say the title"
    assert seen > 50


def test_every_kind_that_is_named_in_the_source_is_of_the_catalogue() -> None:
    kinds = {
        ast.literal_eval(call.args[0]) for file, call in calls("named") if file != "display.py"
    }
    for kind in kinds:
        name_of(kind, "anything", Language.FA)


def test_every_bank_agency_rail_and_risk_rule_has_both_names() -> None:
    book = load_rules()
    for bank in book.banks.banks.values():
        assert bank.name_en.strip() and bank.name_fa.strip(), bank.code
    for rail in book.rails.rails.values():
        assert rail.title_en.strip() and rail.title_fa.strip(), rail.name
    for entry in load(Path(str(SANDBOX))):
        assert entry.display_name.strip() and entry.display_name_fa.strip(), entry.name
    for rule in default_rules().rules:
        assert rule.text["en"].strip() and rule.text["fa"].strip(), rule.id


def test_a_code_without_a_name_is_shown_as_it_is() -> None:
    assert not has_name("reason", "XX99")
    assert name_of("reason", "XX99", Language.FA) == "XX99"
    assert reason_text("XX99", "exceeds_credits") == "XX99 (exceeds credits)"
    assert reason_text("", "") == ""


@given(st.integers(0, 2**64))
def test_persian_numbers_are_read_back(number: int) -> None:
    assert int(persian_digits(str(number))) == number
    assert int(persian_number(f"{number:,}").replace("٬", "")) == number


def shown(language: Language, calendar: Calendar = Calendar.GREGORIAN) -> click.Context:
    return click.Context(main, obj=Display(language, calendar))


NOON = int(datetime(2026, 11, 24, 12, 0, tzinfo=UTC).timestamp()) * 10**9 + 5_000_000


def test_moments_are_shown_by_the_calendar_that_was_asked_for() -> None:
    assert moment(NOON) == "2026-11-24 12:00:00.005 UTC"
    assert moment(0) == ""
    with shown(Language.EN, Calendar.HIJRI):
        assert moment(NOON) == "1405-09-03 15:30:00.005 Tehran"
    with shown(Language.FA, Calendar.HIJRI):
        assert moment(NOON) == "۱۴۰۵-۰۹-۰۳ ۱۵:۳۰:۰۰.۰۰۵ تهران"
    with shown(Language.FA):
        assert moment(NOON) == "۲۰۲۶-۱۱-۲۴ ۱۲:۰۰:۰۰.۰۰۵ UTC"


CELLS = st.lists(
    st.tuples(
        st.sampled_from(
            ["بانک ملی ایران", "تسویه‌شده", "مُحَمَّد", "melli", "IR062960000000100324200001"]
        ),
        st.integers(0, 10**15).map(lambda number: f"{number:,}"),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.parametrize("language", Language)
@given(rows=CELLS)
def test_lines_of_a_table_are_equally_wide_whatever_the_script(
    language: Language, rows: list[tuple[str, str]]
) -> None:
    with shown(language):
        made = table(("bank", "amount"), rows, numbers=1)
    out = StringIO()
    console = Console(file=out, width=200, highlight=False)
    console.print(made)
    lines = [line for line in out.getvalue().splitlines() if line.strip()]
    assert len({cell_len(line.rstrip("\n")) for line in lines}) == 1
    for line in lines:
        assert line.count("\u2068") == line.count("\u2069")


def test_a_persian_table_runs_from_right_to_left_with_persian_digits(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with shown(Language.FA):
        print_table(("bank", "amount"), [("بانک ملت", "1,250")], numbers=1)
        assert said("Window {number} is open.", number=12) == "پنجرهٔ ۱۲ باز است."
        # A path is for copying: it keeps its digits, and its direction.
        said_of_path = said("Window {number} in {folder}", number=3, folder="/data/w3")
        assert said_of_path == "پنجرهٔ ۳ در \u2068/data/w3\u2069"
    lines = capsys.readouterr().out
    assert "۱٬۲۵۰" in lines
    assert lines.index("مبلغ") < lines.index("بانک")
    assert lines.index("۱٬۲۵۰") < lines.index("بانک ملت")


def test_the_language_comes_from_the_option_or_the_environment_and_json_stays(
    tmp_path: Path,
) -> None:
    arguments = ["routing", "explain", "500000000:017:062", "--at", "1404-02-31 13:44"]
    arguments += ["--data", str(tmp_path)]

    def run(*options: str, environment: str = "", more: tuple[str, ...] = ()) -> str:
        env = {"PAYVAND_LANG": environment or None}
        result = CliRunner().invoke(main, [*options, *arguments, *more], env=env)
        assert result.exit_code == 0, result.output
        return result.stdout

    english = run()
    assert "سامانه" not in english
    persian = run("--lang", "fa")
    assert "سامانه" in persian
    assert run(environment="fa") == persian
    assert run("--lang", "en", environment="fa") == english
    assert run("--lang", "fa", "--calendar", "hijri", more=("--json",)) == run(more=("--json",))


def test_participants_are_called_by_their_name_in_the_callers_language(town: Town) -> None:
    for language, name in (("en", "Bank Mellat"), ("fa", "بانک ملت")):
        arguments = ["--lang", language, "participants", "list", "--data", str(town.data)]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, result.output
        assert name in result.stdout
        assert town.json("participants", "list")["participants"][1]["display_name_fa"] == "بانک ملت"


def test_the_catalogue_holds_no_name_that_nothing_is_called_by() -> None:
    text = (files("payvand.switch.names") / "names.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    for kind, codes in CODES.items():
        assert {code.lower() for code in codes} | {"unspecified"} >= set(tables[kind]), kind
