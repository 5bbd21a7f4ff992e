"""OperatorService: onboarding, funding, settlement windows, statements and totals.

Every act of an operator that changes something is written into the audit trail before it is done
or in the transaction that does it. What is read from the database is read once the projection
has caught up with the ledger, so that a caller finds its own doings there.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Any, Final

import grpc
import grpc.aio
import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, u128_array, u128_list, u128_of
from payvand.core.statuses import TransferStatus
from payvand.settlement import reports, statements
from payvand.settlement.closing import standing_accounts
from payvand.settlement.database import Pool, record_audit
from payvand.settlement.netting import NetPosition as Position
from payvand.settlement.netting import (
    participant_of,
    settlement_account,
)
from payvand.settlement.windows import ClosedWindow
from payvand.switch import directory_file
from payvand.switch.days import DayNotNext, Days, day_told
from payvand.switch.identity import caller_of
from payvand.switch.participant import Participant
from payvand.switch.participants import (
    CENTRAL_BANK_ACCOUNT,
    ParticipantRefused,
    Registry,
)
from payvand.switch.routing import Route
from payvand.switch.settling import Settling, ShortOfFunds, WindowNotOpen
from payvand.switch.standing import id_column
from payvand.switch.units import IRR
from payvand.v1 import operator_service_pb2 as pb
from payvand.v1.payment_pb2 import Payment

__all__ = ["FUNDING_CODE", "OperatorServicer"]

FUNDING_CODE: Final = 11
"""The code of transfers of central bank money into a settlement account."""

ENTRIES_PER_PAGE: Final = 1_000
WINDOWS_PER_PAGE: Final = 100
TOTALS_ATTEMPTS_MAX: Final = 3
"""How often totals are read again where the books moved meanwhile."""

KINDS: Final = {1: "credit_transfer", 2: "fee", 10: "settlement", FUNDING_CODE: "funding"}
"""What an entry of a statement is, by the transfer's code."""

_ROLES: Final = {
    pb.ParticipantRole.PARTICIPANT_ROLE_BANK: "bank",
    pb.ParticipantRole.PARTICIPANT_ROLE_AGENCY: "agency",
}
_NO_ROLE: Final = "none"
_SWITCH: Final = "switch"


