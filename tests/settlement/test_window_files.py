"""A window's files follow from the journal, obey the schemas, and agree with each other."""

import asyncio
import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from lxml import etree

from payvand.settlement.database import create_books
from payvand.settlement.iso20022 import (
    AmountTooLong,
    Currency,
    Party,
    Terms,
    amount_text,
    date_text,
    moment_text,
)
from payvand.settlement.projector import Projector, follow_files
from payvand.settlement.window_files import FilesDiffer, WrittenFile, write_window_files
from payvand.settlement.windows import ClosedWindow
from tests.support.iso20022_schema import violations
from tests.support.projected import Projected, open_projected
from tests.support.traffic import LEDGER, WIDE_LEDGER

TEHRAN = ZoneInfo("Asia/Tehran")
TERMS = Terms(
    Party(0, "payvand", "پیوند", "000"),
    "PAYVAND-SETTLEMENT",
    {n: Party(n, f"bank-{n}", f"Bank & Söhne {n}", f"{n:03d}") for n in range(1, 8)},
    {LEDGER: Currency("IRR", 0), WIDE_LEDGER: Currency("EUR", 2)},
    TEHRAN,
)


@asynccontextmanager
async def after_a_day(folder: Path, database: str) -> AsyncIterator[Projected]:
    async with open_projected(folder / "journal", database, seed=31) as projected:
        async with projected.projecting():
            await projected.traffic.run(25, close_every=4)
            while not (await projected.traffic.close()).closed:
                pass
            await projected.catch_up()
        yield projected


def closed_windows(projected: Projected) -> list[ClosedWindow]:
    return [closing.closed for closing in projected.traffic.closings if closing.closed]


async def write(projected: Projected, closed: ClosedWindow, folder: Path) -> list[WrittenFile]:
    async with projected.pool.acquire() as connection:
        return await write_window_files(
            connection, closed, folder, TERMS, reference=lambda entry: f"REF{entry.id % 1000}"
        )


