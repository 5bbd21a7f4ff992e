"""Fees go with the payment: in one chain, reserved and ended with it, and into the settlement."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from payvand.client import CallFailed
from payvand.core.records import u128_array, u128_list
from payvand.settlement.netting import charge_account
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import Town, bank_entry, open_town

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
REJECTED = PaymentState.PAYMENT_STATE_REJECTED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED

TARIFFS = """
version = "test"

[[tariff]]
name = "switch"
kind = "credit_transfer"
charge = "switch_fee"
payer = "debtor"
receiver = "tax"
source = "a test"
[[tariff.tier]]
per_million = 1000
min = 3

[[tariff]]
name = "interchange"
kind = "credit_transfer"
charge = "interchange"
payer = "creditor"
receiver = "debtor"
source = "a test"
[[tariff.tier]]
flat = 2

[[tariff]]
name = "returns"
kind = "return"
charge = "switch_fee"
payer = "debtor"
receiver = "tax"
source = "a test"
[[tariff.tier]]
flat = 1
"""

Scene = Callable[[Town], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[[Scene], None]:
    """Run a scene in a town whose payments cost something."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database) as town:
                await put_in_force(town, TARIFFS)
                await scene(town)

        asyncio.run(whole())

    return run


Play = Callable[[Scene], None]


async def put_in_force(town: Town, text: str) -> None:
    reply = await town.operator.rule_tables.take("tariffs", text, reason="a test")
    assert not reply.faults
    proposal = reply.version.proposal
    other = town.second
    await other.approvals.approve(proposal.id, digest=proposal.digest)


async def fees(town: Town) -> dict[str, tuple[int, int]]:
    """Return what stands on charge accounts: earned less charged, and pending either way."""
    names = {"melli": 1, "mellat": 2, "tax": 4}
    accounts = await town.switch._engine.lookup_accounts(
        u128_array(charge_account(number) for number in names.values())
    )
    columns = {
        name: u128_list(accounts[name])
        for name in ("credits_posted", "debits_posted", "credits_pending", "debits_pending")
    }
    return {
        name: (
            columns["credits_posted"][index] - columns["debits_posted"][index],
            columns["credits_pending"][index] + columns["debits_pending"][index],
        )
        for index, name in enumerate(names)
    }


NOTHING = {"melli": (0, 0), "mellat": (0, 0), "tax": (0, 0)}


def test_fees_are_reserved_with_the_payment_and_posted_with_it(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 10_000)
        await town.bank("melli").submit([payment])
        assert await fees(town) == {"melli": (0, 12), "mellat": (0, 2), "tax": (0, 10)}
        assert await town.answer("mellat", payment.id) == [SETTLED]
        posted = {"melli": (-8, 0), "mellat": (-2, 0), "tax": (10, 0)}
        assert await fees(town) == posted
        assert await town.answer("mellat", payment.id) == [SETTLED]
        reply = await town.bank("melli").submit([payment])
        assert list(reply.states) == [SETTLED]
        assert await fees(town) == posted

    play(scene)


def test_fees_go_with_a_payment_that_is_rejected_declined_or_runs_out(play: Play) -> None:
    async def scene(town: Town) -> None:
        rejected, late = town.pay("melli", "mellat", 10_000), town.pay("melli", "mellat", 20_000)
        too_much = town.pay("melli", "mellat", 10_000_000)
        reply = await town.bank("melli").submit([rejected, too_much, late])
        assert list(reply.states) == [RESERVED, DECLINED, RESERVED]
        assert reply.declined[0].reason.detail == "exceeds_credits"
        assert await town.answer("mellat", rejected.id, reject="AC04") == [REJECTED]
        await town.let_time_pass(60)
        await town.let_time_pass(1)
        assert await fees(town) == NOTHING
        assert await town.answer("mellat", late.id) == [EXPIRED]
        reply = await town.bank("melli").submit([too_much])
        assert list(reply.states) == [DECLINED]

    play(scene)


def test_a_payment_that_settles_in_one_step_costs_at_once(play: Play) -> None:
    async def scene(town: Town) -> None:
        payments = [town.pay("melli", "tax", 1_000) for _ in range(3)]
        reply = await town.bank("melli").submit(payments)
        assert list(reply.states) == [SETTLED] * 3
        # The one who gets the switch's fee is the creditor here, and pays the interchange.
        assert await fees(town) == {"melli": (-3, 0), "mellat": (0, 0), "tax": (3, 0)}

    play(scene)


def test_a_return_has_its_own_tariff_and_gives_no_fee_back(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 10_000)
        await town.bank("melli").submit([payment])
        await town.answer("mellat", payment.id)
        before = await fees(town)
        for number, amount in ((1, 4_000), (2, 6_000)):
            made = await town.bank("mellat").give_back(
                payment, amount, number=number, reason="CUST"
            )
            assert made.state == SETTLED
        assert made.returned == 10_000
        after = await fees(town)
        assert after == before | {
            "mellat": (before["mellat"][0] - 2, 0),
            "tax": (before["tax"][0] + 2, 0),
        }

    play(scene)


def test_fees_are_settled_with_the_window_whatever_the_cap(play: Play) -> None:
    async def scene(town: Town) -> None:
        await town.put([bank_entry("melli", "017", "062", cap=10_000)])
        payment = town.pay("melli", "mellat", 10_000)
        await town.bank("melli").submit([payment])
        assert await town.answer("mellat", payment.id) == [SETTLED]
        await town.fund("melli", 10_008)
        window = await town.operator.close_window()
        settled = {one.participant: int(one.settled) for one in window.positions}
        assert settled == {"melli": -10_008, "mellat": 9_998, "saderat": 0, "tax": 10}
        assert await fees(town) == NOTHING
        pages = [page async for page in town.bank("melli").statement(window=1)]
        told = [(entry.kind, entry.amount, entry.debit) for entry in pages[0].entries]
        assert told == [
            ("credit_transfer", "10000", True),
            ("charges", "8", True),
            ("settlement", "10008", False),
        ]

    play(scene)


def test_a_payment_whose_tariff_has_changed_ends_by_what_it_was_recorded_with(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 10_000)
        await town.bank("melli").submit([payment])
        await put_in_force(town, 'version = "none"\n')
        reply = await town.bank("melli").submit([payment])
        assert list(reply.states) == [RESERVED]
        assert await town.answer("mellat", payment.id) == [SETTLED]
        assert await fees(town) == {"melli": (-8, 0), "mellat": (-2, 0), "tax": (10, 0)}
        free = town.pay("melli", "mellat", 10_000)
        await town.bank("melli").submit([free])
        assert await town.answer("mellat", free.id) == [SETTLED]
        assert await fees(town) == {"melli": (-8, 0), "mellat": (-2, 0), "tax": (10, 0)}

    play(scene)


def test_a_tariff_in_favour_of_somebody_who_takes_no_part_is_not_approved(play: Play) -> None:
    async def scene(town: Town) -> None:
        text = TARIFFS.replace('receiver = "tax"', 'receiver = "nobody"')
        with pytest.raises(CallFailed, match="nobody would be paid") as caught:
            await town.operator.rule_tables.take("tariffs", text, reason="a test")
        assert caught.value.refusal.rule == "tariffs.receiver"

    play(scene)
