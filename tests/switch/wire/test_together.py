"""Requests that came together become what each would have become alone."""

from itertools import pairwise
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.core.limits import BATCH_EVENTS_MAX, PAYLOADS_BYTES_MAX
from payvand.core.records import RESULT
from payvand.switch.routing import Route
from payvand.switch.wire.faults import RequestMalformed
from payvand.switch.wire.requests import Requests
from payvand.switch.wire.submission import Submission, decode, decode_all
from payvand.v1.payment_pb2 import Payment, PaymentState
from payvand.v1.payment_service_pb2 import SubmitRequest, SubmitResponse
from tests.switch.wire.test_packed import fits, packed
from tests.switch.wire.test_submission import GOOD, MELLI, PAYMENTS, ROUTING, payloads, payment

MELLAT = ROUTING.by_name["mellat"]

LISTS = st.lists(st.one_of(GOOD, GOOD, PAYMENTS), max_size=4)
REQUESTS = st.one_of(
    LISTS.map(lambda payments: SubmitRequest(payments=payments).SerializeToString()),
    st.lists(st.one_of(GOOD, PAYMENTS.filter(fits)), max_size=4).map(
        lambda payments: packed(payments).SerializeToString()
    ),
    # Sound payments before the one that isn't: nothing of such a request may stay.
    LISTS.map(lambda payments: SubmitRequest(payments=payments).SerializeToString() + b"\x0a\x01z"),
    st.binary(max_size=20),
)
SENT = st.lists(st.tuples(REQUESTS, st.sampled_from([MELLI, MELLAT])), max_size=12)


def alone(request: bytes, debtor: Route) -> Submission | RequestMalformed:
    try:
        return decode(request, ROUTING.table, position=debtor.position, timeout_s=10)
    except RequestMalformed as fault:
        return fault


@given(SENT)
@settings(max_examples=150)
def test_requests_together_are_judged_as_each_alone(sent: list[tuple[bytes, Route]]) -> None:
    submissions = decode_all(Requests.of(sent, ROUTING), timeout_s=10)
    counts = [submission.requests_count for submission in submissions]
    assert [each.first for each in submissions] == [sum(counts[:n]) for n in range(len(counts))]
    assert sum(counts) == len(sent)
    for submission in submissions:
        texts = payloads(submission)
        for index in range(submission.requests_count):
            expected = alone(*sent[submission.first + index])
            own, part = submission.of_request(index)
            if isinstance(expected, RequestMalformed):
                assert str(submission.malformed[index]) == str(expected)
                assert own.count == 0 == len(own.records) == len(own.faults)
                continue
            assert index not in submission.malformed
            assert own.count == expected.count
            assert own.records.tobytes() == expected.records.tobytes()
            assert own.places.tolist() == expected.places.tolist()
            assert own.faults.tobytes() == expected.faults.tobytes()
            assert texts[part] == payloads(expected)


@given(SENT, st.randoms(use_true_random=False))
def test_requests_whose_payments_all_took_effect_are_answered_and_the_others_left(
    sent: list[tuple[bytes, Route]], random: Random
) -> None:
    requests = Requests.of(sent, ROUTING)
    for submission in decode_all(requests, timeout_s=10):
        results = np.zeros(len(submission.records), RESULT)
        results["status"] = [random.choice([0xFFFFFFFF, 0xFFFFFFFF, 46]) for _ in results]
        left, reserved, settled = submission.answer_plain(requests, results)
        told = {PaymentState.PAYMENT_STATE_RESERVED: 0, PaymentState.PAYMENT_STATE_SETTLED: 0}
        for index in range(submission.requests_count):
            own, part = submission.of_request(index)
            response = requests.responses[submission.first + index]
            plain = not len(own.faults) and (results["status"][part] == 0xFFFFFFFF).all()
            if index in submission.malformed:
                assert response is None and index not in left
            elif plain:
                states = SubmitResponse.FromString(response).states
                assert list(states) == [4 if each["timeout"] else 5 for each in own.records]
                assert index not in left
                for state in states:
                    told[state] += 1
            else:
                assert response is None and index in left
        assert list(told.values()) == [reserved, settled]


def test_a_submission_of_several_requests_fits_one_batch() -> None:
    def request(count: int, text: str = "") -> tuple[bytes, Route]:
        payments = [payment(remittance=text, debtor_name=text) for _ in range(count)]
        return SubmitRequest(payments=payments).SerializeToString(), MELLI

    small, large = request(5_000), request(BATCH_EVENTS_MAX)
    long = request(3_000, "\u20ac" * 140)
    sent = [small, small, request(3_000), large, long, long, request(1)]
    submissions = decode_all(Requests.of(sent, ROUTING), timeout_s=10)
    assert [each.requests_count for each in submissions] == [1, 2, 1, 1, 2]
    for submission in submissions:
        assert submission.count <= BATCH_EVENTS_MAX
        assert len(submission.payloads) <= PAYLOADS_BYTES_MAX
        assert [b - a for a, b in pairwise(submission.starts.tolist())] == [
            len(SubmitRequest.FromString(text).payments)
            for text, _ in sent[submission.first : submission.first + submission.requests_count]
        ]


def test_keys_and_digests_do_not_depend_on_who_shares_their_lanes() -> None:
    """A malformed request is given up while others' payments wait for their digests."""
    sound = [
        (SubmitRequest(payments=[payment(amount=n)] * n).SerializeToString(), MELLI)
        for n in range(1, 12)
    ]
    broken = (sound[9][0] + b"\x0a\x01z", MELLI)
    sent = [each for pair in zip(sound, [broken] * len(sound), strict=True) for each in pair]
    (together,) = decode_all(Requests.of(sent, ROUTING), timeout_s=10)
    assert sorted(together.malformed) == list(range(1, len(sent), 2))
    for index in range(0, len(sent), 2):
        expected = alone(*sent[index])
        assert isinstance(expected, Submission)
        assert together.of_request(index)[0].records.tobytes() == expected.records.tobytes()


def test_an_empty_request_is_answered_with_nothing() -> None:
    requests = Requests.of([(b"", MELLI), (SubmitRequest().SerializeToString(), MELLAT)], ROUTING)
    (submission,) = decode_all(requests, timeout_s=10)
    assert submission.answer_plain(requests, np.empty(0, RESULT)) == ([], 0, 0)
    assert requests.responses == [b"", b""]


def test_ids_of_payments_of_two_debtors_come_to_their_own_positions() -> None:
    one = Payment()
    one.CopyFrom(payment())
    other = payment(debtor_iban="IR" + "0" * 24, id=b"\2" * 16)
    sent = [
        (SubmitRequest(payments=[one]).SerializeToString(), MELLI),
        (SubmitRequest(payments=[one, other]).SerializeToString(), MELLAT),
    ]
    (submission,) = decode_all(Requests.of(sent, ROUTING), timeout_s=10)
    assert submission.records["debit_account_id"]["lo"].tolist() == [MELLI.position]
    assert submission.faults["index"].tolist() == [1, 2]
