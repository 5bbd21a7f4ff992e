"""Payments of a request → records of the ledger, each judged by the rules of the contract.

The rules that need no books are here, all of them: the form of ids, accounts, amounts and texts,
and whose accounts they are. A payment that breaks one is refused with the field and the rule; it
leaves no trace in the journal. What the books decide comes later, from the ledger.

One Python loop over the payments gathers columns, and numpy makes the records of them at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.limits import PAYLOADS_BYTES_MAX
from payvand.core.records import TRANSFER, Records, TransferFlags
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.routing import Route, Routing
from payvand.switch.units import UNITS
from payvand.v1.payment_pb2 import Payment, Refusal

__all__ = ["PAYMENT_BYTES_MAX", "Chunk", "Decoded", "account_key", "content_key", "decode"]

ID_BYTES: Final = 16
REFERENCE_LENGTH_MAX: Final = 35
TEXT_LENGTH_MAX: Final = 140
PAYMENT_BYTES_MAX: Final = 2_560
"""A message whose every field is full, in the longest UTF-8, has some 2,100; more than this are
fields that the contract doesn't know."""

_ZERO: Final = bytes(ID_BYTES)
_KINDS: Final = frozenset((1, 2))

_LENGTHS_MAX: Final = {
    "end_to_end_id": REFERENCE_LENGTH_MAX,
    "debtor_name": TEXT_LENGTH_MAX,
    "creditor_name": TEXT_LENGTH_MAX,
    "remittance": TEXT_LENGTH_MAX,
    "bill_reference": REFERENCE_LENGTH_MAX,
}


def account_key(text: str) -> bytes:
    """Return the 64-bit key, big-endian, under which the books know the account of an IBAN."""
    return blake2b(text.encode(), digest_size=8, person=b"payvand.account").digest()


def content_key(payload: bytes) -> bytes:
    """Return the 64-bit digest, big-endian, that tells a retry from another payment."""
    return blake2b(payload, digest_size=8, person=b"payvand.payment").digest()


@dataclass(frozen=True, slots=True)
class Chunk:
    """As many records as one submission to the engine takes."""

    start: int
    """Which of the decoded records is the first."""
    records: Records
    payloads: bytes
    offsets: npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The payments of one request."""

    count: int
    """How many there were."""
    places: npt.NDArray[np.intp]
    """For each record, which payment of the request it is."""
    records: Records
    """TRANSFER[n], those that keep the rules."""
    payloads: list[bytes]
    """The serialised `Payment` of each record."""
    refusals: list[Refusal]
    """Those that don't, in the order of the request."""

    @classmethod
    def joined(cls, parts: Sequence["Decoded"]) -> "Decoded":
        """Return the parts of one request as one."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            sum(part.count for part in parts),
            np.concatenate([np.empty(0, np.intp), *(part.places for part in parts)]),
            np.concatenate([np.empty(0, TRANSFER), *(part.records for part in parts)]),
            [payload for part in parts for payload in part.payloads],
            [refusal for part in parts for refusal in part.refusals],
        )

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records in pieces whose payloads fit one batch; most often it is one."""
        offsets = np.zeros(len(self.payloads) + 1, np.int64)
        np.cumsum([len(payload) for payload in self.payloads], out=offsets[1:])
        start = 0
        while start < len(self.payloads):
            room = offsets[start] + PAYLOADS_BYTES_MAX
            stop = int(np.searchsorted(offsets, room, side="right")) - 1
            yield Chunk(
                start,
                self.records[start:stop],
                b"".join(self.payloads[start:stop]),
                (offsets[start : stop + 1] - offsets[start]).astype(np.uint32),
            )
            start = stop


