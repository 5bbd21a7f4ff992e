"""What agencies collected goes to the treasury once, with a posting that says whose it is."""

import csv

import pytest

from payvand.client import CallFailed, Treasury
from payvand.switch.identity import Role
from tests.support.fee_town import FUND_IBAN, POLICE_IBAN, TOWNS_IBAN, FeeTown, Play
from tests.support.town import TAX_IBAN


async def closed(town: FeeTown) -> tuple[Treasury, int]:
    """Pay a bill of a thousand, give a hundred back, and close the window."""
    (number,) = await town.issue(town.new_bill(1_000))
    await town.pay(town.cart(await town.bill(number)))
    await town.refund(number, 100)
    await town.town.fund("melli", 10_000)
    window = await town.town.operator.close_window()
    return town.town.person("sara", Role.TREASURY).treasury, window.number


async def settlement_balances(town: FeeTown) -> dict[str, int]:
    return {
        one.participant.name: one.settlement_balance
        for one in await town.town.operator.participants()
    }


def test_a_window_is_swept_once_and_its_posting_says_whose_it_is(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        treasury, window = await closed(town)
        posting = await treasury.sweep(window)
        rows = list(csv.reader(posting.text.splitlines()))
        assert rows[0] == ["account", "participant", "credits", "debits", "net", "items"]
        assert {row[0]: (row[1], row[2], row[3], row[4]) for row in rows[1:]} == {
            TAX_IBAN: ("tax", "420", "42", "378"),
            TOWNS_IBAN: ("tax", "180", "18", "162"),
            POLICE_IBAN: ("police", "150", "15", "135"),
            FUND_IBAN: ("fund", "250", "25", "225"),
            "total": ("", "1000", "100", "900"),
        }
        assert posting.swept == "900"
        balances = await settlement_balances(town)
        assert (balances["tax"], balances["police"], balances["fund"]) == (0, 0, 0)
        assert await treasury.sweep(window) == posting
        assert await settlement_balances(town) == balances

    play(scene)


def test_a_posting_is_acknowledged_as_it_was_read(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        treasury, window = await closed(town)
        with pytest.raises(CallFailed, match="close the window first"):
            await treasury.sweep(window + 1)
        posting = await treasury.sweep(window)
        assert await treasury.postings(open=True) == [posting]
        other = type(posting)(window=window, digest=bytes(32))
        with pytest.raises(CallFailed, match="must be what you read"):
            await treasury.acknowledge(other)
        done = await treasury.acknowledge(posting)
        assert (done.acknowledged_by, done.refused_because) == ("sara", "")
        assert await treasury.postings(open=True) == []
        assert await treasury.acknowledge(posting, refused_because="too late") == done

    play(scene)
