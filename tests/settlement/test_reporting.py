"""Reports say what the books say and stay within the views; definitions are checked whole."""

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lxml.html
import pytest

from payvand.core.records import u128_array, u128_of
from payvand.settlement.netting import position_account, settlement_account
from payvand.settlement.reporting.rendering import as_csv, as_html, as_json
from payvand.settlement.reporting.report import Report, ReportMalformed, pack
from payvand.settlement.reporting.running import (
    READER,
    ROWS_MAX,
    Asked,
    Findings,
    ReaderMissing,
    ReportRunner,
)
from payvand.settlement.reports import read_windows
from tests.support.projected import Projected, open_projected

DAY_NS = 86_400 * 1_000_000_000
AGENCY = 5

COLUMN = '{ name = "answer", kind = "count", title = { en = "answer", fa = "پاسخ" } }'


def definition(query: str, columns: str = COLUMN, rest: str = "") -> str:
    return f'title = {{ en = "a", fa = "ب" }}\nquery = """{query}"""\ncolumns = [{columns}]\n{rest}'


def saved(query: str, columns: str = COLUMN, rest: str = "") -> Report:
    return Report.of("saved", definition(query, columns, rest))


@asynccontextmanager
async def after_a_day(
    folder: Path, database: str
) -> "AsyncIterator[tuple[Projected, ReportRunner]]":
    async with open_projected(folder, database, seed=7) as projected:
        async with projected.pool.acquire() as connection:
            for number in projected.traffic.participants:
                role = 2 if number == AGENCY else 1
                await connection.execute(
                    "INSERT INTO reference.participants "
                    "(number, name, role, display_name, net_debit_cap, unit) "
                    "VALUES ($1, $2, $3, 'A bank', 0, 'IRR')",
                    *(number, f"bank-{number}", role),
                )
        async with projected.projecting():
            await projected.traffic.run(40, close_every=10)
            await projected.traffic.batch(30)
            await projected.catch_up()
        reader = database.replace("user=payvand", f"user={READER}")
        assert reader != database
        yield projected, ReportRunner(projected.pool, reader)


