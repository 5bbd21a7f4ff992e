"""Files are taken in once; revisions supersede; breaks open, stay, close and open again."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest

from payvand.core.records import TRANSFER
from payvand.settlement.database import Executor
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import position_account
from payvand.settlement.reconciliation.bank_file import FileRefused
from payvand.settlement.reconciliation.breaks import (
    ActRefused,
    OpenBreak,
    act_on_break,
    age_breaks,
    list_breaks,
    read_events,
    trace_payment,
)
from payvand.settlement.reconciliation.matching import Kind, Postings
from payvand.settlement.reconciliation.profile import Profile
from payvand.settlement.reconciliation.reconciling import (
    SWITCH,
    Reconciled,
    read_postings,
    reconcile_file,
)
from tests.support.bank_files import (
    CSV_PROFILE,
    FAULTS,
    Row,
    SpoiledFile,
    csv_lines,
    told,
)
from tests.support.projected import Projected, open_projected
from tests.support.traffic import LEDGER, records_of

PROFILE = Profile.parse(CSV_PROFILE)
BANK = 1
ZONE = "Asia/Tehran"


@dataclass
class Desk:
    """A participant's side of a closed window, and somebody who takes its files in."""

    projected: Projected
    connection: Executor
    folder: Path
    postings: dict[int, Postings]
    """By window."""

    def rows(self, window: int = 1) -> list[Row]:
        """Return what a faultless file of a window has."""
        ours = self.postings[window]
        columns = enumerate(zip(ours.ids, ours.amounts, ours.days, strict=True))
        return [Row(f"{row[0]:032x}", *row[1:]) for n, row in columns if n not in ours.optional]

    async def take(
        self, rows: list[Row], *, window: int = 1, lines: list[str] | None = None
    ) -> Reconciled:
        """Write a file and take it in."""
        path = self.folder / "bank.csv"
        path.write_text("\n".join(csv_lines(rows) if lines is None else lines))
        return await reconcile_file(
            self.connection,
            path,
            PROFILE,
            participant=BANK,
            window=window,
            operator="mina",
            zone=ZONE,
        )

    async def breaks(self, state: str = "open") -> list[OpenBreak]:
        return await list_breaks(self.connection, participant=BANK, state=state, limit=1_000)


@asynccontextmanager
async def open_desk(folder: Path, database: str, *, windows: int = 1) -> AsyncIterator[Desk]:
    """Close windows with fifty payments between bank 1 and others."""
    random = Random(8)
    async with open_projected(folder / "journal", database, seed=8) as projected:
        traffic = projected.traffic
        async with projected.projecting():
            for _ in range(1, windows + 1):
                rows = [
                    {
                        "id": random.getrandbits(126) | 1,
                        "debit_account_id": position_account(BANK if n % 2 else 2),
                        "credit_account_id": position_account(2 if n % 2 else BANK),
                        "amount": random.randrange(500, 2_000),
                        "ledger": LEDGER,
                        "code": 1,
                    }
                    for n in range(50)
                ]
                committed = await projected.engine.create_transfers(records_of(TRANSFER, rows))
                assert (committed.results["status"] == 0xFFFF_FFFF).all()
                assert (await traffic.close()).closed
            await projected.catch_up()
        (folder / "files").mkdir()
        async with projected.pool.acquire() as connection:
            postings = {}
            async with connection.transaction():
                for window in range(1, windows + 1):
                    postings[window] = await read_postings(connection, BANK, window, [], ZONE)
            yield Desk(projected, connection, folder / "files", postings)


def compared(breaks: list[OpenBreak]) -> Counter[tuple[Kind, tuple[int, ...]]]:
    return Counter((each.kind, tuple(sorted(each.payments))) for each in breaks)


