"""Taking a bank's file in: read, matched with the books, and kept with what disagrees.

All of it is one transaction. The same file again changes nothing. Another one for the same
participant and window is a revision: it supersedes the one before, and its difference is told.
Breaks that it resolves are closed by the switch, with the reason; those that it shares with the one
before stay the ones they are, with owner and notes. What an earlier window's file lacked is looked
for as well: a payment that arrives late closes its break.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from payvand.settlement.copying import HEADER, TRAILER
from payvand.settlement.database import Executor
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import SETTLEMENT_CODE, position_account
from payvand.settlement.reconciliation.bank_file import BankFile
from payvand.settlement.reconciliation.findings import Finding, findings
from payvand.settlement.reconciliation.kept_rows import CHUNK_ROWS, encode_kept
from payvand.settlement.reconciliation.matching import (
    RULES_VERSION,
    Kind,
    Matching,
    Postings,
    Rule,
    match,
)
from payvand.settlement.reconciliation.profile import Profile
from payvand.settlement.reconciliation.reading import read_bank_file

__all__ = ["SWITCH", "Reconciled", "read_postings", "reconcile_file"]

SWITCH = "payvand"
"""Who closes breaks that are no longer there."""

LOCK = 0x7265_636F


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What a file came to."""

    file: int
    """Its number among all files."""
    revision: int
    """Counted from 1 for each participant and window."""
    unchanged: bool
    """The file was taken in before: nothing was done."""
    rows: int
    set_aside: int
    added: int
    """Rows that the revision before didn't have; all of them in the first one."""
    removed: int
    """Rows of the revision before that this one doesn't have."""
    matched: dict[str, int]
    """How many rows each rule matched, by its name in lower case."""
    breaks: dict[str, int]
    """Open breaks of this participant and window, by the name of their kind in lower case."""


async def reconcile_file(
    connection: Executor,
    path: Path,
    profile: Profile,
    *,
    participant: int,
    window: int,
    operator: str,
    zone: str = "UTC",
) -> Reconciled:
    """Take in a participant's file for a closed settlement window.

    Args:
        connection: Not within a transaction.
        path: The file.
        profile: How the bank writes.
        participant: Whose postings it should have.
        window: The number of the window.
        operator: Who takes it in.
        zone: The name of the time zone in which the bank's days begin.

    Raises:
        FileRefused: nothing of the file can be read; nothing is kept of it.
        WindowFault: the window isn't closed, or the projection isn't there yet.
    """
    file = await asyncio.to_thread(read_bank_file, path, profile)
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCK, participant)
        if not await connection.fetchval(
            "SELECT true FROM books.settlement_window WHERE number = $1", window
        ):
            raise WindowFault(
                f"window {window} isn't closed in the database",
                hint="close it first; a moment later it is in the database as well",
            )
        known = await connection.fetchrow(
            "SELECT id, revision FROM reference.bank_file WHERE participant = $1 "
            "AND window_number = $2 AND sha256 = $3 AND profile_sha256 = $4 "
            "AND rules_version = $5",
            *(participant, window, file.sha256, profile.sha256, RULES_VERSION),
        )
        if known is not None:
            return await _told(connection, known["id"], participant, window, unchanged=True)
        carried = await _carried(connection, participant, window)
        postings = await read_postings(connection, participant, window, carried, zone)
        matching = await asyncio.to_thread(match, postings, file.rows)
        number = await _keep_file(
            connection,
            file,
            path.name,
            profile,
            matching,
            participant=participant,
            window=window,
            operator=operator,
        )
        await _keep_rows(connection, number, file, postings, matching)
        found = findings(file, postings, matching, window)
        await _keep_breaks(connection, found, carried, number, participant, window, operator)
        return await _told(connection, number, participant, window, unchanged=False)


async def _told(
    connection: Executor, number: int, participant: int, window: int, *, unchanged: bool
) -> Reconciled:
    """Return what is kept of a file."""
    row = await connection.fetchrow("SELECT * FROM reference.bank_file WHERE id = $1", number)
    assert row is not None
    matched = await connection.fetch(
        "SELECT rule, count FROM reference.match_count WHERE file = $1 ORDER BY rule", number
    )
    breaks = await connection.fetch(
        "SELECT kind, count(*) FROM reference.reconciliation_break "
        "WHERE participant = $1 AND window_number = $2 AND state = 'open' GROUP BY 1 ORDER BY 1",
        *(participant, window),
    )
    return Reconciled(
        number,
        row["revision"],
        unchanged,
        row["rows_taken"],
        row["rows_aside"],
        row["rows_added"],
        row["rows_removed"],
        {Rule(each["rule"]).name.lower(): each["count"] for each in matched},
        {Kind(each["kind"]).name.lower(): each["count"] for each in breaks},
    )


