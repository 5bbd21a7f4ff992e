"""Refunding: what was approved goes back, an exact part from everyone who has a share.

    proposal ─► approved by another ─► who has what, by the ledger ─► can they pay? ─► one chain
                                                    ▲                      │ no
                                                    └── tried again ───────┘

A beneficiary gives back out of its position. What was paid out of that in a closed window makes the
position fall below zero, as far as the participant's net debit cap allows, and is settled with the
next window: so it is asked, before anything is committed, whether its settlement account holds as
much. A refund for which somebody lacks money waits, whole, and its payer is told so.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final
from uuid import UUID

from payvand.core.engine import Engine
from payvand.core.records import Records, u128_array, u128_list, u128_of
from payvand.core.statuses import TransferStatus
from payvand.settlement.database import Pool
from payvand.settlement.netting import participant_of, settlement_account
from payvand.settlement.operator_acts import OperatorAct
from payvand.switch.approvals.approvals import ProposalRefused
from payvand.switch.approvals.proposal import Proposal
from payvand.switch.fees.bills.accounts import (
    COLLECTION_ACCOUNT,
    REFUND_CODE,
    RETURN_CODE,
    RETURN_SHARE_CODE,
    fees_account,
)
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.number import ATTEMPTS_MAX, TransferKind, transfer_id
from payvand.switch.fees.bills.standing import ATTEMPT_SHIFT, Act
from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.paying.chain import Chains
from payvand.switch.fees.refunding.holdings import Holding, divide_among, read_holdings
from payvand.switch.fees.refunding.request import REFUND_KIND, RefundRequest
from payvand.switch.translate import CREATED
from payvand.v1.payment_pb2 import Payment, PaymentKind

__all__ = ["LacksFunds", "RefundLost", "Refunding", "refund_payment_id"]

_ID_BITS: Final = (1 << 127) - 1
_EXISTS: Final = frozenset(status for status in TransferStatus if status.name.startswith("EXISTS"))


class LacksFunds(Exception):
    """Some beneficiaries don't have what they are to give back now; the refund waits."""


class RefundLost(Exception):
    """The books took another act of the bill first; it is tried again."""


def refund_payment_id(proposal: bytes) -> bytes:
    """Return the id of the return that the payer's bank is offered."""
    digest = blake2b(proposal, digest_size=16, person=b"payvand.refund").digest()
    return (int.from_bytes(digest, "big") & _ID_BITS).to_bytes(16, "big")


