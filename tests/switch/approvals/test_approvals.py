"""Proposals on a real engine: who may decide what, when, and what the journal says of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from payvand.core.engine import Engine
from payvand.core.errors import EngineClosed
from payvand.core.segments import read_frames
from payvand.settlement.errors import ForeignRecord
from payvand.settlement.operator_acts import OperatorAct, note_of, tells_act
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.approvals.approvals import (
    EXPIRY_NS,
    EXPIRY_NS_MAX,
    Approvals,
    ProposalRefused,
)
from payvand.switch.approvals.proposal import (
    ON_CALL,
    Act,
    Proposal,
    ProposalBook,
    ProposalState,
    digest_of,
)
from tests.support.traffic import SECOND, Clock

CONTENT = {"lamp": "hall", "amount": "12"}


class Lamp:
    """A kind whose acts light a lamp; it can be out of order, and it can be gone."""

    name = "lamp.light"

    def __init__(self) -> None:
        self.lit: list[bytes] = []
        self.works = True
        self.is_there = True
        self._lit_one = asyncio.Event()

    async def check(self, content: Mapping[str, Any]) -> None:
        if content.get("lamp") != "hall" or not self.is_there:
            raise ProposalRefused("content", "lamp.unknown", "there is a lamp in the hall")

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        await self.check(proposal.content)
        if not self.works:
            raise OSError("no electricity")
        return lambda act: self._light(proposal.id)

    def _light(self, id: bytes) -> None:
        self.lit.append(id)
        self._lit_one.set()

    async def wait_for(self, id: bytes) -> None:
        while id not in self.lit:
            self._lit_one.clear()
            await self._lit_one.wait()


class House:
    """An engine with approvals on it."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock
        self.lamp = Lamp()
        self.approvals = Approvals(ActJournal(engine), [self.lamp], clock=clock)

    async def propose(self, number: int = 1, operator: str = "ali", **more: Any) -> Proposal:
        given: dict[str, Any] = {"kind": "lamp.light", "content": CONTENT, "reason": "it is dark"}
        return await self.approvals.propose(
            id=number.to_bytes(16, "big"), operator=operator, **given | more
        )

    async def approve(self, proposal: Proposal, operator: str = "sara") -> Proposal:
        return await self.approvals.approve(proposal.id, digest=proposal.digest, operator=operator)


Scene = Callable[[House], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scene], None]:
    def run(scene: Scene) -> None:
        async def whole() -> None:
            clock = Clock()
            async with await Engine.open(tmp_path, clock=clock) as engine:
                await scene(House(engine, clock))

        asyncio.run(whole())

    return run


Play = Callable[[Scene], None]


async def rule_of(act: Awaitable[Any]) -> str:
    with pytest.raises(ProposalRefused) as refused:
        await act
    assert refused.value.hint
    return refused.value.rule


def test_what_one_proposes_another_approves_and_then_it_is_done(play: Play) -> None:
    async def scene(house: House) -> None:
        proposal = await house.propose()
        assert proposal.is_open
        assert proposal.digest == digest_of("lamp.light", CONTENT)
        assert await rule_of(house.approve(proposal, "ali")) == "proposal.same_operator"
        assert house.lamp.lit == []
        done = await house.approve(proposal)
        assert done.state is ProposalState.CARRIED_OUT
        assert house.lamp.lit == [proposal.id]
        assert [(act.act, act.operator) for act in done.acts] == [
            (Act.PROPOSED, "ali"),
            (Act.APPROVED, "sara"),
            (Act.CARRIED_OUT, ""),
        ]

    play(scene)


def test_every_act_may_be_repeated_and_happens_once(play: Play) -> None:
    async def scene(house: House) -> None:
        proposal = await house.propose()
        assert await house.propose() == proposal
        done = await house.approve(proposal)
        assert await house.approve(proposal) == done
        assert await house.propose() == done
        refused = await house.propose(2)
        said_no = await house.approvals.refuse(refused.id, operator="sara", reason="it is day")
        assert said_no.state is ProposalState.REFUSED
        assert await house.approvals.refuse(refused.id, operator="sara") == said_no
        called = await house.approve(await house.propose(3, due_at=ON_CALL))
        lit = await house.approvals.schedule(called.id, due_at=0, operator="ali")
        assert await house.approvals.schedule(called.id, due_at=0, operator="ali") == lit
        stopped = await house.approve(await house.propose(4, due_at=ON_CALL))
        off = await house.approvals.cancel(stopped.id, operator="ali")
        assert await house.approvals.cancel(stopped.id, operator="reza") == off
        assert house.lamp.lit == [proposal.id, called.id]
        assert house.engine.sequence == 3 + 2 + 4 + 3

    play(scene)