def test_a_faultless_file_leaves_no_break(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            done = await desk.take(desk.rows())
            assert (done.revision, done.rows, done.added, done.removed) == (1, 50, 50, 0)
            assert done.matched == {"exact": 50}
            assert done.breaks == {}
            assert await desk.breaks() == []

    asyncio.run(scene())


@pytest.mark.parametrize("seed", range(3))
def test_every_injected_fault_is_kept_once_and_none_is_invented(
    tmp_path: Path, database: str, seed: int
) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            random = Random(seed)
            # Amounts of this traffic are close to each other: what adds up by chance is left out.
            names = sorted(FAULTS.keys() - {"merged", "merged unnamed", "no reference"})
            ours = desk.postings[1]
            assert ours.optional == {50}  # the window's settlement comes last
            payments = Postings(ours.ids[:50], ours.amounts[:50], ours.days[:50])
            file = SpoiledFile(payments, random).spoil(random.choices(names, k=12))
            done = await desk.take(file.rows)
            assert compared(await desk.breaks()) == file.expected
            assert sum(done.breaks.values()) == file.expected.total()
            for each in await desk.breaks():
                (opened,) = await read_events(desk.connection, each.id)
                assert (opened.operator, opened.act) == ("mina", "open")

    asyncio.run(scene())


def test_the_same_file_twice_changes_nothing(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            first = await desk.take(desk.rows()[3:])
            before = await _everything(desk.connection)
            again = await desk.take(desk.rows()[3:])
            assert again == replace(first, unchanged=True)
            assert await _everything(desk.connection) == before
            # Nor does an old one that comes again behind its revision.
            await desk.take(desk.rows())
            before = await _everything(desk.connection)
            assert (await desk.take(desk.rows()[3:])).unchanged
            assert await _everything(desk.connection) == before

    asyncio.run(scene())


async def _everything(connection: Executor) -> dict[str, list[Any]]:
    tables = ("bank_file", "bank_row", "match_count", "reconciliation_break", "break_event")
    return {
        table: [tuple(row) for row in await connection.fetch(f"SELECT * FROM reference.{table}")]
        for table in tables
    }


def test_a_revision_supersedes_tells_its_difference_and_resolves_breaks(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            rows = desk.rows()
            await desk.take([*rows[2:], replace(rows[2], reference="ff" * 16)])
            assert {each.kind for each in await desk.breaks()} == {
                *(Kind.MISSING_AT_BANK, Kind.UNKNOWN_AT_SWITCH)
            }
            revised = await desk.take(rows[1:])
            assert (revised.revision, revised.added, revised.removed) == (2, 1, 1)
            (left,) = await desk.breaks()
            assert left.kind is Kind.MISSING_AT_BANK
            for each in await desk.breaks("closed"):
                *_, last = await read_events(desk.connection, each.id)
                assert (last.operator, last.act) == (SWITCH, "close")
            # A file without the payment again opens the same break again.
            closed = {each.id for each in await desk.breaks("closed")}
            await desk.take(rows[2:])
            reopened = {each.id for each in await desk.breaks()} & closed
            assert len(reopened) == 1

    asyncio.run(scene())


def test_a_break_keeps_owner_and_notes_through_revisions(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            rows = desk.rows()
            await desk.take(rows[1:])
            (missing,) = await desk.breaks()
            act = {"operator": "omid", "note": "asked the bank"}
            await act_on_break(desk.connection, missing.id, "assign", owner="omid", **act)
            await desk.take(rows[1:-1])
            first, second = await desk.breaks()
            assert (first.id, first.owner, second.owner) == (missing.id, "omid", "")
            events = await read_events(desk.connection, missing.id)
            assert [event.act for event in events] == ["open", "assign"]

    asyncio.run(scene())


def test_what_a_person_closed_stays_closed(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            rows = desk.rows()
            await desk.take(rows[1:])
            (missing,) = await desk.breaks()
            await act_on_break(
                desk.connection, missing.id, "close", operator="omid", note="paid by letter"
            )
            await desk.take(rows[1:-1])
            assert missing.id not in {each.id for each in await desk.breaks()}
            await act_on_break(
                desk.connection, missing.id, "reopen", operator="omid", note="it wasn't"
            )
            assert missing.id in {each.id for each in await desk.breaks()}

    asyncio.run(scene())


def test_acts_need_a_reason_and_a_break_that_stands_so(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            await desk.take(desk.rows()[1:])
            (missing,) = await desk.breaks()
            connection = desk.connection
            with pytest.raises(ActRefused, match="a reason is missing"):
                await act_on_break(connection, missing.id, "close", operator="omid", note=" ")
            with pytest.raises(ActRefused, match="there is no break 999"):
                await act_on_break(connection, 999, "close", operator="omid", note="x")
            with pytest.raises(ActRefused, match=f"break {missing.id} is open"):
                await act_on_break(connection, missing.id, "reopen", operator="omid", note="x")
            with pytest.raises(asyncpg.RaiseError, match="break_event is append-only"):
                await connection.execute("DELETE FROM reference.break_event")

    asyncio.run(scene())


def test_a_late_payment_closes_the_break_of_the_window_that_lacked_it(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database, windows=2) as desk:
            first, second = desk.rows(1), desk.rows(2)
            await desk.take(first[1:], window=1)
            (missing,) = await desk.breaks()
            late = replace(first[0], day=first[0].day + 1)
            done = await desk.take([*second, late], window=2)
            assert done.matched == {"exact": 50, "day": 1}
            (left,) = await desk.breaks()
            assert (left.kind, left.window) == (Kind.DAY_DIFFERS, 2)
            (closed,) = await desk.breaks("closed")
            assert closed.id == missing.id

    asyncio.run(scene())


def test_what_is_still_missing_later_is_the_same_break(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database, windows=2) as desk:
            await desk.take(desk.rows(1)[1:], window=1)
            before = await desk.breaks()
            await desk.take(desk.rows(2), window=2)
            assert await desk.breaks() == before

    asyncio.run(scene())


def test_a_row_set_aside_is_one_break_and_names_its_payment(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            rows = desk.rows()
            lines = csv_lines(rows)
            lines[1] = lines[1].replace(f"{abs(rows[0].amount):,}", "12x4")
            lines[2] = "?;?;5;?"
            done = await desk.take([], lines=lines)
            assert done.set_aside == 2
            kinds = Counter(each.kind for each in await desk.breaks())
            assert kinds == {Kind.ROW_UNREADABLE: 2, Kind.MISSING_AT_BANK: 1}
            named = [each for each in await desk.breaks() if each.kind is Kind.ROW_UNREADABLE]
            assert [each.payments for each in named] == [(int(rows[0].reference, 16),), ()]
            assert [each.detail for each in named] == ["amount.characters", "side.unknown"]
            assert named[0].rows == (2,)

    asyncio.run(scene())


def test_a_file_that_breaks_off_is_a_break_beside_what_it_lacks(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            done = await desk.take([], lines=csv_lines(desk.rows())[:31])
            assert done.breaks == {"missing_at_bank": 20, "control_total_differs": 1}
            await desk.take(desk.rows())
            assert await desk.breaks() == []

    asyncio.run(scene())


def test_a_refused_file_leaves_nothing(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            with pytest.raises(FileRefused):
                await desk.take([], lines=["no;such;columns"])
            with pytest.raises(WindowFault, match="window 2 isn't closed"):
                await desk.take(desk.rows(), window=2)
            assert not any((await _everything(desk.connection)).values())

    asyncio.run(scene())


def test_files_and_payments_lead_to_each_other(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            rows = desk.rows()
            done = await desk.take([*rows, rows[0]])
            traces = await trace_payment(desk.connection, int(rows[0].reference, 16))
            assert [(t.file, t.number, t.amount) for t in traces] == [
                (done.file, 2, rows[0].amount),
                (done.file, 52, rows[0].amount),
            ]
            expected = told(Kind.DUPLICATE_AT_BANK, desk.postings[1], [0])
            assert compared(await desk.breaks()) == {expected: 1}

    asyncio.run(scene())


def test_breaks_are_told_by_age_and_kind(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_desk(tmp_path, database) as desk:
            await desk.take(desk.rows()[2:])
            for days, bucket in ((0, "up to 1 day"), (6, "4 to 7 days"), (400, "over 30 days")):
                now = datetime.now(UTC) + timedelta(days=days, minutes=1)
                aged = await age_breaks(desk.connection, now=now)
                assert aged[bucket] == {"missing_at_bank": 2}
                assert sum(map(len, aged.values())) == 1

    asyncio.run(scene())
