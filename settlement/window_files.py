"""The files of a closed window, written once, numbered, hashed and listed.

    window-000012/
        001-positions.csv              every participant's position
        002-instructions.csv           what the settlement bank is asked for
        003-instructions-IRR.xml       the same as pacs.009, for each currency
        004-statement-bank-a.xml       camt.053 of each participant's position
        005-statement-bank-a.csv
        006-notice-bank-a.xml          camt.054 of its settlement account, where that was moved
        …
        manifest.json                  the files with their numbers, sizes and SHA-256

They are a function of the window and the terms: made again, they are the same byte for byte. A
folder appears whole or not at all. Where it is there already, the files are made again beside it
and held against it; a difference is a fault and changes nothing.
"""

import asyncio
import csv
import hashlib
import io
import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from payvand.settlement.account_messages import render_camt054, write_camt053
from payvand.settlement.database import Executor
from payvand.settlement.errors import SettlementFault
from payvand.settlement.instructions import (
    Instruction,
    instructions,
    render_instructions_csv,
    render_pacs009,
    render_positions_csv,
)
from payvand.settlement.iso20022 import AmountTooLong, Party, Terms, moment_text
from payvand.settlement.netting import (
    RECORDS_MAX,
    participant_of,
    position_account,
    settlement_account,
)
from payvand.settlement.statements import (
    Reference,
    Statement,
    read_entries,
    read_page,
)
from payvand.settlement.windows import ClosedWindow

__all__ = ["FilesDiffer", "WrittenFile", "write_window_files"]

MANIFEST = "manifest.json"


