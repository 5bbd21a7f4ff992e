"""Which payments keep the rules of the contract, and what records they become."""

from hashlib import blake2b
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.core.records import TransferFlags, u128_of
from payvand.risk.rules import account_key as risk_account_key
from payvand.switch.following import varint
from payvand.switch.identifiers import iban
from payvand.switch.participant import Participant
from payvand.switch.routing import Routing
from payvand.switch.wire.faults import PAYMENT_BYTES_MAX, RequestMalformed, explain
from payvand.switch.wire.submission import Submission, decode
from payvand.v1.payment_pb2 import Payment, Refusal
from payvand.v1.payment_service_pb2 import SubmitRequest
from tests.support import plain_decoding
from tests.support.plain_decoding import account_key, content_key

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


def decode_bytes(request: bytes) -> Submission:
    return decode(request, ROUTING.table, position=MELLI.position, timeout_s=10)


def decoded(*payments: Payment) -> Submission:
    return decode_bytes(SubmitRequest(payments=payments).SerializeToString())


def refusals(submission: Submission) -> list[Refusal]:
    return [
        Refusal(index=int(fault["index"]), field=field, rule=rule, hint=hint)
        for fault in submission.faults
        for field, rule, hint in [explain(fault, MELLI, ROUTING)]
    ]


def payloads(submission: Submission) -> list[bytes]:
    offsets = submission.offsets.tolist()
    return [submission.payloads[start:stop].tobytes() for start, stop in pairwise(offsets)]


def assert_twins(request: bytes) -> Submission:
    """Hold the decoder against the protobuf library and the naive rules behind it."""
    fast = decode_bytes(request)
    plain = plain_decoding.decode(
        SubmitRequest.FromString(request).payments, debtor=MELLI, routing=ROUTING, timeout_s=10
    )
    assert fast.count == plain.count
    assert fast.places.tolist() == plain.places
    assert fast.records.tobytes() == plain.records.tobytes()
    assert payloads(fast) == plain.payloads
    assert refusals(fast) == plain.refusals
    return fast


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
        ({"original_id": bytes(16)}, "original_id", "return.service"),
        ({"reason_code": "CUST"}, "reason_code", "return.service"),
        ({"debtor_name": "a\x00"}, "debtor_name", "text.characters"),
        ({"end_to_end_id": "\x85"}, "end_to_end_id", "text.characters"),
    ],
)
def test_a_payment_that_breaks_a_rule_is_refused_by_field_and_rule(
    fields: dict[str, Any], field: str, rule: str
) -> None:
    outcome = decoded(payment(), payment(**fields), payment(id=b"\x02" * 16))
    assert [(one.index, one.field, one.rule) for one in refusals(outcome)] == [(1, field, rule)]
    assert refusals(outcome)[0].hint
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
    assert not refusals(outcome)
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
    assert payloads(outcome) == [good.SerializeToString()]


def test_fields_that_the_contract_does_not_know_travel_within_bounds() -> None:
    known = payment().SerializeToString()
    extra = Payment.FromString(known + b"\xfa\x01\x03abc")
    assert payloads(decoded(extra)) == [known + b"\xfa\x01\x03abc"]
    assert decoded(extra).records["user_data_128"] != decoded(payment()).records["user_data_128"]
    size = PAYMENT_BYTES_MAX
    huge = Payment.FromString(
        known + b"\xfa\x01" + bytes((size & 0x7F | 0x80, size >> 7)) + b"x" * size
    )
    assert [one.rule for one in refusals(decoded(huge))] == ["payment.size"]


def test_an_account_has_the_key_that_scoring_knows_it_by() -> None:
    text = iban.make("017", "1")
    digest = blake2b(text.encode(), digest_size=8, person=b"payvand.account").digest()
    assert account_key(text) == digest
    assert risk_account_key(text) == int.from_bytes(digest, "big")


