"""The payments of one request → records of the ledger, each judged by the rules of the contract.

One pass without the GIL: a payment is read, judged, written into the payloads as the books keep it,
and made a record. Digests come eight payments at a time, see `blake2b.h`; eight payments that
wait for theirs are a `Lanes`.
"""

import numpy as np

from payvand.core.limits import PAYLOADS_BYTES_MAX
from payvand.core.records import RESULT, TRANSFER
from payvand.switch.wire.faults import FAULT, RequestMalformed

from libc.stdint cimport uint8_t
from libc.string cimport memcpy, memset

from payvand.core.types cimport (
    BATCH_EVENTS_MAX, CREATED, TRANSFER_FLAG_PENDING, Result, Transfer, u8, u32, u64, u128,
)
from payvand.switch.wire.instruction cimport (
    FIELD_CREDITOR_IBAN, FIELD_DEBTOR_IBAN, FIELD_ID, FIELD_WHOLE, ID_BYTES, PAYMENT_BYTES_MAX,
    RULE_PAYMENT_SIZE, Debtor, Fault, Instruction, judge, packed_texts_bytes, read_packed,
    read_payment, write_payment,
)
from payvand.switch.wire.protobuf cimport BYTES, DEPTH_MAX, Field, read_field
from payvand.switch.wire.route_table cimport IBAN_BYTES, RouteRow, RouteTable, unit_of

cdef extern from "blake2b.h" nogil:
    enum:
        LANES "PAYVAND_LANES"
    void payvand_blake2b_64(const u8** messages, const u32* sizes, u32 count, const u8* person,
                            u64* digests)

cdef extern from * nogil:
    u64 __builtin_bswap64(u64 word)

cdef enum:
    PACKED_BYTES = 96
    PACKED_PAYLOAD_BYTES = 128     # of a packed payment without its texts, at most
    FIELD_PAYMENTS = 1             # of the request
    FIELD_PACKED = 2
    FIELD_PACKED_TEXTS = 3
    STATE_REFUSED = 2
    STATE_RESERVED = 4
    STATE_SETTLED = 5

assert sizeof(Fault) == FAULT.itemsize

# Payments that wait for their digests.
cdef struct Lanes:
    u32 count
    Transfer* records[8]
    const u8* debtors[8]
    const u8* creditors[8]
    const u8* payloads[8]
    u32 payload_bytes[8]

# Where the payments of a request go (out), and how far they have come.
cdef struct Output:
    Transfer* records
    u32* places
    u32* offsets
    u8* payloads
    Fault* faults
    u32 accepted
    u32 refused
    Lanes lanes

# What a request holds at its top.
cdef struct Request:
    u32 payments
    const u8* packed
    u32 packed_bytes
    const u8* texts
    u32 texts_bytes

cdef const u8* ACCOUNT_PERSON = b"payvand.account\0"
cdef const u8* PAYMENT_PERSON = b"payvand.payment\0"


cdef class Submission:
    """The payments of one request."""

    cdef readonly u32 count
    cdef readonly object records, places, payloads, offsets, faults

    def __cinit__(self, u32 count, u64 payloads_bytes):
        self.count = count
        self.records = np.empty(count, TRANSFER)
        self.places = np.empty(count, np.uint32)
        self.offsets = np.empty(count + 1, np.uint32)
        self.payloads = np.empty(payloads_bytes, np.uint8)
        self.faults = np.empty(count, FAULT)

    cdef Output output(self) except *:
        """Return where payments go."""
        cdef Output out
        memset(&out, 0, sizeof(Output))
        out.records = <Transfer*>start_of(self.records)
        out.places = <u32*>start_of(self.places)
        out.offsets = <u32*>start_of(self.offsets)
        out.payloads = start_of(self.payloads)
        out.faults = <Fault*>start_of(self.faults)
        if out.offsets != NULL:
            out.offsets[0] = 0
        return out

    cdef void cut(self, const Output* out) except *:
        """Keep of the arrays what was filled."""
        self.records = self.records[:out.accepted]
        self.places = self.places[:out.accepted]
        self.offsets = self.offsets[:out.accepted + 1]
        self.payloads = self.payloads[:out.offsets[out.accepted]]
        self.faults = self.faults[:out.refused]

    def chunks(self, bytes_max=PAYLOADS_BYTES_MAX):
        """Yield (start, stop) of records whose payloads fit one batch; most often it is one."""
        start, total = 0, len(self.records)
        while start < total:
            stop = total
            if self.offsets[total] - self.offsets[start] > bytes_max:
                stop = int(np.searchsorted(
                    self.offsets, int(self.offsets[start]) + bytes_max, side="right")) - 1
            yield start, stop
            start = stop

    def chunk(self, start, stop):
        """Return records, payloads and offsets of the records from *start* to *stop*."""
        if start == 0 and stop == len(self.records):
            return self.records, self.payloads, self.offsets
        first = self.offsets[start]
        return (self.records[start:stop], self.payloads[first:self.offsets[stop]],
                self.offsets[start:stop + 1] - first)

    def states(self):
        """Return the states of the payments, u1[count], as long as all are refused."""
        states = np.empty(self.count, np.uint8)
        states.fill(STATE_REFUSED)
        return states

    def note_created(self, states, start, results):
        """Enter the states of the records from *start* on that took effect, by RESULT[k].

        Returns whether all of them did.
        """
        cdef u8[::1] out = states
        cdef const u32[::1] places = self.places
        cdef const Transfer* records = <const Transfer*>start_of(self.records)
        cdef u32 first = start, index
        cdef u32 count = <u32>len(results)
        cdef bint all_created = True
        if results.dtype != RESULT:
            raise TypeError(f"results must be an array of RESULT, got {results.dtype}")
        cdef const Result* result = <const Result*>start_of(np.ascontiguousarray(results))
        assert first + count <= <u32>len(self.records) and out.shape[0] == self.count
        for index in range(count):
            if result[index].status == <u32>CREATED:
                out[places[first + index]] = (
                    STATE_RESERVED if records[first + index].timeout else STATE_SETTLED)
            else:
                all_created = False
        return all_created


