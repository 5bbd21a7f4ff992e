"""Files of a window, and banks' files held against the books, as operators type it."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from payvand.switch.cli import main
from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import APPROVED

PAYVAND = str(Path(sys.executable).parent / "payvand")
DIRECTORY = str(files("payvand.switch.sandbox") / "directory.toml")
PROFILE = """
name = "parsian"
form = "csv"
[columns]
reference = "id"
amount = "amount_minor"
day = "posted_at"
[days]
format = "%Y-%m-%dT%H:%M:%S.%f%z"
"""


class Desk:
    """A switch whose first window is closed, its data folder, and a folder for files."""

    def __init__(self, data: Path, switch: "subprocess.Popen[bytes]") -> None:
        self.data = data
        self.folder = data / "out"
        self.switch = switch

    def stop(self) -> None:
        """Stop the switch; the commands go on without it."""
        self.switch.terminate()
        assert self.switch.wait(timeout=30) == 0

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, [*arguments, "--data", str(self.data)])

    def json(self, *arguments: str, exit_code: int = 0) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == exit_code, result.stdout + result.stderr
        return json.loads(result.stdout)

    def written(self, ending: str) -> Path:
        """Return the file of the window whose name ends so."""
        (path,) = (self.folder / "window-000001").glob(f"*{ending}")
        return path


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Settle ten payments between two banks."""
    data = Path(tempfile.mkdtemp(prefix="payvand-tests-", dir="/var/tmp"))
    data.chmod(0o755)
    shown = CliRunner().invoke(
        main, ["certificates", "--directory", DIRECTORY, "--data", str(data)]
    )
    assert shown.exit_code == 0
    options = ["--listen", "127.0.0.1:0", "--metrics-port", "0", "--json"]
    with subprocess.Popen(
        [PAYVAND, "serve", "--data", str(data), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as switch:
        assert switch.stdout is not None
        assert json.loads(switch.stdout.readline())["ready"]
        desk = Desk(data, switch)
        desk.json("participants", "put", DIRECTORY, *APPROVED)
        desk.json("fund", "--prefunding", DIRECTORY, *APPROVED)
        melli, parsian = account_iban("017", 1), account_iban("054", 3)
        lines = [f"E-{n},{melli},{parsian},{150_000 + n},IRR" for n in range(10)]
        heading = "end_to_end_id,debtor_iban,creditor_iban,amount,unit"
        (data / "day.csv").write_text("\n".join([heading, *lines]) + "\n")
        desk.json("submit", str(data / "day.csv"), "--wait")
        assert desk.json("settle")["number"] == 1
        desk.json("files", "1", "--to", str(desk.folder))
        yield desk
        desk.stop()
    shutil.rmtree(data)


def test_the_files_are_listed_and_the_same_when_written_again(desk: Desk) -> None:
    first = desk.json("files", "1", "--to", str(desk.folder))
    assert {"pacs.009", "camt.053", "camt.054"} <= {file["kind"] for file in first["files"]}
    assert desk.json("files", "1", "--to", str(desk.folder)) == first
    statement = desk.written("statement-parsian.xml").read_text(encoding="utf-8")
    assert "<EndToEndId>E-7</EndToEndId>" in statement
    people = desk.run("files", "1", "--to", str(desk.folder))
    assert people.exit_code == 0
    assert "pacs.009" in people.stdout


def test_a_window_that_is_not_closed_has_no_files(desk: Desk) -> None:
    result = desk.run("files", "7", "--to", str(desk.folder))
    assert result.exit_code == 1
    assert "window 7 isn't closed" in result.stderr
    assert desk.run("files", "1", "--zone", "Nowhere/City").exit_code == 2


def test_a_bank_that_sends_back_its_statement_agrees(desk: Desk) -> None:
    """Our own camt.053 is a bank's file that has everything, the settlement included."""
    statement = str(desk.written("statement-melli.xml"))
    done = desk.json("reconcile", "take", statement, "--participant", "melli", "--window", "1")
    assert (done["rows"], done["set_aside"], done["breaks"]) == (11, 0, {})
    assert done["matched"] == {"exact": 11}


def test_a_faulty_file_leaves_breaks_and_its_revision_closes_them(desk: Desk) -> None:
    profile = desk.data / "parsian.toml"
    profile.write_text(PROFILE)
    lines = desk.written("statement-parsian.csv").read_text().splitlines()
    entries = [line for line in lines[1:] if line.startswith("entry,")]
    good = [lines[0], *entries]
    bad = [lines[0], entries[0].replace("150000", "250000"), *entries[2:]]
    file = desk.data / "parsian.csv"
    file.write_text("\n".join(bad) + "\n")
    take = ["take", str(file), "--participant", "parsian", "--window", "1"]
    take += ["--profile", str(profile)]
    done = desk.json("reconcile", *take, exit_code=1)
    assert done["breaks"] == {"missing_at_bank": 1, "amount_differs": 1}
    assert desk.json("reconcile", *take, exit_code=1)["unchanged"]
    listed = desk.json("reconcile", "breaks", "--participant", "parsian")["breaks"]
    wrong = next(each for each in listed if each["kind"] == "amount_differs")
    assert (wrong["expected"], wrong["found"]) == ("150000", "250000")
    number = str(wrong["id"])
    assert desk.run("reconcile", "act", number, "note", "--note", "asked").exit_code == 0
    assert desk.run("reconcile", "act", number, "reopen", "--note", "x").exit_code == 3
    history = desk.json("reconcile", "history", number)["events"]
    assert [event["act"] for event in history] == ["open", "note"]
    (row,) = desk.json("reconcile", "trace", wrong["payments"][0])["rows"][-1:]
    assert (row["name"], row["matched_by"], row["amount"]) == ("parsian.csv", "amount", "250000")
    assert desk.json("reconcile", "ages")["ages"]["up to 1 day"] == done["breaks"]
    assert "amount differs" in desk.run("reconcile", "breaks").stdout
    file.write_text("\n".join(good) + "\n")
    done = desk.json("reconcile", *take)
    assert (done["revision"], done["added"], done["removed"]) == (2, 2, 1)
    people = desk.run("reconcile", *take)
    assert people.exit_code == 0
    assert "books and file agree" in people.stdout


def test_who_is_not_connected_and_what_is_no_profile_are_told(desk: Desk) -> None:
    statement = str(desk.written("statement-melli.xml"))
    take = ["reconcile", "take", statement, "--window", "1", "--participant"]
    result = desk.run(*take, "nobody")
    assert result.exit_code == 3
    assert "there is no participant nobody" in result.stderr
    profile = desk.data / "wrong.toml"
    profile.write_text('name = "x"\nform = "pdf"\n')
    result = desk.run(*take, "melli", "--profile", str(profile))
    assert result.exit_code == 3
    assert "form: must be csv, fixed or camt" in result.stderr
    assert desk.run("reconcile", "trace", "zz").exit_code == 2


def test_with_no_switch_running_the_commands_start_the_database_themselves(desk: Desk) -> None:
    beside = desk.json("files", "1", "--to", str(desk.folder))
    breaks = desk.json("reconcile", "breaks", "--closed")
    desk.stop()
    assert desk.json("files", "1", "--to", str(desk.folder)) == beside
    assert desk.json("reconcile", "breaks", "--closed") == breaks
