"""What two operators do about participants: the kinds of proposals.

Both kinds do what can fail before the act that carries them out, and may do it again.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, u128_array, u128_list, u128_of
from payvand.core.statuses import TransferStatus
from payvand.settlement.netting import position_account, settlement_account
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.participant import Participant
from payvand.switch.participants import CENTRAL_BANK_ACCOUNT, FUNDING_CODE, Registry
from payvand.switch.registry.book import PARTICIPANT_CHANGE
from payvand.switch.registry.changes import ChangeRefused
from payvand.switch.standing import id_column
from payvand.switch.units import AMOUNT_MAX

__all__ = ["FUNDING", "Funding", "ParticipantChange"]

FUNDING: Final = "participant.funding"
"""The kind of proposals that record money paid in at the central bank."""
BALANCE_MAX: Final = (1 << 63) - 1
"""Of a settlement account: what the contract's fields hold, with room for a sign."""
_ID_BITS: Final = (1 << 127) - 1


class ParticipantChange:
    """The kind of proposals that onboard participants and change them."""

    name = PARTICIPANT_CHANGE

    def __init__(self, registry: Registry, engine: Engine) -> None:
        """Change *registry*, whose accounts are in *engine*."""
        self._registry = registry
        self._engine = engine

    async def check(self, content: Mapping[str, Any]) -> None:
        """Refuse what participants can't be; see `Kind.check`."""
        await self._after(content)

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Write rows and open accounts, and return what lets calls and payments go by them."""
        await self._registry.prepare(await self._after(proposal.content))
        return lambda act: self._registry.hold()

    async def _after(self, content: Mapping[str, Any]) -> dict[str, Participant]:
        if set(content) - {"participants", "warnings"} or "participants" not in content:
            hint = 'write {"participants": [{"name": …, what changes}]}'
            raise ProposalRefused("content", "participant.entries", hint)
        before = self._registry.book.current
        try:
            after = self._registry.after(content["participants"])
        except ChangeRefused as refused:
            raise ProposalRefused(refused.field, refused.rule, refused.hint) from None
        closing = [
            one
            for one in after.values()
            if one.is_closed and one.has_accounts and not before[one.name].is_closed
        ]
        for one in closing:
            await self._check_empty(one)
        return after

    async def _check_empty(self, one: Participant) -> None:
        """Refuse to close a participant that owes, is owed, or has payments under way."""
        account = (await self._engine.lookup_accounts(u128_array([position_account(one.number)])))[
            0
        ]
        pending = u128_of(account["debits_pending"]) + u128_of(account["credits_pending"])
        net = u128_of(account["credits_posted"]) - u128_of(account["debits_posted"])
        if pending or net:
            hint = (
                f"{one.name} has {pending} under way and a position of {net}: suspend it, let what "
                "is under way end, and settle the window first"
            )
            raise ProposalRefused("participants", "participant.not_empty", hint)


class Funding:
    """The kind of proposals that move central bank money into a settlement account, once each."""

    name = FUNDING

    def __init__(self, registry: Registry, engine: Engine) -> None:
        """Fund the participants of *registry* in *engine*."""
        self._registry = registry
        self._engine = engine

    async def check(self, content: Mapping[str, Any]) -> None:
        """Refuse what can't be funded; see `Kind.check`."""
        await self._hold(*self._read(content))

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Move the money, under the proposal's id; see `Kind.carry_out`."""
        participant, amount = self._read(proposal.content)
        identity = int.from_bytes(proposal.id, "big") & _ID_BITS
        funding = np.zeros(1, TRANSFER)
        funding["id"] = id_column([identity.to_bytes(16, "big")])
        funding["debit_account_id"]["lo"] = CENTRAL_BANK_ACCOUNT
        funding["credit_account_id"]["lo"] = settlement_account(participant.number)
        funding["amount"]["lo"] = amount
        funding["ledger"] = participant.ledger
        funding["code"] = FUNDING_CODE
        if not len(await self._engine.lookup_transfers(funding["id"])):
            await self._hold(participant, amount)
        status = int((await self._engine.create_transfers(funding)).results["status"][0])
        if status not in (TransferStatus.CREATED, TransferStatus.EXISTS):
            hint = "the funding isn't in the books: give each funding an id of its own"
            raise ProposalRefused("id", f"ledger.{TransferStatus(status).name.lower()}", hint)
        await self._registry.when_funded()
        return lambda act: None

    async def balance(self, participant: Participant) -> int:
        """Return the balance of a participant's settlement account."""
        ids = u128_array([settlement_account(participant.number)])
        held = await self._engine.lookup_accounts(ids)
        (credits,), (debits,) = u128_list(held["credits_posted"]), u128_list(held["debits_posted"])
        return credits - debits

    async def _hold(self, participant: Participant, amount: int) -> None:
        """Refuse what would take a settlement account beyond what the contract can tell of it."""
        if await self.balance(participant) + amount > BALANCE_MAX:
            hint = f"the settlement account would hold more than {BALANCE_MAX}"
            raise ProposalRefused("amount", "amount.balance", hint)

    def _read(self, content: Mapping[str, Any]) -> tuple[Participant, int]:
        participant = self._registry.book.current.get(str(content.get("participant")))
        if participant is None or not participant.has_accounts:
            hint = f"no participant with accounts is called {content.get('participant')!r}"
            raise ProposalRefused("participant", "participant.unknown", hint)
        text = content.get("amount")
        if not isinstance(text, str) or not text.isascii() or not text.isdigit():
            raise ProposalRefused("amount", "amount.form", "minor units, as a text of digits")
        if not 0 < int(text) <= AMOUNT_MAX:
            raise ProposalRefused("amount", "amount.zero", f"1 to {AMOUNT_MAX}")
        return participant, int(text)
