"""Files from elsewhere: every instruction ends in a named rule, or the file does; never a trace.

No switch runs here: what can be read is only checked, and where something could be sent the
command says that nobody answers.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from payvand.switch.cli import main
from payvand.switch.onboarding import issue_all
from tests.support.payment_files import Batch, Order, pain001_text

FOREIGN = {
    "euro": Order(unit="EUR", amount="1000.99", creditor_iban="FR7630006000011234567890189"),
    "swiss, by a number": Order(unit="CHF", amount="3421.25", account=""),
    "no account": Order(account="<Othr><Id>080-1</Id></Othr>"),
    "equivalent amount": Order(
        amount_element="<EqvtAmt><Amt Ccy='EUR'>5</Amt><CcyOfTrf>IRR</CcyOfTrf></EqvtAmt>"
    ),
    "yen": Order(unit="JPY", amount="500"),
    "nameless": Order(creditor_name="", unit="USD", amount="0.01"),
}


def run(*arguments: str | Path, data: Path) -> Result:
    result = CliRunner().invoke(main, [*map(str, arguments), "--data", str(data)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output + result.stderr
    return result


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def checked(path: Path, data: Path) -> dict[str, Any]:
    result = run("submit", path, "--check", "--json", data=data)
    assert result.exit_code == 1
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


@pytest.mark.parametrize("version", [3, 8, 9, 11, 12])
@pytest.mark.parametrize("order", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_instruction_is_refused_by_field_and_rule(
    tmp_path: Path, data: Path, order: Order, version: int
) -> None:
    path = tmp_path / "foreign.xml"
    path.write_text(pain001_text(Batch([order]), version=version), encoding="utf-8")
    answer = checked(path, data)
    (problem,) = answer["problems"]
    assert problem["state"] == "refused"
    assert problem["field"] and problem["rule"] and problem["hint"]
    assert answer["payments"]["refused"]["count"] == 1
    people = run("submit", path, "--check", data=data)
    assert problem["rule"] in people.stdout and problem["field"] in people.stdout


def test_a_file_of_which_nothing_can_be_sent_needs_no_switch(tmp_path: Path, data: Path) -> None:
    path = tmp_path / "foreign.xml"
    path.write_text(pain001_text(Batch([FOREIGN["euro"], FOREIGN["yen"]])), encoding="utf-8")
    issue_all(data / "certificates", [])
    result = run("submit", path, "--as", "operator", "--json", data=data)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["payments"]["refused"]["count"] == 2


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cut=st.integers(min_value=0, max_value=2_500), junk=st.binary(max_size=40))
def test_a_damaged_file_is_refused_as_a_whole_or_by_its_lines(
    tmp_path: Path, data: Path, cut: int, junk: bytes
) -> None:
    whole = pain001_text(Batch([FOREIGN["euro"], FOREIGN["no account"]])).encode()
    path = tmp_path / "damaged.xml"
    path.write_bytes(whole[:cut] + junk + whole[cut:])
    result = run("submit", path, "--check", data=data)
    assert result.exit_code in (0, 1)
    if "error:" in result.stderr:
        assert "file." in result.stderr
