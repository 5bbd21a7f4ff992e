"""The registry: who takes part, in PostgreSQL, with the ledger accounts that follow from it.

A participant is put in three steps, each of which may be repeated:

    row and audit entry, one transaction  ─►  accounts and limit in the ledger  ─►  routes in memory

A crash between them is healed by the next start or by putting the participant again: the row says
what the ledger must have, and `open_accounts` brings it there. Where the audit entry can't be
written the transaction is undone, and with it the act.
"""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import grpc
import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    AccountFlags,
    Records,
    u128_array,
    u128_list,
)
from payvand.core.statuses import AccountStatus, LimitStatus
from payvand.settlement.database import Executor, Pool, as_amount, record_audit
from payvand.settlement.netting import charge_account, position_account, settlement_account
from payvand.switch.fees.bills.accounts import (
    COLLECTION_ACCOUNT,
    COLLECTION_ACCOUNT_CODE,
    FEES_ACCOUNT_CODE,
    fees_account,
)
from payvand.switch.identity import Role, caller_of
from payvand.switch.participant import Participant
from payvand.switch.refusing import refuse
from payvand.switch.routing import Route, Routing
from payvand.switch.units import IRR
from payvand.v1.participant_service_pb2 import ParticipantRole

__all__ = [
    "CENTRAL_BANK_ACCOUNT",
    "FUNDING_CODE",
    "PARTICIPANTS_MAX",
    "ParticipantRefused",
    "Registry",
    "route_of",
]

PARTICIPANTS_MAX = 4_000
"""All participants of one switch: both accounts of each fit one read of the ledger."""

CENTRAL_BANK_ACCOUNT = 1

FUNDING_CODE = 11
"""The code of transfers of central bank money into a settlement account."""
"""The switch's own account that stands for money at the central bank; it funds the others."""

POSITION_CODE = 1
SETTLEMENT_CODE = 2
CENTRAL_BANK_CODE = 3
CHARGE_ACCOUNT_CODE = 7

LIMITED = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS


class ParticipantRefused(Exception):
    """A participant can't be put as asked; nothing was changed.

    `name` says which, `rule` is the stable id of the broken rule, `hint` what to do.
    """

    def __init__(self, name: str, rule: str, hint: str) -> None:
        super().__init__(f"{name}: {rule}: {hint}")
        self.name = name
        self.rule = rule
        self.hint = hint


class Registry:
    """The participants of this switch. One for each process; `load` it before use."""

    def __init__(
        self, pool: Pool, engine: Engine, make_routing: Callable[[Sequence[Participant]], Routing]
    ) -> None:
        """Keep the participants in the database of *pool* and their accounts in *engine*.

        *make_routing* tells where accounts lead, by the rules in force when it is called.
        """
        self.participants: tuple[Participant, ...] = ()
        """By number."""
        self.routing = Routing()
        """Where accounts lead; replaced whole, so hold on to one for the time of a request."""
        self._pool = pool
        self._engine = engine
        self._make_routing = make_routing
        self._turn = asyncio.Lock()

    async def load(self) -> None:
        """Read the participants, and heal what a crash may have left between them and the books."""
        async with self._turn:
            async with self._pool.acquire() as connection:
                known = await _read(connection)
            await self.adopt(known)

    async def put(self, wanted: Sequence[Participant], *, operator: str) -> list[Participant]:
        """Onboard participants or bring known ones to the content given; return them numbered.

        Idempotent: what is so already is left alone and not audited again.

        Raises:
            ParticipantRefused: a rule of the directory is broken; nothing was changed.
        """
        async with self._turn:
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "LOCK TABLE reference.participants IN SHARE ROW EXCLUSIVE MODE"
                )
                known = {participant.name: participant for participant in await _read(connection)}
                changed = _numbered(wanted, known)
                after = known | {participant.name: participant for participant in changed}
                _check(after)
                await _write(connection, changed, known)
                for participant in changed:
                    await record_audit(
                        connection,
                        operator=operator,
                        act="participant.put",
                        subject=participant.name,
                        detail=_audit_detail(participant),
                    )
            await self.adopt(sorted(after.values(), key=lambda participant: participant.number))
        return [after[participant.name] for participant in wanted]

    async def adopt(self, participants: Sequence[Participant]) -> None:
        """Open what the ledger lacks, then let payments find the way."""
        await open_accounts(self._engine, participants)
        self.participants = tuple(participants)
        self.reroute()

    def reroute(self) -> None:
        """Let payments go by the rules in force now; those under way keep the way they have."""
        self.routing = self._make_routing(self.participants)


