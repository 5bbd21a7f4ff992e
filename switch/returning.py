"""Returns and recalls: money that goes back, and the question whether it will.

A return is a transfer from the original's creditor to its debtor, under an id derived from the
original's and the number of the return. So the returns of a payment are found in the ledger by
their ids alone, and their sum with them; nothing is kept beside the books. A recall is a
reservation of nothing in the creditor's favour: the creditor's side answers it like any other,
and the engine's clock ends it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, Records, TransferFlags, u128_list, u128_of
from payvand.switch.charging import start_charged
from payvand.switch.routing import Route
from payvand.switch.standing import KINDS_BELOW, concerns, find, id_column, is_payment, same_content
from payvand.switch.translate import STATE_OF_LEDGER, ReasonBook, rule_of
from payvand.switch.wire.charging import ChargeTable
from payvand.v1.payment_pb2 import Payment, PaymentKind, PaymentState, Reason

__all__ = [
    "NUMBER_MAX",
    "RECALL_CODE",
    "RETURN_CODE",
    "Recalled",
    "Refused",
    "Returned",
    "Returning",
    "recall_id",
    "return_id",
]

RETURN_CODE: Final = 3
RECALL_CODE: Final = 4
NUMBER_MAX: Final = 64
"""Returns of one payment."""
RECALL_TIMEOUT_S: Final = 10 * 86_400
"""How long a recall waits for its answer: ten days, as SEPA's scheme has it in banking days."""
REMITTANCE_MAX: Final = 140

_REASON: Final = re.compile("[A-Z0-9]{4}")
_SETTLED: Final = PaymentState.PAYMENT_STATE_SETTLED
_ID_BITS: Final = (1 << 127) - 1


class Refused(Exception):
    """The request breaks a rule; nothing was recorded."""

    def __init__(self, rule: str, text: str, field: str = "") -> None:
        """Name the *rule*, the *field* at fault where one is, and say what to do in *text*."""
        super().__init__(text)
        self.rule, self.text, self.field = rule, text, field


@dataclass(frozen=True, slots=True)
class Returned:
    """What became of a return."""

    id: bytes
    state: int
    reason: Reason | None
    returned: int
    """How much of the original has been given back by now."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Where a recall stands."""

    id: bytes
    state: int


def return_id(original: bytes, number: int) -> bytes:
    """Return the id of the return *number* of a payment."""
    return _derived(original, b"payvand.return", number)


def recall_id(original: bytes) -> bytes:
    """Return the id of the recall of a payment."""
    return _derived(original, b"payvand.recall", 0)


def _derived(original: bytes, person: bytes, number: int) -> bytes:
    told = original + number.to_bytes(4, "big")
    digest = int.from_bytes(blake2b(told, digest_size=16, person=person).digest(), "big")
    return (digest & _ID_BITS).to_bytes(16, "big")


def _key(iban: str) -> int:
    """Return the number that stands for an account in a transfer's user data."""
    digest = blake2b(iban.encode(), digest_size=8, person=b"payvand.account").digest()
    return int.from_bytes(digest)