@given(st.lists(st.integers(0, 140), max_size=40), st.integers(1_000, 5_000))
def test_chunks_hold_all_records_in_order_within_the_bound(sizes: list[int], bound: int) -> None:
    whole = decoded(*(payment(remittance="\u20ac" * size) for size in sizes))
    pieces = []
    for start, stop in whole.chunks(bound):
        records, texts, offsets = whole.chunk(start, stop)
        assert records.tobytes() == whole.records[start:stop].tobytes()
        assert len(texts) <= bound and offsets[0] == 0 and offsets[-1] == len(texts)
        pieces += [texts[a:b].tobytes() for a, b in pairwise(offsets)]
    assert pieces == payloads(whole)


# --- held against the protobuf library ---------------------------------------------------------

IDS = st.one_of(
    st.binary(min_size=16, max_size=16),
    st.binary(max_size=20),
    st.just(bytes(16)),
    st.just(b"\1" * 16),
)
BBANS = st.tuples(
    st.sampled_from(["017", "062", "012", "010", "099"]), st.integers(0, 10**19 - 1).map(str)
)
IBANS = st.one_of(
    BBANS.map(lambda bban: iban.make(*bban)),
    st.just(TAX_IBAN),
    BBANS.map(lambda bban: iban.make(*bban)[:-1] + "7"),
    st.text(max_size=30),
    st.text("IR0123456789۰é", min_size=26, max_size=26),
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(codec="utf-8", max_codepoint=0xA2), max_size=40),
    st.integers(30, 145).map(lambda length: "ی" * length),
    st.sampled_from(["علی رضایی", "نیم\u200cفاصله", "a\tb", "\x7f", "x" * 141, "🏦" * 140]),
)
PAYMENTS = st.builds(
    payment,
    id=IDS,
    kind=st.sampled_from([1, 1, 1, 2, 0, 3, -1, 2**31 - 1]),
    debtor_iban=IBANS,
    creditor_iban=IBANS,
    amount=st.one_of(st.integers(0, 2**64 - 1), st.integers(1, 200)),
    unit=st.sampled_from(["IRR", "IRR", "IRR", "", "IR", "USD", "ریال"]),
    end_to_end_id=TEXTS,
    debtor_name=TEXTS,
    creditor_name=TEXTS,
    remittance=TEXTS,
    bill_reference=TEXTS,
)
GOOD = st.builds(
    payment,
    id=st.binary(min_size=16, max_size=16).map(lambda identity: b"\x01" + identity[1:]),
    debtor_iban=st.integers(0, 10**19 - 1).map(lambda number: iban.make("017", str(number))),
    creditor_iban=st.integers(0, 10**19 - 1).map(lambda number: iban.make("012", str(number))),
    amount=st.integers(1, 2**64 - 1),
    debtor_name=TEXTS,
    remittance=TEXTS,
)


@given(st.lists(st.one_of(PAYMENTS, GOOD), max_size=20))
@settings(max_examples=60)
def test_requests_are_judged_as_the_library_and_the_plain_rules_judge_them(
    payments: list[Payment],
) -> None:
    assert_twins(SubmitRequest(payments=payments).SerializeToString())


@st.composite
def field_bytes(draw: st.DrawFn) -> bytes:
    """Any field at all, most of them well formed, some of a payment's own in another form."""
    number = draw(st.one_of(st.integers(1, 13), st.integers(0, 2**29 - 1)))
    wire_type = draw(st.integers(0, 5))
    tag = loose_varint(draw, number << 3 | wire_type)
    match wire_type:
        case 0:
            return tag + loose_varint(draw, draw(st.integers(0, 2**64 - 1)))
        case 1:
            return tag + draw(st.binary(min_size=8, max_size=8))
        case 2:
            body = draw(st.one_of(st.binary(max_size=30), TEXTS.map(str.encode)))
            return tag + loose_varint(draw, len(body)) + body
        case 3:
            end = varint(number << 3 | 4)
            return tag + b"".join(draw(st.lists(field_bytes(), max_size=2))) + end
        case 5:
            return tag + draw(st.binary(min_size=4, max_size=4))
    return tag


