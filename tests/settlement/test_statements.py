"""Statements lead from window to window, their entries sum up, and reports agree with both."""

import asyncio
import csv
import io
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from payvand.core.records import u128_array, u128_of
from payvand.settlement.netting import position_account, settlement_account
from payvand.settlement.reports import read_totals, read_window, read_windows
from payvand.settlement.statements import (
    Statement,
    StatementEntry,
    StatementPage,
    read_page,
    render_csv,
    render_text,
)
from tests.support.projected import Projected, open_projected
from tests.support.traffic import LEDGER, WIDE_LEDGER

STATE_NAMES = {1: "settled", 2: "reserved", 3: "settled", 4: "rejected", 5: "expired"}


@asynccontextmanager
async def after_a_day(folder: Path, database: str) -> AsyncIterator[Projected]:
    async with open_projected(folder, database, seed=21) as projected:
        async with projected.projecting():
            await projected.traffic.run(30, close_every=3)
            await projected.traffic.batch(30)
            await projected.catch_up()
        yield projected


async def read_whole(
    projected: Projected, account: int, window: int, limit: int
) -> tuple[Statement, list[StatementEntry]]:
    """Read a statement page by page."""
    entries: list[StatementEntry] = []
    after = 0
    while True:
        async with projected.pool.acquire() as connection:
            page = await read_page(connection, account, window, after=after, limit=limit)
        assert len(page.entries) <= limit
        entries += page.entries
        if not (after := page.next_after):
            return page.statement, entries


@pytest.mark.parametrize("limit", [1, 3, 1_000])
def test_entries_sum_up_from_opening_to_closing(tmp_path: Path, database: str, limit: int) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            open_window = projected.traffic.book.open_window
            for number in projected.traffic.participants:
                for window in range(1, open_window + 1):
                    account = position_account(number)
                    statement, entries = await read_whole(projected, account, window, limit)
                    assert statement.debits == sum(e.amount for e in entries if e.debit)
                    assert statement.credits == sum(e.amount for e in entries if not e.debit)
                    assert statement.entries_total == len(entries)
                    assert len({entry.timestamp for entry in entries}) == len(entries)
                    assert sorted(entries, key=lambda entry: entry.timestamp) == entries

    asyncio.run(scene())


def test_statements_lead_from_window_to_window_and_end_at_the_ledger(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            for number in projected.traffic.participants:
                for account in (position_account(number), settlement_account(number)):
                    closing = 0
                    for window in range(1, projected.traffic.book.open_window + 1):
                        statement, _ = await read_whole(projected, account, window, 1_000)
                        assert statement.opening == closing, (account, window)
                        closing = statement.closing
                    (record,) = await projected.engine.lookup_accounts(u128_array([account]))
                    balance = u128_of(record["credits_posted"]) - u128_of(record["debits_posted"])
                    assert closing == balance
                    async with projected.pool.acquire() as connection:
                        page = await read_page(connection, account, limit=1)
                    assert page.statement.window == projected.traffic.book.open_window

    asyncio.run(scene())


def test_a_posting_shows_the_payment_that_it_settles(tmp_path: Path, database: str) -> None:
    """A payment in two phases has one entry: its own id, and the payload of its reservation."""

    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=4) as projected:
            async with projected.projecting():
                while not projected.traffic.reserved:
                    await projected.traffic.batch(1)
                (row,) = projected.traffic.reserved.values()
                await projected.traffic.post_reserved()
                await projected.catch_up()
            expected = await projected.pool.fetchval(
                "SELECT coalesce(payload, '') FROM books.transfer WHERE flags & 2 <> 0"
            )
            _, entries = await read_whole(projected, row["debit_account_id"], 1, 100)
            (entry,) = [entry for entry in entries if entry.id == row["id"]]
            assert (entry.amount, entry.debit, entry.payload) == (row["amount"], True, expected)
            assert entry.counterparty == row["credit_account_id"]

    asyncio.run(scene())


def test_totals_are_those_of_the_ledger_and_states_those_of_its_transfers(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            for ledger in (LEDGER, WIDE_LEDGER):
                async with projected.pool.acquire() as connection:
                    totals = await read_totals(connection, ledger)
                sequence, held = await projected.engine.totals(ledger)
                assert totals.sequence == sequence
                assert {name: getattr(totals, name) for name in held} == held
                payments = [
                    row
                    for row in {row["id"]: row for row in projected.traffic.sent}.values()
                    if row["ledger"] == ledger and not row.get("pending_id") and row["id"] != 0
                ]
                states = await projected.engine.states(u128_array(r["id"] for r in payments))
                counted = Counter(
                    STATE_NAMES[state] for state in states["state"].tolist() if state in STATE_NAMES
                )
                told = {name: state.count for name, state in totals.payments.items()}
                told.pop("declined")
                assert told == counted

    asyncio.run(scene())


def test_windows_are_told_newest_first_and_by_number(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            closed = [c.closed for c in projected.traffic.closings if c.closed]
            async with projected.pool.acquire() as connection:
                assert await read_windows(connection) == closed[::-1]
                assert await read_windows(connection, before=3, limit=1) == [closed[1]]
                assert await read_window(connection, 2) == closed[1]
                assert await read_window(connection, len(closed) + 1) is None

    asyncio.run(scene())


@pytest.mark.parametrize("limit", [0, 10_001])
def test_a_page_has_a_bound(database: str, limit: int) -> None:
    async def scene() -> None:
        with pytest.raises(ValueError, match=f"limit is {limit}, not from 1 to"):
            await read_page(None, 17, limit=limit)  # type: ignore[arg-type]  # refused before use

    asyncio.run(scene())


PAGE = StatementPage(
    Statement(17, 3, -5, 30, 20, 2, 9),
    (
        StatementEntry(255, 33, 30, True, 1, 7, 1_700_000_000_123_456_789, b"first"),
        StatementEntry(16, 49, 20, False, 10, 8, 1_700_000_001_000_000_000, b""),
    ),
    0,
)


def test_csv_leads_from_opening_to_closing() -> None:
    text = render_csv(PAGE.statement, PAGE.entries, reference=lambda e: e.payload.decode())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["line"] for row in rows] == ["opening", "entry", "entry", "closing"]
    signed = [int(row["credit"] or 0) - int(row["debit"] or 0) for row in rows]
    assert signed[0] + signed[1] + signed[2] == signed[3] == PAGE.statement.closing == -15
    assert rows[1]["posted_at"] == "2023-11-14T22:13:20.123456Z"
    assert (rows[1]["id"], rows[1]["ref"]) == (f"{255:032x}", "first")


def test_text_is_for_people() -> None:
    assert render_text(PAGE.statement, PAGE.entries, name="bank-a").splitlines() == [
        "bank-a, window 3, 2 entries",
        f"{'opening':<62}{'-5':>24}",
        f"2023-11-14T22:13:20.123456Z  {255:032x}{'-30':>25}",
        f"2023-11-14T22:13:21.000000Z  {16:032x}{'20':>25}",
        f"{'debits':<62}{'-30':>24}",
        f"{'credits':<62}{'20':>24}",
        f"{'closing':<62}{'-15':>24}",
    ]