cdef u8* start_of(array) except? NULL:
    """Return the first byte of an array, or NULL of an empty one."""
    cdef u8[::1] view
    if array.nbytes == 0:
        return NULL
    view = array.view(np.uint8)
    return &view[0]


def decode(bytes request, RouteTable table, *, position, timeout_s, anywhere=None):
    """Judge the payments of a serialised `SubmitRequest` from who owns the account *position*."""
    cdef const u8* start = request
    cdef const u8* end = start + len(request)
    cdef Request parts
    cdef Debtor debtor
    cdef RouteRow row
    cdef Output out
    cdef Submission submission
    cdef int bad = -1
    if len(request) > 0x7FFFFFFF or not survey(start, end, &parts):
        raise RequestMalformed(
            "request.malformed", "the bytes of the request aren't a protobuf message")
    debtor.position, debtor.timeout, debtor.anywhere = position, timeout_s, NULL
    if anywhere is not None:
        row.position, row.ledger, row.auto_accept = (
            anywhere.position, anywhere.ledger, anywhere.auto_accept)
        row.unit = unit_of(anywhere.unit)
        debtor.anywhere = &row
    if parts.packed_bytes or parts.texts_bytes:
        return decode_packed(&parts, table, &debtor)
    if parts.payments > BATCH_EVENTS_MAX:
        raise too_many("payments", parts.payments)
    submission = Submission(parts.payments, len(request))
    out = submission.output()
    with nogil:
        bad = take_payments(start, end, table, &debtor, &out)
    if bad >= 0:
        raise RequestMalformed(
            "request.malformed",
            "its bytes aren't a protobuf message of the contract, or a text isn't UTF-8",
            field=f"payments[{bad}]")
    submission.cut(&out)
    return submission


cdef decode_packed(const Request* parts, RouteTable table, const Debtor* debtor):
    """Judge packed payments, whose number and texts must come out even."""
    cdef u32 count = parts.packed_bytes // PACKED_BYTES
    cdef u64 texts_bytes = 0
    cdef u32 index
    cdef Output out
    cdef Submission submission
    if parts.payments:
        raise RequestMalformed(
            "batch.mixed", "send payments either packed or not", field="packed")
    if parts.packed_bytes % PACKED_BYTES:
        raise RequestMalformed(
            "packed.length", f"{parts.packed_bytes} bytes aren't records of {PACKED_BYTES}",
            field="packed")
    if count > BATCH_EVENTS_MAX:
        raise too_many("packed", count)
    for index in range(count):
        texts_bytes += packed_texts_bytes(parts.packed + <u64>index * PACKED_BYTES)
    if texts_bytes != parts.texts_bytes:
        raise RequestMalformed(
            "packed.texts",
            f"the records tell of {texts_bytes} bytes and {parts.texts_bytes} are there",
            field="packed_texts")
    submission = Submission(count, count * PACKED_PAYLOAD_BYTES + texts_bytes)
    out = submission.output()
    with nogil:
        take_packed(parts, count, table, debtor, &out)
    submission.cut(&out)
    return submission


def too_many(field, count):
    """Return the fault of a request that holds more than one batch."""
    return RequestMalformed(
        "batch.size",
        f"{count:,} are more than {BATCH_EVENTS_MAX:,}: send them in several requests",
        field=field)


