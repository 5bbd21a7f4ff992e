"""What a request to submit holds at its top: how many payments, in which form, and whether it is one."""

from payvand.switch.wire.faults import RequestMalformed, too_many

from libc.string cimport memset

from payvand.core.types cimport BATCH_EVENTS_MAX, u8, u32, u64
from payvand.switch.wire.instruction cimport packed_texts_bytes
from payvand.switch.wire.protobuf cimport BYTES, DEPTH_MAX, Field, read_field


cdef void survey(const u8* start, u64 size, Contents* contents) noexcept nogil:
    """Find out what a request holds (out: contents), and what is wrong with it as a whole."""
    cdef Field field
    cdef const u8* at = start
    cdef u32 payments = 0
    memset(contents, 0, sizeof(Contents))
    contents.start, contents.end = start, start + size
    if size > 0x7FFFFFFF:
        contents.broken = MALFORMED
        return
    while at < contents.end:
        at = read_field(at, contents.end, DEPTH_MAX, &field)
        if at == NULL or field.number == 0:
            contents.broken = MALFORMED
            return
        if field.wire_type != BYTES:
            continue
        if field.number == FIELD_PAYMENTS:
            payments += 1
        elif field.number == FIELD_PACKED:
            contents.packed, contents.packed_bytes = field.start, field.size
        elif field.number == FIELD_PACKED_TEXTS:
            contents.texts, contents.texts_bytes = field.start, field.size
    if contents.packed_bytes or contents.texts_bytes:
        survey_packed(contents, payments)
    else:
        contents.packed = NULL
        contents.count, contents.payload_bytes_max = payments, size
        if payments > BATCH_EVENTS_MAX:
            contents.broken = TOO_MANY


cdef void survey_packed(Contents* contents, u32 payments) noexcept nogil:
    """Go on where payments are packed: their number and their texts must come out even."""
    cdef u32 index
    cdef u64 texts_bytes = 0
    contents.count = contents.packed_bytes // PACKED_BYTES
    if payments:
        contents.broken = MIXED
    elif contents.packed_bytes % PACKED_BYTES:
        contents.broken, contents.detail = PACKED_UNEVEN, contents.packed_bytes
    elif contents.count > BATCH_EVENTS_MAX:
        contents.broken = TOO_MANY
    else:
        for index in range(contents.count):
            texts_bytes += packed_texts_bytes(contents.packed + <u64>index * PACKED_BYTES)
        contents.payload_bytes_max = contents.count * PACKED_PAYLOAD_BYTES + texts_bytes
        if texts_bytes != contents.texts_bytes:
            contents.broken, contents.detail = PACKED_TEXTS_UNEVEN, texts_bytes


cdef object fault_of(const Contents* contents):
    """Return what is wrong with a request as a whole, in words."""
    cdef u32 broken = contents.broken
    if broken == MALFORMED:
        return RequestMalformed(
            "request.malformed", "the bytes of the request aren't a protobuf message")
    if broken == MALFORMED_PAYMENT:
        return RequestMalformed(
            "request.malformed",
            "its bytes aren't a protobuf message of the contract, or a text isn't UTF-8",
            field=f"payments[{contents.detail}]")
    if broken == MIXED:
        return RequestMalformed(
            "batch.mixed", "send payments either packed or not", field="packed")
    if broken == PACKED_UNEVEN:
        return RequestMalformed(
            "packed.length", f"{contents.detail} bytes aren't records of {PACKED_BYTES}",
            field="packed")
    if broken == PACKED_TEXTS_UNEVEN:
        return RequestMalformed(
            "packed.texts",
            f"the records tell of {contents.detail} bytes and {contents.texts_bytes} are there",
            field="packed_texts")
    assert broken == TOO_MANY, broken
    return too_many("payments" if contents.packed == NULL else "packed", contents.count)
