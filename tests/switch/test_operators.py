"""What operators do, over real gRPC: onboarding, funding, settling, statements, totals."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from payvand.client import CallFailed, NotPermitted, Refusal, SwitchUnreachable
from payvand.v1.participant_service_pb2 import FundParticipantRequest, Participant
from payvand.v1.payment_pb2 import PaymentState
from tests.support.town import (
    CAP,
    PARTICIPANTS,
    TAX_IBAN,
    Town,
    agency_entry,
    bank_entry,
    open_town,
)

SETTLED = PaymentState.PAYMENT_STATE_SETTLED
RESERVED = PaymentState.PAYMENT_STATE_RESERVED

Scene = Callable[[Town, asyncpg.Connection], Awaitable[None]]  # type: ignore[type-arg]


@pytest.fixture
def play(tmp_path: Path, database: str) -> Callable[[Scene], None]:
    """Run a scene in a town, beside a connection to its database."""

    def run(scene: Scene) -> None:
        async def whole() -> None:
            connection = await asyncpg.connect(database)
            async with open_town(tmp_path, database) as town:
                await scene(town, connection)
            await connection.close()

        asyncio.run(whole())

    return run


Play = Callable[[Scene], None]


async def acts(connection: Any) -> list[tuple[str, str, str]]:
    rows = await connection.fetch("SELECT operator, act, subject FROM reference.audit ORDER BY id")
    return [tuple(row) for row in rows]


async def proposals(town: Town) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the kinds of proposals, the oldest first, each with who did what."""
    return [
        (one.kind, [(act.operator, act.act) for act in one.acts])
        for one in reversed([one async for one in town.operator.approvals.proposals()])
    ]


APPROVED = [("operator", "proposed"), ("navid", "approved"), ("", "carried_out")]


async def settle(town: Town, debtor: str, creditor: str, amount: int) -> None:
    payment = town.pay(debtor, creditor, amount)
    await town.bank(debtor).submit([payment])
    if creditor != "tax":
        assert await town.answer(creditor, payment.id) == [SETTLED]


async def figures(town: Town) -> dict[str, tuple[int, int]]:
    """Return settlement balance and net of the open window, by participant."""
    return {
        one.participant.name: (one.settlement_balance, one.credits_posted - one.debits_posted)
        for one in await town.operator.participants()
    }


def _in_unit(entry: Participant, unit: str) -> Participant:
    entry.unit = unit
    return entry


