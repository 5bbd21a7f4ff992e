"""Limits: set by two operators, held by the ledger, told as they fill."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from payvand.client import NotPermitted
from payvand.switch.limits.limit import LimitFault, cap
from payvand.switch.limits.limit_book import limits_of
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.payment_pb2 import PaymentKind, PaymentState
from payvand.v1.quote_service_pb2 import QuotedPayment
from tests.support.town import CAP, Town, open_town
from tests.switch.test_charging import TARIFFS, put_in_force

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
DAY_S = 86_400

Scene = Callable[[Town], Awaitable[None]]
Told = TypeVar("Told")


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[[Scene], None]:
    """Run a scene in a town."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database) as town:
                await scene(town)

        asyncio.run(whole())

    return run


Play = Callable[[Scene], None]


async def set_limits(town: Town, *limits: dict[str, Any]) -> None:
    content = json.dumps({"limits": limits})
    proposal = await town.operator.approvals.propose("limits.change", content, reason="a test")
    second = town.second.approvals
    done = await second.approve(proposal.id, digest=proposal.digest)
    assert done.state == ProposalState.PROPOSAL_STATE_CARRIED_OUT


async def paid(town: Town, debtor: str, creditor: str, amount: int) -> str:
    """Pay and accept; return `settled`, or the detail of why not."""
    payment = town.pay(debtor, creditor, amount)
    reply = await town.bank(debtor).submit([payment])
    if reply.declined:
        reason = reply.declined[0].reason
        return f"{reason.code} {reason.detail}"
    if reply.states[0] == RESERVED:
        assert await town.answer(creditor, payment.id) == [SETTLED]
    return "settled"


async def first(stream: AsyncIterator[Told]) -> Told:
    return await asyncio.wait_for(anext(aiter(stream)), 20)


def test_limits_of_a_payment_a_day_and_a_kind_hold_in_the_ledger(play: Play) -> None:
    async def scene(town: Town) -> None:
        await set_limits(
            town,
            {"limit": "payment", "participant": "melli", "amount": "500"},
            {
                "limit": "day",
                "participant": "melli",
                "payments": "credit_transfer",
                "amount": "800",
            },
        )
        assert await paid(town, "melli", "mellat", 501) == "AM02 exceeds_transfer_quota"
        assert await paid(town, "melli", "mellat", 500) == "settled"
        assert await paid(town, "melli", "mellat", 301) == "AM13 exceeds_period_quota"
        assert await paid(town, "melli", "mellat", 300) == "settled"
        fee = town.pay("melli", "tax", 400, kind=PaymentKind.PAYMENT_KIND_FEE)
        assert list((await town.bank("melli").submit([fee])).states) == [SETTLED]
        assert await paid(town, "mellat", "melli", 5_000) == "settled"
        await town.let_time_pass(DAY_S)
        assert await paid(town, "melli", "mellat", 500) == "settled"
        await set_limits(town, {"limit": "payment", "participant": "melli", "amount": None})
        assert await paid(town, "melli", "tax", 300) == "settled"

    play(scene)


def test_a_bilateral_limit_nets_and_begins_anew_with_each_window(play: Play) -> None:
    async def scene(town: Town) -> None:
        limit = {"limit": "bilateral", "participant": "melli", "creditor": "mellat"}
        await set_limits(town, limit | {"amount": "100"})
        assert await paid(town, "melli", "mellat", 100) == "settled"
        assert await paid(town, "melli", "mellat", 1) == "AM14 exceeds_bilateral_quota"
        assert await paid(town, "melli", "saderat", 900) == "settled"
        assert await paid(town, "mellat", "melli", 40) == "settled"
        assert await paid(town, "melli", "mellat", 40) == "settled"
        told = await town.bank("melli").positions.now()
        assert [(one.limit, one.used, one.maximum) for one in told.limits] == [
            ("cap", "1000", str(CAP)),
            ("bilateral/mellat", "100", "100"),
        ]
        await town.fund("melli", 10_000)
        await town.operator.close_window()
        assert await paid(town, "melli", "mellat", 100) == "settled"

    play(scene)