async def route_of(context: Any, registry: Registry) -> Route:
    """Return the participant that makes the call of *context*, or end the call for a stranger."""
    caller = caller_of(context)
    route = registry.routing.by_name.get(caller.agency or caller.name)
    if route is None or route.role != (Role.AGENCY if caller.agency else caller.role):
        await refuse(
            context,
            grpc.StatusCode.FAILED_PRECONDITION,
            "caller.onboarded",
            f"the {caller.role} {caller.name!r} isn't onboarded on this switch: an operator "
            "does so with `payvand participants put`",
        )
    return route


async def open_accounts(engine: Engine, participants: Iterable[Participant]) -> None:
    """Bring the ledger to the accounts and limits of *participants*; touch what is right never.

    Raises `RuntimeError` where the ledger has such an account with other traits: the database and
    the journal aren't of the same switch.
    """
    wanted = [
        (CENTRAL_BANK_ACCOUNT, IRR.ledger, CENTRAL_BANK_CODE, AccountFlags(0), 0),
        (COLLECTION_ACCOUNT, IRR.ledger, COLLECTION_ACCOUNT_CODE, AccountFlags(0), 0),
    ]
    for participant in participants:
        number, ledger = participant.number, participant.ledger
        cap = participant.net_debit_cap
        wanted.append((position_account(number), ledger, POSITION_CODE, LIMITED, cap))
        wanted.append((settlement_account(number), ledger, SETTLEMENT_CODE, LIMITED, 0))
        wanted.append((charge_account(number), ledger, CHARGE_ACCOUNT_CODE, AccountFlags(0), 0))
        if participant.role == ParticipantRole.PARTICIPANT_ROLE_AGENCY:
            fees = fees_account(number)
            wanted.append((fees, ledger, FEES_ACCOUNT_CODE, AccountFlags(0), 0))
    ids = u128_array(account for account, *_ in wanted)
    opened = set(u128_list((await engine.lookup_accounts(ids))["id"]))
    missing = [entry for entry in wanted if entry[0] not in opened]
    if missing:
        results = (await engine.create_accounts(_account_records(missing))).results
        for entry, status in zip(missing, results["status"].tolist(), strict=True):
            if status not in (AccountStatus.CREATED, AccountStatus.EXISTS):
                raise RuntimeError(
                    f"account {entry[0]} can't be opened: {AccountStatus(status).name.lower()}; "
                    "the journal isn't of the switch that the database belongs to"
                )
    standing = await engine.lookup_limits(ids)
    limit_of = dict(
        zip(u128_list(standing["account_id"]), u128_list(standing["limit"]), strict=True)
    )
    stale = [entry for entry in wanted if entry[3] and limit_of.get(entry[0]) != entry[4]]
    if stale:
        limits = np.zeros(len(stale), LIMIT)
        limits["account_id"] = u128_array(account for account, *_ in stale)
        limits["limit"] = u128_array(limit for *_, limit in stale)
        results = (await engine.set_limits(limits)).results
        assert (results["status"] == LimitStatus.CREATED).all(), "the accounts were just opened"


def _account_records(entries: Sequence[tuple[int, int, int, AccountFlags, int]]) -> Records:
    records = np.zeros(len(entries), ACCOUNT)
    records["id"] = u128_array(account for account, *_ in entries)
    records["ledger"] = [ledger for _, ledger, *_ in entries]
    records["code"] = [code for _, _, code, *_ in entries]
    records["flags"] = [int(flags) for _, _, _, flags, _ in entries]
    return records


