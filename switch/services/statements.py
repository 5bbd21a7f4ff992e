"""StatementService: what moved a participant's position in a window, a page at a time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final

import grpc

from payvand.core.engine import Engine
from payvand.core.queries import AccountFilter
from payvand.core.records import Records, TransferFlags, u128_of
from payvand.settlement import statements
from payvand.settlement.charge_sweep import CHARGES_CODE
from payvand.settlement.database import Pool
from payvand.settlement.netting import (
    charge_account,
    collateral_account,
    participant_of,
    position_account,
    settlement_account,
)
from payvand.switch.limits.positions import Positions
from payvand.switch.participants import FUNDING_CODE, Registry
from payvand.switch.refusing import refuse
from payvand.switch.returning import RECALL_CODE, RETURN_CODE
from payvand.switch.routing import Route
from payvand.switch.services.positions import route_asked_for
from payvand.switch.settling import Settling
from payvand.switch.wire.charging import INTERCHANGE_CODE, SWITCH_FEE_CODE
from payvand.v1 import statement_service_pb2 as pb
from payvand.v1.payment_pb2 import Payment

__all__ = ["StatementServicer"]

ENTRIES_PER_PAGE: Final = 1_000

KINDS: Final = {
    1: "credit_transfer",
    2: "fee",
    RETURN_CODE: "return",
    RECALL_CODE: "recall",
    10: "settlement",
    FUNDING_CODE: "funding",
    SWITCH_FEE_CODE: "switch_fee",
    INTERCHANGE_CODE: "interchange",
    CHARGES_CODE: "charges",
}
"""What an entry of a statement is, by the transfer's code."""

ACCOUNTS: Final = {
    "": position_account,
    "position": position_account,
    "settlement": settlement_account,
    "charges": charge_account,
    "collateral": collateral_account,
}
"""The accounts of a participant that a statement may be of."""

_SWITCH: Final = "switch"
_UNPOSTED: Final = int(TransferFlags.PENDING | TransferFlags.VOID_PENDING_TRANSFER)


class StatementServicer:
    """Serve `payvand.v1.StatementService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["StatementService"]

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        settling: Settling,
        positions: Positions,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Serve pages from *pool* and streams from *engine*, which *positions* tells of.

        *catch_up* waits until the database is as far as the ledger.
        """
        self._engine = engine
        self._positions = positions
        self._pool = pool
        self._registry = registry
        self._settling = settling
        self._catch_up = catch_up

    async def GetStatement(
        self, request: pb.GetStatementRequest, context: Any
    ) -> pb.GetStatementResponse:
        """Tell what moved an account of a participant in a window, a page at a time."""
        route = await route_asked_for(context, self._registry, request.participant)
        account = await _account(context, route, request.account)
        size = request.page_size or ENTRIES_PER_PAGE
        if size > statements.ENTRIES_MAX:
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.size",
                f"at most {statements.ENTRIES_MAX}, not {size}",
                field="page_size",
            )
        if not (request.page or "0").isdecimal():
            await refuse(
                context,
                grpc.StatusCode.INVALID_ARGUMENT,
                "page.form",
                "give the `next_page` of the page before",
                field="page",
            )
        if request.window > self._settling.open_window:
            await refuse(
                context,
                grpc.StatusCode.NOT_FOUND,
                "window.unknown",
                f"window {request.window} isn't open yet",
                field="window",
            )
        await self._catch_up()
        async with self._pool.acquire() as connection:
            page = await statements.read_page(
                connection,
                account,
                request.window,
                after=int(request.page or 0),
                limit=size,
            )
        told = page.statement
        return pb.GetStatementResponse(
            participant=route.name,
            window=told.window,
            opening=str(told.opening),
            closing=str(told.closing),
            debits=str(told.debits),
            credits=str(told.credits),
            entries_total=told.entries_total,
            entries=map(self._entry, page.entries),
            next_page=str(page.next_after) if page.next_after else "",
        )

    async def FollowStatement(
        self, request: pb.FollowStatementRequest, context: Any
    ) -> AsyncIterator[pb.FollowStatementResponse]:
        """Tell the entries of an account as they are posted, from a cursor on."""
        route = await route_asked_for(context, self._registry, request.participant)
        account = await _account(context, route, request.account)
        cursor = request.cursor
        while True:
            moving = asyncio.ensure_future(self._positions.moved(route.number))
            try:
                await asyncio.sleep(0)
                while True:
                    page = await self._engine.account_transfers(
                        AccountFilter(
                            account_id=account,
                            timestamp_min=cursor + 1,
                            limit=ENTRIES_PER_PAGE,
                        )
                    )
                    if not len(page):
                        break
                    cursor = int(page["timestamp"][-1])
                    entries = [self._posted(row, account) for row in page if _is_posting(row)]
                    if entries:
                        yield pb.FollowStatementResponse(cursor=cursor, entries=entries)
                await moving
            finally:
                moving.cancel()

    def _posted(self, transfer: Records, account: int) -> pb.StatementEntry:
        """Return the entry that a posting is."""
        debit = u128_of(transfer["debit_account_id"])
        is_debit = debit == account
        other = u128_of(transfer["credit_account_id"]) if is_debit else debit
        identity = u128_of(transfer["pending_id"]) or u128_of(transfer["id"])
        code = int(transfer["code"])
        return pb.StatementEntry(
            id=identity.to_bytes(16, "big"),
            posted_at=int(transfer["timestamp"]),
            counterparty=self._registry.routing.names.get(participant_of(other), _SWITCH),
            amount=str(u128_of(transfer["amount"])),
            debit=is_debit,
            kind=KINDS.get(code, str(code)),
        )

    def _entry(self, entry: statements.StatementEntry) -> pb.StatementEntry:
        reference = Payment.FromString(entry.payload).end_to_end_id if entry.payload else ""
        return pb.StatementEntry(
            id=entry.id.to_bytes(16, "big"),
            posted_at=entry.timestamp,
            counterparty=self._registry.routing.names.get(
                participant_of(entry.counterparty), _SWITCH
            ),
            amount=str(entry.amount),
            debit=entry.debit,
            kind=KINDS.get(entry.code, str(entry.code)),
            end_to_end_id=reference,
        )


async def _account(context: Any, route: Route, name: str) -> int:
    """Return the account that a statement is asked of, or end the call."""
    if name not in ACCOUNTS:
        await refuse(
            context,
            grpc.StatusCode.INVALID_ARGUMENT,
            "statement.account",
            "one of " + ", ".join(filter(None, ACCOUNTS)),
            field="account",
        )
    return ACCOUNTS[name](route.number)


def _is_posting(transfer: Records) -> bool:
    """Tell whether a transfer moved money, and not only reserved it or gave it back."""
    return not int(transfer["flags"]) & _UNPOSTED
