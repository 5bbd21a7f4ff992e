"""A day's statements as files: one for each participant, as CSV, and their totals to be shown."""

import asyncio
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from payvand.client import Operator
from payvand.switch.directory_file import ParticipantEntry
from payvand.switch.statement_csv import CSV_COLUMNS, csv_row

__all__ = ["Summary", "write_statements"]


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
) -> list[Summary]:
    """Write the statement of each participant for a window into *folder* and sum it up."""
    await asyncio.to_thread(folder.mkdir, exist_ok=True)
    return [await _write(operator, entry.name, window, folder) for entry in directory]


async def _write(operator: Operator, name: str, window: int, folder: Path) -> Summary:
    path = folder / f"{name}.csv"
    summary: Summary | None = None
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        async for page in operator.statement(name, window=window):
            for entry in page.entries:
                writer.writerow(csv_row(entry))
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
