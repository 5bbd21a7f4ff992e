"""Receipts have numbers without gaps, are the same when issued again, and hold without a switch."""

import asyncio
import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from payvand.client import CallFailed
from payvand.switch.cli import main
from payvand.switch.fees.receipts.receipt import Receipt
from payvand.v1.payment_pb2 import PaymentState
from tests.support.fee_town import FeeTown, Play

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
YEAR_S = 366 * 86_400


async def pay_all(town: FeeTown, count: int, agency: str = "tax") -> list[str]:
    """Issue so many bills and pay them, all at once."""
    bills = [town.new_bill(100 + n, fee="service") for n in range(count)]
    numbers = await town.issue(*bills, agency=agency)
    found = [await town.bill(number) for number in numbers]
    results = await asyncio.gather(*(town.pay(town.cart(bill)) for bill in found))
    assert {result.state for result in results} == {SETTLED}
    return numbers


async def receipts_of(town: FeeTown, numbers: list[str]) -> list[Receipt]:
    return [
        Receipt.read((await town.bills("melli").receipt(number, 1)).receipt) for number in numbers
    ]


def test_numbers_of_an_agency_and_a_year_have_no_gap(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await pay_all(town, 7)
        others = await pay_all(town, 3, "police")
        receipts = await receipts_of(town, numbers)
        numbers += await pay_all(town, 4)
        receipts += await receipts_of(town, numbers[7:])
        assert sorted(receipt.number for receipt in receipts) == list(range(1, 12))
        by_time = sorted(receipts, key=lambda receipt: receipt.paid_at)
        assert [receipt.number for receipt in by_time] == list(range(1, 12))
        assert {one.number for one in await receipts_of(town, others)} == {1, 2, 3}
        await town.town.let_time_pass(YEAR_S)
        (next_year,) = await receipts_of(town, await pay_all(town, 1))
        assert (next_year.year, next_year.number) == (receipts[0].year + 1, 1)

    play(scene)


def test_a_receipt_is_the_same_again_and_a_page(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await pay_all(town, 1)
        first = await town.bills("melli").receipt(number, 1, pdf=True)
        assert await town.bills("melli").receipt(number, 1, pdf=True) == first
        assert first.pdf.startswith(b"%PDF-") and first.pdf.count(b"/Type /Page\n") == 1
        with pytest.raises(CallFailed, match="is no payment"):
            await town.bills("melli").receipt(number, 2)

    play(scene)


def test_a_receipt_holds_with_the_public_key_alone_and_no_changed_byte_does(
    play: Play, tmp_path: Path
) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await pay_all(town, 1)
        without = Receipt.read((await town.bills("melli").receipt(number, 1, proof=True)).receipt)
        assert without.proof is None
        await town.town.operator.close_day(date(2026, 1, 1))
        reply = await town.bills("melli").receipt(number, 1, proof=True)
        receipt = Receipt.read(reply.receipt)
        key = receipt.public_key
        assert receipt.proof is not None and receipt.fault(key) == ""
        assert receipt.text() == reply.receipt
        assert Receipt.read_code(receipt.code(), key).fault(key) == ""
        assert receipt.fault(bytes(32)) == "it isn't signed by this key"
        told = json.loads(reply.receipt)
        for name in ("agency", "year", "number", "bill", "act", "amount", "paid_at"):
            changed = told | {name: "7" + told[name]}
            assert Receipt.read(json.dumps(changed)).fault(key), name
        changed = told | {"details": told["details"] | {"payer": "0012345680"}}
        assert Receipt.read(json.dumps(changed)).fault(key)
        file = tmp_path / "receipt.json"
        file.write_text(reply.receipt)
        options = [str(file), "--key", key.hex(), "--json"]
        result = CliRunner().invoke(main, ["receipt", "verify", *options])
        assert (result.exit_code, json.loads(result.stdout)["holds"]) == (0, True)
        file.write_text(receipt.code().replace(number, number[::-1]))
        result = CliRunner().invoke(main, ["receipt", "verify", "--code", *options])
        assert (result.exit_code, json.loads(result.stdout)["holds"]) == (1, False)

    play(scene)
