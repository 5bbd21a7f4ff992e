"""Which payments keep the rules of the contract, and what records they become."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from payvand.core.limits import PAYLOADS_BYTES_MAX
from payvand.core.records import TransferFlags, u128_of
from payvand.risk.rules import account_key as risk_account_key
from payvand.switch.decoding import (
    PAYMENT_BYTES_MAX,
    Decoded,
    account_key,
    content_key,
    decode,
)
from payvand.switch.identifiers import iban
from payvand.switch.participant import Participant
from payvand.switch.routing import Routing
from payvand.v1.payment_pb2 import Payment

TAX_IBAN = "IR440104001000000000000101"


def participant(number: int, name: str, **fields: Any) -> Participant:
    given: dict[str, Any] = {
        "role": 1,
        "display_name": name,
        "bank_codes": (),
        "ibans": (),
        "net_debit_cap": 0,
        "unit": "IRR",
        "auto_accept": False,
    }
    return Participant(number=number, name=name, **given | fields)


ROUTING = Routing(
    [
        participant(1, "melli", bank_codes=("017", "062")),
        participant(2, "mellat", bank_codes=("012",)),
        participant(3, "tax", role=2, ibans=(TAX_IBAN,), auto_accept=True),
        participant(4, "central", bank_codes=("010",)),
    ]
)
MELLI = ROUTING.by_name["melli"]


def payment(**fields: Any) -> Payment:
    given = {
        "id": b"\x01" * 16,
        "kind": 1,
        "debtor_iban": iban.make("017", "1"),
        "creditor_iban": iban.make("012", "2"),
        "amount": 5,
        "unit": "IRR",
    }
    return Payment(**given | fields)


def decoded(*payments: Payment) -> Decoded:
    return decode(payments, debtor=MELLI, routing=ROUTING, timeout_s=10)


FULL = "🏦" * 140


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"id": b""}, "id", "id.form"),
        ({"id": bytes(16)}, "id", "id.form"),
        ({"id": b"\x80" + bytes(15)}, "id", "id.form"),
        ({"id": b"\x01" * 17}, "id", "id.form"),
        ({"kind": 0}, "kind", "kind.unknown"),
        ({"kind": 3}, "kind", "kind.unknown"),
        ({"kind": 10}, "kind", "kind.unknown"),
        ({"debtor_iban": ""}, "debtor_iban", "iban.length"),
        ({"debtor_iban": iban.make("017", "1")[:-1] + "0"}, "debtor_iban", "iban.check_digits"),
        ({"debtor_iban": iban.make("012", "1")}, "debtor_iban", "route.not_yours"),
        ({"debtor_iban": iban.make("099", "1")}, "debtor_iban", "route.not_yours"),
        ({"debtor_iban": TAX_IBAN}, "debtor_iban", "route.not_yours"),
        ({"creditor_iban": "DE89370400440532013000"}, "creditor_iban", "iban.length"),
        ({"creditor_iban": "XX" + iban.make("012", "2")[2:]}, "creditor_iban", "iban.country"),
        ({"creditor_iban": iban.make("099", "1")}, "creditor_iban", "route.unknown"),
        ({"creditor_iban": iban.make("062", "1")}, "creditor_iban", "route.same_participant"),
        ({"amount": 0}, "amount", "amount.zero"),
        ({"unit": ""}, "unit", "unit.unknown"),
        ({"unit": "USD"}, "unit", "unit.unknown"),
        ({"end_to_end_id": "x" * 36}, "end_to_end_id", "end_to_end_id.length"),
        ({"bill_reference": "x" * 36}, "bill_reference", "bill_reference.length"),
        ({"debtor_name": "x" * 141}, "debtor_name", "debtor_name.length"),
        ({"creditor_name": "x" * 141}, "creditor_name", "creditor_name.length"),
        ({"remittance": "x" * 141}, "remittance", "remittance.length"),
        ({"remittance": "a\nb"}, "remittance", "text.characters"),
        ({"debtor_name": "a\x00"}, "debtor_name", "text.characters"),
        ({"end_to_end_id": "\x85"}, "end_to_end_id", "text.characters"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused_by_field_and_rule(
    fields: dict[str, Any], field: str, rule: str
) -> None:
    outcome = decoded(payment(), payment(**fields), payment(id=b"\x02" * 16))
    assert [(one.index, one.field, one.rule) for one in outcome.refusals] == [(1, field, rule)]
    assert outcome.refusals[0].hint
    assert outcome.places.tolist() == [0, 2]


@pytest.mark.parametrize(
    "fields",
    [
        {"amount": 2**64 - 1},
        {"kind": 2, "creditor_iban": TAX_IBAN, "bill_reference": "1" * 35},
        {"debtor_iban": iban.make("062", "9")},
        {"creditor_iban": iban.make("010", "9")},
        {"debtor_name": "می‌خواهم", "remittance": "نیم‌فاصله"},
        {
            "debtor_name": FULL,
            "creditor_name": FULL,
            "remittance": FULL,
            "bill_reference": FULL[:35],
        },
    ],
)
def test_a_payment_that_keeps_the_rules_becomes_a_record(fields: dict[str, Any]) -> None:
    good = payment(**fields)
    outcome = decoded(good)
    assert not outcome.refusals
    record = outcome.records[0]
    creditor = ROUTING.route(good.creditor_iban)
    assert creditor is not None
    waits = not creditor.auto_accept
    content = content_key(good.SerializeToString())
    assert u128_of(record["id"]) == int.from_bytes(good.id, "big")
    assert u128_of(record["debit_account_id"]) == 17
    assert u128_of(record["credit_account_id"]) == creditor.position
    assert u128_of(record["amount"]) == good.amount
    assert int(record["user_data_64"]) == int.from_bytes(account_key(good.debtor_iban), "big")
    assert u128_of(record["user_data_128"]) == int.from_bytes(
        account_key(good.creditor_iban) + content, "big"
    )
    assert record["flags"] == (TransferFlags.PENDING if waits else 0)
    assert record["timeout"] == (10 if waits else 0)
    assert (record["code"], record["ledger"], record["timestamp"]) == (good.kind, 364, 0)
    assert outcome.payloads == [good.SerializeToString()]


def test_fields_that_the_contract_does_not_know_travel_within_bounds() -> None:
    known = payment().SerializeToString()
    extra = Payment.FromString(known + b"\xfa\x01\x03abc")
    assert decoded(extra).payloads == [known + b"\xfa\x01\x03abc"]
    assert decoded(extra).records["user_data_128"] != decoded(payment()).records["user_data_128"]
    size = PAYMENT_BYTES_MAX
    huge = Payment.FromString(
        known + b"\xfa\x01" + bytes((size & 0x7F | 0x80, size >> 7)) + b"x" * size
    )
    assert [one.rule for one in decoded(huge).refusals] == ["payment.size"]


def test_an_account_has_the_key_that_scoring_knows_it_by() -> None:
    text = iban.make("017", "1")
    digest = blake2b(text.encode(), digest_size=8, person=b"payvand.account").digest()
    assert account_key(text) == digest
    assert risk_account_key(text) == int.from_bytes(digest, "big")


@given(st.lists(st.integers(0, 2_400), max_size=60), st.integers(2_400, 9_000))
def test_chunks_hold_all_records_in_order_within_the_bound(sizes: list[int], bound: int) -> None:
    payloads = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
    records = np.arange(len(sizes))
    whole = Decoded(len(sizes), np.arange(len(sizes)), records, payloads, [])  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("payvand.switch.decoding.PAYLOADS_BYTES_MAX", bound)
        chunks = list(whole.chunks())
    assert [start for chunk in chunks for start in [chunk.start]] == [
        sum(len(one.records) for one in chunks[:index]) for index in range(len(chunks))
    ]
    assert b"".join(chunk.payloads for chunk in chunks) == b"".join(payloads)
    for chunk in chunks:
        assert len(chunk.payloads) <= bound
        pieces = [
            chunk.payloads[a:b]
            for a, b in zip(chunk.offsets[:-1].tolist(), chunk.offsets[1:].tolist(), strict=True)
        ]
        stop = chunk.start + len(chunk.records)
        assert pieces == payloads[chunk.start : stop]
    assert PAYMENT_BYTES_MAX < PAYLOADS_BYTES_MAX


@given(st.lists(st.sampled_from([5, 0]), max_size=12), st.integers(1, 5))
def test_a_request_decoded_in_turns_is_the_request_decoded_at_once(
    amounts: list[int], turn: int
) -> None:
    payments = [payment(amount=amount, id=bytes([9, *range(15)])) for amount in amounts]
    whole = decoded(*payments)
    parts = [
        decode(
            payments[start : start + turn],
            debtor=MELLI,
            routing=ROUTING,
            timeout_s=10,
            start=start,
        )
        for start in range(0, len(payments), turn)
    ]
    joined = Decoded.joined(parts)
    assert joined.places.tolist() == whole.places.tolist()
    assert joined.records.tobytes() == whole.records.tobytes()
    assert (joined.count, joined.payloads) == (whole.count, whole.payloads)
    assert joined.refusals == whole.refusals