def test_a_cap_follows_liquidity_and_collateral(play: Play) -> None:
    async def scene(town: Town) -> None:
        await set_limits(
            town,
            {"limit": "share", "participant": "melli", "per_million": 500_000},
            {
                "limit": "collateral",
                "participant": "melli",
                "amount": "1000",
                "haircut_per_million": 100_000,
            },
        )
        bank = town.bank("melli").positions
        assert (await bank.now()).cap == str(CAP + 900)
        await town.fund("melli", 2_001)
        told = await bank.now()
        assert (told.cap, told.collateral) == (str(CAP + 900 + 1_000), "1000")
        assert told.headroom == told.cap
        assert await paid(town, "melli", "mellat", 2_000) == "settled"
        assert (await bank.now()).headroom == str(CAP + 1_900 - 2_000)
        await town.operator.close_window()
        told = await bank.now()
        assert (told.balance, told.settlement_balance, told.cap) == ("0", "1", str(CAP + 900))
        await set_limits(town, {"limit": "collateral", "participant": "melli", "amount": "400"})
        told = await bank.now()
        assert (told.collateral, told.cap) == ("400", str(CAP + 400))

    play(scene)


def test_limits_stand_after_a_restart(tmp_path: Path, database: str) -> None:
    async def before() -> None:
        async with open_town(tmp_path, database) as town:
            await set_limits(
                town,
                {"limit": "day", "participant": "melli", "amount": "100"},
                {"limit": "share", "participant": "melli", "per_million": 1_000_000},
            )
            await town.fund("melli", 50)
            assert await paid(town, "melli", "mellat", 100) == "settled"

    async def after() -> None:
        async with open_town(tmp_path, database) as town:
            assert (await town.bank("melli").positions.now()).cap == str(CAP + 50)
            payment = town.pay("melli", "mellat", 1, id=b"after".rjust(16, b"\0"))
            reply = await town.bank("melli").submit([payment])
            assert reply.declined[0].reason.detail == "exceeds_period_quota"

    asyncio.run(before())
    asyncio.run(after())


def test_alerts_tell_the_bank_and_operators_and_are_armed_again(play: Play) -> None:
    async def scene(town: Town) -> None:
        day = {"limit": "day", "participant": "melli"}
        await set_limits(town, day | {"amount": "1000"})
        look = town.switch.limits.alerting.look

        async def alerts(cursor: int = 0) -> list[tuple[str, int, str]]:
            await look()
            book = town.switch.limits.alerting.book
            return [(one.limit, one.percent, str(one.used)) for one in book.after(cursor, "melli")]

        assert await paid(town, "melli", "mellat", 499) == "settled"
        assert await alerts() == []
        assert await paid(town, "melli", "mellat", 1) == "settled"
        assert await alerts() == [("day", 50, "500")]
        assert await paid(town, "melli", "mellat", 400) == "settled"
        assert (await alerts())[1:] == [("day", 90, "900")]
        assert await paid(town, "melli", "mellat", 1) == "settled"
        assert len(await alerts()) == 2
        told = await first(town.bank("melli").positions.follow())
        assert [one.percent for one in told.alerts] == [50, 90]
        seen = await first(town.operator.positions.alerts(cursor=told.alerts[0].sequence))
        assert [(one.participant, one.percent) for one in seen.alerts] == [("melli", 90)]
        cursor = told.cursor
        await set_limits(town, day | {"amount": "1500"})
        assert await alerts(cursor) == [("day", 50, "901")]
        await town.let_time_pass(DAY_S)
        await look()
        assert await paid(town, "melli", "mellat", 750) == "settled"
        assert await alerts(cursor) == [("day", 50, "901"), ("day", 50, "750")]
        with pytest.raises(NotPermitted, match="isn't for the bank"):
            await first(town.bank("mellat").positions.alerts("melli"))

    play(scene)


