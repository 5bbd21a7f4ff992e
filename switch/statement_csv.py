"""A statement's entries as CSV: the same columns wherever one is written."""

from payvand.client import payment_id_text
from payvand.v1.statement_service_pb2 import StatementEntry

__all__ = ["CSV_COLUMNS", "csv_row"]

CSV_COLUMNS = ("posted_at", "id", "kind", "counterparty", "debit", "credit", "end_to_end_id")
"""Times are nanoseconds since 1970, amounts minor units."""


def csv_row(entry: StatementEntry) -> tuple[object, ...]:
    """Return an entry in the order of `CSV_COLUMNS`."""
    sides = (entry.amount, "") if entry.debit else ("", entry.amount)
    about = (entry.posted_at, payment_id_text(entry.id), entry.kind, entry.counterparty)
    return (*about, *sides, entry.end_to_end_id)