class Refunding:
    """The kind of proposals that give money of bills back."""

    name: Final = REFUND_KIND

    def __init__(
        self,
        *,
        engine: Engine,
        pool: Pool,
        inquiry: Inquiry,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Refund on *engine*; *catch_up* waits until the database is as far as the ledger."""
        self._engine = engine
        self._pool = pool
        self._inquiry = inquiry
        self._catch_up = catch_up

    async def check(self, content: Mapping[str, Any]) -> None:
        """Raise `ProposalRefused` where *content* can't go back as things stand."""
        request = RefundRequest.of(content)
        await self._parts(request, await self._standing(request.key))

    async def carry_out(self, proposal: Proposal) -> Callable[[OperatorAct], None]:
        """Give back what was approved, once.

        Raises:
            ProposalRefused: there isn't so much left of the payment.
            LacksFunds, RefundLost: not yet.
        """
        request = RefundRequest.of(proposal.content)
        standing = await self._standing(request.key)
        about = int.from_bytes(proposal.id, "big")
        if not any(act.code == REFUND_CODE and act.cart == about for act in standing.acts):
            parts = await self._parts(request, standing)
            await self._see_funds(parts)
            await self._commit(proposal, request, standing, parts)
        return _nothing

    async def _standing(self, key: int) -> Standing:
        standing = (await self._inquiry.of_keys([key])).get(key)
        if standing is None:
            raise ProposalRefused("number", "bill.unknown", "no bill has this number")
        return standing

    async def _parts(self, request: RefundRequest, standing: Standing) -> list[tuple[Holding, int]]:
        """Return who gives back how much; raises `ProposalRefused` where there isn't so much."""
        if not any(act.is_payment and act.number == request.act for act in standing.acts):
            hint = f"act {request.act} of the bill is no payment"
            raise ProposalRefused("act", "refund.act", hint)
        holdings = [
            holding
            for holding in await read_holdings(self._engine, request.key, standing.acts)
            if holding.act == request.act
        ]
        wanted: Mapping[int | None, int] = request.lines or {None: request.amount}  # type: ignore[assignment]
        parts: list[tuple[Holding, int]] = []
        for line, amount in wanted.items():
            of_line = [one for one in holdings if line is None or one.line == line]
            left = sum(holding.amount for holding in of_line)
            if amount > left:
                which = "the payment" if line is None else f"line {line}"
                hint = f"{left} of {which} is left to give back"
                raise ProposalRefused("amount", "refund.amount", hint)
            parts += divide_among(amount, of_line)
        return parts

    async def _see_funds(self, parts: Sequence[tuple[Holding, int]]) -> None:
        """Raise `LacksFunds` where a beneficiary can't give back its part and settle it."""
        wanted: Counter[int] = Counter()
        for holding, part in parts:
            wanted[holding.position] += part
        positions = list(wanted)
        balances = await self._balances(positions)
        outside = await self._balances(
            [settlement_account(participant_of(position)) for position in positions]
        )
        limits = await self._engine.lookup_limits(u128_array(positions))
        cap_of = dict(zip(u128_list(limits["account_id"]), u128_list(limits["limit"]), strict=True))
        for position, funds in zip(positions, outside.values(), strict=True):
            least = min(funds, cap_of.get(position, 0))
            if balances[position] + least < wanted[position]:
                raise LacksFunds(
                    f"participant {participant_of(position)} is to give back {wanted[position]} "
                    f"and has {balances[position]}, {funds} outside and a cap of "
                    f"{cap_of.get(position, 0)}"
                )

    async def _balances(self, accounts: Sequence[int]) -> dict[int, int]:
        """Return what each account may give, its limit left aside."""
        found = await self._engine.lookup_accounts(u128_array(accounts))
        return {
            account: credits - debits - pending
            for account, credits, debits, pending in zip(
                u128_list(found["id"]),
                u128_list(found["credits_posted"]),
                u128_list(found["debits_posted"]),
                u128_list(found["debits_pending"]),
                strict=True,
            )
        }

    async def _commit(
        self,
        proposal: Proposal,
        request: RefundRequest,
        standing: Standing,
        parts: Sequence[tuple[Holding, int]],
    ) -> None:
        payment = next(act for act in standing.acts if act.number == request.act)
        debit, paid = await self._paid_by(payment)
        act, agency = standing.next_act, standing.bill.agency
        attempt = await self._free_attempt(request.key, act)
        chain = Chains(int(debit["ledger"]))
        returned = transfer_id(TransferKind.RETURN, request.key, act, 0, attempt)
        for holding, part in parts:
            chain.add(
                returned + holding.place,
                holding.position,
                fees_account(agency),
                part,
                RETURN_SHARE_CODE,
                data_128=holding.key << 64,
                data_32=holding.line,
            )
        chain.add(
            transfer_id(TransferKind.ACT, request.key, act),
            fees_account(agency),
            COLLECTION_ACCOUNT,
            request.amount,
            REFUND_CODE,
            data_128=int.from_bytes(proposal.id, "big"),
            data_64=payment.debtor,
            data_32=attempt << ATTEMPT_SHIFT | request.act,
        )
        back = Payment(
            id=refund_payment_id(proposal.id),
            kind=PaymentKind.PAYMENT_KIND_RETURN,
            debtor_iban=paid.creditor_iban,
            creditor_iban=paid.debtor_iban,
            amount=request.amount,
            unit=paid.unit,
            end_to_end_id=paid.end_to_end_id,
            debtor_name=paid.creditor_name,
            creditor_name=paid.debtor_name,
            bill_reference=standing.bill.number,
            original_id=paid.id,
            reason_code=request.reason_code,
        )
        chain.add(
            int.from_bytes(back.id, "big"),
            COLLECTION_ACCOUNT,
            u128_of(debit["debit_account_id"]),
            request.amount,
            RETURN_CODE,
            data_128=payment.debtor << 64,
            data_64=u128_of(debit["user_data_128"]) >> 64,
            payload=back.SerializeToString(deterministic=True),
        )
        chain.end()
        records, payloads, offsets = chain.records()
        results = (
            await self._engine.create_transfers(records, payloads=payloads, offsets=offsets)
        ).results
        statuses = {TransferStatus(status) for status in set(results["status"].tolist())}
        if statuses == {TransferStatus(CREATED)}:
            return
        if statuses & _EXISTS:
            raise RefundLost("another act of the bill came first")
        raise LacksFunds(", ".join(sorted(status.name.lower() for status in statuses)))

    async def _paid_by(self, payment: Act) -> tuple[Records, Payment]:
        """Return the debit of a payment, and what its bank sent."""
        (debit,) = await self._engine.lookup_transfers(u128_array([payment.cart]))
        await self._catch_up()
        async with self._pool.acquire() as connection:
            payload = await connection.fetchval(
                "SELECT payload FROM books.transfer WHERE id = $1", UUID(int=payment.cart)
            )
        return debit, Payment.FromString(payload)

    async def _free_attempt(self, key: int, act: int) -> int:
        """Return the first attempt none of whose ids is spent."""
        for attempt in range(ATTEMPTS_MAX):
            first = transfer_id(TransferKind.RETURN, key, act, 1, attempt)
            states = await self._engine.states(u128_array(first + place for place in range(64)))
            if not states["state"].any():
                return attempt
        raise LacksFunds("the ids of this refund are spent: an operator has to look")


def _nothing(_: OperatorAct) -> None:
    """Change nothing: the ledger has it already."""