def loose_varint(draw: st.DrawFn, value: int) -> bytes:
    """A varint, now and then with more bytes than it needs."""
    out = bytearray(varint(value))
    for _ in range(draw(st.sampled_from([0, 0, 0, 0, 1, 2, 4]))):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def fields_of(message: bytes) -> list[bytes]:
    """Take a message of the library's apart."""
    fields, at = [], 0
    while at < len(message):
        start = at
        kind = message[at] & 7
        at += 1
        size = shift = 0
        while True:
            size |= (message[at] & 0x7F) << shift
            shift += 7
            at += 1
            if message[at - 1] < 0x80:
                break
        at += size if kind == 2 else 0
        fields.append(message[start:at])
    return fields


@given(GOOD, st.lists(field_bytes(), max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_fields_in_any_order_and_form_are_read_as_the_library_reads_them(
    good: Payment, others: list[bytes], random: Random
) -> None:
    fields = fields_of(good.SerializeToString())
    if random.random() < 0.5:
        fields += random.choices(fields, k=2)
        random.shuffle(fields)
    for other in others:
        fields.insert(random.randrange(len(fields) + 1), other)
    body = b"".join(fields)
    request = b"\x0a" + varint(len(body)) + body
    assert_alike(request + SubmitRequest(payments=[payment()]).SerializeToString())


@given(st.lists(GOOD, min_size=1, max_size=3), st.data())
@settings(max_examples=150)
def test_broken_bytes_are_refused_where_the_library_refuses_them(
    payments: list[Payment], data: st.DataObject
) -> None:
    request = bytearray(SubmitRequest(payments=payments).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(request) - 1))
        match data.draw(st.integers(0, 3)):
            case 0:
                request[place] = data.draw(st.integers(0, 255))
            case 1:
                request[place] ^= 1 << data.draw(st.integers(0, 7))
            case 2:
                del request[place : place + data.draw(st.integers(1, 4))]
            case _:
                request[place:place] = data.draw(st.binary(max_size=4))
        if not request:
            break
    assert_alike(bytes(request))


def assert_alike(request: bytes) -> None:
    """Both decoders take a request or neither does."""
    try:
        read = SubmitRequest.FromString(request)
    except DecodeError:
        with pytest.raises(RequestMalformed):
            decode_bytes(request)
        return
    if not read.packed and not read.packed_texts:
        assert_twins(request)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_a_million_broken_requests_never_differ_from_the_library() -> None:
    random = Random(1)
    source = SubmitRequest(
        payments=[
            payment(debtor_name="علی", remittance="x" * 9, end_to_end_id="E", amount=5 << shift)
            for shift in range(0, 60, 20)
        ]
    ).SerializeToString()
    for _ in range(1_000_000):
        request = bytearray(source)
        for _ in range(random.randrange(1, 5)):
            place = random.randrange(len(request))
            if random.random() < 0.7:
                request[place] = random.randrange(256)
            elif random.random() < 0.5:
                del request[place : place + random.randrange(1, 9)]
            else:
                request[place:place] = random.randbytes(random.randrange(1, 9))
        assert_alike(bytes(request))


def test_judged_as_if_every_account_led_somewhere_a_payment_breaks_no_rule_of_routing() -> None:
    codes = ("017", "062", "012", "010", "099")
    batch = [
        payment(
            id=bytes([1, debtor, creditor, *range(13)]),
            debtor_iban=iban.make(codes[debtor], "1"),
            creditor_iban=iban.make(codes[creditor], "2"),
            amount=amount,
        )
        for debtor in range(len(codes))
        for creditor in range(len(codes))
        for amount in (5, 0)
    ]
    request = SubmitRequest(payments=batch).SerializeToString()
    routed = decode_bytes(request)
    anywhere = decode(request, ROUTING.table, position=MELLI.position, timeout_s=10, anywhere=MELLI)
    good = [place for place, one in enumerate(batch) if one.amount]
    assert anywhere.places.tolist() == good
    assert {rule for _, rule, _ in (explain(one, MELLI, ROUTING) for one in anywhere.faults)} == {
        "amount.zero"
    }
    assert set(routed.places.tolist()) < set(good)
    assert payloads(anywhere) == [batch[place].SerializeToString() for place in good]
    content = ["id", "debit_account_id", "amount", "user_data_128", "user_data_64", "code"]
    same = anywhere.records[np.isin(anywhere.places, routed.places)]
    for name in (*content, "ledger"):
        assert same[name].tobytes() == routed.records[name].tobytes()
