"""The reports of a switch: those it knows, running them, and writing them at their hours.

    DATA/reports/2026-11-24/positions.csv, .json, .html

A report that is due is written once for each business day, also where the switch was down at its
hour, as long as the day lasts. Files appear whole or not at all.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import structlog

from payvand.settlement.database import Pool, record_audit
from payvand.settlement.errors import SettlementFault
from payvand.settlement.reporting.rendering import as_csv, as_html, render_json
from payvand.settlement.reporting.report import Parameter, Report, ReportMalformed, pack
from payvand.settlement.reporting.running import Asked, Findings, ReportRunner
from payvand.switch.names.catalogue import Language
from payvand.switch.report_texts import ReportTexts
from payvand.switch.rules.solar_hijri import (
    TEHRAN,
    DateError,
    local,
    moment_at,
    nanoseconds_of,
    parse_day,
    parse_time,
)

__all__ = ["DEFINITION_BYTES_MAX", "REPORTS_MAX", "ReportRefused", "Reports", "StoredReport"]

DEFINITION_BYTES_MAX: Final = 65_536
REPORTS_MAX: Final = 200
"""Saved ones."""
LOOK_S: Final = 20.0
"""Between two looks at which report is due."""

log = structlog.get_logger("payvand.switch")


class ReportRefused(Exception):
    """A report can't be had or saved as asked: *field*, *rule*, and what to do."""

    def __init__(self, field: str, rule: str, text: str) -> None:
        super().__init__(text)
        self.field = field
        self.rule = rule


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report as the switch has it."""

    report: Report
    saved_by: str
    """Empty where it comes with Payvand."""
    written_at: str
    """`18:30`, by local time; empty for never."""


class Reports:
    """Know, save, run and write reports. One for each process."""

    def __init__(
        self,
        pool: Pool,
        runner: ReportRunner,
        folder: Path,
        *,
        clock: Callable[[], int],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Keep reports in the database of *pool*, and write them below *folder*.

        *clock* tells nanoseconds since 1970; *catch_up* waits until the database is as far as the
        ledger.
        """
        self._pool = pool
        self._runner = runner
        self._folder = folder
        self._clock = clock
        self._catch_up = catch_up

    async def all(self) -> list[StoredReport]:
        """Return every report, by name."""
        saved = await self._pool.fetch("SELECT name, definition, operator FROM reference.report")
        hours = {
            row["report"]: row["written_at"]
            for row in await self._pool.fetch(
                "SELECT report, written_at FROM reference.report_schedule"
            )
        }
        found = [StoredReport(report, "", hours.get(name, "")) for name, report in pack().items()]
        found += [
            StoredReport(
                Report.of(row["name"], row["definition"]),
                row["operator"],
                hours.get(row["name"], ""),
            )
            for row in saved
        ]
        return sorted(found, key=lambda stored: stored.report.name)

    async def get(self, name: str) -> StoredReport:
        """Return a report; raises `ReportRefused` where there is none of the name."""
        for stored in await self.all():
            if stored.report.name == name:
                return stored
        raise ReportRefused(
            "name", "report.unknown", f"there is no report {name[:40]!r}: list them for their names"
        )

    async def run(
        self, name: str, *, day: str = "", window: int = 0, participant: str = ""
    ) -> tuple[StoredReport, Findings]:
        """Run a report, with today and the last closed window where nothing else is asked.

        Raises:
            ReportRefused: it can't be asked like that.
            ReportMalformed: its query fails.
            SettlementFault: the database can't run it.
        """
        stored = await self.get(name)
        await self._catch_up()
        asked = await self._asked(stored.report, day, window, participant)
        return stored, await self._runner.run(stored.report, asked)

    async def save(self, name: str, definition: str, *, operator: str) -> StoredReport:
        """Save a report under its name; raises as `run` does."""
        if len(definition.encode()) > DEFINITION_BYTES_MAX:
            raise ReportRefused(
                "definition", "report.size", f"at most {DEFINITION_BYTES_MAX:,} bytes"
            )
        report = Report.of(name, definition)
        if name in pack():
            raise ReportRefused("name", "report.name", f"{name} comes with Payvand: choose another")
        await self._runner.check(report)
        async with self._pool.acquire() as connection, connection.transaction():
            before = await connection.fetchval(
                "SELECT definition FROM reference.report WHERE name = $1", name
            )
            if before != definition:
                count = await connection.fetchval("SELECT count(*) FROM reference.report")
                if before is None and count >= REPORTS_MAX:
                    raise ReportRefused(
                        "name", "report.count", f"{REPORTS_MAX} are saved: remove one first"
                    )
                await record_audit(connection, operator=operator, act="report.save", subject=name)
                await connection.execute(
                    "INSERT INTO reference.report (name, definition, operator) VALUES ($1, $2, $3) "
                    "ON CONFLICT (name) DO UPDATE SET definition = $2, operator = $3, "
                    "saved_at = now()",
                    *(name, definition, operator),
                )
        return await self.get(name)

    async def remove(self, name: str, *, operator: str) -> None:
        """Remove a saved report; nothing where there is none."""
        if name in pack():
            raise ReportRefused("name", "report.name", f"{name} comes with Payvand: it stays")
        async with self._pool.acquire() as connection, connection.transaction():
            gone = await connection.fetchval(
                "DELETE FROM reference.report WHERE name = $1 RETURNING true", name
            )
            if gone:
                await connection.execute(
                    "DELETE FROM reference.report_schedule WHERE report = $1", name
                )
                await record_audit(connection, operator=operator, act="report.remove", subject=name)

    async def schedule(self, name: str, written_at: str, *, operator: str) -> StoredReport:
        """Have a report written each day at an hour, `18:30` by local time, or no longer."""
        stored = await self.get(name)
        if Parameter.PARTICIPANT in stored.report.parameters:
            raise ReportRefused(
                "name",
                "report.participant",
                f"{name} asks which participant: there is nobody to ask",
            )
        if written_at:
            try:
                parse_time(written_at)
            except DateError as error:
                raise ReportRefused("written_at", error.rule, error.hint) from None
        if written_at != stored.written_at:
            async with self._pool.acquire() as connection, connection.transaction():
                await record_audit(
                    connection, operator=operator, act="report.schedule", subject=name
                )
                await connection.execute(
                    "DELETE FROM reference.report_schedule WHERE report = $1", name
                )
                if written_at:
                    await connection.execute(
                        "INSERT INTO reference.report_schedule VALUES ($1, $2)", name, written_at
                    )
        return replace(stored, written_at=written_at)

    async def watch(self) -> None:
        """Write reports at their hours, until cancelled."""
        while True:
            try:
                await self.write_due()
            except (SettlementFault, OSError) as fault:
                log.warning("reports wait", fault=str(fault), kind=type(fault).__name__)
            await asyncio.sleep(LOOK_S)

    async def write_due(self) -> list[Path]:
        """Write the reports of today whose hour has come and that aren't written; return files."""
        now = local(moment_at(self._clock()))
        written: list[Path] = []
        for stored in await self.all():
            if not stored.written_at or now.time() < parse_time(stored.written_at):
                continue
            page = self._folder / now.date().isoformat() / f"{stored.report.name}.html"
            if page.exists():
                continue
            try:
                _, findings = await self.run(stored.report.name)
            except (ReportRefused, ReportMalformed) as fault:
                log.warning("a report isn't written", report=stored.report.name, fault=str(fault))
                continue
            written += await asyncio.to_thread(write_files, findings, page.parent)
            log.info("a report is written", report=stored.report.name, file=str(page))
        return written

    async def _asked(self, report: Report, day: str, window: int, participant: str) -> Asked:
        asked = Asked()
        if Parameter.DAY in report.parameters:
            try:
                on = parse_day(day) if day else local(moment_at(self._clock())).date()
            except DateError as error:
                raise ReportRefused("day", error.rule, error.hint) from None
            asked = replace(
                asked, day=on, day_begins=_midnight(on), day_ends=_midnight(on + timedelta(1))
            )
        if Parameter.WINDOW in report.parameters:
            last = await self._pool.fetchval("SELECT max(number) FROM books.settlement_window")
            asked = replace(asked, window=window or last or 0)
        if Parameter.PARTICIPANT in report.parameters:
            known = await self._pool.fetchval(
                "SELECT true FROM reference.participants WHERE name = $1", participant
            )
            if not known:
                raise ReportRefused(
                    "participant", "participant.unknown", "name a participant by its short name"
                )
            asked = replace(asked, participant=participant)
        return asked


def write_files(findings: Findings, folder: Path) -> list[Path]:
    """Write what a report found as CSV, JSON and pages into *folder*; the English page last."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = {".csv": as_csv(findings), ".json": render_json(findings)}
    for language, ending in ((Language.FA, ".fa.html"), (Language.EN, ".html")):
        words = ReportTexts(language)
        texts[ending] = as_html(
            findings,
            language=language,
            cell_text=words.cell,
            about=words.about(findings),
            total=words.total,
        )
    files = []
    for ending, text in texts.items():
        path = folder / f"{findings.report.name}{ending}"
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(path)
        files.append(path)
    return files


def _midnight(day: date) -> int:
    return nanoseconds_of(datetime.combine(day, time(), TEHRAN))