def test_putting_a_participant_again_changes_nothing_and_proposes_nothing(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        first = [one.participant for one in await town.operator.participants()]
        assert [(one.name, one.number) for one in first] == [
            ("melli", 1),
            ("mellat", 2),
            ("saderat", 3),
            ("tax", 4),
        ]
        before = await proposals(town)
        assert before == [("participants.change", APPROVED)]
        sequence = (await town.operator.totals()).ledger.sequence
        assert await town.put(PARTICIPANTS) == first
        assert await proposals(town) == before
        assert (await town.operator.totals()).ledger.sequence == sequence

    play(scene)


def test_a_changed_participant_takes_effect_once_approved_and_the_journal_tells(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        big = town.pay("melli", "mellat", CAP + 5)
        changed = [
            bank_entry("melli", "017", cap=CAP * 2),
            bank_entry("mellat", "012", "062", auto_accept=True),
        ]
        await town.put(changed)
        assert list((await town.bank("melli").submit([big])).states) == [SETTLED]
        assert (await proposals(town))[-1] == ("participants.change", APPROVED)
        newest = await anext(aiter(town.operator.approvals.proposals()))
        assert json.loads(newest.content) == {
            "participants": [
                {"name": "melli", "bank_codes": ["017"], "net_debit_cap": str(CAP * 2)},
                {"name": "mellat", "bank_codes": ["012", "062"], "auto_accept": True},
            ],
            "warnings": [
                "mellat: bank code 062: the table of banks gives it to 017 (Bank Melli Iran), "
                "melli, a participant: payments go where the table says"
            ],
        }
        await town.put([bank_entry("melli", "017", cap=0)])
        reply = await town.bank("melli").submit([town.pay("melli", "mellat", 1)])
        assert reply.declined[0].reason.code == "AM23"

    play(scene)


def test_a_participant_has_a_name_in_both_languages(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        named = bank_entry("melli", "017", "062")
        named.display_name, named.display_name_fa = "Bank Melli Iran", "بانک ملی ایران"
        await town.put([named])
        known = (await town.operator.participants())[0].participant
        assert (known.display_name, known.display_name_fa) == (
            "Bank Melli Iran",
            "بانک ملی ایران",
        )

    play(scene)


def test_codes_move_between_participants_in_one_request_in_any_order(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        swapped = [bank_entry("melli", "012"), bank_entry("mellat", "017", "062")]
        for order in (swapped, swapped[::-1]):
            await town.put(PARTICIPANTS)
            stored = await town.put(order)
            assert [list(one.bank_codes) for one in stored] == [
                list(one.bank_codes) for one in order
            ]
        rows = await connection.fetch("SELECT * FROM reference.bank_code ORDER BY bank_code")
        assert [tuple(row) for row in rows] == [("012", 1), ("017", 2), ("019", 3), ("062", 2)]

    play(scene)


WRONG = [
    (bank_entry("Melli!", "017"), "directory.name"),
    (bank_entry("fresh", "17"), "directory.bank_code"),
    (bank_entry("fresh"), "directory.accounts"),
    (agency_entry("fresh", "IR440104001000000000000102"), "iban.check_digits"),
    (Participant(name="fresh", display_name="x", unit="IRR"), "directory.role"),
    (_in_unit(bank_entry("fresh", "055"), "USD"), "unit.unknown"),
    (bank_entry("fresh", "017"), "participant.taken"),
    (agency_entry("fresh", TAX_IBAN), "participant.taken"),
    (agency_entry("melli", "IR170104001000000000000102"), "participant.fixed"),
]


def test_a_participant_against_the_rules_is_refused_and_nobody_is_put(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        before = await proposals(town)
        for entry, rule in WRONG:
            with pytest.raises(CallFailed, match=re.escape(rule)):
                await town.put([bank_entry("good", "055"), entry])
        assert len(await town.operator.participants()) == len(PARTICIPANTS)
        assert await proposals(town) == before

    play(scene)


def test_what_cannot_be_audited_is_not_done(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.fund("melli", 500)
        await connection.execute(
            "ALTER TABLE reference.audit ADD CONSTRAINT none_more CHECK (operator = '') NOT VALID"
        )
        sequence = (await town.operator.totals()).ledger.sequence
        with pytest.raises(SwitchUnreachable, match="database"):
            await town.operator.close_window()
        assert (await town.operator.totals()).ledger.sequence == sequence
        assert len(await town.operator.participants()) == len(PARTICIPANTS)
        assert [one.number for one in await town.operator.windows()] == [1]

    play(scene)


def test_a_funding_counts_once_for_each_id(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        identity = b"\x05" * 16
        for _ in range(2):
            assert await town.fund("melli", 500, funding_id=identity) == 500
        with pytest.raises(CallFailed, match=r"proposal\.id_reused"):
            await town.fund("melli", 501, funding_id=identity)
        assert await town.fund("melli", 1) == 501
        for wrong in (b"", bytes(16), b"\xff" * 16):
            with pytest.raises(CallFailed, match=r"id\.form") as caught:
                await town.operator._call(
                    town.operator._participants.FundParticipant,
                    FundParticipantRequest(id=wrong, participant="melli", amount=1),
                )
            assert caught.value.refusal == Refusal(rule="id.form", field="id")
        with pytest.raises(CallFailed, match=r"amount\.zero"):
            await town.fund("melli", 0)
        with pytest.raises(CallFailed, match="NOT_FOUND"):
            await town.fund("nobody", 1)

    play(scene)


def test_closing_a_window_brings_every_position_back_to_zero(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.fund("melli", 1_000)
        await settle(town, "melli", "mellat", 300)
        await settle(town, "mellat", "saderat", 120)
        await settle(town, "melli", "tax", 50)
        under_way = town.pay("melli", "saderat", 7)
        await town.bank("melli").submit([under_way])
        closed = await town.operator.close_window()
        nets = {one.participant: int(one.net) for one in closed.positions}
        assert nets == {"melli": -350, "mellat": 180, "saderat": 120, "tax": 50}
        assert closed.number == 1
        assert await figures(town) == {
            "melli": (650, 0),
            "mellat": (180, 0),
            "saderat": (120, 0),
            "tax": (50, 0),
        }
        assert await town.answer("saderat", under_way.id) == [SETTLED]
        assert (await figures(town))["saderat"] == (120, 7), "it belongs to the next window"
        assert await town.operator.close_window(1) == closed
        with pytest.raises(CallFailed, match="window 3 isn't open yet"):
            await town.operator.close_window(3)
        second = await town.operator.close_window()
        assert {one.participant: int(one.net) for one in second.positions}["melli"] == -7
        assert await town.operator.close_window(1) == closed, "also when it isn't the last"
        windows = await town.operator.windows()
        assert [one.number for one in windows] == [3, 2, 1]
        assert windows[1:] == [second, closed]
        assert [one.number for one in await town.operator.windows(1, before=3)] == [2]
        assert (await acts(connection))[-2:] == [
            ("operator", "window.close", "1"),
            ("operator", "window.close", "2"),
        ]

    play(scene)


def test_a_day_closes_once_for_each_date_signed_and_audited(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await settle(town, "melli", "mellat", 300)
        closed = await town.operator.close_day(date(2026, 11, 24))
        assert (closed.number, closed.date) == (1, "2026-11-24")
        assert closed.leaves > 0 and closed.last_sequence >= closed.first_sequence == 1
        assert await town.operator.close_day(date(2026, 11, 24)) == closed
        empty = await town.operator.close_day(date(2026, 11, 25))
        assert (empty.number, empty.leaves) == (2, 0)
        with pytest.raises(CallFailed, match="is closed already"):
            await town.operator.close_day(date(2026, 11, 24))
        assert ("operator", "day.close", "2026-11-24") in await acts(connection)

    play(scene)


def test_a_window_stays_open_while_somebody_cannot_pay(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.fund("melli", 100)
        await settle(town, "melli", "mellat", 300)
        with pytest.raises(CallFailed, match="melli owes 300 and has 100, it lacks 200"):
            await town.operator.close_window()
        assert (await figures(town))["melli"] == (100, -300)
        await town.fund("melli", 200)
        assert (await town.operator.close_window()).number == 1

    play(scene)


def test_one_closing_of_many_at_once_counts(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.fund("melli", 1_000)
        await settle(town, "melli", "mellat", 300)
        closings = await asyncio.gather(*(town.operator.close_window(1) for _ in range(8)))
        assert {one.closed_sequence for one in closings} == {closings[0].closed_sequence}
        assert [one.number for one in await town.operator.windows()] == [2, 1]

    play(scene)


def test_a_statement_adds_up_and_is_its_holders_alone(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await town.fund("melli", 1_000)
        for amount in (30, 20, 10):
            await settle(town, "melli", "mellat", amount)
        pages = [page async for page in town.bank("mellat").statement(page_size=2)]
        assert [len(page.entries) for page in pages] == [2, 1]
        assert [entry.amount for page in pages for entry in page.entries] == ["30", "20", "10"]
        assert {(page.opening, page.closing, page.entries_total) for page in pages} == {
            ("0", "60", 3)
        }
        assert {entry.counterparty for page in pages for entry in page.entries} == {"melli"}
        await town.operator.close_window()
        (page,) = [page async for page in town.operator.statement("melli", window=1)]
        assert [(one.kind, one.debit, one.amount) for one in page.entries] == [
            ("credit_transfer", True, "30"),
            ("credit_transfer", True, "20"),
            ("credit_transfer", True, "10"),
            ("settlement", False, "60"),
        ]
        assert (page.opening, page.closing) == ("0", "0")
        with pytest.raises(NotPermitted):
            await anext(aiter(town.bank("mellat").statement("melli")))
        with pytest.raises(CallFailed, match="window 9 isn't open yet"):
            await anext(aiter(town.operator.statement("melli", window=9)))
        with pytest.raises(CallFailed, match="NOT_FOUND"):
            await anext(aiter(town.operator.statement("nobody")))

    play(scene)


def test_a_bank_sees_itself_alone_among_the_participants(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        shown = await town.bank("mellat").participants()
        assert [one.participant.name for one in shown] == ["mellat"]
        assert [one.participant.name for one in await town.bank("tax").participants()] == ["tax"]

    play(scene)


def test_ledger_and_database_come_to_the_same_totals(play: Play) -> None:
    async def scene(town: Town, connection: Any) -> None:
        await settle(town, "melli", "mellat", 30)
        await town.bank("melli").submit(
            [town.pay("melli", "mellat", 7), town.pay("melli", "tax", CAP * 2)]
        )
        totals = await town.operator.totals()
        for name in ("sequence", "debits_posted", "credits_posted", "debits_pending"):
            assert getattr(totals.ledger, name) == getattr(totals.database, name)
        states = {one.state: (one.count, one.amount) for one in totals.database.payments}
        assert states == {
            "settled": (1, "30"),
            "reserved": (1, "7"),
            "declined": (1, str(CAP * 2)),
        }

    play(scene)
