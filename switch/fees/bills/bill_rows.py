"""Bills as rows of the database, and back."""

import json
from collections.abc import Iterable, Sequence
from datetime import date
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

import asyncpg

from payvand.settlement.database import Executor
from payvand.switch.fees.bills.bill import Bill, BillLine, Instalment

__all__ = ["COLUMNS", "bill_of", "insert_bills", "row_of"]

COLUMNS: Final = (
    "key",
    "service",
    "reference",
    "payer",
    "subject_kind",
    "subject",
    "amount",
    "lines",
    "due",
    "objection_until",
    "allows_partial",
    "instalments",
    "bill_id",
    "payment_id",
    "treasury_id",
    "schedule_version",
    "facts",
    "issued_at",
    "content",
)

Row = tuple[Any, ...]


def row_of(bill: Bill) -> Row:
    """Return a bill's row, in the order of `COLUMNS`."""
    lines = json.dumps(
        [(line.fee, line.kind, str(line.amount), line.share_tree) for line in bill.lines],
        separators=(",", ":"),
    )
    instalments = (
        json.dumps([(str(part.amount), part.due.isoformat()) for part in bill.instalments])
        if bill.instalments
        else None
    )
    return (
        UUID(int=bill.key),
        bill.service,
        bill.reference,
        bill.payer,
        bill.subject_kind,
        bill.subject,
        bill.amount,
        lines,
        bill.due,
        bill.objection_until,
        bill.allows_partial,
        instalments,
        bill.bill_id or None,
        bill.payment_id or None,
        bill.treasury_id or None,
        bill.schedule_version,
        bill.facts or None,
        bill.issued_at,
        _digest(bill, lines, instalments),
    )


def bill_of(row: asyncpg.Record) -> Bill:
    """Return the bill of a row."""
    return Bill(
        key=row["key"].int,
        service=row["service"],
        reference=row["reference"],
        payer=row["payer"],
        subject_kind=row["subject_kind"],
        subject=row["subject"],
        lines=tuple(
            BillLine(fee, kind, int(amount), tree)
            for fee, kind, amount, tree in json.loads(row["lines"])
        ),
        due=row["due"],
        objection_until=row["objection_until"],
        allows_partial=row["allows_partial"],
        instalments=tuple(
            Instalment(int(amount), date.fromisoformat(due))
            for amount, due in json.loads(row["instalments"] or "[]")
        ),
        bill_id=row["bill_id"] or 0,
        payment_id=row["payment_id"] or 0,
        treasury_id=row["treasury_id"] or "",
        schedule_version=row["schedule_version"],
        facts=row["facts"] or "",
        issued_at=row["issued_at"],
    )


async def insert_bills(connection: Executor, rows: Sequence[Row]) -> dict[int, str]:
    """Put rows into the table, in one transaction, and return those that can't be.

    A row that is there already with the same content is left alone.

    Returns:
        By the place of the row the rule that it breaks: `bill.reference_reused` or
        `bill.treasury_id_taken`.
    """
    async with connection.transaction():
        await connection.execute(
            "CREATE TEMPORARY TABLE new_bill (LIKE fees.bill, place integer) ON COMMIT DROP"
        )
        await connection.copy_records_to_table(
            "new_bill",
            records=((*row, place) for place, row in enumerate(rows)),
            columns=[*COLUMNS, "place"],
        )
        names = ", ".join(COLUMNS)
        inserted = await connection.execute(
            f"INSERT INTO fees.bill ({names}) SELECT {names} FROM new_bill ORDER BY place "  # noqa: S608 - our own names
            "ON CONFLICT DO NOTHING"
        )
        if int(inserted.rpartition(" ")[2]) == len(rows):
            return {}
        left = await connection.fetch(
            """
            SELECT place, bill.key IS NOT NULL AS reused FROM new_bill
            LEFT JOIN fees.bill ON bill.key = new_bill.key
            WHERE bill.content IS DISTINCT FROM new_bill.content
            """
        )
    return {
        row["place"]: "bill.reference_reused" if row["reused"] else "bill.treasury_id_taken"
        for row in left
    }


def _digest(bill: Bill, lines: str, instalments: str | None) -> int:
    """Return 63 bits of all that a bill says, but for when it was issued and what follows."""
    told: Iterable[object] = (
        *(bill.service, bill.payer, bill.subject_kind, bill.subject, lines, bill.due),
        *(instalments, bill.bill_id, bill.payment_id, bill.treasury_id, bill.facts),
    )
    text = "\0".join(map(str, told)).encode()
    return int.from_bytes(blake2b(text, digest_size=8, person=b"payvand.newbill").digest()) >> 1