def test_streams_tell_positions_and_entries_as_they_move(play: Play) -> None:
    async def scene(town: Town) -> None:
        bank = town.bank("melli").positions
        positions = aiter(bank.follow(interval_ms=100))
        entries = aiter(bank.entries())
        assert (await asyncio.wait_for(anext(positions), 20)).position.balance == "0"
        assert await paid(town, "melli", "mellat", 70) == "settled"
        while (told := await asyncio.wait_for(anext(positions), 20)).position.balance != "-70":
            pass
        step = await asyncio.wait_for(anext(entries), 20)
        assert [(one.amount, one.debit, one.counterparty) for one in step.entries] == [
            ("70", True, "mellat")
        ]
        assert await paid(town, "mellat", "melli", 20) == "settled"
        step = await asyncio.wait_for(anext(entries), 20)
        assert [(one.amount, one.debit) for one in step.entries] == [("20", False)]
        again = await first(bank.entries(cursor=step.cursor - 1))
        assert again.entries == step.entries
        assert told.position.headroom == str(CAP - 70)

    play(scene)


def test_a_quote_tells_what_a_payment_costs_then(play: Play) -> None:
    async def scene(town: Town) -> None:
        await put_in_force(town, TARIFFS)
        asked = [
            QuotedPayment(
                kind=PaymentKind.PAYMENT_KIND_CREDIT_TRANSFER,
                debtor_iban=town.account("melli"),
                creditor_iban=creditor,
                amount=10_001,
            )
            for creditor in (town.account("mellat"), "IR000000000000000000000000")
        ]
        good, bad = await town.bank("melli").positions.quote(asked)
        assert [
            (one.tariff, one.kind, one.payer, one.receiver, one.amount) for one in good.charges
        ] == [
            ("switch", "switch_fee", "melli", "tax", 11),
            ("interchange", "interchange", "mellat", "melli", 2),
        ]
        assert (list(bad.charges), bad.rule) == ([], "iban.check_digits")
        assert await paid(town, "melli", "mellat", 10_001) == "settled"
        assert (await town.bank("melli").positions.now()).charges == "-9"

    play(scene)


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"limit": "year", "participant": "melli"}, "limits.limit"),
        ({"limit": "day", "participant": "melli"}, "limits.amount"),
        ({"limit": "day", "participant": "melli", "amount": 5}, "limits.amount"),
        ({"limit": "day", "participant": "melli", "amount": "1", "more": 1}, "limits.more"),
        ({"limit": "share", "participant": "melli", "per_million": -1}, "limits.per_million"),
        ({"limit": "alerts", "participant": "melli", "percents": [90, 50]}, "limits.percents"),
        (
            {"limit": "bilateral", "participant": "melli", "creditor": "melli", "amount": "1"},
            "limits.creditor",
        ),
    ],
)
def test_what_is_no_limit_is_refused_by_rule(row: dict[str, Any], rule: str) -> None:
    with pytest.raises(LimitFault) as caught:
        limits_of({"limits": [row]})
    assert caught.value.rule == rule


def test_limits_survive_being_told() -> None:
    rows = [
        {"limit": "day", "participant": "a", "payments": "fee", "amount": "5"},
        {"limit": "payment", "participant": "a", "payments": "all", "amount": None},
        {"limit": "bilateral", "participant": "a", "creditor": "b", "amount": "7"},
        {"limit": "share", "participant": "a", "per_million": 3},
        {"limit": "collateral", "participant": "a", "amount": "9", "haircut_per_million": 4},
        {"limit": "alerts", "participant": "a", "percents": [1, 100]},
    ]
    assert [limit.told() for limit in limits_of({"limits": rows})] == rows


def test_liquidity_is_what_the_settlement_account_holds_and_no_fraction_of_it() -> None:
    assert cap(100, 3, 500_000, 0, 0) == 101
    assert cap(0, 0, 1_000_000, 999, 1) == 998
    assert cap(7, -5, 1_000_000, 0, 0) == 7
