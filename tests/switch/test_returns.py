"""Returns never add up to more than the payment; recalls are answered, or run out by the clock."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import pytest

from payvand.client import CallFailed
from payvand.switch.returning import return_id
from payvand.v1.payment_pb2 import Payment, PaymentKind, PaymentState
from tests.support.town import Town, open_town

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
REJECTED = PaymentState.PAYMENT_STATE_REJECTED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
DAY_S = 86_400

Scene = Callable[[Town], Awaitable[None]]


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


async def settled(town: Town, amount: int = 1_000) -> Payment:
    """Return a payment of melli to mellat that has settled."""
    payment = town.pay("melli", "mellat", amount)
    await town.bank("melli").submit([payment])
    assert await town.answer("mellat", payment.id) == [SETTLED]
    return payment


def test_a_payment_goes_back_in_parts_and_never_more_than_whole(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town)
        mellat = town.bank("mellat")
        first = await mellat.give_back(payment, 400, number=1, reason="CUST")
        assert (first.state, first.returned) == (SETTLED, 400)
        again = await mellat.give_back(payment, 400, number=1, reason="CUST")
        assert again == first
        with pytest.raises(CallFailed, match="600 of the payment are left") as caught:
            await mellat.give_back(payment, 601, number=2, reason="CUST")
        assert caught.value.refusal.rule == "return.amount"
        with pytest.raises(CallFailed, match="take the next number"):
            await mellat.give_back(payment, 399, number=1, reason="CUST")
        second = await mellat.give_back(payment, 600, number=2, reason="CUST")
        assert (second.state, second.returned) == (SETTLED, 1_000)
        positions = {one.participant.name: one for one in await town.operator.participants()}
        assert positions["melli"].credits_posted == positions["mellat"].debits_posted == 1_000

    play(scene)


def test_both_sides_are_told_of_a_return_like_of_any_payment(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town)
        made = await town.bank("mellat").give_back(payment, 250, number=1, reason="DUPL")
        offers = [offer for step in await town.steps("melli", 2) for offer in step.offers]
        (offer,) = offers
        assert (offer.id, offer.kind) == (made.id, PaymentKind.PAYMENT_KIND_RETURN)
        assert (offer.original_id, offer.reason_code) == (payment.id, "DUPL")
        assert (offer.amount, offer.creditor_iban) == (250, payment.debtor_iban)
        for name in ("melli", "mellat"):
            (status,) = await town.bank(name).status([made.id])
            assert (status.state, status.amount) == (SETTLED, 250)

    play(scene)


def test_returns_at_once_add_up_to_no_more_than_the_payment(play: Play) -> None:
    async def scene(town: Town) -> None:
        random = Random(8)
        for _ in range(6):
            payment = await settled(town, amount=random.randint(1, 60))
            mellat = town.bank("mellat")

            async def give(number: int, amount: int, payment: Payment = payment) -> int:
                try:
                    made = await town.bank("mellat").give_back(
                        payment, amount, number=number, reason="CUST"
                    )
                except CallFailed as fault:
                    assert fault.refusal.rule in ("return.amount", "payment.id_reused")
                    return 0
                return amount if made.state == SETTLED else 0

            await asyncio.gather(
                *(give(random.randint(1, 8), random.randint(1, 20)) for _ in range(12))
            )
            numbers = range(1, 9)
            held = await mellat.status([return_id(payment.id, number) for number in numbers])
            returned = sum(status.amount for status in held if status.state == SETTLED)
            assert returned <= payment.amount

    play(scene)


def test_only_the_creditor_gives_back_and_only_what_has_settled(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town)
        for stranger in ("melli", "saderat"):
            with pytest.raises(CallFailed) as caught:
                await town.bank(stranger).give_back(payment, 1, number=1, reason="CUST")
            assert caught.value.refusal.rule == "return.original"
        reserved = town.pay("melli", "mellat", 10)
        await town.bank("melli").submit([reserved])
        mellat = town.bank("mellat")
        with pytest.raises(CallFailed, match="only what has settled"):
            await mellat.give_back(reserved, 10, number=1, reason="CUST")
        made = await mellat.give_back(payment, 10, number=1, reason="CUST")
        returned = Payment(
            id=made.id, debtor_iban=payment.creditor_iban, creditor_iban=payment.debtor_iban
        )
        with pytest.raises(CallFailed, match="are not given back"):
            await town.bank("melli").give_back(returned, 1, number=1, reason="CUST")
        other = Payment(
            id=payment.id, debtor_iban=payment.debtor_iban, creditor_iban=town.account("mellat", 9)
        )
        with pytest.raises(CallFailed, match=r"return\.accounts"):
            await mellat.give_back(other, 1, number=2, reason="CUST")
        for number, reason in ((0, "CUST"), (65, "CUST"), (2, "cust")):
            with pytest.raises(CallFailed, match="INVALID_ARGUMENT"):
                await mellat.give_back(payment, 1, number=number, reason=reason)

    play(scene)


def test_a_return_above_the_cap_is_declined_and_the_next_number_may_succeed(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town, amount=900_000)
        drain = town.pay("mellat", "saderat", 1_500_000)
        await town.bank("mellat").submit([drain])
        mellat = town.bank("mellat")
        declined = await mellat.give_back(payment, 900_000, number=1, reason="CUST")
        assert (declined.state, declined.returned) == (DECLINED, 0)
        assert declined.reason.code == "AM23"
        await town.answer("saderat", drain.id, reject="AC04")
        made = await mellat.give_back(payment, 900_000, number=2, reason="CUST")
        assert (made.state, made.returned) == (SETTLED, 900_000)

    play(scene)


@pytest.mark.parametrize("accept", [True, False])
def test_a_recall_is_answered_like_an_offer(play: Play, accept: bool) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town)
        melli, mellat = town.bank("melli"), town.bank("mellat")
        asked = await melli.recall(payment, reason="DUPL")
        assert asked.state == RESERVED
        offers = [offer for step in await town.steps("mellat", 3) for offer in step.offers]
        assert (offers[-1].id, offers[-1].original_id) == (asked.id, payment.id)
        assert offers[-1].kind == PaymentKind.PAYMENT_KIND_RECALL
        (state,) = await town.answer("mellat", asked.id, reject="" if accept else "AC04")
        assert state == (SETTLED if accept else REJECTED)
        again = await melli.recall(payment, reason="DUPL")
        assert (again.id, again.state) == (asked.id, state)
        (status,) = await melli.status([asked.id])
        assert status.reason.code == ("" if accept else "AC04")
        positions = {one.participant.name: one for one in await town.operator.participants()}
        assert positions["melli"].debits_posted == 1_000, "a recall moves nothing"
        if accept:
            await mellat.give_back(payment, 1_000, number=1, reason="FOCR")

    play(scene)


def test_a_recall_nobody_answers_runs_out_by_the_clock(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = await settled(town)
        asked = await town.bank("melli").recall(payment, reason="FRAD")
        town.clock.now += (10 * DAY_S + 1) * 1_000_000_000
        await town.bank("melli").submit([town.pay("melli", "mellat", 1)])
        (status,) = await town.bank("melli").status([asked.id])
        assert status.state == EXPIRED
        assert await town.answer("mellat", asked.id) == [EXPIRED]

    play(scene)
