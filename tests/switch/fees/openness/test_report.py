"""The public report of a day: over gRPC, equal to what banks paid, signed, and checked offline."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from payvand.client import CallFailed
from payvand.switch.cli import main
from payvand.switch.day_key import day_key
from payvand.switch.fees.openness.report import canonical, check
from payvand.switch.identity import Role
from tests.support.fee_town import FeeTown, open_fee_town

DAY = "2026-01-01"

Scene = Callable[[FeeTown, Path], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Play:
    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_fee_town(tmp_path, database) as fees:
                await scene(fees, tmp_path)

        asyncio.run(whole())

    return run


async def told(fees: FeeTown) -> tuple[dict[str, Any], bytes, str]:
    await fees.town.operator.close_day(date.fromisoformat(DAY))
    office = fees.town.office("auditor", Role.AUDITOR)
    await fees.town.operator.totals()  # waits for the database
    reply = await office.daily_report(DAY)
    again = await office.daily_report(DAY)
    assert (reply.report, reply.csv) == (again.report, again.csv)
    report = json.loads(reply.report)
    assert canonical(report) == reply.report.encode()
    return report, reply.signature, reply.csv


async def paid(fees: FeeTown, count: int, *, agency: str = "tax") -> list[str]:
    numbers = await fees.issue(*(fees.new_bill(1_000_000) for _ in range(count)), agency=agency)
    for number in numbers:
        await fees.pay(fees.cart(await fees.bill(number)))
    return numbers


def test_the_report_is_what_was_paid_given_back_and_shared(play: Play) -> None:
    async def scene(fees: FeeTown, folder: Path) -> None:
        numbers = await paid(fees, 12)
        for number in numbers[:6]:
            await fees.refund(number, 100_000)
        report, signature, text = await told(fees)
        public_key = day_key(folder).public_key().public_bytes_raw()
        assert check(report, signature, public_key, text) == ""
        assert report["paid"] == {"count": 12, "amount": "12000000"}
        assert report["refunded"] == {"count": 6, "amount": "600000"}
        assert report["carts"] == {"settled": 12, "settled_per_million": 1_000_000}
        (sector,) = report["sectors"]
        (agency,) = sector["agencies"]
        assert (agency["agency"], agency["paid"]) == ("tax", report["paid"])
        assert sum(int(one["amount"]) for one in agency["shares"]) == 12_000_000
        assert sum(int(one["amount"]) for one in agency["given_back"]) == 600_000
        assert text.splitlines()[1] == f"{DAY},,,,paid,12,12000000,IRR"

    play(scene)


def test_few_payers_are_kept_back(play: Play) -> None:
    async def scene(fees: FeeTown, folder: Path) -> None:
        numbers = await paid(fees, 5)
        await fees.refund(numbers[0], 100_000)
        report, _, text = await told(fees)
        assert report["paid"]["count"] == 5
        assert report["refunded"] == {"count": None, "amount": None}
        assert report["sectors"][0]["agencies"][0]["refunded"]["amount"] is None
        assert all(
            share["amount"] is None for share in report["sectors"][0]["agencies"][0]["given_back"]
        )
        assert "100000" not in text

    play(scene)


def test_whatever_is_changed_in_a_report_its_check_says_no(play: Play) -> None:
    async def scene(fees: FeeTown, folder: Path) -> None:
        await paid(fees, 6)
        report, signature, text = await told(fees)
        public_key = day_key(folder).public_key().public_bytes_raw()
        for change in (
            lambda one: one["paid"].update(amount="6000001"),
            lambda one: one["day"].update(root="0" * 64),
            lambda one: one.update(kept_back_below=1),
            lambda one: one["sectors"].clear(),
        ):
            changed = deepcopy(report)
            change(changed)
            assert "signature" in check(changed, signature, public_key)
        assert check(report, signature, bytes(32))
        assert check(report, signature, public_key, text.replace("6", "7")) == (
            "the CSV isn't this report's"
        )
        told_file, csv_file = folder / "day.json", folder / "day.csv"
        told_file.write_text(json.dumps({"report": report, "signature": signature.hex()}))
        csv_file.write_text(text)
        arguments = ["fees", "report", "check", str(told_file), "--key", public_key.hex()]
        done = CliRunner().invoke(main, [*arguments, "--csv", str(csv_file)])
        assert done.exit_code == 0, done.output
        assert report["day"]["root"] in done.stdout
        csv_file.write_text(text + "\n")
        assert CliRunner().invoke(main, [*arguments, "--csv", str(csv_file)]).exit_code == 1

    play(scene)


def test_an_agency_is_told_of_its_own_days_alone(play: Play) -> None:
    async def scene(fees: FeeTown, folder: Path) -> None:
        numbers = await paid(fees, 3)
        await paid(fees, 2, agency="police")
        await fees.town.let_time_pass(86_400)
        await fees.refund(numbers[0], 100_000)
        await fees.town.let_time_pass(86_400)
        await fees.town.operator.totals()  # waits for the database
        clerk = fees.town.office("sara@tax", Role.AGENCY_CLERK)
        told = await clerk.daily_totals()
        assert [(one.day, one.payments, one.paid) for one in told.days] == [
            ("2026-01-01", 3, 3_000_000),
            ("2026-01-02", 0, 0),
        ]
        assert [(one.refunds, one.refunded) for one in told.days] == [(0, 0), (1, 100_000)]
        assert told.last == "2026-01-02"
        police = await fees.town.office("auditor", Role.AUDITOR).daily_totals("police")
        assert [one.paid for one in police.days] == [2_000_000]
        with pytest.raises(CallFailed, match=r"agency\.unknown"):
            await clerk.daily_totals("police")

    play(scene)


def test_a_day_that_is_not_closed_has_no_report(play: Play) -> None:
    async def scene(fees: FeeTown, folder: Path) -> None:
        office = fees.town.office("auditor", Role.AUDITOR)
        with pytest.raises(CallFailed, match=r"day\.unknown"):
            await office.daily_report(DAY)

    play(scene)
