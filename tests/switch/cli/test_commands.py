"""The commands as their users type them, against a switch that the commands set up."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from payvand.switch.cli import COMMANDS, main
from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import Town, town

__all__ = ["town"]

MELLI, MELLAT = account_iban("017", 1), account_iban("012", 2)
PARSIAN = account_iban("054", 3)
NO_SUCH_BANK = account_iban("999", 4)

CSV = f"""end_to_end_id,debtor_iban,creditor_iban,amount,unit
A-1,{MELLI},{PARSIAN},150000,IRR
A-2,{MELLI},{NO_SUCH_BANK},150000,IRR
A-3,{MELLI},{PARSIAN},12.5,IRR
A-4,{MELLI},{MELLAT},70000,IRR
"""

FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.03">
  <CstmrCdtTrfInitn>
    <GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-11-01T10:00:00</CreDtTm><NbOfTxs>1</NbOfTxs>
      <CtrlSum>1000.99</CtrlSum><InitgPty><Nm>Muster GmbH</Nm></InitgPty></GrpHdr>
    <PmtInf><PmtInfId>P-1</PmtInfId><PmtMtd>TRF</PmtMtd>
      <ReqdExctnDt>2026-11-02</ReqdExctnDt><Dbtr><Nm>Muster GmbH</Nm></Dbtr>
      <DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id></DbtrAcct>
      <DbtrAgt><FinInstnId><BIC>COBADEFFXXX</BIC></FinInstnId></DbtrAgt>
      <CdtTrfTxInf><PmtId><EndToEndId>E-1</EndToEndId></PmtId>
        <Amt><InstdAmt Ccy="EUR">1000.99</InstdAmt></Amt><Cdtr><Nm>Zulieferer</Nm></Cdtr>
        <CdtrAcct><Id><IBAN>FR7630006000011234567890189</IBAN></Id></CdtrAcct></CdtTrfTxInf>
    </PmtInf>
  </CstmrCdtTrfInitn>
</Document>
"""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_and_answers_scripts(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert "--json" in result.stdout or "Commands:" in result.stdout


def test_each_line_of_a_file_has_its_own_end(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "salaries.csv"
    file.write_text(CSV)
    answer = town.json("submit", str(file), "--wait", exit_code=1)
    assert {state: count for state, count in counts(answer).items() if count} == {
        "settled": 1,
        "refused": 2,
        "expired": 1,
    }
    rules = {problem["rule"] for problem in answer["problems"]}
    assert {"amount.fraction"} <= rules
    assert all(problem["rule"] for problem in answer["problems"])
    again = town.json("submit", str(file), "--wait", exit_code=1)
    assert counts(again) == counts(answer)
    people = town.run("submit", str(file))
    assert "amount.fraction" in people.stdout and "Traceback" not in people.stderr
    assert not re.search(r"IR\d{24}", people.stderr)


def test_a_line_that_stands_twice_is_one_payment_with_one_reason(
    town: Town, tmp_path: Path
) -> None:
    file = tmp_path / "twice.csv"
    row = f"B-1,{MELLI},{MELLAT},90000,IRR,0192a6f0000070008000000000000abc\n"
    file.write_text("end_to_end_id,debtor_iban,creditor_iban,amount,unit,id\n" + 2 * row)
    waited = town.json("submit", str(file), "--wait", exit_code=1)
    assert counts(waited) == {"expired": 2}
    again = town.json("submit", str(file), exit_code=1)
    assert counts(again) == {"expired": 2}
    assert {problem["rule"] for problem in (*waited["problems"], *again["problems"])} == {"AB05"}


def counts(answer: dict[str, Any]) -> dict[str, int]:
    return {state: int(one["count"]) for state, one in answer["payments"].items()}


def test_a_foreign_file_ends_in_named_rules(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "sepa.xml"
    file.write_text(FOREIGN)
    answer = town.json("submit", str(file), exit_code=1)
    assert counts(answer) == {"refused": 1}
    (problem,) = answer["problems"]
    assert problem["field"] and problem["rule"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello\n", b"<html/>", b"\x00\xff" * 100, b"<?xml version='1.0'?><Document>", b"a,b\n1"],
)
def test_what_is_no_payment_file_is_refused_in_words(
    town: Town, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    result = town.run("submit", str(file), "--as", "melli")
    assert result.exit_code == 1, result.output
    assert "error:" in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_an_operator_sees_settles_and_compares(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "one.csv"
    file.write_text("\n".join(CSV.splitlines()[:2]) + "\n")
    town.json("submit", str(file))
    window = town.json("settle")
    assert sum(int(position["net"]) for position in window["positions"]) == 0
    assert town.json("settle", "--window", str(window["number"])) == window
    assert town.json("windows")["windows"][-1]["number"] == 1
    totals = town.json("totals")
    assert totals["agree"]
    assert totals["ledger"]["debits_posted"] == totals["ledger"]["credits_posted"]
    statement = town.json("statement", "melli", "--window", str(window["number"]))
    assert int(statement["closing"]) == 0
    assert town.run("participants", "list").exit_code == 0


def test_an_unknown_payment_is_unknown(town: Town) -> None:
    answer = town.json("status", "0192a6f0-0000-7000-8000-000000000001", "--as", "melli")
    assert [payment["state"] for payment in answer["payments"]] == ["unknown"]


def test_a_running_switch_is_not_verified_from_under_it(town: Town) -> None:
    result = town.run("verify")
    assert result.exit_code == 3
    assert "hint:" in result.stderr


def test_a_switch_that_is_not_there_is_told_of_with_what_to_do(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(main, ["certificates", "--data", str(tmp_path)]).exit_code == 0
    result = runner.invoke(
        main,
        ["totals", "--data", str(tmp_path), "--address", "127.0.0.1:1"],
        env={"COLUMNS": "200"},
    )
    assert result.exit_code == 3
    assert "hint:" in result.stderr


def test_the_first_payment_of_the_guide_goes_through(town: Town) -> None:
    address = json.loads((town.data / "address.json").read_text())["address"]
    example = Path(__file__).resolve().parents[3] / "examples" / "first_payment.py"
    arguments = [address, str(town.data / "certificates" / "melli"), MELLI]
    for creditor, end in ((PARSIAN, "settled"), (MELLAT, "expired"), (NO_SUCH_BANK, "refused")):
        done = subprocess.run(
            [sys.executable, str(example), *arguments, creditor, "1000"],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.stdout.splitlines()[-1].startswith(end), done.stdout + done.stderr