class OperatorServicer:
    """Serve the methods of `payvand.v1.OperatorService`; the contract says what each promises."""

    def __init__(
        self,
        *,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        settling: Settling,
        days: Days,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Serve from *engine*; *catch_up* waits until the database is as far as the ledger."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._settling = settling
        self._days = days
        self._catch_up = catch_up

    # --- participants ------------------------------------------------------------------------

    async def PutParticipants(
        self, request: pb.PutParticipantsRequest, context: Any
    ) -> pb.PutParticipantsResponse:
        """Onboard participants or bring them up to date, all of the request or none."""
        try:
            wanted = _checked(request.participants)
            stored = await self._registry.put(wanted, operator=caller_of(context).name)
        except directory_file.DirectoryFileError as fault:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(fault))
            raise
        except ParticipantRefused as fault:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(fault))
            raise
        return pb.PutParticipantsResponse(participants=map(_told, stored))

    async def ListParticipants(
        self, request: pb.ListParticipantsRequest, context: Any
    ) -> pb.ListParticipantsResponse:
        """Tell how the participants stand, or how the calling one does."""
        caller = caller_of(context)
        shown = [one for one in self._registry.participants if caller.speaks_for(one.name)]
        _, positions = await self._settling.open_positions()
        moved = {position.participant: position for position in positions}
        accounts = await self._engine.lookup_accounts(
            standing_accounts(one.number for one in shown)
        )
        inside, outside = accounts[0::2], accounts[1::2]
        balances = zip(
            u128_list(outside["credits_posted"]), u128_list(outside["debits_posted"]), strict=True
        )
        return pb.ListParticipantsResponse(
            participants=[
                pb.ParticipantPosition(
                    participant=_told(one),
                    debits_posted=moved[one.number].debits,
                    credits_posted=moved[one.number].credits,
                    debits_pending=u128_of(account["debits_pending"]),
                    credits_pending=u128_of(account["credits_pending"]),
                    settlement_balance=credits - debits,
                )
                for one, account, (credits, debits) in zip(shown, inside, balances, strict=True)
            ]
        )

    async def FundParticipant(
        self, request: pb.FundParticipantRequest, context: Any
    ) -> pb.FundParticipantResponse:
        """Move central bank money into a participant's settlement account, once for each id."""
        route = await self._participant(request.participant, context)
        identity = id_column([request.id])
        if not identity["hi"][0] | identity["lo"][0] or request.id[0] >= 0x80:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                "id: id.form: 16 bytes, not all zero, the topmost bit clear",
            )
        if not request.amount:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "amount: amount.zero")
        async with self._pool.acquire() as connection:
            await record_audit(
                connection,
                operator=caller_of(context).name,
                act="participant.fund",
                subject=route.name,
                detail=f'{{"id": "{request.id.hex()}", "amount": "{request.amount}"}}',
            )
        account = settlement_account(route.number)
        funding = np.zeros(1, TRANSFER)
        funding["id"] = identity
        funding["debit_account_id"]["lo"] = CENTRAL_BANK_ACCOUNT
        funding["credit_account_id"]["lo"] = account
        funding["amount"]["lo"] = request.amount
        funding["ledger"] = route.ledger
        funding["code"] = FUNDING_CODE
        status = int((await self._engine.create_transfers(funding)).results["status"][0])
        if status not in (TransferStatus.CREATED, TransferStatus.EXISTS):
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION,
                f"the funding isn't in the books: {TransferStatus(status).name.lower()}; "
                "give each funding its own id",
            )
        held = (await self._engine.lookup_accounts(u128_array([account])))[0]
        balance = u128_of(held["credits_posted"]) - u128_of(held["debits_posted"])
        return pb.FundParticipantResponse(settlement_balance=balance)

    # --- windows -----------------------------------------------------------------------------

    async def CloseWindow(
        self, request: pb.CloseWindowRequest, context: Any
    ) -> pb.CloseWindowResponse:
        """Close the open window, or tell what the closing of a closed one came to."""
        try:
            closed = await self._settling.close(request.window, operator=caller_of(context).name)
        except WindowNotOpen as fault:
            await context.abort(grpc.StatusCode.NOT_FOUND, str(fault))
            raise
        except ShortOfFunds as fault:
            names = self._registry.routing.names
            lacking = "; ".join(
                f"{names[one.participant]} owes {one.owes} and has {one.available}, "
                f"it lacks {one.owes - one.available}"
                for one in fault.shortfalls
            )
            await context.abort(
                grpc.StatusCode.FAILED_PRECONDITION, f"{fault}: {lacking}; fund them, then repeat"
            )
            raise
        return pb.CloseWindowResponse(window=self._window(closed))

    async def CloseDay(self, request: pb.CloseDayRequest, context: Any) -> pb.CloseDayResponse:
        """Close the business day, or tell what the closing of the last one came to."""
        try:
            on = date.fromisoformat(request.date)
        except ValueError:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"date: date.form: write YYYY-MM-DD, not {request.date!r}",
            )
            raise
        try:
            closed = await self._days.close(on, operator=caller_of(context).name)
        except DayNotNext as fault:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(fault))
            raise
        return pb.CloseDayResponse(day=day_told(closed))

    async def ListWindows(
        self, request: pb.ListWindowsRequest, context: Any
    ) -> pb.ListWindowsResponse:
        """List the open window as it stands and the closed ones, newest first."""
        size = request.page_size or WINDOWS_PER_PAGE
        if size > reports.WINDOWS_MAX:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"page_size: page.size: at most {reports.WINDOWS_MAX}, not {size}",
            )
        await self._catch_up()
        number, positions = await self._settling.open_positions()
        windows = []
        if not request.before or number < request.before:
            windows.append(pb.SettlementWindow(number=number, positions=self._positions(positions)))
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

    # --- statements and totals ---------------------------------------------------------------

    async def GetStatement(
        self, request: pb.GetStatementRequest, context: Any
    ) -> pb.GetStatementResponse:
        """Tell what moved a participant's position in a window, a page at a time."""
        caller = caller_of(context)
        name = request.participant or ("" if caller.reads_all else caller.name)
        if not caller.speaks_for(name):
            await context.abort(
                grpc.StatusCode.PERMISSION_DENIED,
                f"the statement of {name!r} isn't for the {caller.role} {caller.name!r}",
            )
        route = await self._participant(name, context)
        size = request.page_size or ENTRIES_PER_PAGE
        if size > statements.ENTRIES_MAX or not (request.page or "0").isdecimal():
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT,
                f"page_size: page.size: at most {statements.ENTRIES_MAX}; page: page.form: "
                "the `next_page` of the page before",
            )
        if request.window > self._settling.open_window:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"window {request.window} isn't open yet"
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

    async def GetTotals(self, request: pb.GetTotalsRequest, context: Any) -> pb.GetTotalsResponse:
        """Add everything up in the ledger and in the database, at one sequence if it can be."""
        for _ in range(TOTALS_ATTEMPTS_MAX):
            sequence, sums = await self._engine.totals(IRR.ledger)
            await self._catch_up()
            async with self._pool.acquire() as connection:
                rows = await reports.read_totals(connection, IRR.ledger)
            if rows.sequence == sequence:
                break
        ledger = pb.Totals(
            sequence=sequence,
            debits_posted=str(sums["debits_posted"]),
            credits_posted=str(sums["credits_posted"]),
            debits_pending=str(sums["debits_pending"]),
            credits_pending=str(sums["credits_pending"]),
        )
        database = pb.Totals(
            sequence=rows.sequence,
            payments=[
                pb.StateCount(state=state, count=counted.count, amount=str(counted.amount))
                for state, counted in sorted(rows.payments.items())
            ],
            debits_posted=str(rows.debits_posted),
            credits_posted=str(rows.credits_posted),
            debits_pending=str(rows.debits_pending),
            credits_pending=str(rows.credits_pending),
        )
        return pb.GetTotalsResponse(ledger=ledger, database=database)

    async def _participant(self, name: str, context: Any) -> Route:
        route = self._registry.routing.by_name.get(name)
        if route is None:
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"participant: no participant is called {name!r}"
            )
            raise AssertionError("abort raises")
        return route


