"""SettlementService: closing windows and telling what came of them.

What is read from the database is read once the projection has caught up with the ledger, so that
a caller finds its own doings there.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import grpc

from payvand.settlement import reports
from payvand.settlement.database import Pool
from payvand.settlement.netting import NetPosition as Position
from payvand.settlement.windows import ClosedWindow
from payvand.switch.identity import caller_of
from payvand.switch.participants import Registry
from payvand.switch.refusing import refuse
from payvand.switch.rules.solar_hijri import nanoseconds_of
from payvand.switch.settlement_cycles import SettlementCycles
from payvand.switch.settling import Settling, ShortOfFunds, WindowNotOpen
from payvand.v1 import settlement_service_pb2 as pb

__all__ = ["SettlementServicer"]

WINDOWS_PER_PAGE: Final = 100


class SettlementServicer:
    """Serve `payvand.v1.SettlementService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["SettlementService"]

    def __init__(
        self,
        pool: Pool,
        registry: Registry,
        settling: Settling,
        catch_up: Callable[[], Awaitable[None]],
        cycles: SettlementCycles | None,
    ) -> None:
        """Close by *settling*; *catch_up* waits until the database is as far as the ledger.

        *cycles* closes windows by the clock; None where operators alone do.
        """
        self._pool = pool
        self._registry = registry
        self._settling = settling
        self._catch_up = catch_up
        self._cycles = cycles

    async def CloseWindow(
        self, request: pb.CloseWindowRequest, context: Any
    ) -> pb.CloseWindowResponse:
        """Close the open window, or tell what the closing of a closed one came to."""
        try:
            closed = await self._settling.close(request.window, operator=caller_of(context).name)
        except WindowNotOpen as fault:
            await refuse(
                context, grpc.StatusCode.NOT_FOUND, "window.unknown", str(fault), field="window"
            )
        except ShortOfFunds as fault:
            names = self._registry.routing.names
            lacking = "; ".join(
                f"{names[one.participant]} owes {one.owes} and has {one.available}, "
                f"it lacks {one.owes - one.available}"
                for one in fault.shortfalls
            )
            await refuse(
                context,
                grpc.StatusCode.FAILED_PRECONDITION,
                "window.funds",
                f"{fault}: {lacking}; fund them, then repeat",
            )
        return pb.CloseWindowResponse(window=self._window(closed))

    async def ListWindows(
        self, request: pb.ListWindowsRequest, context: Any
    ) -> pb.ListWindowsResponse:
        """List the open window as it stands and the closed ones, newest first."""
        size = request.page_size or WINDOWS_PER_PAGE
        if size > reports.WINDOWS_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {reports.WINDOWS_MAX}, not {size}",
                field="page_size",
            )
        await self._catch_up()
        number, positions = await self._settling.open_positions()
        windows = []
        if not request.before or number < request.before:
            told = pb.SettlementWindow(number=number, positions=self._positions(positions))
            if self._cycles is not None:
                due = await self._cycles.due_window()
                if due.number == number and due.at is not None:
                    told.due_at = nanoseconds_of(due.at)
            windows.append(told)
        if len(windows) < size:
            before = min(request.before or number, number)
            async with self._pool.acquire() as connection:
                closed = await reports.read_windows(
                    connection, before=before, limit=size - len(windows)
                )
            windows += [self._window(window) for window in closed]
        return pb.ListWindowsResponse(windows=windows)

    def _window(self, closed: ClosedWindow) -> pb.SettlementWindow:
        return pb.SettlementWindow(
            number=closed.number,
            closed_sequence=closed.sequence,
            closed_at=closed.timestamp,
            positions=self._positions(closed.positions),
        )

    def _positions(self, positions: Sequence[Position]) -> list[pb.NetPosition]:
        names = self._registry.routing.names
        return [
            pb.NetPosition(
                participant=names[position.participant],
                debits=str(position.debits),
                credits=str(position.credits),
                net=str(position.net),
                settled=str(position.settled),
                carried=str(position.carried),
            )
            for position in positions
        ]
