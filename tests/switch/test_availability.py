"""Who can be paid now: said, seen, told to everybody, kept over a restart, and routed by."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from payvand.client import Bank, CallFailed, NotPermitted
from payvand.switch.availability import Availability as Watched
from payvand.switch.availability import Level
from payvand.v1 import availability_service_pb2 as pb
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import Town, open_town

UP, DEGRADED, DRAINING, DOWN = (
    pb.AVAILABILITY_UP,
    pb.AVAILABILITY_DEGRADED,
    pb.AVAILABILITY_DRAINING,
    pb.AVAILABILITY_DOWN,
)
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
SETTLED = PaymentState.PAYMENT_STATE_SETTLED


async def until(bank: Bank, name: str, availability: int) -> pb.ParticipantAvailability:
    """Listen until a participant is so available."""
    async with asyncio.timeout(20), aclosing(bank.availability()) as changes:
        async for participants in changes:
            for one in participants:
                if one.participant == name and one.availability == availability:
                    return one
    raise AssertionError("the stream ended")


async def rule(town: Town, debtor: str, creditor: str) -> str:
    """Return the rule by which a payment is refused; empty where it is reserved."""
    reply = await town.bank(debtor).submit([town.pay(debtor, creditor, 1)])
    return reply.refusals[0].rule if reply.refusals else ""


def test_a_bank_that_signs_off_gets_nothing_new_and_answers_what_it_was_offered(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            payment = town.pay("melli", "mellat", 5)
            await town.bank("melli").submit([payment])
            listening = asyncio.create_task(until(town.bank("melli"), "mellat", DRAINING))
            await asyncio.sleep(0.2)
            said = await town.bank("mellat").say_availability(DRAINING, remark="maintenance")
            assert (said.availability, said.said_by_participant) == (DRAINING, DRAINING)
            assert (await listening).remark == "maintenance"
            before = (await town.operator.totals()).ledger.sequence
            await town.bank("mellat").say_availability(DRAINING, remark="again")
            assert (await town.operator.totals()).ledger.sequence == before, "it was said already"
            assert await rule(town, "melli", "mellat") == "participant.signed_off"
            assert await rule(town, "mellat", "melli") == ""
            assert list((await town.bank("melli").submit([payment])).states) == [RESERVED]
            assert await town.answer("mellat", payment.id) == [SETTLED]
            clock, numbers = town.clock, town.numbers
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            town.numbers = numbers
            assert await rule(town, "melli", "mellat") == "participant.signed_off"
            await town.bank("mellat").say_availability(UP)
            assert await rule(town, "melli", "mellat") == ""

    asyncio.run(scene())


def test_an_operator_says_it_of_anybody_and_a_bank_of_itself_alone(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            with pytest.raises(NotPermitted, match=r"availability\.owner"):
                await town.bank("melli").say_availability(DOWN, participant="mellat")
            with pytest.raises(NotPermitted):
                await town.auditor.say_availability(DOWN, participant="mellat")
            with pytest.raises(CallFailed, match=r"participant\.unknown"):
                await town.operator.say_availability(DOWN, participant="nobody")
            with pytest.raises(CallFailed, match=r"availability\.unknown"):
                await town.bank("melli").say_availability(pb.AVAILABILITY_UNSPECIFIED)
            await town.operator.say_availability(DOWN, participant="mellat")
            await town.bank("mellat").say_availability(UP)
            assert await rule(town, "melli", "mellat") == "participant.signed_off", (
                "the worst holds"
            )
            await town.operator.say_availability(DEGRADED, participant="mellat")
            assert await rule(town, "melli", "mellat") == ""

    asyncio.run(scene())


def test_a_bank_is_down_while_no_stream_of_it_follows_and_up_when_one_does(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            assert (await until(town.bank("tax"), "mellat", DOWN)).followers == 0
            assert await rule(town, "melli", "mellat") == "", "what is seen refuses nothing"
            following = asyncio.create_task(anext(aiter(town.bank("mellat").follow(1 << 30))))
            following.cancel()
            steps = aiter(town.bank("mellat").follow())
            await anext(steps)
            assert (await until(town.bank("tax"), "mellat", UP)).followers == 1
            assert (await until(town.bank("tax"), "tax", UP)).followers == 0, "it accepts by itself"

    asyncio.run(scene())


class Silent:
    """Stands where acts are written; nobody says anything here."""

    def watch(self, listener: object) -> None:
        """Tell nobody."""


def test_offers_that_run_out_degrade_and_a_minute_of_answers_mends(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_town(tmp_path, database) as town:
            now = 0.0
            registry = town.switch.registry
            watched = Watched(
                Silent(),  # type: ignore[arg-type]
                registry,
                clock=town.clock,
                monotonic=lambda: now,
            )

            def level() -> Level:
                return next(one.level for one in watched.standings() if one.participant == "mellat")

            with watched.following("mellat"):
                assert level() is Level.UP
                watched.note_answers("mellat", 30)
                watched._note("mellat", 0, 2)
                assert level() is Level.UP, "two may happen"
                watched._note("mellat", 0, 1)
                assert level() is Level.DEGRADED
                watched.note_answers("mellat", 1_000)
                assert level() is Level.UP, "of a thousand, three are few"
                now += 61
                watched._note("mellat", 0, 3)
                assert level() is Level.DEGRADED
                now += 61
                assert level() is Level.UP
            assert level() is Level.UP, "a stream that broke may come back"
            now += 6
            assert level() is Level.DOWN

    asyncio.run(scene())
