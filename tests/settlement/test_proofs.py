"""Each proof fails when its law is broken, and then says what is wrong."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from payvand.core.ledger import Ledger
from payvand.core.records import Operation
from payvand.core.replay import replay
from payvand.core.segments import JournalReader, read_frames
from payvand.core.snapshots import snapshots
from payvand.core.stage import Stage
from payvand.settlement import proofs as proofs_module
from payvand.settlement.closing import read_standing
from payvand.settlement.headroom import HeadroomWalk
from payvand.settlement.ledger_proofs import prove_books_balance
from payvand.settlement.netting import EVENT_WINDOW_CLOSED, position_account
from payvand.settlement.proof import Proof
from payvand.settlement.proofs import prove_all
from tests.support.forgery import forge_last_frame
from tests.support.projected import Projected, open_projected
from tests.support.traffic import CENTRAL_BANK, LEDGER, TRANSFER, records_of

NAMES = [
    "journal_intact",
    "replay_equals_journal",
    "snapshots_equal_journal",
    "books_balance",
    "limits_hold",
    "windows_net_to_zero",
    "windows_equal_recount",
    "days_equal_their_roots",
    "projection_has_no_gap",
    "database_equals_ledger",
    "database_equals_windows",
    "database_equals_acts",
    "statements_equal_ledger",
]


@asynccontextmanager
async def after_a_day(folder: Path, database: str) -> AsyncIterator[Projected]:
    """Give a closed engine's journal with some windows, all of it projected."""
    async with open_projected(folder, database, seed=3) as projected:
        async with projected.projecting():
            await projected.traffic.run(25, close_every=3)
            await projected.catch_up()
        await projected.engine.close()
        yield projected


def failing(proofs: list[Proof]) -> dict[str, str]:
    return {proof.name: proof.detail for proof in proofs if not proof.holds}


def test_all_proofs_hold_after_a_day_and_have_their_names(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            proofs = await prove_all(tmp_path, projected.pool)
            assert [proof.name for proof in proofs] == NAMES
            assert failing(proofs) == {}
            assert [proof.name for proof in await prove_all(tmp_path)] == NAMES[:8]

    asyncio.run(scene())
    documented = [
        line.split()[0]
        for line in (proofs_module.__doc__ or "").splitlines()
        if "   " in line.strip()
    ]
    assert documented == NAMES


def test_proving_brings_the_database_up_to_the_journal_first(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=4) as projected:
            await projected.traffic.run(10)
            await projected.assert_all_proved()

    asyncio.run(scene())


def test_an_empty_journal_proves_well(tmp_path: Path) -> None:
    assert failing(asyncio.run(prove_all(tmp_path))) == {}


def test_a_flipped_byte_is_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            segment = JournalReader(tmp_path).segments()[0]
            frame = list(read_frames(tmp_path))[5]
            data = bytearray(segment.read_bytes())
            at = data.index(frame.raw) + len(frame.raw) // 2
            data[at] ^= 1
            segment.write_bytes(data)
            proofs = await prove_all(tmp_path, projected.pool)
            assert [proof.name for proof in proofs] == ["journal_intact"]
            assert f"{segment.name}: frame {frame.sequence}" in failing(proofs)["journal_intact"]

    asyncio.run(scene())


def test_what_is_wrong_with_a_snapshot_or_the_end_is_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database, seed=3) as projected:
            await projected.traffic.run(20)
            await projected.engine.take_snapshot()
            await projected.traffic.run(5)
            await projected.engine.close()
        (snapshot,) = snapshots(tmp_path)
        assert failing(await prove_all(tmp_path)) == {}
        for path in (snapshot, tmp_path / "known-end"):
            whole = path.read_bytes()
            path.write_bytes(whole[:20] + bytes([whole[20] ^ 1]) + whole[21:])
            detail = failing(await prove_all(tmp_path))["snapshots_equal_journal"]
            assert path.name in detail
            path.write_bytes(whole)
        sequence = int(snapshot.stem.removeprefix("snapshot-"))
        segment = JournalReader(tmp_path).segments()[-1]
        data = bytearray(segment.read_bytes())
        frames = list(read_frames(tmp_path))
        at = data.index(frames[sequence].raw)
        data[at:] = bytes(len(data) - at)
        segment.write_bytes(data)
        detail = failing(await prove_all(tmp_path))["journal_intact"]
        assert f"frames {sequence + 1} to {len(frames)} are missing" in detail
        (tmp_path / "known-end").unlink()
        assert failing(await prove_all(tmp_path)) == {}, "then nobody can know"
        data[data.index(frames[sequence - 1].raw) :] = bytes(100)
        segment.write_bytes(data.ljust(segment.stat().st_size, b"\0"))
        detail = failing(await prove_all(tmp_path))["snapshots_equal_journal"]
        assert "frames that the journal has lost" in detail

    asyncio.run(scene())


def test_an_outcome_that_the_ledger_would_not_give_is_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database) as projected:
            await projected.traffic.fund(1, 5)
        last = forge_last_frame(tmp_path, field="statuses", value=0)
        detail = failing(await prove_all(tmp_path))["replay_equals_journal"]
        assert f"frame {last}, event 0" in detail

    asyncio.run(scene())