def read_all(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def texts(content: bytes, path: str) -> list[str]:
    """Return the texts of elements, by the local names of their path."""
    root = etree.fromstring(content)
    steps = "".join(f"/*[local-name()='{step}']" for step in path.split("/"))
    found: Any = root.xpath(f"/{steps}/text()")
    return [str(text) for text in found]


def test_the_files_are_numbered_hashed_listed_and_obey_the_schemas(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            kinds = set()
            for closed in closed_windows(projected):
                written = await write(projected, closed, tmp_path / "files")
                files = read_all(tmp_path / "files" / f"window-{closed.number:06d}")
                manifest = json.loads(files.pop("manifest.json"))
                assert manifest["window"] == closed.number
                assert manifest["closing_frame"] == closed.sequence
                assert [file["name"] for file in manifest["files"]] == list(files)
                assert [file.number for file in written] == list(range(1, len(files) + 1))
                for file in written:
                    assert file.sha256 == hashlib.sha256(files[file.name]).hexdigest()
                    assert file.bytes == len(files[file.name])
                    assert file.name.startswith(f"{file.number:03d}-")
                    if file.name.endswith(".xml"):
                        assert violations(files[file.name]) == [], file.name
                    kinds.add(file.kind)
            assert kinds == {
                *("positions", "instructions", "statement"),
                *("pacs.009", "camt.053", "camt.054"),
            }

    asyncio.run(scene())


def test_files_made_again_from_a_rebuilt_projection_are_the_same_byte_for_byte(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            for closed in closed_windows(projected):
                await write(projected, closed, tmp_path / "first")
            await projected.engine.close()
            async with projected.pool.acquire() as connection:
                await create_books(connection, afresh=True)
            journal = follow_files(tmp_path / "journal")
            await Projector(projected.pool, journal, rows_max=7).run()
            for closed in closed_windows(projected):
                await write(projected, closed, tmp_path / "second")
                name = f"window-{closed.number:06d}"
                first, second = (read_all(tmp_path / side / name) for side in ("first", "second"))
                assert first == second

    asyncio.run(scene())


def test_writing_again_over_the_same_files_changes_nothing_and_over_others_is_refused(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            closed, folder = closed_windows(projected)[0], tmp_path / "files"
            written = await write(projected, closed, folder)
            assert await write(projected, closed, folder) == written
            changed = folder / f"window-{closed.number:06d}" / written[0].name
            changed.write_bytes(changed.read_bytes() + b" ")
            with pytest.raises(FilesDiffer, match=f"{written[0].name} differ"):
                await write(projected, closed, folder)
            assert changed.read_bytes().endswith(b" ")
            # No draft is left behind, whatever happened.
            assert [path.name for path in folder.iterdir()] == [changed.parent.name]

    asyncio.run(scene())


def test_instructions_are_what_the_window_settled(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            checked = 0
            for closed in closed_windows(projected):
                written = await write(projected, closed, tmp_path / "files")
                files = read_all(tmp_path / "files" / f"window-{closed.number:06d}")
                by_kind = {file.kind: files[file.name] for file in written}
                rows = list(csv.DictReader(io.StringIO(by_kind["instructions"].decode())))
                moved: dict[str, int] = {}
                for row in rows:
                    moved[row["debtor"]] = moved.get(row["debtor"], 0) - int(row["amount_minor"])
                    moved[row["creditor"]] = moved.get(row["creditor"], 0) + int(
                        row["amount_minor"]
                    )
                for position in closed.positions:
                    assert moved.get(f"bank-{position.participant}", 0) == position.settled
                if "pacs.009" not in by_kind:
                    continue
                message = by_kind["pacs.009"]
                rial = [row for row in rows if row["currency"] == "IRR"]
                assert texts(message, "GrpHdr/NbOfTxs") == [str(len(rial))]
                total = str(sum(int(row["amount_minor"]) for row in rial))
                assert texts(message, "GrpHdr/TtlIntrBkSttlmAmt") == [total]
                assert texts(message, "CdtTrfTxInf/PmtId/TxId") == [row["id"] for row in rial]
                checked += len(rial)
            assert checked > 5

    asyncio.run(scene())


def test_a_statement_leads_from_its_opening_over_its_entries_to_its_closing(
    tmp_path: Path, database: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            statements = 0
            for closed in closed_windows(projected):
                written = await write(projected, closed, tmp_path / "files")
                files = read_all(tmp_path / "files" / f"window-{closed.number:06d}")
                for file in written:
                    if file.kind == "camt.053":
                        assert_statement_adds_up(files[file.name], closed)
                        statements += 1
                    elif file.kind == "statement":
                        rows = list(csv.DictReader(io.StringIO(files[file.name].decode())))
                        *moved, closing = [int(row["amount_minor"]) for row in rows]
                        assert sum(moved) == closing
            assert statements > 10

    asyncio.run(scene())


def assert_statement_adds_up(content: bytes, closed: ClosedWindow) -> None:
    def signed(path: str) -> list[int]:
        amounts = texts(content, f"{path}/Amt")
        sides = texts(content, f"{path}/CdtDbtInd")
        return [
            int(Decimal(amount)) * (1 if side == "CRDT" else -1)
            for amount, side in zip(amounts, sides, strict=True)
        ]

    opening, closing = signed("Stmt/Bal")
    entries = signed("Stmt/Ntry")
    assert opening + sum(entries) == closing
    (count,) = texts(content, "Stmt/TxsSummry/TtlNtries/NbOfNtries")
    assert int(count) == len(entries)
    (number,) = texts(content, "Stmt/Id")
    participant = int(number.rpartition("-")[2])
    (position,) = [p for p in closed.positions if p.participant == participant]
    assert (opening, closing) == (position.opening, position.carried)


def test_amounts_beyond_18_digits_are_in_the_csv_alone(tmp_path: Path, database: str) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            wide = {projected.traffic.banks + 1, projected.traffic.banks + 2}
            seen = 0
            for closed in closed_windows(projected):
                if not any(p.settled for p in closed.positions if p.participant in wide):
                    continue
                written = await write(projected, closed, tmp_path / "files")
                names = [file.name for file in written if "bank-6" in file.name]
                assert [name[4:] for name in names] == ["statement-bank-6.csv"]
                assert not any("EUR.xml" in file.name for file in written)
                seen += 1
            assert seen

    asyncio.run(scene())


def test_amounts_and_moments_are_exact() -> None:
    assert amount_text(1_234_567, Currency("EUR", 2)) == "12345.67"
    assert amount_text(5, Currency("EUR", 2)) == "0.05"
    assert amount_text(10**18 - 1, Currency("IRR", 0)) == "9" * 18
    with pytest.raises(AmountTooLong, match="has more than the 18 digits"):
        amount_text(10**18, Currency("IRR", 0))
    moment = 1_700_000_000_123_999_999
    assert moment_text(moment, TEHRAN) == "2023-11-15T01:43:20.123+03:30"
    assert date_text(moment, TEHRAN) == "2023-11-15"
    assert date_text(moment, replace(TERMS, zone=ZoneInfo("UTC")).zone) == "2023-11-14"


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        (b"<MsgId>SETTLE-1-IRR</MsgId>", b"", "msg_id"),
        (b"SETTLE-1-IRR", b"S" * 36, "36 characters"),
        (b"<SttlmMtd>CLRG</SttlmMtd>", b"<SttlmMtd>XXXX</SttlmMtd>", "XXXX"),
        (b"<CdtTrfTxInf>", b"<Other/><CdtTrfTxInf>", "Other"),
        (b'Ccy="IRR"', b'Ccy="rial"', "isn't"),
    ],
)
def test_the_schema_check_itself_tells_what_is_wrong(
    tmp_path: Path, database: str, old: bytes, new: bytes, wrong: str
) -> None:
    async def scene() -> None:
        async with after_a_day(tmp_path, database) as projected:
            written = await write(projected, closed_windows(projected)[0], tmp_path / "files")
            (name,) = [file.name for file in written if file.kind == "pacs.009"]
            content = (tmp_path / "files" / "window-000001" / name).read_bytes()
            assert old in content
            assert wrong in " ".join(violations(content.replace(old, new)))

    asyncio.run(scene())