class FilesDiffer(SettlementFault):
    """Files of a window that were written before aren't those that it comes to now."""


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of a window."""

    number: int
    """Counted from 1 in each window."""
    name: str
    kind: str
    """`positions`, `instructions`, `pacs.009`, `camt.053`, `camt.054` or `statement`."""
    bytes: int
    sha256: str


async def write_window_files(
    connection: Executor,
    closed: ClosedWindow,
    folder: Path,
    terms: Terms,
    *,
    reference: Reference = lambda _: "",
) -> list[WrittenFile]:
    """Write all files of a closed window under *folder*; return them in order.

    Args:
        connection: To the database, whose projection has the closing; not within a transaction.
        closed: The window.
        folder: Where the windows' folders are.
        terms: Names and currencies; every participant of the window is among its parties.
        reference: Finds in a statement's entry the payer's reference.

    Raises `FilesDiffer` where the folder of the window is there with other files.
    """
    target = folder / f"window-{closed.number:06d}"
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    draft = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix=".draft-", dir=folder))
    try:
        writer = _Writer(connection, closed, draft, terms, reference)
        written = await writer.write_all()
        manifest = _manifest(closed, written)
        await asyncio.to_thread(_put, draft / MANIFEST, manifest)
        await asyncio.to_thread(_publish, draft, target)
    finally:
        await asyncio.to_thread(shutil.rmtree, draft, True)
    return written


def _manifest(closed: ClosedWindow, written: list[WrittenFile]) -> bytes:
    listed = {
        "window": closed.number,
        "closing_frame": closed.sequence,
        "note_sha256": hashlib.sha256(closed.note).hexdigest(),
        "files": [asdict(file) for file in written],
    }
    return json.dumps(listed, indent=2).encode() + b"\n"


def _publish(draft: Path, target: Path) -> None:
    """Give the folder its name, or hold it against the one that has it."""
    if not target.exists():
        draft.chmod(0o755)
        _flush(draft)
        draft.rename(target)
        _flush(target.parent)
        return
    made = {path.name: path.read_bytes() for path in draft.iterdir()}
    there = {path.name: path.read_bytes() for path in target.iterdir()}
    wrong = sorted(name for name in made.keys() | there.keys() if made.get(name) != there.get(name))
    if wrong:
        raise FilesDiffer(
            f"{target} doesn't hold the files of its window: {', '.join(wrong[:5])} differ",
            hint="the files or the terms were changed: move the folder away, then write it again",
        )


def _put(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _Writer:
    """Makes the files of one window in a folder of its own."""

    def __init__(
        self,
        connection: Executor,
        closed: ClosedWindow,
        folder: Path,
        terms: Terms,
        reference: Reference,
    ) -> None:
        self._connection = connection
        self._closed = closed
        self._folder = folder
        self._terms = terms
        self._reference = reference
        self._written: list[WrittenFile] = []

    async def write_all(self) -> list[WrittenFile]:
        closed, terms = self._closed, self._terms
        wanted = instructions(closed, await self._transfer_ids())
        await self._add("positions.csv", "positions", render_positions_csv(closed, terms))
        table = render_instructions_csv(closed, wanted, terms)
        await self._add("instructions.csv", "instructions", table)
        for ledger in sorted({instruction.ledger for instruction in wanted}):
            try:
                content = render_pacs009(closed, ledger, wanted, terms)
            except AmountTooLong:
                continue  # the CSV has it
            code = terms.currencies[ledger].code
            await self._add(f"instructions-{code}.xml", "pacs.009", content)
        opened = await self._opened()
        for position in closed.positions:
            party = terms.parties[position.participant]
            await self._add_statement(party, opened)
            for instruction in wanted:
                if instruction.participant == party.number:
                    await self._add_notice(party, instruction)
        return self._written

    async def _transfer_ids(self) -> dict[int, int]:
        """Return the ids of the transfers of the window's chain, by participant."""
        closed = self._closed
        numbers = [position.participant for position in closed.positions]
        rows = await self._connection.fetch(
            "SELECT id, debit_account_id FROM books.transfer WHERE debit_account_id = ANY($1) "
            "AND window_number = $2 AND timestamp > $3 AND sequence = $4 AND flags & 10 = 0",
            [account(n) for n in numbers for account in (position_account, settlement_account)],
            *(closed.number, closed.timestamp - RECORDS_MAX, closed.sequence),
        )
        return {participant_of(row["debit_account_id"]): row["id"].int for row in rows}

    async def _opened(self) -> int:
        """Return when the window opened: when the one before closed, or the books began."""
        moment = await self._connection.fetchval(
            """
            SELECT timestamp FROM books.frame WHERE sequence = (
                SELECT greatest(opened_sequence - 1, 1) FROM books.settlement_window
                WHERE number = $1
            )
            """,
            self._closed.number,
        )
        assert moment is not None, "the projection has the closing"
        return int(moment)

    async def _add(self, name: str, kind: str, content: bytes) -> None:
        path = self._folder / f"{len(self._written) + 1:03d}-{name}"
        await asyncio.to_thread(_put, path, content)
        self._list(path, kind)

    def _list(self, path: Path, kind: str) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._written.append(
            WrittenFile(len(self._written) + 1, path.name, kind, path.stat().st_size, digest)
        )

    async def _add_notice(self, party: Party, instruction: Instruction) -> None:
        try:
            content = render_camt054(self._closed, instruction, self._terms)
        except AmountTooLong:
            return  # the CSV has it
        await self._add(f"notice-{party.name}.xml", "camt.054", content)

    async def _add_statement(self, party: Party, opened: int) -> None:
        account = position_account(party.number)
        page = await read_page(self._connection, account, self._closed.number, limit=1)
        statement = page.statement
        path = self._folder / f"{len(self._written) + 1:03d}-statement-{party.name}.xml"
        try:
            with path.open("xb") as file:
                count = await write_camt053(
                    file,
                    self._closed,
                    statement,
                    read_entries(self._connection, statement.account, statement.window),
                    opened=opened,
                    reference=self._reference,
                    terms=self._terms,
                )
                file.flush()
                os.fsync(file.fileno())
            assert count == statement.entries_total, "a closed window doesn't change"
            self._list(path, "camt.053")
        except AmountTooLong:
            path.unlink()  # the CSV has it
        path = self._folder / f"{len(self._written) + 1:03d}-statement-{party.name}.csv"
        with path.open("x", encoding="utf-8", newline="") as text:
            await self._write_csv(text, statement)
            text.flush()
            os.fsync(text.fileno())
        self._list(path, "statement")

    async def _write_csv(self, file: io.TextIOBase, statement: Statement) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(
            ("line", "posted_at", "id", "counterparty", "code", "amount_minor", "reference")
        )
        writer.writerow(("opening", "", "", "", "", statement.opening, ""))
        async for entry in read_entries(self._connection, statement.account, statement.window):
            other = self._terms.parties.get(participant_of(entry.counterparty), self._terms.agent)
            writer.writerow(
                (
                    "entry",
                    moment_text(entry.timestamp, self._terms.zone),
                    f"{entry.id:032x}",
                    other.name,
                    entry.code,
                    -entry.amount if entry.debit else entry.amount,
                    self._reference(entry),
                )
            )
        writer.writerow(("closing", "", "", "", "", statement.closing, ""))