# --- the books' side -------------------------------------------------------------------------


async def _carried(connection: Executor, participant: int, window: int) -> list[Any]:
    """Return the payments that files of earlier windows lacked."""
    rows = await connection.fetch(
        "SELECT payments[1] AS payment FROM reference.reconciliation_break "
        "WHERE participant = $1 AND window_number < $2 AND kind = $3 AND state = 'open'",
        *(participant, window, int(Kind.MISSING_AT_BANK)),
    )
    return [row["payment"] for row in rows]


_POSTINGS = """
SELECT uuid_send(coalesce(pending_id, id)) AS id,
    CASE WHEN debit_account_id = $1 THEN -amount ELSE amount END::bigint AS amount,
    ((to_timestamp(timestamp / 1000000000) AT TIME ZONE $2)::date - DATE '1970-01-01') AS day,
    code >= $3 AS optional
FROM books.transfer
WHERE (debit_account_id = $1 OR credit_account_id = $1) AND flags & 10 = 0
    AND (window_number = $4 OR coalesce(pending_id, id) = ANY($5) AND window_number < $4)
ORDER BY timestamp
"""


async def read_postings(
    connection: Executor, participant: int, window: int, carried: list[Any], zone: str
) -> Postings:
    """Read the postings of a window, and those that are carried into it."""
    postings = Postings([], [], [])
    account = position_account(participant)
    cursor = connection.cursor(
        _POSTINGS, account, zone, SETTLEMENT_CODE, window, carried, prefetch=CHUNK_ROWS
    )
    async for row in cursor:
        if row["optional"]:
            postings.optional.add(len(postings.ids))
        postings.ids.append(int.from_bytes(row["id"]))
        postings.amounts.append(row["amount"])
        postings.days.append(row["day"])
    return postings


# --- what is kept ----------------------------------------------------------------------------


async def _keep_file(
    connection: Executor,
    file: BankFile,
    name: str,
    profile: Profile,
    matching: Matching,
    *,
    participant: int,
    window: int,
    operator: str,
) -> int:
    """Keep the file's own row, and forget the rows of the one that it supersedes."""
    before = await connection.fetchrow(
        "SELECT id, revision FROM reference.bank_file "
        "WHERE participant = $1 AND window_number = $2 ORDER BY revision DESC LIMIT 1",
        *(participant, window),
    )
    added, removed = len(file.rows), 0
    if before is not None:
        added, removed = await _difference(connection, before["id"], file)
        await connection.execute("DELETE FROM reference.bank_row WHERE file = $1", before["id"])
    number: int = await connection.fetchval(
        """
        INSERT INTO reference.bank_file (participant, window_number, revision, name, sha256,
            profile, profile_sha256, encoding, rows_taken, rows_aside, rows_added, rows_removed,
            rules_version, operator)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) RETURNING id
        """,
        *(participant, window, before["revision"] + 1 if before else 1, name, file.sha256),
        *(profile.name, profile.sha256, file.encoding, len(file.rows), len(file.set_aside)),
        *(added, removed, RULES_VERSION, operator),
    )
    await connection.copy_records_to_table(
        "match_count",
        schema_name="reference",
        records=[(number, int(rule), count) for rule, count in matching.counts.items() if count],
    )
    await connection.copy_records_to_table(
        "bank_row_aside",
        schema_name="reference",
        records=[
            (number, aside.number, aside.rule, aside.text.replace("\0", "\ufffd"))
            for aside in file.set_aside
        ],
    )
    return number


