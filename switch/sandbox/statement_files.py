"""A day's statements as files: one for each participant, as CSV, and their totals to be shown."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from payvand.client import Operator
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.sandbox.reckoning import Entry
from payvand.switch.statement_csv import CSV_COLUMNS, csv_row

__all__ = ["Summary", "write_statements"]

PAYMENT_KINDS: Final = frozenset({"credit_transfer", "fee"})
"""The kinds of entries that are payments, and not the settlement of the window."""


@dataclass(frozen=True, slots=True)
class Summary:
    """The totals of a statement, in minor units."""

    participant: str
    opening: int
    debits: int
    credits: int
    closing: int
    entries: int
    path: Path


async def write_statements(
    operator: Operator, directory: Sequence[ParticipantEntry], window: int, folder: Path
) -> tuple[list[Summary], dict[str, set[Entry]]]:
    """Write the statement of each participant for a window into *folder*.

    Returns the sums, and the payments of each statement by the participant's name.
    """
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    payments: dict[str, set[Entry]] = {entry.name: set() for entry in directory}
    summaries = [await _write(operator, name, window, folder, payments[name]) for name in payments]
    return summaries, payments


async def _write(
    operator: Operator, name: str, window: int, folder: Path, payments: set[Entry]
) -> Summary:
    path = folder / f"{name}.csv"
    summary: Summary | None = None
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        async for page in operator.statement(name, window=window):
            for entry in page.entries:
                writer.writerow(csv_row(entry))
                if entry.kind in PAYMENT_KINDS:
                    payments.add((entry.id, int(entry.amount), entry.debit))
            summary = Summary(
                name,
                int(page.opening),
                int(page.debits),
                int(page.credits),
                int(page.closing),
                page.entries_total,
                path,
            )
    assert summary is not None, "a statement has a page"
    return summary
