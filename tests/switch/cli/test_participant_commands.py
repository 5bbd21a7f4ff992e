"""`payvand participants` as two operators type it, beside a switch in a process of its own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from payvand.switch.certificates import issue
from payvand.switch.identity import Role
from tests.support.command_town import APPROVED, Town, town

__all__ = ["town"]

WHY = ("--reason", "a circular")


def test_a_suspension_goes_from_one_operator_to_the_other_and_back(town: Town) -> None:
    proposal = town.json("participants", "suspend", "parsian", "--sending", *WHY)
    assert proposal["state"] == "open"
    assert town.json("participants", "show", "parsian")["sending"] == "active"
    refused = town.run("approvals", "approve", proposal["id"])
    assert refused.exit_code == 3 and "same_operator" in refused.stderr
    done = town.json("approvals", "approve", proposal["id"], "--as", "second-operator")
    assert done["state"] == "carried_out"
    told = town.json("participants", "show", "parsian")
    assert (told["sending"], told["receiving"]) == ("suspended", "active")
    assert "sending suspended" in town.run("participants", "list").stdout
    town.json("participants", "resume", "parsian", *WHY, *APPROVED)
    assert town.json("participants", "show", "parsian")["sending"] == "active"


def test_traits_are_set_and_restored_and_history_tells(town: Town) -> None:
    before = town.json("participants", "history", "saderat")["versions"]
    town.json("participants", "set", "saderat", "net_debit_cap=5_000", *WHY, *APPROVED)
    (now, *older) = town.json("participants", "history", "saderat")["versions"]
    assert older == before and now["traits"]["net_debit_cap"] == "5000"
    assert 'net_debit_cap: "5000"' in town.run("participants", "history", "saderat").stdout
    town.json("participants", "restore", "saderat", str(before[0]["number"]), *WHY, *APPROVED)
    again = town.json("participants", "history", "saderat")["versions"][0]
    assert again["traits"] == before[0]["traits"] and again["number"] == now["number"] + 1
    assert town.run("participants", "close", "nobody", *WHY).exit_code == 3
    closing = town.json("participants", "close", "saderat", *WHY, "--at", "1410-01-01 00:00")
    town.json("approvals", "refuse", closing["id"])


def test_a_certificate_is_added_before_the_old_one_is_revoked(town: Town, tmp_path: Path) -> None:
    (old,) = town.json("participants", "show", "mellat")["certificates"]
    ending = town.json("participants", "certificate", "check", "--days", "400", exit_code=1)
    assert {"mellat", "operator"} <= {one["participant"] for one in ending["ending"]}
    assert town.json("participants", "certificate", "check", "--days", "300")["ending"] == []
    (tmp_path / "authority").symlink_to(town.data / "certificates" / "authority")
    later = datetime.now(UTC) + timedelta(hours=1)
    fresh = issue(tmp_path, "mellat", Role.BANK, now=later) / "certificate.pem"
    wrong = town.run("participants", "certificate", "add", "melli", str(fresh), *WHY)
    assert wrong.exit_code == 2 and "mellat" in wrong.stderr
    town.json("participants", "certificate", "add", "mellat", str(fresh), *WHY, *APPROVED)
    assert len(town.json("participants", "show", "mellat")["certificates"]) == 2
    revoke = ("participants", "certificate", "revoke", "mellat", old["fingerprint"][:12])
    town.json(*revoke, *WHY, *APPROVED)
    (left,) = town.json("participants", "show", "mellat")["certificates"]
    assert left["fingerprint"] != old["fingerprint"]
    assert town.run("statement", "--as", "mellat").exit_code == 3, "its folder has the old one"


def test_who_is_signed_off_is_reached_by_no_instant_rail(town: Town) -> None:
    order = ("routing", "explain", "500000000:017:012")
    before = town.json(*order)["rail"]
    said = town.json("availability", "say", "down", "--of", "mellat", "--remark", "maintenance")
    assert said["participants"][0]["said_by_operator"] == "down"
    listed = {
        one["participant"]: one["availability"]
        for one in town.json("availability", "list")["participants"]
    }
    assert listed["mellat"] == "down"
    assert town.json(*order)["rail"] != before
    town.json("availability", "say", "up", "--of", "mellat")
    assert town.json(*order)["rail"] == before
