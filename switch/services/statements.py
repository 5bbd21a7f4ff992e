"""StatementService: what moved a participant's position in a window, a page at a time."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import grpc

from payvand.settlement import statements
from payvand.settlement.charge_sweep import CHARGES_CODE
from payvand.settlement.database import Pool
from payvand.settlement.netting import participant_of
from payvand.switch.identity import caller_of
from payvand.switch.participants import FUNDING_CODE, Registry
from payvand.switch.refusing import refuse, refuse_participant
from payvand.switch.returning import RECALL_CODE, RETURN_CODE
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

_SWITCH: Final = "switch"


class StatementServicer:
    """Serve `payvand.v1.StatementService`."""

    SERVICE: Final = pb.DESCRIPTOR.services_by_name["StatementService"]

    def __init__(
        self,
        pool: Pool,
        registry: Registry,
        settling: Settling,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Serve from *pool*; *catch_up* waits until the database is as far as the ledger."""
        self._pool = pool
        self._registry = registry
        self._settling = settling
        self._catch_up = catch_up

    async def GetStatement(
        self, request: pb.GetStatementRequest, context: Any
    ) -> pb.GetStatementResponse:
        """Tell what moved a participant's position in a window, a page at a time."""
        caller = caller_of(context)
        name = request.participant or ("" if caller.reads_all else caller.name)
        if not caller.speaks_for(name):
            await refuse(
                context,
                grpc.StatusCode.PERMISSION_DENIED,
                "statement.owner",
                f"the statement of {name!r} isn't for the {caller.role} {caller.name!r}",
                field="participant",
            )
        route = self._registry.routing.by_name.get(name)
        if route is None:
            await refuse_participant(context, name)
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
                route.position,
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
