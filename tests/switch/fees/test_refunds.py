"""What goes back comes from those who have it, to the rial, and is never more than was paid."""

import pytest

from payvand.client import CallFailed, NotPermitted
from payvand.v1.bill_pb2 import BillLine, BillLineKind, BillState
from payvand.v1.bill_service_pb2 import BillChange
from payvand.v1.payment_pb2 import PaymentKind, PaymentState
from payvand.v1.refund_service_pb2 import RefundState
from tests.support.fee_town import FeeTown, Play

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
PAID = RefundState.REFUND_STATE_PAID
WAITING = RefundState.REFUND_STATE_WAITING


async def paid_bill(town: FeeTown, *amounts: int) -> str:
    """Issue a bill of a fine and, where two amounts are given, of the agency's own fee; pay it."""
    fees = [
        BillLine(fee=fee, kind=BillLineKind.BILL_LINE_KIND_FEE, amount=amount)
        for fee, amount in zip(("fine", "service"), amounts, strict=False)
    ]
    (number,) = await town.issue(town.new_bill(lines=fees))
    assert (await town.pay(town.cart(await town.bill(number)))).state == SETTLED
    return number


def test_every_beneficiary_gives_back_its_part_and_the_bank_is_offered_it(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000_000)
        refund = await town.refund(number, 400_000)
        assert refund.state == PAID
        assert await town.credits() == {
            "melli": -600_000,
            "mellat": 0,
            "tax": 360_000,
            "police": 90_000,
            "fund": 150_000,
        }
        steps = await town.town.steps("melli", 2)
        (offer,) = [offer for step in steps for offer in step.offers]
        assert (offer.id, offer.kind) == (refund.payment_id, PaymentKind.PAYMENT_KIND_RETURN)
        assert (offer.amount, offer.creditor_iban) == (400_000, town.town.account("melli"))
        assert offer.bill_reference == number
        (known,) = await town.town.bank("melli").refunds.of_bill(number)
        assert known == refund
        bill = await town.bill(number)
        assert (bill.paid, bill.refunded, bill.outstanding) == (600_000, 400_000, 400_000)

    play(scene)


def test_no_more_goes_back_than_was_paid(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000)
        await town.refund(number, 700)
        with pytest.raises(CallFailed, match="300 of the payment is left") as caught:
            await town.refund(number, 301)
        assert caught.value.refusal.rule == "refund.amount"
        two = [
            await town.clerk.refunds.request(number, 200, act=1, reason="again") for _ in range(2)
        ]
        done = [await town.approver.refunds.approve(two[0])]
        with pytest.raises(CallFailed, match="100 of the payment is left"):
            await town.approver.refunds.approve(two[1])
        assert [refund.state for refund in done] == [PAID]
        assert (await town.bill(number)).paid == 100

    play(scene)


def test_who_asks_for_a_refund_does_not_approve_it(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000)
        own = await town.approver.refunds.request(number, 10, act=1, reason="mine")
        with pytest.raises(NotPermitted, match="another operator approves"):
            await town.approver.refunds.approve(own)
        asked = await town.clerk.refunds.request(number, 10, act=1, reason="ours")
        with pytest.raises(NotPermitted):
            await town.clerk.refunds.approve(asked)
        refused = await town.approver.refunds.refuse(asked.id, remark="no")
        assert refused.state == RefundState.REFUND_STATE_REFUSED
        assert (await town.bill(number)).refunded == 0

    play(scene)


def test_a_refund_after_settlement_is_settled_with_the_next_window(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000)
        operator = town.town.operator
        await town.town.fund("melli", 1_000)
        await operator.close_window()
        assert (await town.refund(number, 500)).state == PAID
        assert await town.credits() == {
            "melli": 500,
            "mellat": 0,
            "tax": -300,
            "police": -75,
            "fund": -125,
        }
        window = await operator.close_window()
        assert {one.participant: int(one.settled) for one in window.positions} == {
            "melli": 500,
            "mellat": 0,
            "tax": -300,
            "police": -75,
            "fund": -125,
        }

    play(scene)


def test_a_refund_for_which_somebody_lacks_money_waits_whole(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000)
        operator = town.town.operator
        await town.town.fund("melli", 10_000)
        await operator.close_window()
        entries = [one.participant for one in await operator.participants()]
        for entry in entries:
            if entry.name == "police":
                entry.net_debit_cap = 0
        await town.town.put(entries)
        refund = await town.refund(number, 1_000)
        assert refund.state == WAITING
        assert set((await town.credits()).values()) == {0}
        await paid_bill(town, 2_000)
        assert await town.town.switch.fees.approvals.settle_due()
        (refund,) = await town.town.bank("melli").refunds.of_bill(number)
        assert refund.state == PAID
        assert (await town.credits())["police"] == 150

    play(scene)


def test_an_exemption_after_the_payment_gives_the_difference_back_by_its_line(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        number = await paid_bill(town, 1_000, 70)
        reply = await town.bills("tax").amend(
            number, BillChange.BILL_CHANGE_EXEMPTED, lines={1: 0}, reason="a veteran", acts=1
        )
        assert (reply.bill.amount, reply.bill.credit) == (1_000, 70)
        (asked,) = await town.approver.refunds.of_bill(number)
        assert ([asked.id], asked.amount) == (list(reply.refunds), 70)
        assert (await town.approver.refunds.approve(asked)).state == PAID
        assert await town.credits() == {
            "melli": -1_000,
            "mellat": 0,
            "tax": 600,
            "police": 150,
            "fund": 250,
        }
        bill = await town.bill(number)
        assert (bill.state, bill.credit, bill.acts) == (BillState.BILL_STATE_PAID, 0, 3)
        assert [act.WhichOneof("what") for act in await town.bills("melli").acts(number)] == [
            "paid",
            "notice",
            "refunded",
        ]

    play(scene)


def test_a_partly_paid_bill_is_waived_and_cancelled(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        payment = town.cart(await town.bill(number))
        payment.amount = payment.bills[0].amount = 300
        await town.pay(payment)
        tax = town.bills("tax")
        waived = await tax.amend(
            number, BillChange.BILL_CHANGE_WAIVED, lines={0: 450}, reason="hardship"
        )
        assert (waived.bill.outstanding, list(waived.refunds)) == (150, [])
        with pytest.raises(CallFailed, match="what is waived is no more"):
            await tax.amend(number, BillChange.BILL_CHANGE_WAIVED, lines={0: 451}, reason="more")
        with pytest.raises(CallFailed, match="look at it again"):
            await tax.amend(
                number, BillChange.BILL_CHANGE_AMENDED, lines={0: 9}, reason="late", acts=1
            )
        ended = await tax.amend(number, BillChange.BILL_CHANGE_CANCELLED, reason="a court's order")
        assert (ended.bill.state, ended.bill.credit) == (BillState.BILL_STATE_CANCELLED, 300)
        assert len(ended.refunds) == 1
        assert (await town.pay(town.cart(await town.bill(number)))).refusal.rule == "amount.zero"
        assert (await town.pay(payment)).state == SETTLED  # the retry of what was paid

    play(scene, terms={"partial": True})


def test_a_payer_objects_in_time_and_not_later(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await town.issue(town.new_bill(1_000), town.new_bill(1_000))
        bill = await town.bills("melli").object(numbers[0], reason="not my car")
        assert (bill.acts, bill.outstanding) == (1, 1_000)
        await town.town.let_time_pass(61 * 86_400)
        with pytest.raises(CallFailed, match="the time to object is over"):
            await town.bills("melli").object(numbers[1], reason="not mine either")

    play(scene)