def test_an_id_names_one_proposal_for_ever(play: Play) -> None:
    async def scene(house: House) -> None:
        await house.propose()
        other = {**CONTENT, "amount": "13"}
        assert await rule_of(house.propose(content=other)) == "proposal.id_reused"
        assert await rule_of(house.propose(operator="sara")) == "proposal.id_reused"

    play(scene)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"number": 0}, "proposal.id"),
        ({"kind": "lamp.break"}, "proposal.kind"),
        ({"content": {"lamp": "cellar"}}, "lamp.unknown"),
        ({"content": {**CONTENT, "amount": 1.5}}, "proposal.content"),
        ({"content": {**CONTENT, "amount": {1, 2}}}, "proposal.content"),
        ({"content": {**CONTENT, "text": "x" * 524_288}}, "proposal.size"),
        ({"reason": ""}, "proposal.reason"),
        ({"reason": "a\nb"}, "proposal.reason"),
        ({"reason": "x" * 401}, "proposal.reason"),
        ({"expires_at": 1}, "proposal.expiry"),
        ({"expires_at": Clock.now + EXPIRY_NS_MAX + 1}, "proposal.expiry"),
        ({"due_at": 1}, "proposal.due"),
    ],
)
def test_what_cannot_be_proposed_leaves_no_trace(
    play: Play, wrong: dict[str, Any], rule: str
) -> None:
    async def scene(house: House) -> None:
        assert await rule_of(house.propose(**wrong)) == rule
        assert house.engine.sequence == 0

    play(scene)


def test_persian_reasons_are_reasons(play: Play) -> None:
    async def scene(house: House) -> None:
        assert (await house.propose(reason="می‌خواهم")).reason == "می‌خواهم"

    play(scene)


def test_only_what_was_read_can_be_approved(play: Play) -> None:
    async def scene(house: House) -> None:
        proposal = await house.propose()
        act = house.approvals.approve(proposal.id, digest="0" * 64, operator="sara")
        assert await rule_of(act) == "proposal.digest"
        unknown = house.approvals.approve(b"x" * 16, digest=proposal.digest, operator="sara")
        assert await rule_of(unknown) == "proposal.unknown"
        assert house.approvals.get(proposal.id).is_open

    play(scene)


def test_a_proposer_withdraws_and_nothing_can_be_decided_then(play: Play) -> None:
    async def scene(house: House) -> None:
        proposal = await house.propose()
        gone = await house.approvals.refuse(proposal.id, operator="ali")
        assert gone.state is ProposalState.WITHDRAWN
        assert await rule_of(house.approve(proposal)) == "proposal.state"
        refusing = house.approvals.refuse(proposal.id, operator="sara")
        assert await rule_of(refusing) == "proposal.state"

    play(scene)


def test_who_decides_too_late_does_not_decide_and_the_journal_says_so(play: Play) -> None:
    async def scene(house: House) -> None:
        late, other = await house.propose(1), await house.propose(2)
        house.clock.now += EXPIRY_NS - 1
        assert await house.approvals.settle_due()
        assert house.approvals.get(late.id).is_open
        house.clock.now += 1
        assert await rule_of(house.approve(late)) == "proposal.state"
        assert await house.approvals.settle_due()
        for one in (late, other):
            expired = house.approvals.get(one.id)
            assert expired.state is ProposalState.EXPIRED
            assert [act.operator for act in expired.acts] == ["ali", ""]
        assert house.lamp.lit == []

    play(scene)


def test_what_has_a_time_is_done_at_that_time_and_not_before(play: Play) -> None:
    async def scene(house: House) -> None:
        due_at = house.clock.now + 60 * SECOND
        proposal = await house.approve(await house.propose(due_at=due_at))
        assert proposal.state is ProposalState.APPROVED
        house.clock.now = due_at - 1
        assert await house.approvals.settle_due()
        assert house.lamp.lit == []
        house.clock.now = due_at
        assert await house.approvals.settle_due()
        assert house.lamp.lit == [proposal.id]

    play(scene)


def test_what_waits_to_be_called_waits_and_can_be_called_off(play: Play) -> None:
    async def scene(house: House) -> None:
        first = await house.approve(await house.propose(1, due_at=ON_CALL))
        second = await house.approve(await house.propose(2, due_at=ON_CALL))
        house.clock.now += EXPIRY_NS * 10
        assert await house.approvals.settle_due()
        assert house.lamp.lit == []
        due_at = house.clock.now + SECOND
        scheduled = await house.approvals.schedule(first.id, due_at=due_at, operator="ali")
        assert (scheduled.state, scheduled.due_at) == (ProposalState.APPROVED, due_at)
        again = house.approvals.schedule(first.id, due_at=due_at + 1, operator="ali")
        assert await rule_of(again) == "proposal.not_on_call"
        await house.approvals.cancel(second.id, operator="ali")
        house.clock.now = due_at
        assert await house.approvals.settle_due()
        assert house.lamp.lit == [first.id]
        calling = house.approvals.schedule(second.id, due_at=0, operator="ali")
        assert await rule_of(calling) == "proposal.not_on_call"

    play(scene)


