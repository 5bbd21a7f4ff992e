"""`payvand data` and `payvand approvals` as two operators and an auditor type them."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest

from payvand.switch.rules.rulebook import TABLES, shipped_text
from tests.support.command_town import PAYVAND, Town

SECOND = ("--as", "navid")
BANKS = shipped_text("banks")


class Desk(Town):
    """A running switch and its data folder."""

    def file(self, text: str) -> str:
        path = self.data / "table.toml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    def imported(self, table: str, text: str, *more: str) -> int:
        return int(
            self.json("data", "import", table, self.file(text), "--reason", "c. 1", *more)[
                "version"
            ]
        )


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    folder = Path(mkdtemp(prefix="payvand-tests-", dir="/var/tmp"))
    folder.chmod(0o755)
    desk = Desk(folder)
    assert desk.run("certificates", "operator:navid", "auditor:amin").exit_code == 0
    options = ["--listen", "127.0.0.1:0", "--metrics-port", "0"]
    with subprocess.Popen(
        [PAYVAND, "serve", "--data", str(folder), *options, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as switch:
        assert switch.stdout is not None
        assert json.loads(switch.stdout.readline())["ready"]
        yield desk
        switch.terminate()
        assert switch.wait() == 0
    rmtree(folder)


def test_a_table_goes_from_a_file_into_force_and_back(desk: Desk) -> None:
    ended = BANKS.replace('code = "012"\n', 'code = "012"\nuntil = "1405-01-01"\n')
    number = desk.imported("banks", ended)
    assert desk.json("data", "show", str(number))["state"] == "open"
    told = desk.json("data", "diff", str(number), "--as", "amin")
    assert told["rows"] == [
        {
            "row": "bank 012",
            "kind": "changed",
            "fields": [{"field": "until", "before": "", "after": "1405-01-01"}],
        }
    ]
    assert told["routes"] == [
        {"bank_code": "012", "before": "route.unknown", "after": "bank_code.retired"}
    ]
    assert "bank 012" in desk.run("data", "diff", str(number)).stdout
    done = desk.run("data", "approve", str(number))
    assert done.exit_code == 3
    assert "proposal.same_operator" in done.stderr
    assert desk.json("data", "approve", str(number), *SECOND)["state"] == "approved"
    assert desk.json("data", "activate", str(number))["state"] == "carried_out"
    asked = ("routing", "explain", "1000:017:012")
    answer = desk.json(*asked, exit_code=1)
    assert answer["steps"][-1]["rule"] == "bank_code.retired"
    assert answer["versions"]["banks"]["number"] == number
    assert desk.json(*asked, "--at", "1404-02-31 13:44")["versions"]["banks"]["number"] == 1
    back = desk.json("data", "rollback", "banks", "--reason", "not yet")
    assert back["restores"] == 1
    desk.json("approvals", "approve", back["proposal"]["id"][:16], *SECOND)
    assert desk.json(*asked)["rail"] == "pol"
    assert desk.run("data", "show", str(back["version"]), "--text").stdout == BANKS
    listed = desk.json("data", "list", "banks", "--as", "amin")["versions"]
    assert [(one["version"], one["state"]) for one in listed] == [
        (back["version"], "in_force"),
        (number, "was_in_force"),
        (1, "was_in_force"),
    ]
    at_first = desk.json("data", "list", "--at", "1404-02-31 13:44")["versions"]
    assert [one["version"] for one in at_first] == [*range(len(TABLES), 0, -1)]


def test_faults_are_told_by_file_line_and_rule_without_a_switch(desk: Desk) -> None:
    wrong = desk.file(BANKS.replace('code = "012"', 'code = "12"'))
    line = Path(wrong).read_text(encoding="utf-8").split("\n").index('code = "12"') + 1
    done = desk.run("data", "import", "banks", wrong, "--reason", "c. 1")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{wrong}:{line}: bank[2].code: banks.code: ")
    told = desk.json("data", "import", "banks", wrong, "--reason", "r", "--check", exit_code=1)
    assert [(one["line"], one["rule"]) for one in told["faults"]] == [(line, "banks.code")]
    good = desk.run("data", "import", "banks", desk.file(BANKS), "--reason", "r", "--check")
    assert good.exit_code == 0


def test_proposals_are_listed_shown_refused_and_cancelled(desk: Desk) -> None:
    holidays = shipped_text("holidays")
    first = desk.imported("holidays", holidays + "# 1\n", "--at", "1420-01-01 00:00")
    second = desk.imported("holidays", holidays + "# 2\n", "--at", "1420-01-01 00:00")
    waiting = desk.json("approvals", "list", "--state", "open", "--as", "amin")["proposals"]
    ids = [desk.json("data", "show", str(number))["proposal"]["id"] for number in (first, second)]
    assert [one["id"] for one in waiting][:2] == ids[::-1]
    assert desk.json("approvals", "refuse", ids[0], *SECOND)["state"] == "refused"
    assert desk.json("approvals", "approve", ids[1], *SECOND)["state"] == "approved"
    called = desk.run("data", "activate", str(second))
    assert called.exit_code == 3
    assert "cancel it" in called.stderr
    assert desk.json("approvals", "cancel", ids[1], "--remark", "wrong year")["state"] == (
        "cancelled"
    )
    shown = desk.run("approvals", "show", ids[1][:16])
    for word in ("rules.change", "operator", "navid", "wrong year", "cancelled", "proposed"):
        assert word in shown.stdout
    assert "refused" in desk.run("approvals", "list").stdout
    for text in ("zz", "0" * 32):
        assert desk.run("approvals", "show", text).exit_code in (2, 3)


def test_an_auditor_reads_and_does_nothing(desk: Desk) -> None:
    auditor = ("--as", "amin")
    assert desk.run("data", "list", *auditor).exit_code == 0
    assert desk.run("totals", "--certificates", str(desk.data / "certificates/amin")).exit_code == 0
    text = desk.file(BANKS + "# 3\n")
    done = desk.run("data", "import", "banks", text, "--reason", "r", *auditor)
    assert done.exit_code == 3
    assert "may not call" in done.stderr
