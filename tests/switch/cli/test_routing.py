"""`payvand routing explain`: payments wished, in files and recorded, as of any moment."""

import asyncio
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from payvand.core.engine import Engine
from payvand.core.records import ACCOUNT, TRANSFER, u128_array
from payvand.switch.cli import main
from payvand.switch.identifiers import iban
from payvand.switch.rules import rulebook
from payvand.switch.rules.solar_hijri import parse_moment
from payvand.v1.payment_pb2 import Payment
from tests.support.payment_files import Batch, Order, pain001_text

ID = bytes.fromhex("0123456789abcdef0123456789abcdef")
FUNDING = bytes.fromhex("00000000000000000000000000000007")
MELLI, AYANDEH = iban.make("017", "1"), iban.make("062", "2")
AT = "1404-02-31 13:44"


def explain(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["routing", "explain", *arguments])


def explained(*arguments: str, exit_code: int = 0) -> dict[str, Any]:
    done = explain(*arguments, "--json")
    assert done.exit_code == exit_code, done.stderr
    return dict(json.loads(done.stdout))


def test_the_rule_on_that_day_at_that_hour_has_an_answer_with_its_dates() -> None:
    answer = explained("500000000:017:062", "--at", AT)
    assert (answer["rail"], answer["fee"]) == ("paya", "50000")
    assert answer["at_solar"] == AT
    assert answer["carried_at_solar"] == "1404-02-31 18:45"
    assert answer["payment"]["amount"] == "500000000"
    (refusal,) = [step for step in answer["steps"] if not step["holds"]]
    assert refusal["rule"] == "rail.customer_day_max"
    assert refusal["validity"] == "1401-01-01 to 1404-02-31"
    assert all(step["source"] or not step["validity"] for step in answer["steps"])
    later = explained("500000000:017:062", "--at", "2025-05-22 13:44")
    assert later["rail"] == "pol"


def test_people_see_rules_dates_and_the_outcome() -> None:
    done = explain(f"500000000:{MELLI}:{AYANDEH}", "--at", AT)
    assert done.exit_code == 0
    for word in ("rail.cycle", "from 1402-03-20", "2025-05-21 13:44", "fee 50,000 rial"):
        assert word in done.stdout
    assert MELLI not in done.stdout


def test_options_change_what_is_asked() -> None:
    at = ("--at", "1404-03-03 09:00")
    assert explained("1500000000:017:012", *at)["rail"] == "paya"
    assert explained("1500000000:017:012", *at, "--urgent")["rail"] == "satna"
    assert explained("1000000:017:012", *at, "--down", "012")["rail"] == "paya"
    assert explained("900000000:017:012", *at, "--channel", "branch")["rail"] == "pol"


def test_the_answer_no_is_exit_code_1() -> None:
    answer = explained("1000:017:296", "--at", AT, exit_code=1)
    assert answer["rail"] is answer["carried_at"] is answer["fee"] is None
    assert answer["steps"][-1]["rule"] == "bank_code.unknown"


def test_an_instruction_of_a_file_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "payments.xml"
    orders = [Order(amount="1000"), Order(amount="3000000000"), Order(amount="x")]
    path.write_text(pain001_text(Batch(orders)), encoding="utf-8")
    at = ("--at", "1404-03-03 09:00")
    assert explained(str(path), *at)["rail"] == "pol"
    assert explained(str(path), *at, "--position", "2")["rail"] == "satna"
    for position, word in (("3", "amount.characters"), ("4", "no instruction 4")):
        done = explain(str(path), "--position", position)
        assert done.exit_code == 2
        assert word in done.stderr


async def record(data: Path, at_ns: int) -> None:
    """Record a payment, and money that the switch moves itself, in a journal of *data*."""
    engine = await Engine.open(data / "journal", clock=lambda: at_ns)
    accounts = np.zeros(2, ACCOUNT)
    accounts["id"] = u128_array([1, 2])
    accounts["ledger"], accounts["code"] = 364, 1
    await engine.create_accounts(accounts)
    payment = Payment(id=ID, debtor_iban=MELLI, creditor_iban=AYANDEH, amount=3_000_000_000)
    payload = payment.SerializeToString()
    transfers = np.zeros(2, TRANSFER)
    transfers["id"] = u128_array([int.from_bytes(FUNDING), int.from_bytes(ID)])
    transfers["debit_account_id"], transfers["credit_account_id"] = (
        u128_array([1, 1]),
        u128_array([2, 2]),
    )
    transfers["amount"] = u128_array([5, payment.amount])
    transfers["ledger"], transfers["code"] = 364, 1
    await engine.create_transfers(
        transfers, payloads=payload, offsets=np.array([0, 0, len(payload)], np.uint32)
    )
    await engine.close()


@pytest.mark.parametrize("at", ["1404-08-01 10:00", "1404-08-03 10:00"])
def test_a_recorded_payment_is_explained_as_of_when_it_was_recorded(
    tmp_path: Path, at: str
) -> None:
    asyncio.run(record(tmp_path, int(parse_moment(at).timestamp()) * 10**9))
    answer = explained(ID.hex(), "--data", str(tmp_path))
    assert answer["at_solar"] == at
    assert answer["rail"] == "satna"
    creditor = next(step for step in answer["steps"] if step["rule"] == "bank.creditor")
    assert ("Melli" in creditor["text"]) == (at > "1404-08-02")
    assert explained(ID.hex(), "--data", str(tmp_path), "--at", AT)["at_solar"] == AT
    for nobody in (FUNDING.hex(), "f" * 32, "1" * 32):
        done = explain(nobody, "--data", str(tmp_path))
        assert done.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "exit_code", "word"),
    [
        (["1000:017:062", "--at", "1404-13-01"], 2, "no day"),
        (["1000:017:062", "--at", "soon"], 2, "write a day"),
        ([f"1000:017:{MELLI[:-1]}x"], 2, "iban."),
        (["1000:017:0062"], 2, "iban."),
        (["no-such-file.xml"], 3, "no-such-file.xml"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: list[str], exit_code: int, word: str) -> None:
    done = explain(*arguments)
    assert done.exit_code == exit_code
    assert word in done.stderr


def test_rules_of_ones_own_are_gone_by(tmp_path: Path) -> None:
    own = (Path(rulebook.__file__).parent / "rails.toml").read_text(encoding="utf-8")
    (tmp_path / "rails.toml").write_text(
        own.replace("customer_day_max = 100_000_000", "customer_day_max = 900_000_000"),
        encoding="utf-8",
    )
    answer = explained("500000000:017:012", "--at", AT, "--rules", str(tmp_path))
    assert answer["rail"] == "pol"
    assert answer["rules"] != explained("1:017:012", "--at", AT)["rules"]
    (tmp_path / "rails.toml").write_text("version = 1", encoding="utf-8")
    done = explain("1:017:012", "--rules", str(tmp_path))
    assert done.exit_code == 1
    assert "rails: version" in done.stderr