def _checked(participants: Sequence[pb.Participant]) -> list[Participant]:
    """Return what a request asks for, by the rules of a directory file."""
    entries = directory_file.parse(
        {
            "participant": [
                {
                    "name": one.name,
                    "role": _ROLES.get(one.role, _NO_ROLE),
                    "display_name": one.display_name,
                    "bank_codes": list(one.bank_codes),
                    "ibans": list(one.ibans),
                    "net_debit_cap": one.net_debit_cap,
                    "prefunding": 0,
                    "unit": one.unit,
                    "auto_accept": one.auto_accept,
                }
                for one in participants
            ]
        }
    )
    return [
        Participant(
            number=0,
            name=entry.name,
            role=one.role,
            display_name=entry.display_name,
            bank_codes=entry.bank_codes,
            ibans=entry.ibans,
            net_debit_cap=entry.net_debit_cap,
            unit=entry.unit,
            auto_accept=entry.auto_accept,
        )
        for entry, one in zip(entries, participants, strict=True)
    ]


def _told(participant: Participant) -> pb.Participant:
    return pb.Participant(
        name=participant.name,
        role=participant.role,  # type: ignore[arg-type]  # the number is one of the enum's
        display_name=participant.display_name,
        bank_codes=participant.bank_codes,
        ibans=participant.ibans,
        net_debit_cap=participant.net_debit_cap,
        unit=participant.unit,
        auto_accept=participant.auto_accept,
        number=participant.number,
    )
