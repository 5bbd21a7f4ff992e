"""What comes on top of a bill, or off it, is reckoned on the day on which it is paid."""

from payvand.switch.fees.catalogue.schedule import PENALTY, Late, Rebate
from payvand.switch.rules.validity import Validity
from payvand.v1.bill_pb2 import BillState
from payvand.v1.bill_service_pb2 import BillChange
from payvand.v1.payment_pb2 import PaymentState
from tests.support.fee_town import FeeTown, Play

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
DAY_S = 86_400
NAMED = {"code": "late", "title_en": "late", "title_fa": "دیرکرد", "legal_basis": "article 21"}
LATE = Late(
    **NAMED,
    validity=Validity(),
    kind=PENALTY,
    fees=frozenset(),
    grace_days=0,
    every_days=30,
    per_million=100_000,
    per_million_max=300_000,
    share_tree="own",
)
REBATE = Rebate(
    **NAMED, validity=Validity(), fees=frozenset(), days_before_due=30, per_million=50_000
)


def test_a_penalty_is_charged_with_the_payment_and_has_its_own_shares(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        old = town.cart(await town.bill(number))
        await town.town.let_time_pass(61 * DAY_S)
        bill = await town.bill(number)
        assert (bill.outstanding, bill.amount, bill.acts) == (1_100, 1_100, 0)
        assert (await town.pay(old)).refusal.rule == "bill.partial"
        result = await town.pay(town.cart(bill))
        assert (result.state, result.bills[0].act) == (SETTLED, 2)
        bill = await town.bill(number)
        assert (bill.state, bill.paid, bill.amount) == (BillState.BILL_STATE_PAID, 1_100, 1_100)
        credits = await town.credits()
        assert (credits["tax"], credits["police"], credits["fund"]) == (700, 150, 250)
        (accrued, paid) = await town.bills("tax").acts(number)
        assert accrued.notice.change == BillChange.BILL_CHANGE_ACCRUED
        assert [line.amount for line in accrued.notice.lines] == [1_000, 100]
        assert paid.paid == 1_100

    play(scene, terms={"lates": (LATE,)})


def test_a_penalty_goes_on_for_what_is_left_after_a_part_payment(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        (number,) = await town.issue(town.new_bill(1_000))
        await town.town.let_time_pass(61 * DAY_S)
        payment = town.cart(await town.bill(number))
        payment.amount = payment.bills[0].amount = 400
        assert (await town.pay(payment)).state == SETTLED
        assert (await town.bill(number)).outstanding == 700
        await town.town.let_time_pass(30 * DAY_S)
        bill = await town.bill(number)
        assert bill.outstanding == 760
        assert (await town.pay(town.cart(bill))).state == SETTLED
        assert (await town.bill(number)).outstanding == 0

    play(scene, terms={"lates": (LATE,), "partial": True})


def test_a_rebate_is_for_who_pays_the_whole_early(play: Play) -> None:
    async def scene(town: FeeTown) -> None:
        numbers = await town.issue(town.new_bill(1_000), town.new_bill(1_000))
        bill = await town.bill(numbers[0])
        assert bill.outstanding == 950
        assert (await town.pay(town.cart(bill))).state == SETTLED
        assert (await town.bill(numbers[0])).state == BillState.BILL_STATE_PAID
        payment = town.cart(await town.bill(numbers[1]))
        payment.amount = payment.bills[0].amount = 500
        assert (await town.pay(payment)).state == SETTLED
        assert (await town.bill(numbers[1])).outstanding == 500
        await town.town.let_time_pass(31 * DAY_S)
        (late,) = await town.issue(town.new_bill(1_000, due_date="2026-02-20"))
        assert (await town.bill(late)).outstanding == 1_000

    play(scene, terms={"rebates": (REBATE,), "partial": True})
