"""Windows close at the cycles of a rail, by a calendar that may be another meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from payvand.switch import settlement_cycles
from payvand.switch.rules.rulebook import shipped_text
from payvand.switch.rules.solar_hijri import moment_at, moment_text, nanoseconds_of, parse_moment
from payvand.switch.server import ServerFault
from payvand.v1.rule_table_service_pb2 import CompareVersionResponse
from payvand.v1.settlement_service_pb2 import SettlementWindow
from tests.support.town import Town, open_town
from tests.support.traffic import SECOND, Clock

HOLIDAYS = shipped_text("holidays")
CLOSURE = HOLIDAYS.replace("days = [", 'days = [["1404-10-11", "Closure", "تعطیلی"],')
"""The day on which the clock of the tests begins, 1404-10-11 03:30, a Thursday."""
PATIENCE_S = 10.0

Scene = Callable[[Town], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[..., None]:
    clock = Clock()

    def run(scene: Scene, rail: str = "paya") -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database, clock=clock, settlement_rail=rail) as town:
                await scene(town)

        asyncio.run(whole())

    return run


def at(moment: str) -> int:
    return nanoseconds_of(parse_moment(moment))


async def open_window(town: Town) -> tuple[int, str]:
    """Return the number of the open window and when it is due."""
    window = (await town.operator.windows())[0]
    assert not window.closed_sequence
    return window.number, moment_text(moment_at(window.due_at))


async def closed(town: Town, number: int) -> SettlementWindow:
    """Wait until a window is closed, and return it."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            for window in await town.operator.windows():
                if window.number == number and window.closed_sequence:
                    return window
            await asyncio.sleep(0.02)


async def change(town: Town, text: str) -> CompareVersionResponse:
    """Set a text of the holidays in force; return what was told of it before."""
    town.clock.now += SECOND
    reply = await town.operator.rule_tables.take("holidays", text, reason="a circular")
    told = await town.operator.rule_tables.compare(reply.version.number)
    proposal = reply.version.proposal
    await town.operator_named("navid").approvals.approve(proposal.id, digest=proposal.digest)
    return told


async def pay(town: Town, amount: int) -> None:
    """Let a payment settle that its bank has the funds for."""
    payment = town.pay("melli", "mellat", amount)
    await town.bank("melli").submit([payment])
    await town.answer("mellat", payment.id)


def test_a_window_is_closed_at_the_next_cycle(play: Callable[..., None]) -> None:
    async def scene(town: Town) -> None:
        await town.fund("melli", 1_000)
        await pay(town, 300)
        assert await open_window(town) == (1, "1404-10-11 03:45")
        town.clock.now = at("1404-10-11 03:46")
        window = await closed(town, 1)
        assert {one.participant: one.net for one in window.positions if one.net != "0"} == {
            "melli": "-300",
            "mellat": "300",
        }
        assert window.closed_at >= at("1404-10-11 03:45")
        assert await open_window(town) == (2, "1404-10-11 09:45")
        town.clock.now = at("1404-10-11 10:00")
        await closed(town, 2)
        town.clock.now = at("1404-10-11 12:50")
        await closed(town, 3)
        # An operator may close one before.
        town.clock.now = at("1404-10-11 13:00")
        await town.operator.close_window(4)
        assert await open_window(town) == (5, "1404-10-11 18:45")

    play(scene)


def test_a_swap_of_holidays_moves_the_window_that_waits_and_is_told_before(
    play: Callable[..., None],
) -> None:
    async def begin(town: Town) -> None:
        await town.fund("melli", 1_000)
        town.clock.now = at("1404-10-11 04:00")
        await closed(town, 1)
        await pay(town, 300)
        assert await open_window(town) == (2, "1404-10-11 09:45")
        told = (await change(town, CLOSURE)).settlement
        assert (told.window, told.rail, told.amount) == (2, "paya", "300")
        assert told.before == at("1404-10-11 09:45")
        assert told.after == at("1404-10-11 12:45")
        assert await open_window(town) == (2, "1404-10-11 12:45")
        # A window never moves forward: banks were told when they have to have funds.
        told = (await change(town, HOLIDAYS + "\n")).settlement
        assert told.before == told.after == at("1404-10-11 12:45")
        assert await open_window(town) == (2, "1404-10-11 12:45")

    async def go_on(town: Town) -> None:
        # When it is due follows from the journal alone.
        assert await open_window(town) == (2, "1404-10-11 12:45")
        town.clock.now = at("1404-10-11 12:44")
        await change(town, CLOSURE)
        town.clock.now = at("1404-10-11 12:46")
        await closed(town, 2)
        # This one was opened under the set with the closure: no cycle is left this day.
        assert await open_window(town) == (3, "1404-10-12 12:45")

    play(begin)
    play(go_on)


def test_a_cycle_that_passed_while_the_switch_was_down_is_made_up_for_once(
    play: Callable[..., None],
) -> None:
    async def begin(town: Town) -> None:
        assert await open_window(town) == (1, "1404-10-11 03:45")
        town.clock.now = at("1404-10-13 11:00")

    async def go_on(town: Town) -> None:
        await closed(town, 1)
        assert await open_window(town) == (2, "1404-10-13 12:45")

    async def without_a_clock(town: Town) -> None:
        (window, *_) = await town.operator.windows()
        assert (window.number, window.due_at) == (2, 0)

    play(begin)
    play(go_on)
    play(without_a_clock, rail="")


def test_a_window_that_somebody_lacks_funds_for_is_closed_once_it_has_them(
    play: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement_cycles, "RETRY_S", 0.05)

    async def scene(town: Town) -> None:
        await pay(town, 300)
        town.clock.now = at("1404-10-11 03:50")
        await asyncio.sleep(1.5)  # the switch looks at its clock once a second
        assert await open_window(town) == (1, "1404-10-11 03:45")
        await town.fund("melli", 300)
        await closed(town, 1)

    play(scene)


def test_a_table_without_the_rail_leaves_windows_to_operators(play: Callable[..., None]) -> None:
    async def scene(town: Town) -> None:
        rails = shipped_text("rails").replace('name = "paya"', 'name = "other"')
        rails = rails.replace('"paya"', '"other"')
        reply = await town.operator.rule_tables.take("rails", rails, reason="renamed")
        told = await town.operator.rule_tables.compare(reply.version.number)
        assert (told.settlement.before, told.settlement.after) == (at("1404-10-11 03:45"), 0)
        proposal = reply.version.proposal
        await town.operator_named("navid").approvals.approve(proposal.id, digest=proposal.digest)
        assert (await town.operator.windows())[0].due_at == 0
        await town.operator.close_window(1)

    play(scene)


def test_a_rail_without_cycles_is_refused_at_the_start(play: Callable[..., None]) -> None:
    async def scene(town: Town) -> None:
        raise AssertionError("it has started")

    for rail in ("satna", "nothing"):
        with pytest.raises(ServerFault, match="isn't a rail with cycles"):
            play(scene, rail=rail)
