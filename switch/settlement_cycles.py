"""Settlement windows closed by the clock, at the cycles of a rail.

A payment takes effect when it comes in; what waits is its settlement. The open window is due at the
first cycle behind the closing of the window before it, by the calendar in force then. Where another
calendar comes in force meanwhile, a new set of holidays or other cycles, the window keeps its time
if the rail has a cycle then, and moves to the rail's next one if not; it never moves forward, for
banks were told when they have to have funds. So when a window is due follows from the journal
alone: from its opening, and from the versions of the tables that came in force since.

The clock decides only when the closing begins. What belongs to the window is decided by sequence,
as ever. A cycle that passed while the switch was down, or while somebody lacked funds, is made up
for as soon as it can be.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from payvand.core.segments import read_frames
from payvand.switch.rule_changes.rules_in_force import RulesInForce
from payvand.switch.rules.calendar import Calendar, next_start_through
from payvand.switch.rules.rails import CYCLE, Rail
from payvand.switch.rules.rulebook import Rulebook
from payvand.switch.rules.solar_hijri import moment_at, moment_text, nanoseconds_of
from payvand.switch.settling import Settling, ShortOfFunds

__all__ = ["DueWindow", "SettlementCycles", "calendar_of"]

LOOK_S: Final = 1.0
"""How often the clock and the tables are looked at."""
RETRY_S: Final = 30.0
"""After a closing that couldn't be."""
OPERATOR: Final = "switch"
"""Whom the audit names."""
NS: Final = 1_000_000_000

log = structlog.get_logger("payvand.switch")


@dataclass(frozen=True, slots=True)
class DueWindow:
    """The open window and when it is due."""

    number: int
    at: datetime | None
    """None where the rail has no cycle that is known."""
    calendars: tuple[tuple[datetime, Calendar], ...]
    """Those in force since it was opened, and from when on each was."""
    since: datetime
    """When it was opened."""

    def at_with(self, calendar: Calendar, begins: datetime) -> datetime | None:
        """Return when it would be due if *calendar* came in force at *begins*."""
        last = max(begins, self.calendars[-1][0])
        return next_start_through(self.since, (*self.calendars, (last, calendar)))


class SettlementCycles:
    """Close the windows of one switch. One for each process; `run` it beside `Settling`."""

    def __init__(
        self,
        rail: str,
        settling: Settling,
        tables: RulesInForce,
        journal: Path,
        *,
        clock: Callable[[], int],
    ) -> None:
        """Close at the cycles of *rail* by *tables*; the first window opened with *journal*."""
        self.rail = rail
        self._settling = settling
        self._tables = tables
        self._journal = journal
        self._clock = clock
        self._began_at = 0
        self._due: DueWindow | None = None
        self._due_key: tuple[int, ...] = ()
        """What `_due` follows from: the window, and the times of changes since."""
        self._due_at = 0
        """What `overdue_s` goes by: of the open window, in nanoseconds; 0 for none."""
        self._refused: tuple[int, ...] = ()
        """The window that somebody lacks funds for, and who: told once."""

    async def due_window(self) -> DueWindow:
        """Return the open window and when it is due."""
        number, closed_at = await self._settling.open_since()
        since = closed_at or await self._beginning()
        changes = self._changes_since(since)
        if self._due is None or self._due_key != (number, *changes):
            calendars = tuple(
                [
                    (moment_at(at), calendar_of(await self._tables.rulebook_at(at), self.rail))
                    for at in (since, *changes)
                ]
            )
            at = next_start_through(moment_at(since), calendars)
            self._due = DueWindow(number, at, calendars, moment_at(since))
            self._due_key = (number, *changes)
            self._due_at = nanoseconds_of(at) if at is not None else 0
        return self._due

    async def open_amount(self) -> int:
        """Return what the payments of the open window amount to by now."""
        _, positions = await self._settling.open_positions()
        return sum(position.debits for position in positions)

    def overdue_s(self) -> float:
        """Return for how long the open window has been due."""
        return max(self._clock() - self._due_at, 0) / NS if self._due_at else 0.0

    async def run(self) -> None:
        """Close each window when it is due, until cancelled."""
        while True:
            done = True
            try:
                due = await self.due_window()
                if self.overdue_s() > 0:
                    done = await self._close(due)
            except Exception as fault:
                # The database may be away: the window stays open and is closed later.
                log.warning("the settlement window can't be closed yet", fault=repr(fault))
                done = False
            left_s = max(self._due_at - self._clock(), 0) / NS
            await asyncio.sleep(min(left_s or LOOK_S, LOOK_S) if done else RETRY_S)

    async def _close(self, due: DueWindow) -> bool:
        """Close the window; False where somebody lacks funds."""
        assert due.at is not None
        try:
            await self._settling.close(due.number, operator=OPERATOR)
        except ShortOfFunds as short:
            lacking = (due.number, *(one.participant for one in short.shortfalls))
            if lacking != self._refused:
                log.error(
                    "a settlement window is due and somebody lacks funds",
                    window=due.number,
                    due=moment_text(due.at),
                    participants=lacking[1:],
                )
            self._refused = lacking
            return False
        self._due_at = 0
        log.info("closed a settlement window", window=due.number, due=moment_text(due.at))
        return True

    def _changes_since(self, since: int) -> list[int]:
        """Return when other calendars came in force after a time, in nanoseconds since 1970."""
        return sorted(
            {
                entry.since
                for table in ("rails", "holidays")
                for entry in self._tables.versions.history(table)
                if entry.since > since
            }
        )

    async def _beginning(self) -> int:
        """Return when the first window was opened: with the journal's first frame."""
        if not self._began_at:
            first = await asyncio.to_thread(lambda: next(read_frames(self._journal)))
            self._began_at = first.timestamp
        return self._began_at


def calendar_of(rulebook: Rulebook, rail: str) -> Calendar:
    """Return the calendar of *rail*; one without any cycle where the tables have no such rail."""
    found = rulebook.rails.rails.get(rail)
    if found is None or found.kind != CYCLE:
        found = Rail(
            name=rail,
            kind=CYCLE,
            title_en=rail,
            title_fa=rail,
            around_the_clock=False,
            needs_creditor_online=False,
            source="",
            limits=(),
            hours=(),
            weeks=(),
            cycles=(),
            fees=(),
        )
    return Calendar(found, rulebook.holidays)