def test_what_cannot_be_done_yet_is_done_later_and_what_can_never_be_fails(play: Play) -> None:
    async def scene(house: House) -> None:
        house.lamp.works = False
        proposal = await house.approve(await house.propose(1))
        other = await house.approve(await house.propose(2))
        assert proposal.state is ProposalState.APPROVED
        assert not await house.approvals.settle_due()
        house.clock.now += 9 * SECOND
        assert house.approvals.oldest_due_s() == pytest.approx(9)
        house.lamp.works = True
        assert await house.approvals.settle_due()
        assert house.lamp.lit == [proposal.id, other.id]
        assert house.approvals.oldest_due_s() == 0
        third = await house.propose(3)
        house.lamp.works = False
        await house.approve(third)
        house.lamp.is_there = False
        assert await house.approvals.settle_due()
        failed = house.approvals.get(third.id)
        assert failed.state is ProposalState.FAILED
        assert failed.acts[-1].details["rule"] == "lamp.unknown"

    play(scene)


def test_where_the_act_cannot_be_written_it_does_not_happen(play: Play) -> None:
    async def scene(house: House) -> None:
        proposal = await house.propose()
        await house.engine.close()
        for act in (
            house.approve(proposal),
            house.propose(2),
            house.approvals.refuse(proposal.id, operator="sara"),
        ):
            with pytest.raises(EngineClosed):
                await act
        assert house.approvals.get(proposal.id) == proposal
        assert list(house.approvals.proposals()) == [proposal]
        assert house.lamp.lit == []

    play(scene)


def test_due_acts_are_carried_out_by_the_running_part(play: Play) -> None:
    async def scene(house: House) -> None:
        running = asyncio.create_task(house.approvals.run())
        house.lamp.works = False
        proposal = await house.propose()
        house.lamp.works = True
        await house.approvals.approve(proposal.id, digest=proposal.digest, operator="sara")
        due_at = house.clock.now + SECOND
        timed = await house.approve(await house.propose(2, due_at=due_at))
        house.clock.now = due_at
        async with asyncio.timeout(20):
            await house.lamp.wait_for(timed.id)
        running.cancel()
        assert house.lamp.lit == [proposal.id, timed.id]

    play(scene)


@pytest.mark.parametrize("seed", range(4))
def test_the_journal_alone_leads_to_the_same_proposals(
    play: Play, tmp_path: Path, seed: int
) -> None:
    async def scene(house: House) -> None:
        random = Random(seed)
        for _ in range(120):
            number, operator = random.randrange(1, 25), random.choice(("ali", "sara", "reza"))
            id = number.to_bytes(16, "big")
            house.clock.now += random.randrange(EXPIRY_NS // 20)
            house.lamp.works = random.random() < 0.8
            act: Awaitable[Any]
            match random.randrange(6):
                case 0 | 1:
                    due_at = random.choice((0, ON_CALL, house.clock.now + EXPIRY_NS // 10))
                    act = house.propose(number, operator, due_at=due_at)
                case 2:
                    digest = digest_of("lamp.light", CONTENT)
                    act = house.approvals.approve(id, digest=digest, operator=operator)
                case 3:
                    act = house.approvals.refuse(id, operator=operator)
                case 4:
                    act = house.approvals.schedule(id, due_at=0, operator=operator)
                case _ if random.randrange(2):
                    act = house.approvals.cancel(id, operator=operator)
                case _:
                    act = house.approvals.settle_due()
            with suppress(ProposalRefused):
                await act
        book = ProposalBook()
        for frame in read_frames(tmp_path):
            assert tells_act(frame)
            book.apply(OperatorAct.of(frame))
        assert list(book) == list(house.approvals.proposals())[::-1]
        done = {one.id for one in book if one.state is ProposalState.CARRIED_OUT}
        assert len(house.lamp.lit) == len(done)
        assert set(house.lamp.lit) == done
        for one in book:
            deciders = {act.operator for act in one.acts if act.act == Act.APPROVED}
            assert one.proposer not in deciders
            assert one.state is not ProposalState.CARRIED_OUT or deciders

    play(scene)


@pytest.mark.parametrize(
    "act",
    [
        OperatorAct(1, 1, "approved", "ali", b"x" * 16, {}),
        OperatorAct(1, 1, "forgotten", "ali", b"x" * 16, {}),
        OperatorAct(
            *(1, 1, "proposed", "ali", b"x" * 16),
            {
                "kind": "lamp.light",
                "content": CONTENT,
                "digest": "0" * 64,
                "reason": "r",
                "expires_at": "2",
                "due_at": "0",
            },
        ),
    ],
)
def test_acts_that_cannot_be_are_refused_as_foreign(act: OperatorAct) -> None:
    with pytest.raises(ForeignRecord):
        ProposalBook().apply(act)


@pytest.mark.parametrize("note", [b"", b"[]", b'{"act":1,"operator":""}', b'{"act":"x"}'])
def test_a_note_that_is_no_act_is_foreign(note: bytes) -> None:
    with pytest.raises(ForeignRecord):
        OperatorAct.from_note(note, sequence=1, timestamp=1)


def test_an_act_is_read_as_it_was_written() -> None:
    details = {"reason": "تعطیلی", "content": {"b": [1, "2"], "a": None}}
    note = note_of("proposed", "ali", b"p" * 16, details)
    act = OperatorAct.from_note(note, sequence=7, timestamp=9)
    assert (act.act, act.operator, act.proposal, dict(act.details)) == (
        *("proposed", "ali", b"p" * 16),
        details,
    )
