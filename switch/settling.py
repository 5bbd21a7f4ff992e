"""The closing of settlement windows: what the open window is, and how it becomes a closed one.

Which window is open follows from the journal alone. A `WindowBook` begins where the database's
projection was at the start, follows the engine from there, and is moved on by each closing. An
operator's request is audited before it is carried out.
"""

import asyncio
from collections.abc import Awaitable, Callable

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.settlement.closing import WhenClosed, close_window, standing_accounts
from payvand.settlement.database import Pool, record_audit
from payvand.settlement.netting import NetPosition, Shortfall
from payvand.settlement.reports import read_window, read_windows
from payvand.settlement.windows import ClosedWindow, WindowBook
from payvand.switch.participants import Registry

__all__ = ["Settling", "ShortOfFunds", "WindowNotOpen"]


class WindowNotOpen(Exception):
    """The window asked for is neither closed nor the open one."""


class ShortOfFunds(Exception):
    """Net debtors lack funds; the window stays open until they are funded."""

    def __init__(self, window: int, shortfalls: tuple[Shortfall, ...]) -> None:
        super().__init__(f"window {window} can't be settled")
        self.window = window
        self.shortfalls = shortfalls


class Settling:
    """Know the open window and close it. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        *,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        catch_up: Callable[[], Awaitable[None]],
        see_frame: Callable[[Frame], None],
        when_closed: WhenClosed | None = None,
    ) -> None:
        """Settle in *engine* what *registry*'s participants owe.

        *catch_up* waits until the database is as far as the ledger; *see_frame* is shown each
        frame that passes; *when_closed* follows a closing while the engine still stands still.
        """
        self._when_closed = when_closed
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._catch_up = catch_up
        self._see_frame = see_frame
        self._book = WindowBook()
        self._sequence = 0
        self._recovered = asyncio.Event()
        self._turn = asyncio.Lock()

    @property
    def open_window(self) -> int:
        """The number of the open window."""
        return self._book.open_window

    async def open_since(self) -> tuple[int, int]:
        """Return the number of the open window and when the one before it was closed; 0 for none.

        Nanoseconds since 1970.
        """
        await self._recovered.wait()
        last = self._book.last
        return self._book.open_window, last.timestamp if last else 0

    async def start(self) -> None:
        """Begin where the database's projection is: it knows the windows up to there."""
        async with (
            self._pool.acquire() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            self._sequence = await connection.fetchval("SELECT sequence FROM books.cursor")
            closed = await read_windows(connection, limit=1)
        self._book = WindowBook(closed[0] if closed else None)

    async def run(self) -> None:
        """Follow the engine until it closes; raises what stopped it, or `WindowFault`."""
        recovered = self._engine.recovery.sequence
        if self._sequence >= recovered:
            self._recovered.set()
        async for frame in self._engine.follow(self._sequence):
            self._book.apply(frame)
            self._see_frame(frame)
            if frame.sequence >= recovered:
                self._recovered.set()

    async def close(self, number: int, *, operator: str) -> ClosedWindow:
        """Close window *number* (0 for the open one), or return it where it is closed already.

        Raises:
            WindowNotOpen: there is no such window yet.
            ShortOfFunds: some participant lacks what it owes; the window stays open.
        """
        await self._recovered.wait()
        async with self._turn:
            number = number or self.open_window
            if number > self.open_window:
                raise WindowNotOpen(f"window {number} isn't open yet: window {self.open_window} is")
            if number < self.open_window:
                return await self._closed(number)
            async with self._pool.acquire() as connection:
                await record_audit(
                    connection, operator=operator, act="window.close", subject=str(number)
                )
            closing = await close_window(
                self._engine,
                self._book,
                self._numbers(),
                number=number,
                when_closed=self._when_closed,
            )
            if closing.closed is None:
                raise ShortOfFunds(number, closing.shortfalls)
            return closing.closed

    async def _closed(self, number: int) -> ClosedWindow:
        """Return a window that was closed before."""
        if self._book.last is not None and self._book.last.number == number:
            return self._book.last
        await self._catch_up()
        async with self._pool.acquire() as connection:
            window = await read_window(connection, number)
        assert window is not None, "the database has what the journal has"
        return window

    async def open_positions(self) -> tuple[int, tuple[NetPosition, ...]]:
        """Return the number of the open window and how its participants stand in it."""
        await self._recovered.wait()
        async with self._turn:  # no window closes between the ledger and the book
            ids = standing_accounts(self._numbers())
            accounts = await self._engine.lookup_accounts(ids)
            limits = await self._engine.lookup_limits(ids)
            netting = self._book.net(accounts, limits)
            return netting.window, netting.positions

    def _numbers(self) -> list[int]:
        return [participant.number for participant in self._registry.participants]
