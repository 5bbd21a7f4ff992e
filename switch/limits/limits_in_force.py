"""Bringing the ledger to the limits that two operators have set, and to what follows from them.

Quotas and collateral change when a proposal is carried out. The net debit cap of a position changes
with what its settlement account holds, too: it is set again after each funding, and as the engine
still stands still for the closing of a window. What a crash leaves out, the next start brings up.
"""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from payvand.core.engine import Engine, Still
from payvand.core.ledger import Ledger
from payvand.core.records import (
    LIMIT,
    QUOTA,
    TRANSFER,
    QuotaFlags,
    Records,
    u128_array,
    u128_list,
)
from payvand.core.statuses import LimitStatus, QuotaStatus, TransferStatus
from payvand.settlement.netting import (
    OWN_ID,
    collateral_account,
    position_account,
    settlement_account,
)
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.limits.limit import IN_LEDGER, Kind, Limit, LimitFault, QuotaTerms
from payvand.switch.limits.limit_book import LIMIT_CHANGE, LimitBook, limits_of
from payvand.switch.participant import Participant
from payvand.switch.participants import CENTRAL_BANK_ACCOUNT, Registry

__all__ = ["COLLATERAL_CODE", "LimitChange", "LimitsInForce"]

COLLATERAL_CODE: Final = 23
"""The code of transfers of what is pledged."""
READ_MAX: Final = 8_000
"""Accounts of one read of the ledger."""


class LimitsInForce:
    """The limits of one switch. One for each process."""

    def __init__(self, engine: Engine, registry: Registry) -> None:
        """Hold the participants of *registry* to their limits in *engine*."""
        self.book = LimitBook()
        """Tell it of each act of the journal."""
        self._engine = engine
        self._registry = registry
        self._balances: dict[int, int] = {}
        registry.cap_of = self.cap_of
        registry.when_funded = self.when_funded

    def cap_of(self, participant: Participant) -> int:
        """Return a position's limit, by what the settlement account held when it was looked at."""
        return self.book.cap(participant, self._balances.get(participant.number, 0))

    async def load(self) -> None:
        """Bring the ledger to all limits in force, once the registry and the acts are loaded."""
        await self._set_quotas(limit for limit in self.book if limit.kind in IN_LEDGER)
        await self.set_caps()

    async def set_caps(self, book: LimitBook | None = None) -> None:
        """Bring the caps to what *book* and the settlement accounts say."""
        async with self._engine.still() as still:
            await self.set_caps_while(still, book)

    async def set_caps_while(self, still: Still, book: LimitBook | None = None) -> None:
        """Do as `set_caps`, while the engine stands still."""
        participants = self._registry.participants
        self._balances = _balances(still.ledger, participants)
        wanted = {
            position_account(one.number): (book or self.book).cap(
                one, self._balances.get(one.number, 0)
            )
            for one in participants
        }
        ids = list(wanted)
        for first in range(0, len(ids), READ_MAX):
            found = still.ledger.lookup_limits(u128_array(ids[first : first + READ_MAX]))
            stale = [
                account
                for account, limit in zip(
                    u128_list(found["account_id"]), u128_list(found["limit"]), strict=True
                )
                if wanted[account] != limit
            ]
            if stale:
                records = np.zeros(len(stale), LIMIT)
                records["account_id"] = u128_array(stale)
                records["limit"] = u128_array(wanted[account] for account in stale)
                results = (await still.set_limits(records)).results
                assert (results["status"] == LimitStatus.CREATED).all(), "positions have a limit"

    async def when_liquidity_moved(self, still: Still) -> None:
        """Bring the caps to what settlement accounts hold now, while the engine stands still."""
        if self.book.has_shares:
            await self.set_caps_while(still)

    async def when_funded(self) -> None:
        """Bring the caps to what settlement accounts hold now."""
        if self.book.has_shares:
            await self.set_caps()

    async def carry_out(self, limits: Iterable[Limit], proposal: bytes) -> None:
        """Bring the ledger to *limits*; doing it again changes nothing."""
        limits = list(limits)
        await self._set_quotas(limit for limit in limits if limit.kind in IN_LEDGER)
        for index, limit in enumerate(limits):
            if limit.kind is Kind.COLLATERAL:
                await self._pledge(limit, proposal, index)
        await self.set_caps(self.book.with_limits(limits))

    def terms_of(self, limit: Limit) -> QuotaTerms | None:
        """Return the quota that a limit is; None where somebody of it takes no part."""
        by_name = self._registry.routing.by_name
        names = [limit.participant, *([limit.creditor] if limit.creditor else [])]
        if not all(name in by_name for name in names):
            return None
        return limit.terms(*(by_name[name].number for name in names))

    async def _set_quotas(self, limits: Iterable[Limit]) -> None:
        rows = []
        for limit in limits:
            terms = self.terms_of(limit)
            if terms is not None:
                rows.append((terms, limit.maxima))
        if not rows:
            return
        quotas = np.zeros(len(rows), QUOTA)
        quotas["id"] = u128_array(terms.id for terms, _ in rows)
        quotas["debit_account_id"] = u128_array(terms.debit_account for terms, _ in rows)
        quotas["credit_account_id"] = u128_array(terms.credit_account for terms, _ in rows)
        quotas["amount_max"] = u128_array(most for _, (most, _) in rows)
        quotas["sum_max"] = u128_array(most for _, (_, most) in rows)
        for name in ("codes", "period", "offset", "event"):
            quotas[name] = [getattr(terms, name) for terms, _ in rows]
        quotas["flags"] = [QuotaFlags.NETTING if terms.netting else 0 for terms, _ in rows]
        results = (await self._engine.set_quotas(quotas)).results
        refused = results["status"][results["status"] != QuotaStatus.CREATED]
        if len(refused):
            names = ", ".join(sorted({QuotaStatus(one).name.lower() for one in refused.tolist()}))
            raise ProposalRefused("content", "limits.ledger", f"the ledger refuses it: {names}")

    async def _pledge(self, limit: Limit, proposal: bytes, index: int) -> None:
        """Bring what the collateral account holds to the amount pledged, once for a proposal."""
        route = self._registry.routing.by_name[limit.participant]
        account = collateral_account(route.number)
        (held,) = await self._engine.lookup_accounts(u128_array([account]))
        wanted = limit.amount or 0
        change = wanted - _balance(held)
        if not change:
            return
        sides = (CENTRAL_BANK_ACCOUNT, account) if change > 0 else (account, CENTRAL_BANK_ACCOUNT)
        pledge = np.zeros(1, TRANSFER)
        told = proposal + index.to_bytes(4, "big")
        digest = blake2b(told, digest_size=16, person=b"payvand.pledge").digest()
        pledge["id"] = u128_array([int.from_bytes(digest) | OWN_ID])
        pledge["debit_account_id"], pledge["credit_account_id"] = (
            u128_array([sides[0]]),
            u128_array([sides[1]]),
        )
        pledge["amount"] = u128_array([abs(change)])
        pledge["ledger"], pledge["code"] = route.ledger, COLLATERAL_CODE
        status = int((await self._engine.create_transfers(pledge)).results["status"][0])
        if status not in (TransferStatus.CREATED, TransferStatus.EXISTS):
            name = TransferStatus(status).name.lower()
            raise ProposalRefused("content", "limits.ledger", f"the ledger refuses it: {name}")


