"""The closing of settlement windows: what the open window is, and how it becomes a closed one.

Which window is open follows from the journal alone. This keeps a `WindowBook` by following the
engine, from where the database's projection was at the start, and moves it by nothing else: also
a window that it closes itself counts as closed once its frame has come back.
"""

import asyncio
from collections.abc import Callable

import asyncpg

from payvand.core.engine import Engine, Still
from payvand.core.frame import Frame
from payvand.core.records import Records, u128_array
from payvand.core.statuses import TransferStatus
from payvand.settlement.database import record_audit
from payvand.settlement.netting import (
    EVENT_WINDOW_CLOSED,
    NetPosition,
    Netting,
    Shortfall,
    position_account,
    settlement_account,
    settlement_transfer_id,
)
from payvand.settlement.reports import read_window, read_windows
from payvand.settlement.windows import ClosedWindow, WindowBook
from payvand.switch.participants import Registry

__all__ = ["ATTEMPTS_MAX", "Settling", "ShortOfFunds", "WindowNotOpen"]

ATTEMPTS_MAX = 8
"""Sets of ids tried for one closing; an id is spent only where somebody went out of its way."""


class WindowNotOpen(Exception):
    """The window asked for is neither closed nor the open one."""


class ShortOfFunds(Exception):
    """Net debtors lack funds; the window stays open until they are funded."""

    def __init__(self, window: int, shortfalls: tuple[Shortfall, ...]) -> None:
        super().__init__(f"window {window} can't be settled: {len(shortfalls)} lack funds")
        self.window = window
        self.shortfalls = shortfalls


class Settling:
    """Know the open window and close it. One for each process; `run` it beside the engine."""

    def __init__(
        self,
        engine: Engine,
        pool: "asyncpg.Pool[asyncpg.Record]",
        registry: Registry,
        see_frame: Callable[[Frame], None],
    ) -> None:
        """Settle in *engine* what *registry*'s participants owe; show each frame to *see_frame*."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._see_frame = see_frame
        self._book = WindowBook()
        self._sequence = 0
        self._moved = asyncio.Condition()
        self._turn = asyncio.Lock()

    @property
    def last(self) -> ClosedWindow | None:
        """The window closed last."""
        return self._book.last

    @property
    def open_window(self) -> int:
        """The number of the open window."""
        return self._book.open_window

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
        async for frame in self._engine.follow(self._sequence):
            self._book.apply(frame)
            self._see_frame(frame)
            self._sequence = frame.sequence
            async with self._moved:
                self._moved.notify_all()

    async def _catch_up(self, sequence: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._sequence >= sequence)

    async def close(self, number: int, *, operator: str) -> ClosedWindow:
        """Close window *number* (0 for the open one), or return it where it is closed already.

        The act is audited before it is done; where that fails nothing is done.

        Raises:
            WindowNotOpen: there is no such window yet.
            ShortOfFunds: some participant lacks what it owes; the window stays open.
        """
        async with self._turn:
            await self._catch_up(self._engine.sequence)
            number = number or self.open_window
            if number > self.open_window:
                raise WindowNotOpen(f"window {number} isn't open yet: window {self.open_window} is")
            if number < self.open_window:
                return await self._closed(number)
            async with self._pool.acquire() as connection:
                await record_audit(
                    connection, operator=operator, act="window.close", subject=str(number)
                )
            async with self._engine.still() as still:
                await self._catch_up(self._engine.sequence)
                sequence = await self._close_open(still)
            await self._catch_up(sequence)
            assert self.last is not None and self.last.sequence == sequence
            return self.last

    async def _closed(self, number: int) -> ClosedWindow:
        if self.last is not None and self.last.number == number:
            return self.last
        async with self._pool.acquire() as connection:
            window = await read_window(connection, number)
        if window is None:
            raise WindowNotOpen(f"window {number} isn't in the database yet: ask again")
        return window

    async def _close_open(self, still: Still) -> int:
        """Net and settle while nothing else moves; return the closing frame's sequence."""
        accounts = still.ledger.lookup_accounts(self._accounts())
        limits = still.ledger.lookup_limits(self._accounts())
        netting = self._book.net(accounts, limits)
        if netting.shortfalls:
            raise ShortOfFunds(netting.window, netting.shortfalls)
        for attempt in range(ATTEMPTS_MAX):
            if self._spent(still, netting, attempt):
                continue
            committed = await still.create_transfers(
                netting.transfers(attempt), event=EVENT_WINDOW_CLOSED, note=netting.note()
            )
            if (committed.results["status"] == TransferStatus.CREATED).all():
                return committed.sequence
        raise RuntimeError(
            f"the settlement of window {netting.window} was refused {ATTEMPTS_MAX} times: "
            "run payvand verify"
        )

    def _spent(self, still: Still, netting: Netting, attempt: int) -> bool:
        """Tell whether one of the ids of an attempt is taken already."""
        ids = u128_array(
            settlement_transfer_id(netting.window, position.participant, attempt)
            for position in netting.positions
        )
        return bool(still.ledger.states(ids)["state"].any())

    async def open_positions(self) -> tuple[int, tuple[NetPosition, ...]]:
        """Return the number of the open window and how its participants stand."""
        async with self._turn:  # no window closes between the two reads and the book
            accounts = await self._engine.lookup_accounts(self._accounts())
            limits = await self._engine.lookup_limits(self._accounts())
            netting = self._book.net(accounts, limits)
            return netting.window, netting.positions

    def _accounts(self) -> Records:
        numbers = [participant.number for participant in self._registry.participants]
        return u128_array(
            account
            for number in numbers
            for account in (position_account(number), settlement_account(number))
        )
