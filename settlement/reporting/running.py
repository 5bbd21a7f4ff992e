"""Running a report: its query, on the views alone, as of one moment, within bounds.

A query that an operator saved runs on a connection of its own, logged in as a role that may read
the views and nothing else: a role that is only switched to can be switched back by the query
itself. The connection ends with the report, and with it whatever locks or settings the query took.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg

from payvand.settlement.database import CONNECT_S_MAX, Executor, Pool
from payvand.settlement.errors import SettlementFault
from payvand.settlement.reporting.report import (
    Column,
    Report,
    ReportMalformed,
    pack,
)

__all__ = [
    "QUERY_S_MAX",
    "READER",
    "ROWS_MAX",
    "Asked",
    "Findings",
    "ReaderMissing",
    "ReportRunner",
]

ROWS_MAX: Final = 10_000
"""Of one report; what is beyond is not read, and said to be left out."""
QUERY_S_MAX: Final = 60
READER: Final = "payvand_report"
"""The database's role that reads the views; `report_views.sql` makes it."""

PREFIX: Final = "SELECT * FROM ("

Cell = int | str | None


class ReaderMissing(SettlementFault):
    """The database has no role that reads the views alone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is asked with; a report takes what it has parameters for."""

    day: date | None = None
    day_begins: int = 0
    """The first moment of the business day, in nanoseconds since 1970."""
    day_ends: int = 0
    """The first moment after it."""
    window: int = 0
    participant: str = ""

    def argument(self, placeholder: str) -> int | str:
        """Return what stands for a placeholder of a query."""
        arguments: dict[str, int | str] = {
            "from": self.day_begins,
            "until": self.day_ends,
            "window": self.window,
            "participant": self.participant,
        }
        return arguments[placeholder]


@dataclass(frozen=True, slots=True)
class Findings:
    """What a report found."""

    report: Report
    asked: Asked
    sequence: int
    """The frame of the journal that it stands at."""
    stands_at: int
    """The moment of that frame."""
    rows: tuple[tuple[Cell, ...], ...]
    truncated: bool
    """Whether there were more than `ROWS_MAX` rows."""

    def totals(self) -> tuple[Cell, ...] | None:
        """Return the last row, which adds up what the report says, or None."""
        if not self.report.totals or self.truncated:
            return None
        return tuple(
            sum(int(row[place] or 0) for row in self.rows)
            if column.name in self.report.totals
            else None
            for place, column in enumerate(self.report.columns)
        )


class ReportRunner:
    """Ask the views."""

    def __init__(self, pool: Pool, reader: str = "") -> None:
        """Ask the database of *pool*.

        *reader* is the connection string of the role that reads the views alone. Without it only
        the reports that come with Payvand run.
        """
        self._pool = pool
        self._reader = reader

    async def run(self, report: Report, asked: Asked) -> Findings:
        """Run a report.

        Raises:
            ReportMalformed: the query fails, takes too long, or gives other columns.
            ReaderMissing: it isn't one of Payvand's, and nobody may run it.
        """
        statement, placeholders = report.statement()
        arguments = [asked.argument(placeholder) for placeholder in placeholders]
        async with self._asking(report) as connection:
            moved = await connection.fetchrow("SELECT * FROM standing")
            assert moved is not None, "the projection has a cursor"
            prepared = await connection.prepare(
                f"{PREFIX}{statement}\n) AS report LIMIT {ROWS_MAX + 1}"
            )
            _check_columns(report, [attribute.name for attribute in prepared.get_attributes()])
            found = await prepared.fetch(*arguments)
        rows = tuple(
            tuple(
                _cell(value, column)
                for value, column in zip(row.values(), report.columns, strict=True)
            )
            for row in found[:ROWS_MAX]
        )
        return Findings(
            report, asked, moved["sequence"], moved["stands_at"], rows, len(found) > ROWS_MAX
        )

    async def check(self, report: Report) -> None:
        """Have the database look at a report's query without running it; raises as `run` does."""
        statement, _ = report.statement()
        async with self._asking(report) as connection:
            prepared = await connection.prepare(f"{PREFIX}{statement}\n) AS report LIMIT 0")
            _check_columns(report, [attribute.name for attribute in prepared.get_attributes()])

    @asynccontextmanager
    async def _asking(self, report: Report) -> "AsyncIterator[Executor]":
        """Open a transaction that only reads, as of one moment, and not for long."""
        try:
            async with (
                self._connection(report) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                await connection.execute("SET LOCAL search_path = report")
                await connection.execute(f"SET LOCAL statement_timeout = '{QUERY_S_MAX}s'")
                yield connection
        except (asyncpg.QueryCanceledError, TimeoutError):
            raise ReportMalformed(
                "query", "report.time", f"it takes more than {QUERY_S_MAX} s: ask for less"
            ) from None
        except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError):
            raise  # the database's fault, not the query's
        except asyncpg.PostgresError as error:
            raise ReportMalformed("query", "report.query", _told(error)) from None

    @asynccontextmanager
    async def _connection(self, report: Report) -> "AsyncIterator[Executor]":
        if not self._reader:
            if pack().get(report.name) != report:
                raise ReaderMissing(
                    "reports that operators save need a role of the database that reads the views "
                    f"alone, and {READER} isn't set up",
                    hint=f"let {READER} log in, and give its connection string as report_database",
                )
            async with self._pool.acquire() as connection:
                yield connection
            return
        try:
            own = await asyncpg.connect(
                self._reader, timeout=CONNECT_S_MAX, command_timeout=QUERY_S_MAX + CONNECT_S_MAX
            )
        except (OSError, asyncpg.PostgresError, TimeoutError) as error:
            raise ReaderMissing(
                f"the database doesn't let {READER} in: {type(error).__name__}: {error}",
                hint=f"see that it runs and that {READER} may log in and read the schema report",
            ) from error
        try:
            yield own
        finally:
            own.terminate()


def _check_columns(report: Report, names: list[str]) -> None:
    wanted = [column.name for column in report.columns]
    if names != wanted:
        raise ReportMalformed(
            "columns",
            "report.columns",
            f"the query gives {', '.join(names)}; the columns are {', '.join(wanted)}",
        )


def _cell(value: Any, column: Column) -> Cell:
    if value is None:
        return None
    if not column.kind.is_number:
        return value.hex if isinstance(value, UUID) else str(value)
    if isinstance(value, Decimal) and value == (whole := int(value)):
        return whole
    if isinstance(value, int):
        return int(value)
    raise ReportMalformed(
        column.name, "report.integer", "cells of this kind are integers: round or cast them"
    )


def _told(error: asyncpg.PostgresError) -> str:
    """Return what the database says; the place counts from the query's own begin."""
    place = getattr(error, "position", None)
    return f"{error}" + (f" (at character {int(place) - len(PREFIX)})" if place else "")