def _numbered(wanted: Sequence[Participant], known: dict[str, Participant]) -> list[Participant]:
    """Return those of *wanted* that are new or differ from *known*, with their numbers."""
    number = max((participant.number for participant in known.values()), default=0)
    changed = []
    for participant in wanted:
        before = known.get(participant.name)
        if before is None:
            number += 1
        elif before.role != participant.role or before.unit != participant.unit:
            raise ParticipantRefused(
                participant.name,
                "participant.fixed",
                "role and unit stay as they were put first; onboard it under another name",
            )
        numbered = replace(participant, number=before.number if before else number)
        if numbered != before:
            changed.append(numbered)
    if number > PARTICIPANTS_MAX:
        raise ParticipantRefused(
            wanted[-1].name,
            "participant.count",
            f"a switch has at most {PARTICIPANTS_MAX} participants",
        )
    return changed


def _check(after: dict[str, Participant]) -> None:
    """See that each bank code and each IBAN leads to one participant."""
    holder: dict[str, str] = {}
    for participant in after.values():
        for place in (*participant.bank_codes, *participant.ibans):
            other = holder.setdefault(place, participant.name)
            if other != participant.name:
                kind = "bank code" if place in participant.bank_codes else "IBAN"
                raise ParticipantRefused(
                    participant.name,
                    "participant.taken",
                    f"one {kind} of it belongs to {other}: put {other} without it, "
                    "in the same request or before",
                )


async def _read(connection: Executor) -> list[Participant]:
    rows = await connection.fetch(
        "SELECT number, name, role, display_name, bank_codes, ibans, net_debit_cap, unit, "
        "auto_accept, display_name_fa FROM reference.participants ORDER BY number"
    )
    return [
        Participant(
            number=row["number"],
            name=row["name"],
            role=row["role"],
            display_name=row["display_name"],
            bank_codes=tuple(row["bank_codes"]),
            ibans=tuple(row["ibans"]),
            net_debit_cap=as_amount(row["net_debit_cap"]),
            unit=row["unit"],
            auto_accept=row["auto_accept"],
            display_name_fa=row["display_name_fa"],
        )
        for row in rows
    ]


async def _write(
    connection: Executor, changed: Sequence[Participant], known: dict[str, Participant]
) -> None:
    """Write rows; codes may go from one participant to another in whatever order they come."""
    await connection.execute(
        "UPDATE reference.participants SET bank_codes = '{}', ibans = '{}' WHERE number = ANY($1)",
        [participant.number for participant in changed if participant.name in known],
    )
    for participant in changed:
        await connection.execute(
            """
            INSERT INTO reference.participants (number, name, role, display_name, bank_codes,
                ibans, net_debit_cap, unit, auto_accept, display_name_fa)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            ON CONFLICT (number) DO UPDATE SET display_name = $4, bank_codes = $5, ibans = $6,
                net_debit_cap = $7, auto_accept = $9, display_name_fa = $10
            """,
            *(participant.number, participant.name, participant.role, participant.display_name),
            *(list(participant.bank_codes), list(participant.ibans), participant.net_debit_cap),
            *(participant.unit, participant.auto_accept, participant.display_name_fa),
        )


def _audit_detail(participant: Participant) -> str:
    """Return what was put; account numbers are counted, not told."""
    return json.dumps(
        {
            "number": participant.number,
            "role": participant.role,
            "display_name": participant.display_name,
            "display_name_fa": participant.display_name_fa,
            "bank_codes": participant.bank_codes,
            "ibans_count": len(participant.ibans),
            "net_debit_cap": str(participant.net_debit_cap),
            "unit": participant.unit,
            "auto_accept": participant.auto_accept,
        },
        ensure_ascii=False,
    )
