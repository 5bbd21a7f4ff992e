"""Whatever is paid, given back, exempted and settled: shares sum to what was paid, net."""

from random import Random

import pytest

from payvand.client import CallFailed
from payvand.switch.fees.bills.number import parse_number
from payvand.switch.fees.refunding.holdings import read_holdings
from payvand.v1.bill_pb2 import Bill, BillLine, BillLineKind
from payvand.v1.bill_service_pb2 import BillChange
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.refund_service_pb2 import RefundState
from tests.support import progress
from tests.support.fee_town import FeeTown, Play

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
SEEDS = range(40) if progress.SOAK else range(3)
STEPS = 40


class Walk:
    """A random life of some bills, held against what must be true of it."""

    def __init__(self, town: FeeTown, seed: int) -> None:
        self.town = town
        self.random = Random(seed)
        self.numbers: list[str] = []
        self.paid: dict[str, dict[int, int]] = {}
        """What was paid by each act, less what went back of it."""

    async def run(self) -> None:
        for fees in ((997, 13), (1_000_003,), (7, 1)):
            lines = [
                BillLine(fee=fee, kind=BillLineKind.BILL_LINE_KIND_FEE, amount=amount)
                for fee, amount in zip(("fine", "service"), fees, strict=False)
            ]
            self.numbers += await self.town.issue(self.town.new_bill(lines=lines))
        self.paid = {number: {} for number in self.numbers}
        steps = (self.pay, self.pay, self.refund, self.exempt, self.settle)
        for _ in range(STEPS):
            await self.random.choice(steps)(self.random.choice(self.numbers))
            await self.check()

    async def pay(self, number: str) -> None:
        bill = await self.town.bill(number)
        payment = self.town.cart(bill)
        amount = self.random.randint(1, 1 + 2 * bill.outstanding)
        payment.amount = payment.bills[0].amount = amount
        payment.bills[0].beyond = self.random.random() < 0.3
        result = await self.town.pay(payment)
        if result.state == SETTLED:
            self.paid[number][result.bills[0].act] = amount
        else:
            assert amount > bill.outstanding or not bill.outstanding

    async def refund(self, number: str) -> None:
        if not self.paid[number]:
            return
        act, left = self.random.choice(list(self.paid[number].items()))
        amount = self.random.randint(1, left + 3)
        try:
            refund = await self.town.refund(number, amount, act=act)
        except CallFailed as fault:
            assert fault.refusal.rule == "refund.amount" and amount > left
            return
        assert refund.state == RefundState.REFUND_STATE_PAID and amount <= left
        self.paid[number][act] -= amount

    async def exempt(self, number: str) -> None:
        bill = await self.town.bill(number)
        line = self.random.randrange(len(bill.lines))
        reply = await self.town.bills("tax").amend(
            number,
            BillChange.BILL_CHANGE_WAIVED,
            lines={line: self.random.randint(0, bill.lines[line].amount)},
            reason="by chance",
        )
        asked = {refund.id: refund for refund in await self.town.clerk.refunds.of_bill(number)}
        for id in reply.refunds:
            done = await self.town.approver.refunds.approve(asked[id])
            assert done.state == RefundState.REFUND_STATE_PAID
            self.paid[number][done.act] -= done.amount

    async def settle(self, _: str) -> None:
        await self.town.town.operator.close_window()

    async def check(self) -> None:
        engine, fees = self.town.town.switch._engine, self.town.town.switch.fees
        keys = [parse_number(number) for number in self.numbers]
        standings = await fees._inquiry.of_keys(keys)
        for number, key in zip(self.numbers, keys, strict=True):
            bill: Bill = await self.town.bill(number)
            net = sum(self.paid[number].values())
            assert bill.paid == net >= 0
            assert bill.outstanding == max(bill.amount - net, 0)
            assert bill.credit == max(net - bill.amount, 0)
            holdings = await read_holdings(engine, key, standings[key].acts)
            assert all(holding.amount >= 0 for holding in holdings)
            held: dict[int, int] = {}
            for holding in holdings:
                held[holding.act] = held.get(holding.act, 0) + holding.amount
            assert {act: amount for act, amount in held.items() if amount} == {
                act: amount for act, amount in self.paid[number].items() if amount
            }
        assert sum((await self.town.credits()).values()) == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_shares_sum_to_what_was_paid_less_what_went_back(play: Play, seed: int) -> None:
    async def scene(town: FeeTown) -> None:
        await town.town.fund("melli", 10**12)
        await Walk(town, seed).run()

    play(scene, terms={"partial": True})