def _balances(ledger: Ledger, participants: Iterable[Participant]) -> dict[int, int]:
    """Return what the settlement accounts hold, by participant."""
    ids = [settlement_account(one.number) for one in participants]
    found: dict[int, int] = {}
    for first in range(0, len(ids), READ_MAX):
        for account in ledger.lookup_accounts(u128_array(ids[first : first + READ_MAX])):
            (number,) = u128_list(account["id"].reshape(1))
            found[number // 16] = _balance(account)
    return found


def _balance(account: Records) -> int:
    (credits,), (debits,) = (
        u128_list(account[name].reshape(1)) for name in ("credits_posted", "debits_posted")
    )
    return credits - debits


class LimitChange:
    """The kind of proposals that set limits."""

    name = LIMIT_CHANGE

    def __init__(self, limits: LimitsInForce, registry: Registry) -> None:
        """Set *limits* of participants of *registry*."""
        self._limits = limits
        self._registry = registry

    async def check(self, content: Mapping[str, Any]) -> None:
        """Refuse what isn't a list of limits of participants; see `Kind.check`."""
        try:
            limits = limits_of(content)
        except LimitFault as fault:
            raise ProposalRefused(f"content.{fault.field}", fault.rule, fault.hint) from None
        for index, limit in enumerate(limits):
            for field, name in (("participant", limit.participant), ("creditor", limit.creditor)):
                if name and name not in self._registry.routing.by_name:
                    path = f"content.limits[{index}].{field}"
                    raise ProposalRefused(path, "limits.participant", f"{name!r} takes no part")

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Bring the ledger to the limits; see `Kind.carry_out`."""
        await self.check(proposal.content)
        await self._limits.carry_out(limits_of(proposal.content), proposal.id)
        return lambda act: None
