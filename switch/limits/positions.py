"""How participants stand, worked out of the ledger at one moment; and who waits for it to move.

Streams of positions don't look for themselves. One task looks, now and then and only where the
journal has grown, at the accounts of all participants that somebody waits for, in one read, and
wakes those whose accounts have moved. So thousands of streams cost as much as their participants
move.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from payvand.core.engine import Engine
from payvand.core.ledger import Ledger
from payvand.core.records import U128_MAX, Records, u128_array, u128_list, u128_of
from payvand.settlement.netting import (
    charge_account,
    collateral_account,
    position_account,
    settlement_account,
)
from payvand.switch.limits.limit import IN_LEDGER, Kind, Limit
from payvand.switch.limits.limits_in_force import LimitsInForce
from payvand.switch.participants import Registry
from payvand.switch.routing import Route

__all__ = ["CAP", "LOOK_S", "LimitUse", "Position", "Positions"]

LOOK_S: Final = 0.25
READ_MAX: Final = 8_000
"""Accounts of one read."""
CAP: Final = "cap"
"""The name of the net debit cap among limits."""


@dataclass(frozen=True, slots=True)
class LimitUse:
    """A limit and how much of it is used; of one for a single payment nothing is."""

    limit: str
    maximum: int
    used: int | None


@dataclass(frozen=True, slots=True)
class Position:
    """How a participant stands; amounts in minor units."""

    participant: str
    unit: str
    sequence: int
    balance: int
    reserved_out: int
    reserved_in: int
    cap: int
    settlement_balance: int
    collateral: int
    charges: int
    limits: tuple[LimitUse, ...]

    @property
    def headroom(self) -> int:
        """What it may still pay."""
        return self.balance - self.reserved_out + self.cap


class Positions:
    """Positions of the participants of one switch. One for each process; `run` it."""

    def __init__(self, engine: Engine, registry: Registry, limits: LimitsInForce) -> None:
        """Read them from *engine*, with the *limits* in force."""
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._waiting: defaultdict[int, set[asyncio.Future[None]]] = defaultdict(set)
        self._seen: dict[int, bytes] = {}
        self._sequence = 0

    async def position(self, route: Route) -> Position:
        """Return how a participant stands, all as of one moment."""
        limits = [one for one in self._limits.book.of(route.name) if one.kind in IN_LEDGER]
        terms = [(one, told.id) for one in limits if (told := self._limits.terms_of(one))]
        accounts = [make(route.number) for make in _ACCOUNTS]

        def read(ledger: Ledger) -> tuple[Records, Records, Records]:
            return (
                ledger.lookup_accounts(u128_array(accounts)),
                ledger.lookup_limits(u128_array(accounts[:1])),
                ledger.lookup_quotas(u128_array(id for _, id in terms)),
            )

        sequence, (found, caps, quotas) = await self._engine.look(read)
        standing = {u128_of(account["id"]): account for account in found}
        inside = standing[accounts[0]]
        used = {u128_of(row["quota"]["id"]): row for row in quotas}
        cap = u128_of(caps["limit"][0])
        balance, out = _balance(inside), u128_of(inside["debits_pending"])
        settlement, collateral, charges = (_balance(standing.get(one)) for one in accounts[1:])
        uses = [LimitUse(CAP, cap, max(out - balance, 0))]
        for limit, id in terms:
            if id in used and limit.amount is not None:
                uses.append(limit_use(limit, used[id]))
        return Position(
            participant=route.name,
            unit=route.unit,
            sequence=sequence,
            balance=balance,
            reserved_out=out,
            reserved_in=u128_of(inside["credits_pending"]),
            cap=cap,
            settlement_balance=settlement,
            collateral=collateral,
            charges=charges,
            limits=tuple(uses),
        )

    # --- waiting -----------------------------------------------------------------------------

    async def moved(self, participant: int) -> None:
        """Return once the accounts of *participant* have moved, or something concerns it."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[participant].add(waiting)
        try:
            await waiting
        finally:
            self._waiting[participant].discard(waiting)
            if not self._waiting[participant]:
                del self._waiting[participant]

    def wake(self, participants: Iterable[int]) -> None:
        """Wake who waits for any of *participants*."""
        for number in participants:
            for waiting in self._waiting.get(number, ()):
                if not waiting.done():
                    waiting.set_result(None)

    async def run(self) -> None:
        """Look for what has moved, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self._waiting and self._engine.sequence != self._sequence:
                await self.look()

    async def look(self) -> None:
        """Wake those whose participants have moved since this looked last."""
        numbers = list(self._waiting)
        sequence = self._engine.sequence
        for first in range(0, len(numbers), READ_MAX // len(_ACCOUNTS)):
            part = numbers[first : first + READ_MAX // len(_ACCOUNTS)]
            ids = u128_array(make(number) for number in part for make in _ACCOUNTS)
            caps = u128_array(map(position_account, part))
            _, (accounts, limits) = await self._engine.look(
                lambda ledger, ids=ids, caps=caps: (  # type: ignore[misc]
                    ledger.lookup_accounts(ids),
                    ledger.lookup_limits(caps),
                )
            )
            marks: defaultdict[int, bytes] = defaultdict(bytes)
            for row, id in zip(accounts, u128_list(accounts["id"]), strict=True):
                marks[id // 16] += row.tobytes()
            for row, id in zip(limits, u128_list(limits["account_id"]), strict=True):
                marks[id // 16] += row.tobytes()
            self.wake(number for number in part if self._seen.get(number) != marks[number])
            self._seen |= marks
        self._sequence = sequence


_ACCOUNTS: Final = (position_account, settlement_account, collateral_account, charge_account)


def limit_use(limit: Limit, row: Records) -> LimitUse:
    """Return how much is used of a limit that is the quota of *row*, QUOTA_USE."""
    name = "amount_max" if limit.kind is Kind.PAYMENT else "sum_max"
    maximum = min(u128_of(row["quota"][name]), U128_MAX)
    if limit.kind is Kind.PAYMENT:
        return LimitUse(limit.name, maximum, None)
    used = u128_of(row["pending"]) + u128_of(row["posted"]) - u128_of(row["received"])
    return LimitUse(limit.name, maximum, max(used, 0))


def _balance(account: Records | None) -> int:
    if account is None:
        return 0
    return u128_of(account["credits_posted"]) - u128_of(account["debits_posted"])
