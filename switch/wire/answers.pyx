"""The answers of one request → columns, without an object for each."""

import numpy as np

from payvand.core.records import U128
from payvand.switch.wire.faults import RequestMalformed, too_many

from libc.string cimport memcpy

from payvand.core.types cimport BATCH_EVENTS_MAX, u8, u32, u64
from payvand.switch.wire.protobuf cimport BYTES, DEPTH_MAX, VARINT, Field, read_field
from payvand.switch.wire.text cimport Text, read_text

cdef extern from * nogil:
    u64 __builtin_bswap64(u64 word)

cdef enum:
    ID_BYTES = 16
    FIELD_ANSWERS = 1              # of the request
    FIELD_ID = 1                   # of an answer
    FIELD_ACCEPT = 2
    FIELD_REASON_CODE = 3
    REASON_CODE_BYTES = 4
    NO_REASON_CODE = 0x4D533033    # MS03
    GOOD = -1

# One answer as it came.
cdef struct Answer:
    u64 words[2]                   # the id, big-endian; zeros where it isn't 16 bytes
    bint accept
    Text reason_code


cdef bint read_answer(const u8* at, u32 size, Answer* answer) noexcept nogil:
    """Read a serialised `PaymentAnswer` (out: answer); return False where it is malformed."""
    cdef const u8* end = at + size
    cdef Field field
    answer.words[0] = answer.words[1] = 0
    answer.accept = False
    answer.reason_code.size = 0
    while at < end:
        at = read_field(at, end, DEPTH_MAX - 1, &field)
        if at == NULL or field.number == 0:
            return False
        if field.number == FIELD_ID and field.wire_type == BYTES:
            answer.words[0] = answer.words[1] = 0
            if field.size == ID_BYTES:
                memcpy(answer.words, field.start, ID_BYTES)
        elif field.number == FIELD_ACCEPT and field.wire_type == VARINT:
            answer.accept = field.value != 0
        elif field.number == FIELD_REASON_CODE and field.wire_type == BYTES:
            if not read_text(field.start, field.size, &answer.reason_code):
                return False
    return True


cdef u32 reason_number(const Text* text) noexcept nogil:
    """Return a reason code as a voiding transfer carries it; 0 where it isn't one."""
    cdef u32 number = 0, index
    cdef u8 character
    if text.size == 0:
        return NO_REASON_CODE
    if text.size != REASON_CODE_BYTES:
        return 0
    for index in range(REASON_CODE_BYTES):
        character = text.start[index]
        if not (c"A" <= character <= c"Z" or c"0" <= character <= c"9"):
            return 0
        number = number << 8 | character
    return number


cdef long count_answers(const u8* at, const u8* end) noexcept nogil:
    """Return how many answers a request holds, or -1 where it is malformed."""
    cdef Field field
    cdef long count = 0
    while at < end:
        at = read_field(at, end, DEPTH_MAX, &field)
        if at == NULL or field.number == 0:
            return -1
        count += field.number == FIELD_ANSWERS and field.wire_type == BYTES
    return count


def decode_answers(bytes request):
    """Return ids U128[n], accepted bool[n] and reason codes u4[n] of an `AnswerRequest`."""
    cdef const u8* at = request
    cdef const u8* end = at + len(request)
    cdef long count = count_answers(at, end)
    cdef Field field
    cdef Answer answer
    cdef u32 index = 0
    cdef long malformed = GOOD, unreasoned = GOOD
    if count < 0:
        raise RequestMalformed(
            "request.malformed", "the bytes of the request aren't a protobuf message")
    if count > BATCH_EVENTS_MAX:
        raise too_many("answers", count)
    ids = np.empty(count, U128)
    accepted = np.empty(count, np.bool_)
    reasons = np.empty(count, np.uint32)
    cdef u64[::1] words = ids.view(np.uint64)
    cdef u8[::1] accepts = accepted.view(np.uint8)
    cdef u32[::1] codes = reasons
    with nogil:
        while at < end and malformed == GOOD:
            at = read_field(at, end, DEPTH_MAX, &field)
            if field.number != FIELD_ANSWERS or field.wire_type != BYTES:
                continue
            if not read_answer(field.start, field.size, &answer):
                malformed = index
                break
            words[2 * index] = __builtin_bswap64(answer.words[1])
            words[2 * index + 1] = __builtin_bswap64(answer.words[0])
            accepts[index] = answer.accept
            codes[index] = 0 if answer.accept else reason_number(&answer.reason_code)
            if not answer.accept and codes[index] == 0 and unreasoned == GOOD:
                unreasoned = index
            index += 1
    if malformed != GOOD:
        raise RequestMalformed(
            "request.malformed",
            "its bytes aren't a protobuf message of the contract, or a text isn't UTF-8",
            field=f"answers[{malformed}]")
    if unreasoned != GOOD:
        raise RequestMalformed(
            "reason.form",
            "write an ISO 20022 external status reason code, four capital letters or digits, "
            "for example AC04",
            field=f"answers[{unreasoned}].reason_code")
    return ids, accepted, reasons
