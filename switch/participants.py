"""The registry: who takes part, with what follows from it in the ledger, in PostgreSQL, in memory.

Who takes part is what the acts in the journal say (see `registry/book`). A change is carried out in
three steps, each of which may be repeated:

    rows, one transaction  ─►  accounts and limits in the ledger  ─►  the act  ─►  routes, callers

A crash between them is healed by the next start: rows and accounts are brought to the registry.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import structlog

from payvand.core.engine import Engine
from payvand.settlement.database import Pool
from payvand.switch.approvals.act_journal import ActJournal
from payvand.switch.identity import Caller, Role, caller_of
from payvand.switch.participant import ROLES, Participant
from payvand.switch.refusing import Refusal
from payvand.switch.registry.book import ADOPTED, ParticipantBook
from payvand.switch.registry.callers import Callers
from payvand.switch.registry.changes import after_changes, changed_traits
from payvand.switch.registry.founders import founders_in, with_certificates
from payvand.switch.registry.rows import (
    CENTRAL_BANK_ACCOUNT,
    open_accounts,
    read_rows,
    write_rows,
)
from payvand.switch.routing import Route, Routing

__all__ = ["CENTRAL_BANK_ACCOUNT", "FUNDING_CODE", "Registry", "route_in", "route_of"]

FUNDING_CODE: Final = 11
"""The code of transfers of central bank money into a settlement account."""

OPERATORS_MIN: Final = 2
"""Four eyes: while there are fewer, the switch takes in those that its own folder names."""
SWITCH: Final = ""
"""Who acts where the switch does by itself."""

log = structlog.get_logger("payvand.switch")


class Registry:
    """The participants of this switch. One for each process; `load` it before use."""

    def __init__(
        self, pool: Pool, engine: Engine, make_routing: Callable[[Sequence[Participant]], Routing]
    ) -> None:
        """Keep the rows in the database of *pool* and the accounts in *engine*.

        *make_routing* tells where accounts lead, by the rules in force when it is called.
        """
        self.book = ParticipantBook()
        """Every version of everybody; tell it of each act of the journal before `load`."""
        self.callers = Callers()
        self.participants: tuple[Participant, ...] = ()
        """Those that have accounts, by number."""
        self.routing = Routing()
        """Where accounts lead; replaced whole, so hold on to one for the time of a request."""
        self.cap_of: Callable[[Participant], int] = lambda participant: participant.net_debit_cap
        """How far a participant's position may fall below zero."""
        self.when_funded: Callable[[], Awaitable[None]] = _nothing
        """Called once a participant was funded."""
        self._pool = pool
        self._engine = engine
        self._make_routing = make_routing
        self._turn = asyncio.Lock()

    async def load(self, journal: ActJournal, founders: Path) -> None:
        """Bring everything to what the acts say, which *journal* has told.

        Who has rows of an older database is taken in first; so are the operators whose
        certificates are in the folder *founders*, while there are fewer than two.
        """
        async with self._pool.acquire() as connection:
            rows = await read_rows(connection)
        entries = (
            []
            if any(one.has_accounts for one in self.book.current.values())
            else (with_certificates(founders, rows))
        )
        operators = [one for one in self.book.current.values() if ROLES[one.role] is Role.OPERATOR]
        if len(operators) < OPERATORS_MIN:
            entries += founders_in(founders, self.book.current)
        if entries:
            log.info("adopted", participants=[entry["name"] for entry in entries])
            numbers = {row.name: row.number for row in rows}
            await journal.record(ADOPTED, operator=SWITCH, participants=entries, numbers=numbers)
        await self.prepare(self.book.current)
        self.hold()

    async def prepare(self, after: Mapping[str, Participant]) -> None:
        """Bring rows and accounts to the participants *after* a change; may be repeated."""
        holders = [one for one in after.values() if one.has_accounts]
        async with self._turn:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "LOCK TABLE reference.participants IN SHARE ROW EXCLUSIVE MODE"
                )
                known = {row.number: row for row in await read_rows(connection)}
                await write_rows(connection, [one for one in holders if not _is_row_of(known, one)])
            await open_accounts(self._engine, holders, self.cap_of)

    def after(self, entries: Sequence[Mapping[str, Any]]) -> dict[str, Participant]:
        """Return all participants as they are after *entries*; raises `ChangeRefused`."""
        return after_changes(self.book.current, entries)

    def entry_for(self, wanted: Participant) -> dict[str, Any]:
        """Return the entry that brings a participant to *wanted*; its name alone for nothing."""
        return changed_traits(self.book.current.get(wanted.name), wanted)

    def hold(self) -> None:
        """Let calls and payments go by what the book says now."""
        everybody = sorted(self.book.current.values(), key=lambda one: one.number)
        self.callers.follow(everybody)
        self.participants = tuple(one for one in everybody if one.has_accounts)
        self.reroute()

    async def adopt(self, participants: Sequence[Participant]) -> None:
        """Take in account holders without a journal of it: for a switch of a simulation."""
        await open_accounts(self._engine, participants, self.cap_of)
        self.participants = tuple(participants)
        self.reroute()

    def reroute(self) -> None:
        """Let payments go by the rules in force now; those under way keep the way they have."""
        self.routing = self._make_routing(self.participants)


def _is_row_of(known: Mapping[int, Participant], one: Participant) -> bool:
    """Tell whether a participant has its row, as `write_rows` writes it."""
    row = known.get(one.number)
    codes, ibans = ((), ()) if one.is_closed else (one.bank_codes, one.ibans)
    return row is not None and (
        row.name,
        row.display_name,
        row.display_name_fa,
        row.bank_codes,
        row.ibans,
        row.net_debit_cap,
        row.auto_accept,
    ) == (
        one.name,
        one.display_name,
        one.display_name_fa,
        codes,
        ibans,
        one.net_debit_cap,
        one.auto_accept,
    )


async def route_of(context: Any, registry: Registry) -> Route:
    """Return the participant that makes the call of *context*, or end the call for a stranger."""
    try:
        return route_in(registry.routing, caller_of(context))
    except Refusal as refusal:
        await refusal.end(context)


def route_in(routing: Routing, caller: Caller) -> Route:
    """Return the participant that *caller* is by *routing*; raises `Refusal` for a stranger."""
    route = routing.by_name.get(caller.agency or caller.name)
    if route is None or route.role != (Role.AGENCY if caller.agency else caller.role):
        raise Refusal(
            grpc.StatusCode.FAILED_PRECONDITION,
            "caller.onboarded",
            f"the {caller.role} {caller.name!r} isn't onboarded on this switch: an operator "
            "does so with `payvand participants put`",
        )
    return route


async def _nothing() -> None:
    pass
