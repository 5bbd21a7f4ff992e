"""A packed payment is the payment that its record and texts say, in every effect."""

from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.client.packing import PACKED_PAYMENT, TEXT_FIELDS, pack_texts, packed_payments
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.switch.wire.faults import RequestMalformed
from payvand.v1.payment_pb2 import Payment
from payvand.v1.payment_service_pb2 import SubmitRequest
from tests.switch.wire.test_submission import GOOD, PAYMENTS, decode_bytes, payloads, refusals


def packed(payments: list[Payment]) -> SubmitRequest:
    records = np.zeros(len(payments), PACKED_PAYMENT)
    for record, payment in zip(records, payments, strict=True):
        record["id"] = payment.id
        record["debtor_iban"] = payment.debtor_iban.encode()
        record["creditor_iban"] = payment.creditor_iban.encode()
        record["unit"] = payment.unit.encode()
        record["kind"] = payment.kind
        record["amount"] = payment.amount
    texts = pack_texts(
        records, {name: [getattr(one, name) for one in payments] for name in TEXT_FIELDS}
    )
    return SubmitRequest(packed=records.tobytes(), packed_texts=texts)


def fits(payment: Payment) -> bool:
    """Tell whether a record can say what a payment says."""
    return (
        len(payment.id) == 16
        and 0 <= payment.kind < 256
        and all(
            len(text.encode()) <= 26 and not text.endswith("\0")
            for text in (payment.debtor_iban, payment.creditor_iban)
        )
        and len(payment.unit.encode()) <= 3
    )


@given(st.lists(st.one_of(PAYMENTS.filter(fits), GOOD), min_size=1, max_size=20))
@settings(max_examples=150)
def test_packed_payments_are_judged_and_recorded_as_messages_are(payments: list[Payment]) -> None:
    plain = decode_bytes(SubmitRequest(payments=payments).SerializeToString())
    fast = decode_bytes(packed(payments).SerializeToString())
    assert fast.count == plain.count
    assert fast.places.tolist() == plain.places.tolist()
    assert fast.records.tobytes() == plain.records.tobytes()
    assert payloads(fast) == payloads(plain)
    assert refusals(fast) == refusals(plain)


def request() -> SubmitRequest:
    return packed([GOOD_ONE, GOOD_TWO])


GOOD_ONE = Payment(
    id=b"\1" * 16,
    kind=1,
    debtor_iban="IR060170000000000000000000",
    creditor_iban="IR700120000000000000000000",
    amount=7,
    unit="IRR",
    remittance="شهریه",
)
GOOD_TWO = Payment()
GOOD_TWO.CopyFrom(GOOD_ONE)
GOOD_TWO.id = b"\2" * 16


def test_reserved_bytes_and_texts_that_are_no_utf_8_are_refused_for_their_record_alone() -> None:
    broken = request()
    records = bytearray(broken.packed)
    records[95] = 1
    broken.packed = bytes(records)
    broken.packed_texts = broken.packed_texts[:-1] + b"\xff"
    told = refusals(decode_bytes(broken.SerializeToString()))
    assert [(one.index, one.field, one.rule) for one in told] == [
        (0, "reserved", "packed.reserved"),
        (1, "remittance", "text.encoding"),
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"packed": request().packed[:-1]}, "packed.length"),
        ({"packed_texts": request().packed_texts[:-1]}, "packed.texts"),
        ({"packed": b""}, "packed.texts"),
        ({"payments": [GOOD_ONE]}, "batch.mixed"),
        ({"packed": bytes(96) * (BATCH_EVENTS_MAX + 1), "packed_texts": b""}, "batch.size"),
    ],
)
def test_a_request_that_does_not_come_out_even_is_refused_as_a_whole(
    change: dict[str, object], text: str
) -> None:
    broken = request()
    for name, value in change.items():
        if name == "payments":
            broken.payments.extend(value)  # type: ignore[arg-type]
        else:
            setattr(broken, name, value)
    with pytest.raises(RequestMalformed, match=text):
        decode_bytes(broken.SerializeToString())


def test_ids_are_taken_as_columns_of_bytes() -> None:
    assert PACKED_PAYMENT.itemsize == 96
    submission = decode_bytes(request().SerializeToString())
    assert submission.records["id"]["hi"].tolist() == [0x0101010101010101, 0x0202020202020202]


def test_new_ids_have_the_form_of_the_contract_and_differ() -> None:
    records = packed_payments(1_000, debtor_iban=GOOD_ONE.debtor_iban, amount=np.arange(1_000))
    ids = [record["id"].tobytes() for record in records]
    assert len(set(ids)) == 1_000
    assert all(UUID(bytes=each).version == 7 and each[0] < 0x80 for each in ids)
    assert set(records["unit"].tolist()) == {b"IRR"} and set(records["kind"].tolist()) == {1}
    assert records["debtor_iban"][7].decode() == GOOD_ONE.debtor_iban
    assert records["amount"].tolist() == list(range(1_000))