def decode(
    payments: Sequence[Payment],
    *,
    debtor: Route,
    routing: Routing,
    timeout_s: int,
    start: int = 0,
) -> Decoded:
    """Judge *payments* that the participant *debtor* submits, and make records of the good ones.

    Args:
        payments: of one request, or a part of them.
        debtor: who submits; it can debit only its own position.
        routing: where accounts lead.
        timeout_s: how long a creditor's bank that doesn't auto-accept has for its answer.
        start: which payment of the request is the first.
    """
    places: list[int] = []
    payloads: list[bytes] = []
    keys: list[bytes] = []
    credits: list[int] = []
    amounts: list[int] = []
    codes: list[int] = []
    pending: list[bool] = []
    refusals: list[Refusal] = []
    by_iban, by_bank_code = routing.by_iban, routing.by_bank_code
    is_valid = iban.is_valid
    for place, payment in enumerate(payments, start):
        identity = payment.id
        debtor_iban = payment.debtor_iban
        creditor_iban = payment.creditor_iban
        amount = payment.amount
        kind = payment.kind
        unit = payment.unit
        end_to_end_id = payment.end_to_end_id
        debtor_name = payment.debtor_name
        creditor_name = payment.creditor_name
        remittance = payment.remittance
        bill_reference = payment.bill_reference
        creditor = by_iban.get(creditor_iban) or by_bank_code.get(creditor_iban[4:7])
        owner = by_iban.get(debtor_iban) or by_bank_code.get(debtor_iban[4:7])
        payload = payment.SerializeToString()
        if not (
            len(identity) == ID_BYTES
            and identity[0] < 0x80
            and identity != _ZERO
            and kind in _KINDS
            and owner is debtor
            and creditor is not None
            and creditor is not debtor
            and is_valid(debtor_iban)
            and is_valid(creditor_iban)
            and amount
            and unit == debtor.unit
            and unit == creditor.unit
            and len(end_to_end_id) <= REFERENCE_LENGTH_MAX
            and len(bill_reference) <= REFERENCE_LENGTH_MAX
            and len(debtor_name) <= TEXT_LENGTH_MAX
            and len(creditor_name) <= TEXT_LENGTH_MAX
            and len(remittance) <= TEXT_LENGTH_MAX
            and f"{end_to_end_id}{bill_reference}".isprintable()
            and f"{debtor_name}{creditor_name}{remittance}".isprintable()
            and len(payload) <= PAYMENT_BYTES_MAX
        ):
            # Which rule, if any: texts of Persian script hold marks that aren't "printable".
            broken = _broken_rule(payment, payload, owner, creditor, debtor, routing)
            if broken is not None:
                field, rule, hint = broken
                refusals.append(Refusal(index=place, field=field, rule=rule, hint=hint))
                continue
            assert creditor is not None
        places.append(place)
        payloads.append(payload)
        keys += (
            identity,
            account_key(debtor_iban),
            account_key(creditor_iban),
            content_key(payload),
        )
        credits.append(creditor.position)
        amounts.append(amount)
        codes.append(kind)
        pending.append(not creditor.auto_accept)
    records = _records(keys, credits, amounts, codes, pending, debtor, timeout_s)
    return Decoded(len(payments), np.array(places, np.intp), records, payloads, refusals)


def _records(
    keys: list[bytes],
    credits: list[int],
    amounts: list[int],
    codes: list[int],
    pending: list[bool],
    debtor: Route,
    timeout_s: int,
) -> Records:
    """Make records of columns; *keys* has four entries, five words, for each."""
    words = np.frombuffer(b"".join(keys), ">u8").reshape(-1, 5)
    waits = np.array(pending, np.bool_)
    records = np.zeros(len(words), TRANSFER)
    records["id"]["hi"] = words[:, 0]
    records["id"]["lo"] = words[:, 1]
    records["debit_account_id"]["lo"] = debtor.position
    records["credit_account_id"]["lo"] = np.array(credits, np.uint64)
    records["amount"]["lo"] = np.array(amounts, np.uint64)
    records["user_data_64"] = words[:, 2]
    records["user_data_128"]["hi"] = words[:, 3]
    records["user_data_128"]["lo"] = words[:, 4]
    records["timeout"] = waits * np.uint32(timeout_s)
    records["ledger"] = debtor.ledger
    records["code"] = np.array(codes, np.uint16)
    records["flags"] = waits * np.uint16(TransferFlags.PENDING)
    return records


def _broken_rule(
    payment: Payment,
    payload: bytes,
    owner: Route | None,
    creditor: Route | None,
    debtor: Route,
    routing: Routing,
) -> tuple[str, str, str] | None:
    """Return field, rule and hint of the first rule that *payment* breaks, or None."""
    if len(payment.id) != ID_BYTES or payment.id == _ZERO or payment.id[0] >= 0x80:
        return "id", "id.form", "16 bytes, not all zero, the topmost bit clear: a UUIDv7 will do"
    if payment.kind not in _KINDS:
        return "kind", "kind.unknown", "say what the payment is for: credit transfer or fee"
    for field in ("debtor_iban", "creditor_iban"):
        try:
            iban.parse(getattr(payment, field))
        except IdentifierError as error:
            return field, error.rule, error.hint
    if owner is None:
        refusal = routing.refusal(payment.debtor_iban)
        if refusal.rule != "route.unknown":
            return "debtor_iban", refusal.rule, refusal.hint
    if owner is not debtor:
        return "debtor_iban", "route.not_yours", "debit only accounts that you hold"
    if creditor is None:
        refusal = routing.refusal(payment.creditor_iban)
        return "creditor_iban", refusal.rule, refusal.hint
    if creditor is debtor:
        hint = "both accounts are yours: book it yourself, the switch moves nothing"
        return "creditor_iban", "route.same_participant", hint
    if not payment.amount:
        return "amount", "amount.zero", "an amount is greater than zero"
    if payment.unit not in UNITS:
        return "unit", "unit.unknown", "the switch keeps books in " + ", ".join(UNITS)
    if payment.unit not in (debtor.unit, creditor.unit) or debtor.unit != creditor.unit:
        hint = f"the debtor's bank is in {debtor.unit}, the creditor's in {creditor.unit}"
        return "unit", "unit.participant", hint
    for field, length_max in _LENGTHS_MAX.items():
        text = getattr(payment, field)
        if len(text) > length_max:
            hint = f"at most {length_max} characters, not {len(text)}"
            return field, f"{field}.length", hint
        if any(character < " " or "\x7f" <= character < "\xa0" for character in text):
            return field, "text.characters", "remove the control characters"
    if len(payload) > PAYMENT_BYTES_MAX:
        hint = f"it has {len(payload)} bytes, at most {PAYMENT_BYTES_MAX}: remove unknown fields"
        return "", "payment.size", hint
    return None
