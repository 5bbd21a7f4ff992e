"""The decoder's naive twin: objects of the protobuf library, and one rule after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from payvand.core.records import TRANSFER, Records, TransferFlags
from payvand.switch.identifiers import iban
from payvand.switch.identifiers.identifier_error import IdentifierError
from payvand.switch.routing import Route, Routing
from payvand.switch.units import UNITS
from payvand.v1.payment_pb2 import Payment, Refusal

__all__ = ["Decoded", "account_key", "content_key", "decode"]

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
class Decoded:
    """The payments of one request."""

    count: int
    """How many there were."""
    places: list[int]
    """For each record, which payment of the request it is."""
    records: Records
    """TRANSFER[n], those that keep the rules."""
    payloads: list[bytes]
    """The serialised `Payment` of each record."""
    refusals: list[Refusal]
    """Those that don't, in the order of the request."""


def decode(
    payments: Sequence[Payment], *, debtor: Route, routing: Routing, timeout_s: int
) -> Decoded:
    """Judge *payments* that the participant *debtor* submits, and make records of the good ones."""
    places: list[int] = []
    payloads: list[bytes] = []
    records: list[Records] = []
    refusals: list[Refusal] = []
    for place, payment in enumerate(payments):
        payload = payment.SerializeToString()
        creditor = routing.route(payment.creditor_iban)
        owner = routing.route(payment.debtor_iban)
        broken = _broken_rule(payment, payload, owner, creditor, debtor, routing)
        if broken is not None:
            field, rule, hint = broken
            refusals.append(Refusal(index=place, field=field, rule=rule, hint=hint))
            continue
        assert creditor is not None
        places.append(place)
        payloads.append(payload)
        records.append(_record(payment, payload, creditor, debtor, timeout_s))
    return Decoded(
        len(payments), places, np.concatenate([np.empty(0, TRANSFER), *records]), payloads, refusals
    )


def _record(
    payment: Payment, payload: bytes, creditor: Route, debtor: Route, timeout_s: int
) -> Records:
    record = np.zeros(1, TRANSFER)
    record["id"]["hi"] = int.from_bytes(payment.id[:8])
    record["id"]["lo"] = int.from_bytes(payment.id[8:])
    record["debit_account_id"]["lo"] = debtor.position
    record["credit_account_id"]["lo"] = creditor.position
    record["amount"]["lo"] = payment.amount
    record["user_data_64"] = int.from_bytes(account_key(payment.debtor_iban))
    record["user_data_128"]["hi"] = int.from_bytes(account_key(payment.creditor_iban))
    record["user_data_128"]["lo"] = int.from_bytes(content_key(payload))
    record["ledger"] = debtor.ledger
    record["code"] = payment.kind
    if not creditor.auto_accept:
        record["timeout"] = timeout_s
        record["flags"] = TransferFlags.PENDING
    return record


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
    for field in ("original_id", "reason_code"):
        if getattr(payment, field):
            return field, "return.service", "a return or a recall is made by ReturnService"
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
