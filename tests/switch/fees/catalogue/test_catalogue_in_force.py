"""A schedule goes from a draft to what is in force by three people: over gRPC, with its journal."""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from payvand.client import CallFailed, FeeOffice, NotPermitted
from payvand.switch.identity import Role
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.fee_catalogue_service_pb2 import FeeSchedule
from payvand.v1.rule_table_service_pb2 import RowChangeKind
from tests.support.town import Town, agency_entry, bank_entry, open_town
from tests.support.traffic import SECOND, Clock

SEEDS = Path(__file__).parents[4] / "examples" / "fees"
TEXT = (SEEDS / "judiciary.toml").read_text(encoding="utf-8")
DEARER = TEXT.replace("amount = 770_000", "amount = 800_000")
OPEN = ProposalState.PROPOSAL_STATE_OPEN
APPROVED = ProposalState.PROPOSAL_STATE_APPROVED
CARRIED_OUT = ProposalState.PROPOSAL_STATE_CARRIED_OUT
PARTICIPANTS = (
    bank_entry("melli", "017"),
    agency_entry("tax", "IR440104001000000000000101"),
    agency_entry("judiciary", "IR810104000000000000002002"),
)

Scene = Callable[[Town], Awaitable[None]]
Play = Callable[[Scene], None]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Play:
    def run(scene: Scene) -> None:
        async def whole() -> None:
            async with open_town(tmp_path, database, participants=PARTICIPANTS) as town:
                await scene(town)

        asyncio.run(whole())

    return run


def clerk(town: Town, name: str = "maryam@judiciary") -> FeeOffice:
    return town.office(name, Role.AGENCY_CLERK)


def approver(town: Town, name: str = "reza@judiciary") -> FeeOffice:
    return town.office(name, Role.AGENCY_APPROVER)


def treasury(town: Town, name: str = "sara") -> FeeOffice:
    return town.office(name, Role.TREASURY)


async def drafted(town: Town, text: str = TEXT, **options: Any) -> FeeSchedule:
    reply = await clerk(town).draft(text, reason="decree 1", **options)
    assert not reply.faults
    return reply.schedule


async def in_force(town: Town, text: str = TEXT, **options: Any) -> FeeSchedule:
    draft = await drafted(town, text, **options)
    await approver(town).review(draft.number, digest=draft.proposal.digest)
    return await treasury(town).approve(draft.number, digest=draft.proposal.digest)


async def total(town: Town) -> int:
    petition = await treasury(town).assess("judiciary", "petition", {"attachment_pages": 2})
    return petition.total


def test_a_draft_is_reviewed_and_approved_by_three_people_and_is_in_force(play: Play) -> None:
    async def scene(town: Town) -> None:
        draft = await drafted(town)
        assert (draft.number, draft.agency, draft.proposal.state) == (1, "judiciary", OPEN)
        assert draft.digest == sha256(TEXT.encode()).digest()
        with pytest.raises(CallFailed, match=r"fees\.version"):
            await total(town)
        digest = draft.proposal.digest
        with pytest.raises(CallFailed, match=r"proposal\.unreviewed"):
            await treasury(town).approve(1, digest=digest)
        reviewed = await approver(town).review(1, digest=digest, remark="as decided")
        assert reviewed.proposal.state == OPEN
        assert await approver(town).review(1, digest=digest) == reviewed
        done = await treasury(town).approve(1, digest=digest)
        assert done.proposal.state == CARRIED_OUT
        assert [act.operator for act in done.proposal.acts[:3]] == [
            "maryam@judiciary",
            "reza@judiciary",
            "sara",
        ]
        assert await total(town) == 985_000
        told = await town.office("auditor", Role.AUDITOR).schedule(agency="judiciary")
        assert (told.text, told.schedule.number) == (TEXT, 1)

    play(scene)


def test_only_people_of_the_agency_draft_and_review_and_only_the_treasury_approves(
    play: Play,
) -> None:
    async def scene(town: Town) -> None:
        with pytest.raises(NotPermitted, match=r"fees\.other_agency"):
            await clerk(town, "ali@tax").draft(TEXT, reason="decree 1")
        draft = await drafted(town)
        digest = draft.proposal.digest
        with pytest.raises(NotPermitted, match=r"fees\.other_agency"):
            await approver(town, "omid@tax").review(1, digest=digest)
        for wrong in (clerk(town), approver(town), town.office("auditor", Role.AUDITOR)):
            with pytest.raises(NotPermitted, match=r"caller\.role"):
                await wrong.approve(1, digest=digest)
        with pytest.raises(CallFailed, match=r"proposal\.digest"):
            await approver(town).review(1, digest="0" * 64)
        await approver(town).review(1, digest=digest)
        proposal = draft.proposal
        with pytest.raises(CallFailed, match=r"proposal\.elsewhere"):
            await town.operator.approvals.approve(proposal.id, digest=proposal.digest)
        refused = await treasury(town).refuse(1, remark="no decree has this number")
        assert refused.proposal.state == ProposalState.PROPOSAL_STATE_REFUSED

    play(scene)


