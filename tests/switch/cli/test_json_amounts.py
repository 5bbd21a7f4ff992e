"""Amounts in JSON are texts everywhere: what commands print, and what they write."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from payvand.core.segments import JournalReader
from payvand.switch.cli import COMMANDS, main
from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import APPROVED, DIRECTORY, Town, town
from tests.support.json_amounts import amounts_that_are_numbers

__all__ = ["town"]

MELLI, MELLAT = account_iban("017", 1), account_iban("012", 2)

WITH_MONEY = {
    *("submit", "status", "participants list", "participants put", "fund", "settle", "windows"),
    *("statement", "position", "files", "totals", "redenomination rehearse", "routing explain"),
    *("participants show", "participants history"),
}
"""Run here with --json; what is printed is looked at by the fixture of this folder."""

SEEN_ELSEWHERE = {
    *("demo", "reconcile ages", "reconcile breaks", "reconcile history", "reconcile take"),
    *("reconcile trace", "data activate", "data approve", "data diff", "data import", "data list"),
    *("data rollback", "data show", "verify", "check-proof", "participants suspend"),
    *("participants resume", "participants close", "participants set", "participants restore"),
    *("participants certificate add", "participants certificate revoke"),
    *("participants certificate check", "signatures check", "fees assess", "fees bills acts"),
    *("fees bills find", "fees bills issue", "fees bills pay", "fees devices bring"),
    *("fees forecast", "fees report check", "fees report make", "fees what-if", "receipt verify"),
    *("reports run", "stuck"),
}
"""Run with --json by tests of their own in this folder, or their figures are words of proofs."""

WITHOUT_MONEY = {
    *(
        "signatures key",
        "serve",
        "sandbox-bank",
        "limits",
        "close-day",
        "certificates",
        "keys",
        "prove",
    ),
    *("availability list", "availability say", "fees catalogue approve", "fees catalogue check"),
    *("fees catalogue diff", "fees catalogue import", "fees catalogue list"),
    *("fees catalogue refuse", "fees catalogue review", "fees catalogue show"),
    *("fees devices enrol", "fees devices list", "fees devices revoke"),
    *("reports list", "reports remove", "reports save", "reports schedule", "reports show"),
    *("approvals approve", "approvals cancel", "approvals list", "approvals refuse"),
    *("approvals show", "directory claims cancel", "directory claims complete"),
    *("directory claims confirm", "directory claims list", "directory claims open"),
    *("directory compare", "directory look-up", "directory register", "directory remove"),
}


def leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every command below *command* that answers scripts, by its words."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from leaves(below, (*path, name))
    elif any(parameter.name == "as_json" for parameter in command.params):
        yield " ".join(path)


def test_every_command_that_answers_scripts_is_known_here() -> None:
    assert COMMANDS
    known = WITH_MONEY | SEEN_ELSEWHERE | WITHOUT_MONEY
    unknown = {path for path in leaves(main) if not path.startswith("bench ")} ^ known
    assert not unknown, "say whether it prints money, and run it here where it does"


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({"amount": 1}, [".amount"]),
        ({"a": [{"net": 0}]}, [".a[0].net"]),
        ({"net_debit_cap": 1.5}, [".net_debit_cap"]),
        ({"amount": "1", "count": 3, "settled": {"count": 1}, "reserved": True}, []),
    ],
)
def test_an_amount_that_is_a_number_is_found(content: object, wrong: list[str]) -> None:
    assert list(amounts_that_are_numbers(content)) == wrong


def test_all_that_a_day_prints_and_writes_has_amounts_as_texts(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    file.write_text(
        "end_to_end_id,debtor_iban,creditor_iban,amount,unit\n"
        f"A-1,{MELLI},{MELLAT},1234567,IRR\nA-2,{MELLI},{MELLAT},12.5,IRR\n"
    )
    town.json("submit", str(file), "--as", "melli", exit_code=1)
    town.json("participants", "put", DIRECTORY)
    town.json("participants", "list")
    town.json("participants", "show", "melli")
    town.json("participants", "history", "melli")
    town.json("fund", "melli", "12345", "--reference", "json-amounts", *APPROVED)
    town.json("totals")
    town.json("redenomination", "rehearse")
    town.json("routing", "explain", "500000000:017:062")
    town.json("statement", "melli")
    town.json("position", "melli")
    settled = town.json("settle")
    town.json("windows")
    town.json("status", "01" * 16, "--as", "melli")
    number = str(settled["number"] if "number" in settled else settled["window"]["number"])
    out = tmp_path / "files"
    town.json("files", number, "--to", str(out))
    for path in out.rglob("*.json"):
        assert list(amounts_that_are_numbers(json.loads(path.read_text()))) == [], path
    notes = [frame.note for frame in JournalReader(town.data / "journal") if frame.note]
    assert notes
    for note in notes:
        assert list(amounts_that_are_numbers(json.loads(note))) == []
