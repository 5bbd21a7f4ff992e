"""Answers are read as the protobuf library reads them."""

import re
from random import Random

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import u128_list
from payvand.switch.translate import NO_REASON_CODE, reason_code_number
from payvand.switch.wire.answers import decode_answers
from payvand.switch.wire.faults import RequestMalformed
from payvand.v1.payment_service_pb2 import AnswerRequest, PaymentAnswer

GOOD = st.builds(
    PaymentAnswer,
    id=st.one_of(st.binary(min_size=16, max_size=16), st.binary(max_size=20)),
    accept=st.booleans(),
    reason_code=st.sampled_from(["", "AC04", "MS03", "0000", "ZZ99"]),
)
ANY = st.builds(
    PaymentAnswer,
    id=st.binary(max_size=20),
    accept=st.booleans(),
    reason_code=st.one_of(st.text(max_size=6), st.sampled_from(["ac04", "AC4", "AC04 ", "АС04"])),
)


def assert_alike(request: bytes) -> None:
    """Hold the decoder against the library and the plain rules."""
    try:
        answers = AnswerRequest.FromString(request).answers
    except DecodeError:
        with pytest.raises(RequestMalformed, match=r"request\.malformed"):
            decode_answers(request)
        return
    wrong = [
        index
        for index, one in enumerate(answers)
        if not one.accept and not re.fullmatch("[A-Z0-9]{4}|", one.reason_code)
    ]
    if wrong:
        field = re.escape(f"answers[{wrong[0]}].reason_code: reason.form")
        with pytest.raises(RequestMalformed, match=field):
            decode_answers(request)
        return
    ids, accepted, reasons = decode_answers(request)
    assert u128_list(ids) == [int.from_bytes(one.id) if len(one.id) == 16 else 0 for one in answers]
    assert accepted.tolist() == [one.accept for one in answers]
    assert reasons.tolist() == [
        0 if one.accept else reason_code_number(one.reason_code or NO_REASON_CODE)
        for one in answers
    ]


@given(st.lists(st.one_of(GOOD, GOOD, ANY), max_size=20))
def test_answers_are_read_as_the_library_and_the_plain_rules_read_them(
    answers: list[PaymentAnswer],
) -> None:
    assert_alike(AnswerRequest(answers=answers).SerializeToString())


@given(st.lists(GOOD, min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_broken_bytes_are_refused_where_the_library_refuses_them(
    answers: list[PaymentAnswer], random: Random
) -> None:
    request = bytearray(AnswerRequest(answers=answers).SerializeToString())
    for _ in range(random.randrange(1, 5)):
        place = random.randrange(len(request) + 1)
        match random.randrange(3):
            case 0:
                request[place : place + 1] = bytes([random.randrange(256)])
            case 1:
                del request[place : place + random.randrange(1, 5)]
            case _:
                request[place:place] = random.randbytes(random.randrange(1, 5))
    assert_alike(bytes(request))


def test_more_answers_than_a_batch_are_refused() -> None:
    one = AnswerRequest(answers=[PaymentAnswer(id=b"1" * 16, accept=True)]).SerializeToString()
    assert len(decode_answers(one * BATCH_EVENTS_MAX)[0]) == BATCH_EVENTS_MAX
    with pytest.raises(RequestMalformed, match=r"answers: batch\.size"):
        decode_answers(one * (BATCH_EVENTS_MAX + 1))
