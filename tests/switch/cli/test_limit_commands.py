"""`payvand limits`, `position`, `statement --account` beside a switch in a process of its own."""

import json
from pathlib import Path

from payvand.switch.sandbox.accounts import account_iban
from tests.support.command_town import APPROVED, Town, town

__all__ = ["town"]

WHY = ("--reason", "the risk committee")
TARIFFS = """
version = "test"
[[tariff]]
name = "switch"
kind = "credit_transfer"
charge = "switch_fee"
payer = "debtor"
receiver = "saderat"
source = "a test"
[[tariff.tier]]
flat = 5
"""


def put_limits(town: Town, folder: Path, *limits: object) -> dict[str, object]:
    file = folder / "limits.json"
    file.write_text(json.dumps(limits))
    done: dict[str, object] = town.json("limits", str(file), *WHY, *APPROVED)
    return done


def pay(town: Town, folder: Path, amount: int) -> list[str]:
    """Pay from melli to mellat; return the states."""
    file = folder / f"{amount}.csv"
    melli, mellat = account_iban("017", 1), account_iban("012", 2)
    heading = "end_to_end_id,debtor_iban,creditor_iban,amount,unit\n"
    file.write_text(f"{heading}E-{amount},{melli},{mellat},{amount},IRR\n")
    told = town.run("submit", str(file), "--as", "melli", "--json")
    return [word for word in ("reserved", "declined", "settled") if f'"{word}"' in told.stdout]


def test_limits_are_proposed_approved_and_shown_with_what_is_used(
    town: Town, tmp_path: Path
) -> None:
    day = {"limit": "day", "participant": "melli", "amount": "1000"}
    assert put_limits(town, tmp_path, day)["state"] == "carried_out"
    pay(town, tmp_path, 600)
    told = town.json("position", "melli")["position"]
    use = next(one for one in told["limits"] if one["limit"] == "day")
    assert use == {"limit": "day", "maximum": "1000", "used": "600"}
    assert int(told["headroom"]) == (
        int(told["balance"]) - int(told["reserved_out"]) + int(told["cap"])
    )
    assert "day" in town.run("position", "melli").stdout
    own = town.json("position", "--as", "melli")["position"]
    assert own["participant"] == "melli"
    pay(town, tmp_path, 401)
    assert town.json("position", "melli")["position"]["limits"] == told["limits"]
    refused = town.run("position", "mellat", "--as", "melli")
    assert refused.exit_code == 3 and "isn't for the bank" in refused.stderr


def test_what_is_no_limit_is_refused_before_anything_is_sent(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "limits.json"
    file.write_text('[{"limit": "day", "participant": "melli", "amount": 5}]')
    refused = town.run("limits", str(file), *WHY)
    assert refused.exit_code == 2 and "limits[0].amount" in refused.stderr
    file.write_text('[{"limit": "day", "participant": "nobody", "amount": "5"}]')
    refused = town.run("limits", str(file), *WHY)
    assert refused.exit_code == 3 and "takes no part" in refused.stderr
    assert town.run("position").exit_code == 2


def test_charges_have_a_statement_of_their_own(town: Town, tmp_path: Path) -> None:
    file = tmp_path / "tariffs.toml"
    file.write_text(TARIFFS)
    imported = town.json("data", "import", "tariffs", str(file), *WHY)
    number = str(imported["version"])
    town.json("data", "approve", number, "--as", "second-operator")
    put_limits(town, tmp_path, {"limit": "day", "participant": "melli", "amount": None})
    town.json("data", "activate", number)
    pay(town, tmp_path, 77)
    told = town.json("statement", "melli", "--account", "charges")
    assert (told["opening"], told["entries_total"]) == ("0", 0), "reserved until it is accepted"