async def _difference(connection: Executor, before: int, file: BankFile) -> tuple[int, int]:
    """Return how many rows a file has that the one before hadn't, and the other way round."""
    columns = zip(file.rows.references, file.rows.amounts, file.rows.days, strict=True)
    now = Counter(columns)
    async for row in connection.cursor(
        "SELECT coalesce(reference, encode(uuid_send(payment), 'hex')) AS reference, amount, day "
        "FROM reference.bank_row WHERE file = $1",
        before,
        prefetch=CHUNK_ROWS,
    ):
        now[(row["reference"], row["amount"], row["day"])] -= 1
    return (
        sum(count for count in now.values() if count > 0),
        -sum(count for count in now.values() if count < 0),
    )


async def _keep_rows(
    connection: Executor, number: int, file: BankFile, postings: Postings, matching: Matching
) -> None:
    """Keep every row with the payment that it is about; a chunk is made while another is copied."""
    chunks = encode_kept(number, file, postings, matching)
    await connection.copy_to_table(
        "bank_row", schema_name="reference", source=_stream(chunks), format="binary"
    )


async def _stream(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    yield HEADER
    coming = asyncio.create_task(asyncio.to_thread(next, chunks, b""))
    while chunk := await coming:
        coming = asyncio.create_task(asyncio.to_thread(next, chunks, b""))
        yield chunk
    yield TRAILER


async def _keep_breaks(
    connection: Executor,
    found: list[Finding],
    carried: list[Any],
    number: int,
    participant: int,
    window: int,
    operator: str,
) -> None:
    """Open what is new, go on with what was there, close what is there no longer."""
    await connection.execute(
        """
        CREATE TEMPORARY TABLE finding (kind smallint, key text, payments uuid[], rows integer[],
            expected bigint, found bigint, detail text, suggestions jsonb) ON COMMIT DROP
        """
    )
    await connection.copy_records_to_table(
        "finding",
        columns=[field.name for field in fields(Finding)],
        records=[astuple(each) for each in found],
    )
    await connection.execute("CREATE INDEX ON finding (kind, key)")
    await connection.execute(_REFRESH, participant)
    await connection.execute(_OPEN, participant, window, operator, f"found in file {number}")
    await connection.execute(_REOPEN, participant, SWITCH, f"found again in file {number}")
    keys = [payment.hex for payment in carried]
    await connection.execute(
        _CLOSE,
        *(participant, window, int(Kind.MISSING_AT_BANK), keys, SWITCH),
        f"file {number} no longer has it",
    )
    await connection.execute("DROP TABLE finding")


_REFRESH = """
UPDATE reference.reconciliation_break AS kept
SET payments = finding.payments, rows = finding.rows, expected = finding.expected,
    found = finding.found, detail = finding.detail, suggestions = finding.suggestions
FROM finding
WHERE kept.participant = $1 AND kept.kind = finding.kind AND kept.key = finding.key
"""

_OPEN = """
WITH opened AS (
    INSERT INTO reference.reconciliation_break (participant, window_number, kind, key, payments,
        rows, expected, found, detail, suggestions)
    SELECT $1, $2, kind, key, payments, rows, expected, found, detail, suggestions FROM finding
    ON CONFLICT (participant, kind, key) DO NOTHING RETURNING id
)
INSERT INTO reference.break_event (break_id, operator, act, note)
SELECT id, $3, 'open', $4 FROM opened
"""

# What a person closed stays closed: it was looked at.
_REOPEN = """
WITH reopened AS (
    UPDATE reference.reconciliation_break AS kept SET state = 'open', closed_at = NULL
    FROM finding
    WHERE kept.participant = $1 AND kept.kind = finding.kind AND kept.key = finding.key
        AND kept.state = 'closed' AND (
            SELECT operator FROM reference.break_event
            WHERE break_id = kept.id ORDER BY id DESC LIMIT 1
        ) = $2
    RETURNING kept.id
)
INSERT INTO reference.break_event (break_id, operator, act, note)
SELECT id, $2, 'reopen', $3 FROM reopened
"""

_CLOSE = """
WITH closed AS (
    UPDATE reference.reconciliation_break AS kept SET state = 'closed', closed_at = now()
    WHERE participant = $1 AND state = 'open'
        AND (window_number = $2 OR kind = $3 AND key = ANY($4))
        AND NOT EXISTS (
            SELECT FROM finding WHERE finding.kind = kept.kind AND finding.key = kept.key
        )
    RETURNING id
)
INSERT INTO reference.break_event (break_id, operator, act, note)
SELECT id, $5, 'close', $6 FROM closed
"""
