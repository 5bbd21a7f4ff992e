"""A payment's life over real gRPC, as its two banks and everybody else see it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from payvand.client import CallFailed, NotPermitted
from payvand.v1.payment_pb2 import Payment, PaymentState
from payvand.v1.payment_service_pb2 import PaymentAnswer, SubmitStreamRequest
from tests.support.town import CAP, DEADLINE_S, Town, open_town
from tests.support.traffic import SECOND

UNKNOWN = PaymentState.PAYMENT_STATE_UNKNOWN
REFUSED = PaymentState.PAYMENT_STATE_REFUSED
DECLINED = PaymentState.PAYMENT_STATE_DECLINED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
SETTLED = PaymentState.PAYMENT_STATE_SETTLED
REJECTED = PaymentState.PAYMENT_STATE_REJECTED
EXPIRED = PaymentState.PAYMENT_STATE_EXPIRED


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[[Callable[[Town], Awaitable[None]]], None]:
    """Run a scene in a town of three banks and an agency."""

    def run(scene: Callable[[Town], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database) as town:
                await scene(town)

        asyncio.run(whole())

    return run


Play = Callable[[Callable[[Town], Awaitable[None]]], None]


async def state_of(town: Town, name: str, payment: Payment) -> int:
    return (await town.bank(name).status([payment.id]))[0].state


def test_an_accepted_payment_settles_and_both_banks_are_told(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 1_000, end_to_end_id="E-1", debtor_name="علی")
        reply = await town.bank("melli").submit([payment])
        assert list(reply.states) == [RESERVED]
        (offered,) = await town.steps("mellat", 1)
        assert list(offered.offers) == [payment]
        assert await town.answer("mellat", payment.id) == [SETTLED]
        for name in ("melli", "mellat"):
            last = (await town.steps(name, 2 if name == "mellat" else 1))[-1]
            assert [(one.id, one.state) for one in last.outcomes] == [(payment.id, SETTLED)]
            assert last.outcomes[0].timestamp >= town.clock.now
            status = (await town.bank(name).status([payment.id]))[0]
            assert (status.state, status.amount) == (SETTLED, 1_000)

    play(scene)


def test_a_rejected_payment_gives_the_money_back_and_tells_the_reason(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", CAP)
        await town.bank("melli").submit([payment])
        assert await town.answer("mellat", payment.id, reject="AC04") == [REJECTED]
        (step,) = await town.steps("melli", 1)
        assert (step.outcomes[0].state, step.outcomes[0].reason_code) == (REJECTED, "AC04")
        status = (await town.bank("melli").status([payment.id]))[0]
        assert (status.state, status.reason.code) == (REJECTED, "AC04")
        again = town.pay("melli", "mellat", CAP)
        assert list((await town.bank("melli").submit([again])).states) == [RESERVED]

    play(scene)


def test_an_unanswered_payment_expires_and_gives_the_money_back(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", CAP)
        await town.bank("melli").submit([payment])
        await town.let_time_pass(DEADLINE_S + 1)
        for name, steps in (("melli", 1), ("mellat", 2)):
            last = (await town.steps(name, steps))[-1]
            assert [(one.id, one.state) for one in last.outcomes] == [(payment.id, EXPIRED)]
            status = (await town.bank(name).status([payment.id]))[0]
            assert (status.state, status.reason.code) == (EXPIRED, "AB05")
        assert await town.answer("mellat", payment.id) == [EXPIRED]
        again = town.pay("melli", "mellat", CAP)
        assert list((await town.bank("melli").submit([again])).states) == [RESERVED]

    play(scene)


def test_an_answer_after_the_deadline_comes_too_late_also_before_the_expiry_is_seen(
    play: Play,
) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 5)
        await town.bank("melli").submit([payment])
        town.clock.now += (DEADLINE_S + 1) * SECOND
        assert await town.answer("mellat", payment.id) == [EXPIRED]

    play(scene)


def test_a_payment_to_who_accepts_by_itself_settles_in_one_step(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "tax", 70, bill_reference="B-1")
        assert list((await town.bank("melli").submit([payment])).states) == [SETTLED]
        (step,) = await town.steps("tax", 1)
        assert list(step.offers) == [payment]
        assert [(one.id, one.state) for one in step.outcomes] == [(payment.id, SETTLED)]
        assert await town.answer("tax", payment.id, reject="AC04") == [SETTLED]

    play(scene)


def test_a_payment_beyond_the_cap_is_declined_for_good(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", CAP + 1)
        for _ in range(2):
            reply = await town.bank("melli").submit([town.pay("melli", "tax", 1), payment])
            assert list(reply.states) == [SETTLED, DECLINED]
            assert [one.index for one in reply.declined] == [1]
            assert reply.declined[0].reason.code == "AM23"
            assert reply.declined[0].reason.detail == "exceeds_credits"
        status = (await town.bank("melli").status([payment.id]))[0]
        assert (status.state, status.reason.code, status.amount) == (DECLINED, "AM23", CAP + 1)
        steps = await town.steps("melli", 1)
        outcomes = {one.id: one for one in steps[0].outcomes}
        assert outcomes[payment.id].state == DECLINED
        assert outcomes[payment.id].reason_code == "AM23"

    play(scene)


def test_a_retry_is_told_the_state_that_the_first_one_is_in_now(play: Play) -> None:
    async def scene(town: Town) -> None:
        settled, rejected, reserved, single = (
            town.pay("melli", creditor, 10) for creditor in ("mellat", "mellat", "saderat", "tax")
        )
        batch = [settled, rejected, reserved, single]
        first = await town.bank("melli").submit(batch)
        assert list(first.states) == [RESERVED, RESERVED, RESERVED, SETTLED]
        await town.answer("mellat", settled.id)
        await town.answer("mellat", rejected.id, reject="AC01")
        again = await town.bank("melli").submit([*batch, settled])
        assert list(again.states) == [SETTLED, REJECTED, RESERVED, SETTLED, SETTLED]
        totals = {one.participant.name: one for one in await town.operator.participants()}
        assert totals["melli"].debits_posted == 20
        assert totals["melli"].debits_pending == 10

    play(scene)


def test_the_same_id_with_other_content_is_refused_whatever_differs(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 10, end_to_end_id="E")
        await town.bank("melli").submit([payment])
        changes = (
            {"amount": 11},
            {"creditor_iban": town.account("saderat")},
            {"creditor_iban": town.account("mellat", 2)},
            {"creditor_iban": town.account("tax")},
            {"debtor_iban": town.account("melli", 2)},
            {"end_to_end_id": "F"},
            {"remittance": "x"},
            {"kind": 2},
        )
        others = []
        for change in changes:
            other = Payment()
            other.CopyFrom(payment)
            for name, value in change.items():
                setattr(other, name, value)
            others.append(other)
        reply = await town.bank("melli").submit(others)
        assert list(reply.states) == [REFUSED] * len(changes)
        assert {one.rule for one in reply.refusals} == {"payment.id_reused"}
        assert [one.index for one in reply.refusals] == list(range(len(changes)))
        stolen = town.pay("saderat", "mellat", 10, id=payment.id)
        reply = await town.bank("saderat").submit([stolen])
        assert [one.rule for one in reply.refusals] == ["payment.id_reused"]
        assert await state_of(town, "melli", payment) == RESERVED

    play(scene)


def test_within_one_batch_each_payment_is_judged_on_its_own(play: Play) -> None:
    async def scene(town: Town) -> None:
        good = town.pay("melli", "mellat", 10)
        batch = [
            good,
            town.pay("melli", "mellat", 0),
            good,
            town.pay("melli", "mellat", CAP),
            town.pay("melli", "melli", 5),
            town.pay("melli", "tax", 5),
        ]
        reply = await town.bank("melli").submit(batch)
        assert list(reply.states) == [RESERVED, REFUSED, RESERVED, DECLINED, REFUSED, SETTLED]
        assert [(one.index, one.rule) for one in reply.refusals] == [
            (1, "amount.zero"),
            (4, "route.same_participant"),
        ]
        assert [one.index for one in reply.declined] == [3]
        refused = (await town.bank("melli").status([batch[1].id]))[0]
        assert refused.state == UNKNOWN

    play(scene)


def test_a_bank_debits_only_accounts_that_it_holds(play: Play) -> None:
    async def scene(town: Town) -> None:
        for debtor in ("mellat", "tax"):
            reply = await town.bank("melli").submit([town.pay(debtor, "saderat", 5)])
            assert [(one.field, one.rule) for one in reply.refusals] == [
                ("debtor_iban", "route.not_yours")
            ]

    play(scene)


def test_others_payments_are_invisible_and_cannot_be_answered(play: Play) -> None:
    async def scene(town: Town) -> None:
        reserved, declined = (
            town.pay("melli", "mellat", 10),
            town.pay("melli", "mellat", CAP + 1),
        )
        await town.bank("melli").submit([reserved, declined])
        statuses = await town.bank("saderat").status([reserved.id, declined.id, b"z" * 16, b"x"])
        assert [one.state for one in statuses] == [UNKNOWN] * 4
        assert {(one.amount, one.recorded_at) for one in statuses} == {(0, 0)}
        assert await town.answer("saderat", reserved.id) == [UNKNOWN]
        assert await town.answer("melli", reserved.id) == [UNKNOWN], "nor by the debtor's bank"
        own = town.pay("saderat", "tax", 1)
        await town.bank("saderat").submit([own])
        (step,) = await town.steps("saderat", 1)
        assert [one.id for one in step.outcomes] == [own.id]
        assert [one.state for one in await town.bank("mellat").status([declined.id])] == [UNKNOWN]

    play(scene)


def test_the_first_answer_stands(play: Play) -> None:
    async def scene(town: Town) -> None:
        accepted, rejected = town.pay("melli", "mellat", 10), town.pay("melli", "mellat", 10)
        await town.bank("melli").submit([accepted, rejected])
        verdicts = [
            PaymentAnswer(id=accepted.id, accept=True),
            PaymentAnswer(id=rejected.id, reason_code="AC04"),
            PaymentAnswer(id=accepted.id, reason_code="AC04"),
            PaymentAnswer(id=b"n" * 16, accept=True),
            PaymentAnswer(id=b"", accept=True),
        ]
        for _ in range(2):
            states = await town.bank("mellat").answer(verdicts)
            assert states == [SETTLED, REJECTED, SETTLED, UNKNOWN, UNKNOWN]
        assert await town.answer("mellat", rejected.id, reject="AM09") == [REJECTED]
        status = (await town.bank("melli").status([rejected.id]))[0]
        assert status.reason.code == "AC04"

    play(scene)


def test_a_rejection_needs_a_well_formed_reason(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "mellat", 10)
        await town.bank("melli").submit([payment])
        for reason in ("ac04", "AC4", "AC04X", "ÄC04"):
            with pytest.raises(CallFailed, match=r"answers\[0\].reason_code: reason.form"):
                await town.answer("mellat", payment.id, reject=reason)
        assert await state_of(town, "melli", payment) == RESERVED

    play(scene)


def test_a_stream_answers_every_batch_in_the_order_sent(play: Play) -> None:
    async def scene(town: Town) -> None:
        batches = [
            [town.pay("melli", "mellat", 1) for _ in range(size)]
            for size in (1, 300, 2, 1_000, 1, 7) * 6
        ]
        answered = [
            (batch, list(reply.states))
            async for batch, reply in town.bank("melli").submit_stream(batches, window=40)
        ]
        assert [batch for batch, _ in answered] == batches
        assert all(states == [RESERVED] * len(batch) for batch, states in answered)

    play(scene)


def test_a_batch_whose_texts_are_full_is_recorded_whole(play: Play) -> None:
    async def scene(town: Town) -> None:
        text = "🏦" * 140
        fields = {"debtor_name": text, "creditor_name": text, "remittance": text}
        batch = [town.pay("melli", "mellat", 1, **fields) for _ in range(4_000)]
        assert sum(one.ByteSize() for one in batch) > 4 << 20, "more than one frame holds"
        states = (await town.bank("melli").submit(batch)).states
        assert set(states) == {RESERVED}
        assert len(states) == len(batch)
        offers: list[Payment] = []
        async for step in town.bank("mellat").follow():
            offers += step.offers
            if len(offers) == len(batch):
                break
        assert offers == batch

    play(scene)


def test_more_than_one_batch_in_a_message_is_refused(play: Play) -> None:
    async def scene(town: Town) -> None:
        bank = town.bank("melli")
        too_many = [town.pay("melli", "mellat", 1)] * 8_191

        async def requests() -> None:
            async for _ in bank.submit_stream([too_many]):
                pass

        with pytest.raises(ValueError, match=r"8.?190|at most"):
            await bank.submit(too_many)
        with pytest.raises(CallFailed, match=r"payments: batch\.size"):
            await requests()
        assert SubmitStreamRequest(payments=too_many).ByteSize() < 16 << 20

    play(scene)


def test_following_from_any_cursor_gives_the_rest(play: Play) -> None:
    async def scene(town: Town) -> None:
        for index in range(6):
            payment = town.pay("melli", "mellat", 1 + index)
            await town.bank("melli").submit([payment, town.pay("saderat", "tax", 1)])
            if index % 2:
                await town.answer("mellat", payment.id)
        steps = await town.steps("mellat", 9)
        assert [step.cursor for step in steps] == sorted({step.cursor for step in steps})
        for index, step in enumerate(steps[:-1]):
            rest = await town.steps("mellat", len(steps) - 1 - index, step.cursor)
            assert rest == steps[index + 1 :]
        with pytest.raises(CallFailed, match="ahead of the journal"):
            await town.steps("mellat", 1, 1_000_000)

    play(scene)


def test_who_is_not_onboarded_is_told_so(play: Play) -> None:
    async def scene(town: Town) -> None:
        with pytest.raises(NotPermitted, match="no participant has the certificate"):
            await town.bank("stranger").submit([])
        with pytest.raises(NotPermitted):
            await town.bank("tax").submit([])

    play(scene)


def test_what_scoring_declines_names_its_rule_and_cannot_be_tried_again(play: Play) -> None:
    async def scene(town: Town) -> None:
        payment = town.pay("melli", "tax", 5_000_000_001, kind=2)
        for _ in range(2):
            reply = await town.bank("melli").submit([payment])
            assert list(reply.states) == [DECLINED]
            reason = reply.declined[0].reason
            assert (reason.code, reason.detail) == ("AM13", "amount.fee.ceiling")
        (step,) = await town.steps("melli", 1)
        assert (step.outcomes[0].state, step.outcomes[0].reason_code) == (DECLINED, "AM13")
        status = (await town.bank("melli").status([payment.id]))[0]
        assert (status.state, status.reason.detail) == (DECLINED, "amount.fee.ceiling")

    play(scene)