def the_day(projected: Projected) -> Asked:
    begins = projected.traffic.clock.now // DAY_NS * DAY_NS
    return Asked(
        day=datetime.fromtimestamp(begins // 10**9, UTC).date(),
        day_begins=begins,
        day_ends=begins + DAY_NS,
        window=1,
        participant="bank-1",
    )


def test_every_report_of_the_pack_runs_and_is_rendered(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            for report in pack().values():
                findings = await runner.run(report, the_day(projected))
                assert findings.sequence == projected.engine.sequence
                assert not findings.truncated
                empty = {"break_ageing", "agency_collection", "expected_files"}
                assert findings.rows or report.name in empty, report.name
                rows = list(csv.reader(io.StringIO(as_csv(findings))))
                assert rows[0] == [column.name for column in report.columns]
                assert len(rows) == len(findings.rows) + 1
                told = json.loads(json.dumps(as_json(findings)))
                assert len(told["rows"]) == len(findings.rows)
                for language in ("en", "fa"):
                    page = as_html(
                        findings,
                        language=language,
                        cell_text=lambda _, cell: str(cell),
                        about=["asked <today>"],
                        total="total",
                    )
                    tree = lxml.html.fromstring(page)
                    assert len(tree.findall(".//tbody/tr")) == len(findings.rows)
                    drawn = report.plot is not None and bool(findings.rows)
                    assert (tree.find(".//svg") is not None) is drawn
                    assert "<today>" not in page

    asyncio.run(scene())


def test_balances_are_those_of_the_ledger_and_balance(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            found = rows_of(await runner.run(pack()["trial_balance"], Asked()))
            by_ledger: dict[object, int] = {}
            for row in found:
                by_ledger[row["ledger"]] = by_ledger.get(row["ledger"], 0) + int(
                    str(row["balance"])
                )
            assert set(by_ledger.values()) == {0}
            positions = rows_of(await runner.run(pack()["positions"], Asked()))
            for row in positions:
                number = int(str(row["participant"]).removeprefix("bank-"))
                ids = u128_array([position_account(number), settlement_account(number)])
                position, settlement = await projected.engine.lookup_accounts(ids)
                limits = await projected.engine.lookup_limits(ids)
                limit = u128_of(limits["limit"][0])
                balance = amount(position, "credits_posted") - amount(position, "debits_posted")
                reserved = amount(position, "debits_pending")
                assert row["position"] == balance
                assert row["reserved"] == reserved
                assert row["headroom"] == balance + limit - reserved >= 0
                assert row["settlement_balance"] == amount(settlement, "credits_posted") - amount(
                    settlement, "debits_posted"
                )
            assert len(positions) == len(projected.traffic.participants)

    asyncio.run(scene())


def test_a_window_is_what_its_note_says_and_statements_add_up_to_it(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            async with projected.pool.acquire() as connection:
                windows = await read_windows(connection)
            assert windows
            for window in windows:
                asked = Asked(window=window.number)
                rows = rows_of(await runner.run(pack()["settlement_window"], asked))
                nets = {row["participant"]: row["net"] for row in rows}
                for position in window.positions:
                    name = f"bank-{position.participant}"
                    assert nets[name] == position.net
                    entries = rows_of(
                        await runner.run(pack()["statement"], replace(asked, participant=name))
                    )
                    moved = [row for row in entries if row["kind"] != "settlement"]
                    assert sum(int(str(row["credit"] or 0)) for row in moved) == position.credits
                    assert sum(int(str(row["debit"] or 0)) for row in moved) == position.debits

    asyncio.run(scene())


def test_the_peak_of_a_day_is_the_deepest_that_a_position_went(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            asked = the_day(projected)
            rows = rows_of(await runner.run(pack()["liquidity"], asked))
            async with projected.pool.acquire() as connection:
                postings = await connection.fetch(
                    "SELECT * FROM report.posting WHERE posted_at < $1 ORDER BY posted_at",
                    asked.day_ends,
                )
            for row in rows:
                number = int(str(row["participant"]).removeprefix("bank-"))
                position = peak = 0
                for posting in postings:
                    if posting["account"] == position_account(number):
                        position += int(posting["change"])
                        if posting["posted_at"] >= asked.day_begins:
                            peak = max(peak, -position)
                assert (row["peak_net_debit"], row["closing"]) == (peak, position)
            assert any(int(str(row["peak_net_debit"])) > 0 for row in rows)

    asyncio.run(scene())


def test_what_waits_is_what_the_ledger_holds_back(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            rows = rows_of(await runner.run(pack()["waiting"], Asked()))
            held = {
                row["subject"]: row["amount"]
                for row in rows
                if row["kind"] in ("payment", "recall")
            }
            under_way = {
                f"{id:032x}": reservation["amount"]
                for id, reservation in projected.traffic.reserved.items()
            }
            assert held.items() <= under_way.items()
            ids = u128_array([position_account(n) for n in projected.traffic.participants])
            accounts = await projected.engine.lookup_accounts(ids)
            pending = sum(amount(account, "debits_pending") for account in accounts)
            assert sum(int(str(value)) for value in held.values()) == pending > 0
            assert any(row["kind"] == "settlement_window" for row in rows)

    asyncio.run(scene())


def test_a_bank_that_sends_files_owes_one_for_each_window(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):

            async def owed() -> list[dict[str, object]]:
                return rows_of(await runner.run(pack()["expected_files"], Asked()))

            assert await owed() == []
            async with projected.pool.acquire() as connection:
                windows = [window.number for window in await read_windows(connection)]
                await connection.execute(
                    "INSERT INTO reference.bank_file (participant, window_number, revision, "
                    "name, sha256, profile, profile_sha256, encoding, rows_taken, rows_aside, "
                    "rows_added, rows_removed, rules_version, operator) "
                    "VALUES (1, $1, 1, 'a', '', '', '', '', 0, 0, 0, 0, 1, 'o')",
                    windows[-2],
                )
            rows = await owed()
            assert {row["participant"] for row in rows} == {"bank-1"}
            assert {row["settlement_window"] for row in rows} <= set(windows[:-1])
            states = {row["settlement_window"]: row["state"] for row in rows}
            assert states.pop(windows[-2]) == "taken"
            assert set(states.values()) == {"missing"}
            waiting = rows_of(await runner.run(pack()["waiting"], Asked()))
            missing = [row["subject"] for row in waiting if row["kind"] == "bank_file"]
            assert sorted(missing) == sorted(str(window) for window in states)

    asyncio.run(scene())


def test_service_levels_count_every_payment_once(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            asked = the_day(projected)
            rows = rows_of(await runner.run(pack()["service_levels"], asked))
            async with projected.pool.acquire() as connection:
                offered = await connection.fetchval(
                    "SELECT count(*) FROM books.payment "
                    "WHERE state <> 'declined' AND recorded_at >= $1 AND recorded_at < $2",
                    *(asked.day_begins, asked.day_ends),
                )
            ends = ("accepted", "rejected", "timed_out", "waiting")
            assert sum(int(str(row["offered"])) for row in rows) == offered > 0
            for row in rows:
                assert sum(int(str(row[end])) for end in ends) == row["offered"]

    asyncio.run(scene())


ESCAPES = {
    "another schema": "SELECT count(*)::integer AS answer FROM books.transfer",
    "reference data": "SELECT count(*)::integer AS answer FROM reference.participants",
    "a file": "SELECT length(pg_read_file('/etc/passwd')) AS answer",
    "the role it came from": (
        "SELECT length(set_config('role', 'payvand', true)) AS answer "
        "UNION ALL SELECT count(*)::integer FROM pg_authid"
    ),
    "a second statement": "SELECT 1) AS a; DROP SCHEMA report CASCADE; SELECT (1",
    "a change": "WITH gone AS (DELETE FROM payment RETURNING 1) SELECT 1 AS answer FROM gone",
    "a program": "SELECT 1 AS answer FROM lo_import('/etc/passwd')",
}


def test_a_saved_query_reaches_the_views_and_nothing_else(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (projected, runner):
            for what, query in ESCAPES.items():
                with pytest.raises(ReportMalformed):
                    await runner.run(saved(query), Asked())
                    pytest.fail(what)
            count = saved("SELECT count(*) AS answer FROM payment")
            assert (await runner.run(count, Asked())).rows[0][0]
            with pytest.raises(ReaderMissing):
                await ReportRunner(projected.pool).run(count, Asked())
            ours = pack()["positions"]
            by_itself = await ReportRunner(projected.pool).run(ours, Asked())
            assert by_itself == await runner.run(ours, Asked())

    asyncio.run(scene())


def test_rows_and_kinds_are_bounded(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as (_, runner):
            many = saved(f"SELECT n AS answer FROM generate_series(1, {ROWS_MAX + 1}) AS n")
            findings = await runner.run(many, Asked())
            assert findings.truncated and len(findings.rows) == ROWS_MAX
            with pytest.raises(ReportMalformed, match="integers"):
                await runner.run(saved("SELECT 1.5 AS answer"), Asked())
            with pytest.raises(ReportMalformed, match="the query gives"):
                await runner.check(saved("SELECT 1 AS other"))
            with pytest.raises(ReportMalformed, match="character"):
                await runner.check(saved("SELECT nowhere AS answer FROM payment"))

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("title = 1", "columns"),
        (definition("SELECT :day AS answer"), "query"),
        (definition("SELECT :from AS answer"), "query"),
        (definition(""), "query"),
        (definition("SELECT 1", '{ name = "a", kind = "float", title = {} }'), "columns[0].kind"),
        (definition("SELECT 1", f"{COLUMN}, {COLUMN}"), "columns"),
        (definition("SELECT 1", rest='totals = ["other"]'), "totals[0]"),
        (definition("SELECT 1", rest='[plot]\nkind = "bars"\nx = "no"\ny = []'), "plot"),
        (definition("SELECT 1", rest="unknown = 1"), "unknown"),
        ("[", "definition"),
    ],
)
def test_a_definition_that_is_none_is_refused_by_its_field(text: str, field: str) -> None:
    with pytest.raises(ReportMalformed) as refused:
        Report.of("saved", text)
    assert refused.value.field == field
    assert refused.value.rule.startswith("report.")


def rows_of(findings: Findings) -> list[dict[str, object]]:
    names = [column.name for column in findings.report.columns]
    return [dict(zip(names, row, strict=True)) for row in findings.rows]


def amount(account: Any, name: str) -> int:
    return u128_of(account[name])