def test_books_out_of_balance_are_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database):
            books = Ledger()
            replay(books, Stage(), read_frames(tmp_path))
            assert prove_books_balance(books, [LEDGER]).holds
            books._set_balances(position_account(1), 1, 10**9, 0, 10**9)
            proof = prove_books_balance(books, [LEDGER])
            assert not proof.holds
            assert f"ledger {LEDGER}: pending debits" in proof.detail

    asyncio.run(scene())


def test_transfers_beyond_a_limit_are_named(tmp_path: Path, database: str) -> None:
    """Held against caps lower than those in force, a right journal breaks them."""

    async def scene() -> None:
        async with after_a_day(tmp_path, database):
            books = Ledger()
            replay(books, Stage(), read_frames(tmp_path))
            walk, strict = (HeadroomWalk(books.lookup_transfers) for _ in range(2))
            for frame in read_frames(tmp_path):
                walk.add(frame)
                if frame.operation != Operation.SET_LIMITS:
                    strict.add(frame)
            assert walk.uses == strict.uses > 50
            assert (walk.crossings, walk.named) == (0, [])
            assert strict.crossings > 5
            assert strict.named[0].endswith("beyond its limit")

    asyncio.run(scene())


async def close_with_note(projected: Projected, change: Callable[[bytes], bytes]) -> None:
    """Close the window as the switch does, but with another note."""
    traffic = projected.traffic
    async with projected.engine.still() as still:
        netting = traffic.book.net(*read_standing(still.ledger, traffic.participants))
        await still.create_transfers(
            netting.transfers(), event=EVENT_WINDOW_CLOSED, note=change(netting.note())
        )


def test_a_note_that_the_postings_contradict_is_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database) as projected:
            await close_with_note(
                projected,
                lambda note: note.replace(
                    b'"debits":"0","credits":"0"', b'"debits":"7","credits":"7"', 1
                ),
            )
        wrong = failing(await prove_all(tmp_path))
        assert list(wrong) == ["windows_equal_recount"]
        assert "window 1: noted NetPosition(participant=1" in wrong["windows_equal_recount"]

    asyncio.run(scene())


def test_a_window_that_does_not_net_to_zero_is_named(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with open_projected(tmp_path, database) as projected:
            row = {"id": 5, "debit_account_id": CENTRAL_BANK[LEDGER], "amount": 9}
            row |= {"credit_account_id": position_account(1), "ledger": LEDGER, "code": 1}
            await projected.engine.create_transfers(records_of(TRANSFER, [row]))
            async with projected.engine.still() as still:
                await still.create_transfers(
                    records_of(TRANSFER, []),
                    event=EVENT_WINDOW_CLOSED,
                    note=b'{"window":1,"positions":[]}',
                )
        wrong = failing(await prove_all(tmp_path))
        assert wrong["windows_net_to_zero"] == "the nets of window 1 don't add up to zero"

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("change", "name", "detail"),
    [
        ("DELETE FROM books.frame WHERE sequence = 5", "projection_has_no_gap", "frames from 1"),
        (
            "DELETE FROM books.failure WHERE timestamp = (SELECT max(timestamp) "
            "FROM books.failure)",
            "projection_has_no_gap",
            "failed",
        ),
        (
            "UPDATE books.transfer SET amount = amount + 1 WHERE sequence = (SELECT max(sequence) "
            "FROM books.transfer WHERE flags & 10 = 0)",
            "database_equals_ledger",
            "account",
        ),
        (
            "UPDATE books.account_limit SET limit_amount = limit_amount + 1",
            "database_equals_ledger",
            "its limit differs",
        ),
        (
            "DELETE FROM books.account WHERE id = 17",
            "database_equals_ledger",
            "account 17 was never opened",
        ),
        (
            "UPDATE books.net_position SET debits = debits + 1, credits = credits + 1 "
            "WHERE window_number = 2 AND participant = 3",
            "database_equals_windows",
            "window 2, participant 3",
        ),
        (
            "UPDATE books.net_position SET opening = opening + 1, settled = settled + 1 "
            "WHERE window_number = 2 AND participant = 3",
            "statements_equal_ledger",
            "the statement of participant 3 for window 2 doesn't lead",
        ),
        (
            "UPDATE books.transfer SET window_number = window_number + 1 WHERE window_number = "
            "(SELECT max(window_number) FROM books.transfer)",
            "statements_equal_ledger",
            "closes at",
        ),
        (
            "INSERT INTO books.operator_act VALUES (5, 1, 'approved', 'eve', NULL, '{}')",
            "database_equals_acts",
            "the act of frame 5",
        ),
        (
            "UPDATE books.cursor SET sequence = sequence + 1",
            "database_equals_ledger",
            "the database is at frame",
        ),
    ],
)
def test_a_changed_database_is_named(
    tmp_path: Path, database: str, change: str, name: str, detail: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            await projected.pool.execute(change)
            wrong = failing(await prove_all(tmp_path, projected.pool))
            assert name in wrong, wrong
            assert detail in wrong[name]

    asyncio.run(scene())