cdef bint survey(const u8* at, const u8* end, Request* parts) noexcept nogil:
    """Find out what a request holds (out: parts); return False where it is malformed."""
    cdef Field field
    memset(parts, 0, sizeof(Request))
    while at < end:
        at = read_field(at, end, DEPTH_MAX, &field)
        if at == NULL or field.number == 0:
            return False
        if field.wire_type != BYTES:
            continue
        if field.number == FIELD_PAYMENTS:
            parts.payments += 1
        elif field.number == FIELD_PACKED:
            parts.packed, parts.packed_bytes = field.start, field.size
        elif field.number == FIELD_PACKED_TEXTS:
            parts.texts, parts.texts_bytes = field.start, field.size
    return True


cdef int take_payments(const u8* at, const u8* end, RouteTable table, const Debtor* debtor,
                       Output* out) noexcept nogil:
    """Take each payment of a surveyed request; return which is malformed, or -1."""
    cdef Field field
    cdef Instruction payment
    cdef u32 index = 0
    while at < end:
        at = read_field(at, end, DEPTH_MAX, &field)
        if field.number != FIELD_PAYMENTS or field.wire_type != BYTES:
            continue
        if not read_payment(field.start, field.size, &payment):
            return <int>index
        take(&payment, index, table, debtor, out)
        index += 1
    digest(&out.lanes)
    return -1


cdef void take_packed(const Request* parts, u32 count, RouteTable table, const Debtor* debtor,
                      Output* out) noexcept nogil:
    cdef Instruction payment
    cdef const u8* record = parts.packed
    cdef const u8* texts = parts.texts
    cdef u32 index
    for index in range(count):
        read_packed(record, texts, &payment)
        take(&payment, index, table, debtor, out)
        texts += packed_texts_bytes(record)
        record += PACKED_BYTES
    digest(&out.lanes)


cdef void take(const Instruction* payment, u32 index, RouteTable table, const Debtor* debtor,
               Output* out) noexcept nogil:
    """Judge a payment and make a record or a fault of it."""
    cdef Fault* fault = &out.faults[out.refused]
    cdef const RouteRow* creditor = judge(payment, table, debtor, fault)
    cdef u8* payload = out.payloads + out.offsets[out.accepted]
    cdef u8* stop
    cdef Transfer* record
    cdef u64 words[2]
    fault.index = index
    if creditor == NULL:
        out.refused += 1
        return
    stop = write_payment(payload, payment)
    if stop - payload > PAYMENT_BYTES_MAX:
        fault.field, fault.rule, fault.detail = FIELD_WHOLE, RULE_PAYMENT_SIZE, stop - payload
        out.refused += 1
        return
    record = &out.records[out.accepted]
    memset(record, 0, sizeof(Transfer))
    memcpy(words, payment.texts[FIELD_ID].start, ID_BYTES)
    record.id = <u128>__builtin_bswap64(words[0]) << 64 | __builtin_bswap64(words[1])
    record.debit_account_id, record.credit_account_id = debtor.position, creditor.position
    record.amount = payment.amount
    record.ledger, record.code = creditor.ledger, <unsigned short>payment.kind
    if not creditor.auto_accept:
        record.timeout, record.flags = debtor.timeout, TRANSFER_FLAG_PENDING
    out.places[out.accepted] = index
    out.accepted += 1
    out.offsets[out.accepted] = <u32>(stop - out.payloads)
    enter(&out.lanes, payment, record, payload, <u32>(stop - payload))


cdef inline void enter(Lanes* lanes, const Instruction* payment, Transfer* record,
                       const u8* payload, u32 payload_bytes) noexcept nogil:
    """Let a record wait for its digests; the eighth one brings them for all."""
    cdef u32 lane = lanes.count
    lanes.records[lane] = record
    lanes.debtors[lane] = payment.texts[FIELD_DEBTOR_IBAN].start
    lanes.creditors[lane] = payment.texts[FIELD_CREDITOR_IBAN].start
    lanes.payloads[lane], lanes.payload_bytes[lane] = payload, payload_bytes
    lanes.count += 1
    if lanes.count == LANES:
        digest(lanes)


cdef void digest(Lanes* lanes) noexcept nogil:
    """Enter the keys of the accounts and the digests of the contents of those that wait."""
    cdef u64 debtors[8]
    cdef u64 creditors[8]
    cdef u64 contents[8]
    cdef u32 sizes[8]
    cdef u32 lane
    if lanes.count == 0:
        return
    for lane in range(LANES):
        sizes[lane] = IBAN_BYTES
    payvand_blake2b_64(lanes.debtors, sizes, lanes.count, ACCOUNT_PERSON, debtors)
    payvand_blake2b_64(lanes.creditors, sizes, lanes.count, ACCOUNT_PERSON, creditors)
    payvand_blake2b_64(lanes.payloads, lanes.payload_bytes, lanes.count, PAYMENT_PERSON, contents)
    for lane in range(lanes.count):
        lanes.records[lane].user_data_64 = debtors[lane]
        lanes.records[lane].user_data_128 = <u128>creditors[lane] << 64 | contents[lane]
    lanes.count = 0
