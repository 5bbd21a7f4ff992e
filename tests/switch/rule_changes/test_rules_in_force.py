"""Tables of rules change while a switch runs: over real gRPC, a real journal, a real database."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payvand.client import CallFailed, NotPermitted
from payvand.core.segments import read_frames
from payvand.settlement.business_day import closes_day, leaf_contents
from payvand.settlement.operator_acts import read_acts, tells_act
from payvand.switch.identifiers import iban
from payvand.switch.rule_changes.texts import TextMissing
from payvand.switch.rules.rulebook import TABLES, shipped_text
from payvand.switch.rules.solar_hijri import moment_text, parse_moment
from payvand.v1.approval_service_pb2 import ProposalState
from payvand.v1.payment_pb2 import PaymentState
from payvand.v1.rule_table_service_pb2 import RowChangeKind, RuleTableVersion
from tests.support.town import Town, agency_entry, bank_entry, open_town
from tests.support.traffic import SECOND, Clock

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED
CARRIED_OUT = ProposalState.PROPOSAL_STATE_CARRIED_OUT
APPROVED = ProposalState.PROPOSAL_STATE_APPROVED
OPEN = ProposalState.PROPOSAL_STATE_OPEN

BANKS = shipped_text("banks")
ENDED = 'until = "1404-08-02"\nsuccessor = "017"\n'
"""What the table of banks says of the bank 062."""
TODAY = "1404-10-11"
"""What the clock of the tests says: 2026-01-01."""
PARTICIPANTS = (
    bank_entry("melli", "017"),
    bank_entry("mellat", "012"),
    bank_entry("saderat", "019"),
    agency_entry("tax", "IR440104001000000000000101"),
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


def merged(code: str, successor: str, last: str, text: str = BANKS) -> str:
    """Return the table of banks with one bank ended on a day, and succeeded by another."""
    ends = f'code = "{code}"\nuntil = "{last}"\n'
    return text.replace(
        f'code = "{code}"\n', ends + (f'successor = "{successor}"\n' if successor else "")
    )


async def change(town: Town, table: str, text: str, **when: Any) -> RuleTableVersion:
    """Have one operator import a text and another one approve it."""
    reply = await town.operator.rule_tables.take(table, text, reason="circular 1", **when)
    assert not reply.faults
    proposal = reply.version.proposal
    await town.operator_named("navid").approvals.approve(proposal.id, digest=proposal.digest)
    return (await town.operator.rule_tables.version(reply.version.number)).version


async def outcome(town: Town, code: str, debtor: str = "mellat") -> tuple[int, str]:
    """Pay to an account of a bank code; return the state and the rule of a refusal."""
    payment = town.pay(debtor, "melli", 1, creditor_iban=iban.make(code, "5"))
    reply = await town.bank(debtor).submit([payment])
    return reply.states[0], reply.refusals[0].rule if reply.refusals else ""


async def asked(town: Town, name: str) -> int:
    """Return how much payments under way would bring a bank; each of these tests is of 1 rial."""
    return {
        one.participant.name: one.credits_pending for one in await town.operator.participants()
    }[name]


def test_the_first_start_adopts_the_tables_that_come_along_and_later_ones_none(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            first = await town.operator.rule_tables.versions()
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            assert await town.operator.rule_tables.versions() == first
            assert [one.table for one in first] == sorted(TABLES, reverse=True)
            assert all(one.periods[0].sequence == 1 for one in first)
            for one in first:
                assert (await town.auditor.rule_tables.version(one.number)).text == shipped_text(
                    one.table
                )

    asyncio.run(scene())


def test_a_change_is_proposed_approved_by_another_and_set_in_force(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables = town.operator.rule_tables
        assert await outcome(town, "017") == (RESERVED, "")
        new = merged("017", "019", "1404-10-01")
        reply = await tables.take("banks", new, reason="circular 1", on_call=True)
        number, proposal = reply.version.number, reply.version.proposal
        assert (number, proposal.state) == (len(TABLES) + 1, OPEN)
        with pytest.raises(NotPermitted, match="another operator approves"):
            await town.operator.approvals.approve(proposal.id, digest=proposal.digest)
        with pytest.raises(NotPermitted):
            await town.auditor.approvals.approve(proposal.id, digest=proposal.digest)
        second = town.operator_named("navid").approvals
        await second.approve(proposal.id, digest=proposal.digest)
        assert await outcome(town, "017") == (RESERVED, "")
        assert (await asked(town, "melli"), await asked(town, "saderat")) == (2, 0)
        done = await town.operator.approvals.schedule(proposal.id)
        assert done.state == CARRIED_OUT
        assert await outcome(town, "017") == (RESERVED, "")
        assert (await asked(town, "melli"), await asked(town, "saderat")) == (2, 1)
        (in_force,) = [one for one in await tables.versions("banks") if one.number == number]
        assert [period.until for period in in_force.periods] == [0]

    play(scene)


def test_unknown_unissued_and_retired_codes_are_refused_apart_in_the_payment_path(
    play: Play,
) -> None:
    async def scene(town: Town) -> None:
        assert await outcome(town, "999") == (2, "bank_code.unknown")
        assert await outcome(town, "062") == (RESERVED, "")  # Bank Melli succeeded to it
        assert await outcome(town, "015") == (2, "route.unknown")
        text = merged("019", "", "1404-10-01").replace(
            'code = "062"\n', 'code = "062"\nfrom = "1404-07-01"\n'
        )
        text += '\n[[bank]]\ncode = "098"\nname_en = "New"\nname_fa = "نو"\nfrom = "1404-10-20"\n'
        await change(town, "banks", text)
        assert await outcome(town, "019") == (2, "bank_code.retired")
        assert await outcome(town, "098") == (2, "bank_code.unissued")
        assert await outcome(town, "999") == (2, "bank_code.unknown")
        reply = await town.bank("saderat").submit([town.pay("saderat", "melli", 1)])
        assert [one.rule for one in reply.refusals] == ["bank_code.retired"]
        assert reply.refusals[0].field == "debtor_iban"

    play(scene)


def test_a_retry_is_told_of_its_first_whatever_became_of_the_rules(play: Play) -> None:
    async def scene(town: Town) -> None:
        to_heir = merged("017", "019", "1404-10-01")
        await change(town, "banks", to_heir)
        paid = [
            town.pay("mellat", "saderat", 1),  # whose code will be retired
            town.pay("mellat", "saderat", 2, creditor_iban=iban.make("062", "5")),
        ]
        own = town.pay("melli", "mellat", 3, debtor_iban=iban.make("017", "1"))
        assert list((await town.bank("mellat").submit(paid)).states) == [RESERVED, RESERVED]
        assert (await town.bank("melli").submit([own])).refusals[0].rule == "route.not_yours"
        sent = town.pay("saderat", "mellat", 4, debtor_iban=iban.make("017", "1"))
        assert list((await town.bank("saderat").submit([sent])).states) == [RESERVED]
        text = merged("019", "", "1404-10-01", BANKS)
        await change(town, "banks", merged("062", "", "1404-10-01", text.replace(ENDED, "")))
        fresh = town.pay("mellat", "saderat", 5)
        reply = await town.bank("mellat").submit([fresh, *paid])
        assert list(reply.states) == [2, RESERVED, RESERVED]
        assert [(one.index, one.rule) for one in reply.refusals] == [(0, "bank_code.retired")]
        reply = await town.bank("saderat").submit([sent])
        assert list(reply.states) == [RESERVED]
        assert list(await town.answer("saderat", paid[0].id)) == [SETTLED]
        assert list((await town.bank("mellat").submit([paid[0]])).states) == [SETTLED]
        paid[1].amount += 1
        reply = await town.bank("mellat").submit([paid[1]])
        assert [one.rule for one in reply.refusals] == ["payment.id_reused"]

    play(scene)


def test_a_code_that_only_the_directory_has_leads_where_it_says(play: Play) -> None:
    async def scene(town: Town) -> None:
        await town.put([bank_entry("guest", "998")])
        assert await outcome(town, "998") == (RESERVED, "")

    play(scene)


def test_a_succession_begins_at_midnight_by_itself(play: Play) -> None:
    async def scene(town: Town) -> None:
        await change(town, "banks", merged("017", "019", TODAY))
        assert await outcome(town, "017") == (RESERVED, "")
        assert (await asked(town, "melli"), await asked(town, "saderat")) == (1, 0)
        town.clock.now += 86_400 * SECOND
        async with asyncio.timeout(30):  # the switch looks at its clock once a second
            while not await asked(town, "saderat"):
                assert await outcome(town, "017") == (RESERVED, "")

    play(scene)


def test_a_change_with_a_time_is_in_force_from_then_on(play: Play) -> None:
    async def scene(town: Town) -> None:
        due_at = town.clock.now + 3_600 * SECOND
        version = await change(town, "banks", merged("017", "", "1404-10-01"), due_at=due_at)
        assert version.proposal.state == APPROVED
        assert await outcome(town, "017") == (RESERVED, "")
        town.clock.now = due_at
        async with asyncio.timeout(30):
            while await outcome(town, "017") != (2, "bank_code.retired"):
                pass
        proposal = await town.operator.approvals.get(version.proposal.id)
        assert proposal.acts[-1].at >= due_at

    play(scene)


def test_going_back_makes_a_version_of_its_own(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables = town.operator.rule_tables
        await change(town, "banks", merged("017", "", "1404-10-01"))
        assert await outcome(town, "017") == (2, "bank_code.retired")
        id = b"r" * 16
        back = await tables.restore("banks", reason="too early", id=id)
        assert await tables.restore("banks", reason="too early", id=id) == back
        assert (back.number, back.restores) == (len(TABLES) + 2, 1)
        digest = back.proposal.digest
        await town.operator_named("navid").approvals.approve(back.proposal.id, digest=digest)
        assert await outcome(town, "017") == (RESERVED, "")
        assert (await tables.restore("banks", reason="too early", id=id)).number == back.number
        assert (await tables.version(back.number)).text == BANKS
        with pytest.raises(CallFailed, match=r"rules\.version"):
            await tables.restore("banks", reason="no such", number=99)
        with pytest.raises(CallFailed, match=r"rules\.version"):
            await tables.restore("banks", reason="another table", number=2)

    play(scene)


def test_a_version_made_on_an_older_one_cannot_undo_what_came_since(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables, second = town.operator.rule_tables, town.operator_named("navid").approvals
        first, late, timed = [
            (
                await tables.take(
                    "banks", merged(code, "", "1404-10-01"), reason="circular", due_at=due_at
                )
            ).version
            for code, due_at in (
                ("012", 0),
                ("019", 0),
                ("017", town.clock.now + 60 * SECOND),
            )
        ]
        told = await tables.compare(first.number)
        assert (told.overtaken, list(told.overtakes)) == (False, [late.number, timed.number])
        for version in (timed, first):
            await second.approve(version.proposal.id, digest=version.proposal.digest)
        assert (await tables.compare(late.number)).overtaken
        with pytest.raises(CallFailed, match=r"rules\.overtaken"):
            await second.approve(late.proposal.id, digest=late.proposal.digest)
        town.clock.now += 60 * SECOND
        async with asyncio.timeout(30):
            while (proposal := await second.get(timed.proposal.id)).state == APPROVED:
                pass
        assert proposal.state == ProposalState.PROPOSAL_STATE_FAILED
        assert "rules.overtaken" in proposal.acts[-1].remark
        assert await outcome(town, "017", "saderat") == (RESERVED, "")

    play(scene)


def test_faults_are_told_with_their_lines_and_nothing_is_taken_in(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables = town.operator.rule_tables
        wrong = BANKS.replace('code = "012"', 'code = "12"').replace('"589463"', '"58946"')
        reply = await tables.take("banks", wrong, reason="circular 1")
        lines = wrong.split("\n")
        assert [(lines[one.line - 1], one.rule) for one in reply.faults] == [
            ('code = "12"', "banks.code"),
            ('bins = ["58946"]', "banks.bin"),
        ]
        assert (await tables.take("banks", BANKS + "#", reason="r", check_only=True)) == (
            type(reply)()
        )
        with pytest.raises(CallFailed, match=r"rules\.unchanged"):
            await tables.take("banks", BANKS, reason="circular 1")
        with pytest.raises(CallFailed, match=r"rules\.table"):
            await tables.take("postal", BANKS, reason="circular 1")
        assert len(await tables.versions()) == len(TABLES)

    play(scene)


def test_a_comparison_tells_rows_routes_traffic_and_plans(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables = town.operator.rule_tables
        first = town.pay("mellat", "melli", 7)
        await town.bank("mellat").submit([first, town.pay("mellat", "melli", 3)])
        await town.bank("melli").submit([town.pay("melli", "saderat", 5)])
        await town.answer("melli", first.id)
        reply = await tables.take("banks", merged("017", "019", "1404-10-01"), reason="merged")
        told = await tables.compare(reply.version.number)
        (row,) = told.rows
        assert (row.row, row.kind) == ("bank 017", RowChangeKind.ROW_CHANGE_KIND_CHANGED)
        assert [(one.field, one.before, one.after) for one in row.fields] == [
            ("until", "", "1404-10-01"),
            ("successor", "", "019"),
        ]
        routes = {(one.bank_code, one.before, one.after) for one in told.routes}
        assert routes == {("017", "melli", "saderat"), ("062", "melli", "saderat")}
        assert (told.payments_seen, told.open_payments_seen) == (3, 2)
        (shift,) = [one for one in told.shifts if one.what == "participant"]
        assert (shift.before, shift.after, shift.payments) == ("melli", "saderat", 2)
        assert (shift.amount, shift.open_payments) == ("10", 1)
        assert not told.moves
        closed = shipped_text("holidays").replace(
            "days = [", 'days = [["1404-10-14", "Closure", "تعطیلی"],'
        )
        reply = await tables.take("holidays", closed, reason="cold weather")
        told = await town.auditor.rule_tables.compare(reply.version.number)
        moved = {(one.rail, _hour(one.before), _hour(one.after)) for one in told.moves}
        assert moved == {
            ("paya", "1404-10-14 03:45", "1404-10-14 12:45"),
            ("paya", "1404-10-14 09:45", "1404-10-14 12:45"),
            ("paya", "1404-10-14 18:45", "1404-10-15 03:45"),
            ("satna", "1404-10-14 07:00", "1404-10-15 07:00"),
        }
        assert [row.row for row in told.rows] == ["holiday 1404-10-14"]

    play(scene)


def _hour(at: int) -> str:
    return moment_text(datetime.fromtimestamp(at // SECOND, UTC))


def test_the_rules_of_any_moment_can_be_had(play: Play) -> None:
    async def scene(town: Town) -> None:
        tables = town.operator.rule_tables
        start = town.clock.now
        town.clock.now += 3_600 * SECOND
        version = await change(town, "banks", merged("017", "", "1404-10-01"))
        since = version.periods[0].since
        long_ago = int(parse_moment("1404-02-31 13:44").timestamp()) * SECOND

        async def number_at(at: int) -> int:
            return {one.table: one.number for one in await tables.rulebook(at=at)}["banks"]

        assert [await number_at(at) for at in (long_ago, start, since - 1, since, 0)] == [
            *(1, 1, 1),
            *(version.number, version.number),
        ]

    play(scene)


def test_a_restart_keeps_what_is_in_force_and_does_what_became_due(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, participants=PARTICIPANTS, clock=clock) as town:
            await change(town, "banks", merged("017", "019", "1404-10-01"))
            due_at = clock.now + 3_600 * SECOND
            late = merged("012", "", "1404-10-01", merged("017", "019", "1404-10-01"))
            await change(town, "banks", late, due_at=due_at)
            before = await town.operator.rule_tables.versions()
        connection = await asyncpg.connect(database)
        await connection.execute("DROP SCHEMA books CASCADE")
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            assert await town.operator.rule_tables.versions() == before
            assert (await outcome(town, "012", "saderat"))[0] == RESERVED
        clock.now = due_at
        async with open_town(tmp_path, database, participants=(), clock=clock) as town:
            async with asyncio.timeout(30):
                while await outcome(town, "012", "saderat") != (2, "bank_code.retired"):
                    pass
            proposals = [one async for one in town.auditor.approvals.proposals(page_size=1)]
            assert {one.state for one in proposals} == {CARRIED_OUT}
            await town.operator.totals()  # the projection has caught up
            acts = [act.act for act in await read_acts(connection)]
            once = ["proposed", "approved", "carried_out"]
            assert acts == ["rules.adopted", "participants.adopted", *once, *once, *once]
        await connection.close()

    asyncio.run(scene())


def test_a_text_that_was_changed_in_the_database_stops_the_start(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        clock = Clock()
        async with open_town(tmp_path, database, participants=(), clock=clock):
            pass
        connection = await asyncpg.connect(database)
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await connection.execute("UPDATE reference.rule_table SET name = 'x'")
        await connection.execute("ALTER TABLE reference.rule_table DISABLE TRIGGER append_only")
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("UPDATE reference.rule_table SET content = content || '#'")
        await connection.execute("DELETE FROM reference.rule_table WHERE name = 'banks'")
        await connection.close()
        with pytest.raises(TextMissing):
            async with open_town(tmp_path, database, participants=(), clock=clock):
                pass

    asyncio.run(scene())


def test_acts_of_operators_are_leaves_of_the_signed_day(play: Play, tmp_path: Path) -> None:
    async def scene(town: Town) -> None:
        await change(town, "banks", merged("017", "", "1404-10-01"))
        closed = await town.operator.close_day(datetime(2026, 1, 1, tzinfo=UTC).date())
        frames = [one for one in read_frames(tmp_path / "journal") if not closes_day(one)]
        leaves = [leaf for frame in frames for leaf in leaf_contents(frame)]
        assert closed.leaves == len(leaves)
        notes = [frame.note for frame in frames if tells_act(frame)]
        assert len(notes) == 8
        assert {sha256(note).digest() for note in notes} <= {leaf[32:64] for leaf in leaves}

    play(scene)
