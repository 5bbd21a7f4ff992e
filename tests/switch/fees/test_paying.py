"""A bill is paid once, all of a cart or nothing, and every beneficiary has its share."""

import asyncio

from payvand.v1.bill_pb2 import BillState
from payvand.v1.payment_pb2 import PaymentState
from tests.support import progress
from tests.support.fee_town import MELLAT_CAP, OTHER_PAYER, PAYER, FeeTown, Play

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REFUSED = PaymentState.PAYMENT_STATE_REFUSED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
RACES = 1_000 if progress.SOAK else 25


def test_a_payment_divides_itself_among_all_beneficiaries_at_once(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000_000))
        bill = await town.bill(number)
        assert (bill.state, bill.outstanding, bill.payable) == (
            BillState.BILL_STATE_OPEN,
            1_000_000,
            True,
        )
        payment = town.cart(bill)
        result = await town.pay(payment)
        assert result.state == SETTLED
        assert [(one.number, one.act, one.amount) for one in result.bills] == [
            (number, 1, 1_000_000)
        ]
        assert await town.credits() == {
            "melli": -1_000_000,
            "mellat": 0,
            "tax": 600_000,
            "police": 150_000,
            "fund": 250_000,
        }
        bill = await town.bill(number)
        assert (bill.state, bill.outstanding, bill.payable) == (
            BillState.BILL_STATE_PAID,
            0,
            False,
        )
        assert await town.pay(payment) == result
        (status,) = await town.town.bank("melli").status([payment.id])
        assert (status.state, status.amount) == (SETTLED, 1_000_000)
        await town.town.fund("melli", 1_000_000)
        window = await town.town.operator.close_window()
        assert sum(int(one.net) for one in window.positions) == 0

    play(scene)


def test_a_cart_is_one_debit_for_bills_of_many_agencies(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await town.issue(town.new_bill(700), town.new_bill(31))
        numbers += await town.issue(town.new_bill(5, fee="service"), agency="police")
        bills = [await town.bill(number) for number in numbers]
        result = await town.pay(town.cart(*bills))
        assert result.state == SETTLED
        assert [one.amount for one in result.bills] == [700, 31, 5]
        (page,) = [page async for page in town.town.bank("melli").statement()]
        assert [(entry.amount, entry.debit, entry.kind) for entry in page.entries] == [
            ("736", True, "fee")
        ]

    play(scene)


def test_a_cart_with_one_bill_that_is_paid_pays_none(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await town.issue(town.new_bill(700), town.new_bill(31))
        bills = [await town.bill(number) for number in numbers]
        assert (await town.pay(town.cart(bills[1]))).state == SETTLED
        result = await town.pay(town.cart(*bills))
        assert (result.state, result.refusal.rule) == (REFUSED, "bill.paid")
        assert result.refusal.field == "bills[1].number"
        assert (await town.bill(numbers[0])).outstanding == 700

    play(scene)


def test_two_payers_race_for_a_bill_and_one_pays_it(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        for _ in range(RACES):
            (number,) = await town.issue(town.new_bill(1_000))
            bill = await town.bill(number)
            carts = [town.cart(bill, bank=bank) for bank in ("melli", "mellat") * 3]
            results = await asyncio.gather(
                *(
                    town.pay(cart, bank=bank)
                    for cart, bank in zip(carts, ("melli", "mellat") * 3, strict=True)
                )
            )
            assert sorted(result.state for result in results) == [REFUSED] * 5 + [SETTLED]
            assert {result.refusal.rule for result in results} == {"", "bill.paid"}
            assert (await town.bill(number)).paid == 1_000
        assert sum((await town.credits()).values()) == 0

    play(scene)


def test_one_call_pays_a_bill_once_however_often_it_stands_in_it(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        bill = await town.bill(number)
        same = town.cart(bill)
        results = await town.bills("melli").pay([same, same, town.cart(bill)])
        assert [result.state for result in results] == [SETTLED, SETTLED, REFUSED]
        assert results[0] == results[1]
        assert (await town.bill(number)).paid == 1_000

    play(scene)


def test_a_payer_pays_what_he_agreed_to_and_nothing_else(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        payment = town.cart(await town.bill(number))
        payment.amount = 999
        result = await town.pay(payment)
        assert (result.state, result.refusal.rule) == (REFUSED, "cart.amount")

    play(scene)


def test_the_net_debit_cap_declines_a_payment_of_bills_for_good(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(MELLAT_CAP + 1))
        payment = town.cart(await town.bill(number), bank="mellat")
        first = await town.pay(payment, bank="mellat")
        assert (first.state, first.reason.code) == (DECLINED, "AM23")
        assert await town.pay(payment, bank="mellat") == first
        assert (await town.bill(number)).payable

    play(scene)


def test_the_single_window_shows_what_a_payer_owes_to_all(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await town.issue(*(town.new_bill(10 + n) for n in range(5)))
        numbers += await town.issue(town.new_bill(7), agency="police")
        await town.issue(town.new_bill(3, payer_id=OTHER_PAYER))
        mine = [bill async for bill in town.bills("melli").of_payer(PAYER)]
        assert {bill.number for bill in mine} == set(numbers)
        assert {bill.agency for bill in mine} == {"tax", "police"}
        await town.pay(town.cart(*mine))
        assert [bill async for bill in town.bills("melli").of_payer(PAYER)] == []
        assert len([b async for b in town.bills("melli").of_payer(PAYER, settled=True)]) == 6
        own = [b async for b in town.bills("police").of_payer(PAYER, settled=True)]
        assert [bill.number for bill in own] == numbers[5:]

    play(scene)


def test_a_bad_line_harms_no_other_and_the_same_line_again_is_the_same_bill(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        lines = [town.new_bill(100) for _ in range(6)]
        lines[1].payer_id = "0012345678"
        lines[2].service = "nothing"
        lines[3].lines[0].fee = "unknown"
        lines[4].reference = lines[0].reference
        lines[4].lines[0].amount = 99
        (reply,) = [reply async for reply in town.bills("tax").issue([lines])]
        assert [bool(bill.number) for bill in reply.bills] == [
            True,
            False,
            False,
            False,
            False,
            True,
        ]
        assert [(one.index, one.rule) for one in reply.refusals] == [
            (1, "national_id.check_digit"),
            (2, "service.unknown"),
            (3, "fee.unknown"),
            (4, "bill.reference_reused"),
        ]
        (again,) = [reply async for reply in town.bills("tax").issue([lines])]
        assert again == reply

    play(scene)


def test_a_partial_payment_leaves_the_rest_and_an_excess_is_a_credit(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        bill = await town.bill(number)
        payment = town.cart(bill)
        payment.amount = payment.bills[0].amount = 300
        assert (await town.pay(payment)).state == SETTLED
        bill = await town.bill(number)
        assert (bill.state, bill.paid, bill.outstanding) == (
            BillState.BILL_STATE_PARTLY_PAID,
            300,
            700,
        )
        payment = town.cart(bill)
        payment.amount = payment.bills[0].amount = 800
        assert (await town.pay(payment)).refusal.rule == "bill.amount"
        payment.bills[0].beyond = True
        assert (await town.pay(payment)).state == SETTLED
        bill = await town.bill(number)
        assert (bill.state, bill.paid, bill.credit) == (BillState.BILL_STATE_PAID, 1_100, 100)
        assert [one.act for one in (await town.pay(payment)).bills] == [2]

    play(scene, terms={"partial": True})
