"""`payvand directory` as a bank's people type it, against a switch that the commands set up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import Town, town

__all__ = ["town"]

MELLI, MELLAT = account_iban("017", 1), account_iban("012", 2)


def test_an_alias_is_registered_asked_for_ported_compared_and_removed(
    town: Town, tmp_path: Path
) -> None:
    def ask(*arguments: str, by: str = "melli", exit_code: int = 0) -> Any:
        return town.json("directory", *arguments, "--as", by, exit_code=exit_code)

    file = tmp_path / "aliases.csv"
    file.write_text(
        f"kind,value,iban,name\nmobile,۰۹۱۲ ۱۲۳ ۴۵۶۷,{MELLI},سارا احمدی\n"
        f"mobile,0912,{MELLI},x\niban,{MELLI},{MELLI},سارا احمدی\n",
        encoding="utf-8-sig",
    )
    for _ in range(2):
        told = ask("register", str(file), exit_code=1)
        assert told["registered"] == 2
        assert [(one["row"], one["rule"]) for one in told["refused"]] == [(2, "mobile.length")]
    found = ask("look-up", "mobile", "09121234567", by="mellat")
    assert found == {"found": True, "iban": MELLI, "bank": "melli", "masked_name": "س*** ا***"}
    assert ask("look-up", "mobile", "09121234568", exit_code=1)["found"] is False
    assert town.run("directory", "look-up", "mobile", "12", "--as", "melli").exit_code == 2

    claim = ask("claims", "open", "portability", "mobile", "09121234567", by="mellat")["claims"][0]
    assert ask("claims", "list")["claims"] == [claim]
    assert town.run("directory", "claims", "list", "--as", "melli").exit_code == 0
    ask("claims", "confirm", claim["id"])
    done = ask("claims", "complete", claim["id"], MELLAT, "سارا احمدی", by="mellat")
    assert done["claims"][0]["state"] == "completed"
    assert ask("look-up", "mobile", "09121234567")["bank"] == "mellat"

    again = ask("claims", "open", "ownership", "mobile", "09121234567")["claims"][0]
    ended = ask("claims", "cancel", again["id"], "--reason", "no", by="mellat")
    assert (ended["claims"][0]["state"], ended["claims"][0]["reason"]) == ("cancelled", "no")
    assert ask("claims", "list")["claims"] == []
    assert len(ask("claims", "list", "--ended")["claims"]) == 2

    file.write_text(f"kind,value,iban,name\nmobile,09121234567,{MELLAT},سارا احمدی\n")
    differing = ask("compare", str(file), exit_code=1)["differences"]
    assert [(one["kind"], one["in_file"], one["in_directory"]) for one in differing] == [
        ("iban", False, True)
    ]
    ask("remove", "iban", MELLI)
    assert ask("compare", str(file), by="mellat") == {
        "equal": True,
        "aliases": 1,
        "differences": [],
    }


def test_a_file_that_is_none_is_refused(town: Town, tmp_path: Path) -> None:
    for content in ("mobile,value\n", "kind,value,iban,name\nfax,1,2,3\n"):
        file = tmp_path / "wrong.csv"
        file.write_text(content)
        result = town.run("directory", "register", str(file), "--as", "melli")
        assert result.exit_code == 2
        assert "kind" in result.stderr


def test_the_mobile_number_of_the_guide_is_paid_to(town: Town) -> None:
    address = json.loads((town.data / "address.json").read_text())["address"]
    example = Path(__file__).resolve().parents[3] / "examples" / "pay_a_mobile.py"
    arguments = ["mellat", MELLAT, "melli", "09351234567", "سارا احمدی"]
    done = subprocess.run(
        [sys.executable, str(example), address, str(town.data / "certificates"), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == f"س*** ا*** at mellat: {MELLAT}", done.stderr