class Returning:
    """Makes returns and recalls on an engine. One for each process."""

    def __init__(
        self,
        engine: Engine,
        reasons: ReasonBook,
        charges: Callable[[], ChargeTable | None] = lambda: None,
    ) -> None:
        """Work on *engine*; tell why by *reasons*, and what returns cost by *charges*."""
        self._charges = charges
        self._engine = engine
        self._reasons = reasons
        self._turns: dict[bytes, tuple[asyncio.Lock, int]] = {}

    async def give_back(
        self,
        caller: Route,
        *,
        original_id: bytes,
        number: int,
        amount: int,
        reason: str,
        debtor_iban: str,
        creditor_iban: str,
        remittance: str,
    ) -> Returned:
        """Make the return *number* of a payment, or tell what became of it.

        Raises:
            Refused: a rule is broken.
        """
        _check(reason, remittance)
        if not 1 <= number <= NUMBER_MAX:
            raise Refused("return.number", f"number returns from 1 to {NUMBER_MAX}", "number")
        if not amount:
            raise Refused("amount.zero", "give back more than nothing", "amount")
        async with self._turn(original_id):
            original = await self._original(original_id, caller, "credit_account_id")
            keys = u128_of(original["user_data_128"]) >> 64, int(original["user_data_64"])
            if (_key(debtor_iban), _key(creditor_iban)) != keys:
                raise Refused(
                    "return.accounts",
                    "a return goes from the original's creditor account to its debtor account",
                    "debtor_iban",
                )
            payment = Payment(
                id=return_id(original_id, number),
                kind=PaymentKind.PAYMENT_KIND_RETURN,
                debtor_iban=debtor_iban,
                creditor_iban=creditor_iban,
                amount=amount,
                unit=caller.unit,
                remittance=remittance,
                original_id=original_id,
                reason_code=reason,
            )
            made = await self._made(original_id)
            before = made.get(payment.id)
            record = _return_record(payment, original)
            if before is not None and not same_content(record[0], before):
                raise Refused(
                    "payment.id_reused",
                    f"return {number} of this payment is another: take the next number",
                    "number",
                )
            returned = sum(u128_of(one["amount"]) for one in made.values())
            left = u128_of(original["amount"]) - returned
            if before is None and amount > left:
                raise Refused(
                    "return.amount", f"{left} of the payment are left to give back", "amount"
                )
            state, why = await self._commit(record, payment)
            if before is None and state == _SETTLED:
                returned += amount
            return Returned(payment.id, state, why, returned)

    async def recall(
        self, caller: Route, *, original_id: bytes, reason: str, remittance: str
    ) -> Recalled:
        """Ask for a payment back, or tell where the question stands.

        Raises:
            Refused: a rule is broken.
        """
        _check(reason, remittance)
        async with self._turn(original_id):
            original = await self._original(original_id, caller, "debit_account_id")
            payment = Payment(
                id=recall_id(original_id),
                kind=PaymentKind.PAYMENT_KIND_RECALL,
                unit=caller.unit,
                remittance=remittance,
                original_id=original_id,
                reason_code=reason,
            )
            state, _ = await self._commit(_recall_record(payment, original), payment)
            return Recalled(payment.id, state)

    @asynccontextmanager
    async def _turn(self, original_id: bytes) -> AsyncIterator[None]:
        """Let one act on a payment's returns at a time: their sum must not move meanwhile."""
        lock, waiting = self._turns.get(original_id, (asyncio.Lock(), 0))
        self._turns[original_id] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[original_id]
            if waiting == 1:
                del self._turns[original_id]
            else:
                self._turns[original_id] = (lock, waiting - 1)

    async def _original(self, identity: bytes, caller: Route, side: str) -> Records:
        """Return the settled payment, of which the caller must be the *side*."""
        ids = id_column([identity])
        found, _ = await find(self._engine, ids)
        if not (is_payment(found) & concerns(found[side], caller)).any():
            raise Refused(
                "return.original", "no settled payment of yours has this id", "original_id"
            )
        if found["code"][0] >= RETURN_CODE:
            raise Refused("return.kind", "returns and recalls are not given back", "original_id")
        state = STATE_OF_LEDGER[int((await self._engine.states(ids))["state"][0])]
        if state != _SETTLED:
            raise Refused(
                "return.original", "only what has settled can be given back", "original_id"
            )
        only: Records = found[0]
        return only

    async def _made(self, original_id: bytes) -> dict[bytes, Records]:
        """Return the returns of a payment that exist, by id."""
        ids = id_column([return_id(original_id, number) for number in range(1, NUMBER_MAX + 1)])
        found = await self._engine.lookup_transfers(ids)
        return {
            identity.to_bytes(16, "big"): record
            for identity, record in zip(u128_list(found["id"]), found, strict=True)
        }

    async def _commit(self, record: Records, payment: Payment) -> tuple[int, Reason | None]:
        """Record a return or a recall, and return its state and why it was declined."""
        payload = payment.SerializeToString(deterministic=True)
        offsets = np.array([0, len(payload)], np.uint32)
        charges = self._charges()
        if charges is None:
            committed = await self._engine.create_transfers(
                record, payloads=payload, offsets=offsets
            )
        else:
            committed = await start_charged(
                self._engine, charges, record, np.frombuffer(payload, np.uint8), offsets
            )
        known = await self._engine.states(np.ascontiguousarray(record["id"]))
        state = STATE_OF_LEDGER[int(known["state"][0])]
        status = int(committed.results["status"][0])
        if state == PaymentState.PAYMENT_STATE_UNKNOWN:
            raise Refused(rule_of(status), "the books can't take this")
        if state != PaymentState.PAYMENT_STATE_DECLINED:
            return state, None
        decision = int(committed.decisions[0]) if len(committed.decisions) else 0
        return state, self._reasons.reason(status, decision)


def _check(reason: str, remittance: str) -> None:
    if not _REASON.fullmatch(reason):
        raise Refused(
            "reason.form", "write an ISO 20022 code, for example CUST or DUPL", "reason_code"
        )
    if len(remittance) > REMITTANCE_MAX or any(ord(one) < 32 for one in remittance):
        raise Refused(
            "remittance.form",
            f"at most {REMITTANCE_MAX} characters, none that control",
            "remittance",
        )


def _digest(payment: Payment) -> int:
    content = payment.SerializeToString(deterministic=True)
    return int.from_bytes(blake2b(content, digest_size=8, person=b"payvand.payment").digest())


def _return_record(payment: Payment, original: Records) -> Records:
    record = np.zeros(1, TRANSFER)
    record["id"] = id_column([payment.id])
    record["debit_account_id"] = original["credit_account_id"]
    record["credit_account_id"] = original["debit_account_id"]
    record["amount"]["lo"] = payment.amount
    record["user_data_64"] = _key(payment.debtor_iban)
    record["user_data_128"]["hi"] = _key(payment.creditor_iban)
    record["user_data_128"]["lo"] = _digest(payment)
    record["ledger"] = original["ledger"]
    record["code"] = RETURN_CODE
    return record


def _recall_record(payment: Payment, original: Records) -> Records:
    record = np.zeros(1, TRANSFER)
    record["id"] = id_column([payment.id])
    record["debit_account_id"] = original["debit_account_id"]
    record["credit_account_id"] = original["credit_account_id"]
    record["user_data_64"] = original["user_data_64"]
    record["user_data_128"]["hi"] = original["user_data_128"]["hi"]
    record["user_data_128"]["lo"] = _digest(payment)
    record["ledger"] = original["ledger"]
    record["code"] = RECALL_CODE
    record["flags"] = TransferFlags.PENDING
    record["timeout"] = RECALL_TIMEOUT_S
    return record


assert RECALL_CODE < KINDS_BELOW, "streams offer and tell of kinds below"