def test_a_wrong_text_is_told_line_by_line_and_nothing_is_taken_in(play: Play) -> None:
    async def scene(town: Town) -> None:
        wrong = TEXT.replace('kind = "fixed"', 'kind = "flat"', 1)
        reply = await clerk(town).draft(wrong, reason="decree 1")
        (fault,) = reply.faults
        assert fault.path == "service[0].fee[0].kind"
        assert wrong.splitlines()[fault.line - 1] == 'kind = "flat"'
        assert not reply.HasField("schedule")
        assert await clerk(town).schedules() == []
        checked = await clerk(town).draft(TEXT, reason="decree 1", check_only=True)
        assert not checked.faults
        assert not checked.HasField("schedule")

    play(scene)


def test_a_new_version_is_compared_row_by_row_and_takes_the_place_of_the_old(play: Play) -> None:
    async def scene(town: Town) -> None:
        await in_force(town)
        with pytest.raises(CallFailed, match=r"fees\.unchanged"):
            await drafted(town)
        draft = await drafted(town, DEARER)
        told = await treasury(town).compare(draft.number)
        (row,) = told.rows
        assert (told.in_force, told.overtaken) == (1, False)
        assert row.row == "service petition, fee petition 1403-01-01"
        assert row.kind == RowChangeKind.ROW_CHANGE_KIND_CHANGED
        (field,) = row.fields
        assert (field.field, field.before, field.after) == ("amount", "770,000", "800,000")
        assert "IR810104000000000000002002" not in told.unrouted_ibans
        assert "IR450104000000000000001001" in told.unrouted_ibans
        assert await total(town) == 985_000
        await in_force(town, DEARER.replace('1403"', '1404"', 1))
        assert await total(town) == 1_015_000

    play(scene)


def test_a_draft_on_top_of_what_is_no_longer_in_force_is_overtaken(play: Play) -> None:
    async def scene(town: Town) -> None:
        late = await drafted(town, DEARER)
        await in_force(town)
        assert (await treasury(town).compare(late.number)).overtaken
        with pytest.raises(CallFailed, match=r"fees\.overtaken"):
            await approver(town).review(late.number, digest=late.proposal.digest)
        assert await total(town) == 985_000

    play(scene)


def test_what_is_due_later_comes_in_force_then_and_a_restart_knows_it(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, participants=PARTICIPANTS, clock=clock) as town:
            await in_force(town)
            due_at = clock.now + 3600 * SECOND
            later = await in_force(town, DEARER, due_at=due_at)
            assert later.proposal.state == APPROVED
            assert await total(town) == 985_000
            assert [act.act for act in later.proposal.acts] == ["proposed", "reviewed", "approved"]
        clock.now += 3601 * SECOND
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            for _ in range(600):
                if await total(town) == 1_015_000:
                    break
                await asyncio.sleep(0.05)
            assert await total(town) == 1_015_000
            first = await treasury(town).schedule(agency="judiciary", at=due_at - SECOND)
            assert (first.schedule.number, first.text) == (1, TEXT)
            versions = await treasury(town).schedules("judiciary")
            assert [one.number for one in versions] == [2, 1]
            assert versions[1].periods[0].until == versions[0].periods[0].since

    asyncio.run(scene())


def test_an_assessment_over_the_wire_is_explained_and_a_wrong_case_refused(play: Play) -> None:
    async def scene(town: Town) -> None:
        await in_force(town)
        bank = town.office("melli", Role.BANK)
        case = await bank.assess(
            "judiciary", "petition", {"attachment_pages": 3}, day="2024-09-01", explain=True
        )
        assert case.total == sum(line.amount for line in case.lines) == 1_055_000
        pages = case.lines[1]
        assert pages.title_fa == "پیوست، هر برگ"
        assert list(pages.reasons) == ["3 of attachment_pages at 70,000 each"]
        assert sum(share.amount for share in pages.shares) == pages.amount
        with pytest.raises(CallFailed, match="attachment_pages") as refused:
            await bank.assess("judiciary", "petition", {"pages": 3})
        assert refused.value.refusal is not None
        assert refused.value.refusal.rule == "facts.unknown"
        late = await bank.assess(
            "judiciary", "petition", {}, due="2026-01-01", paid_on="2026-02-01"
        )
        assert late.total == 845_000

    play(scene)
