"""Payments of requests → records of the ledger, each judged by the rules of the contract.

One pass without the GIL: a payment is read, judged, written into the payloads as the books keep it,
and made a record. Digests come eight payments at a time, see `blake2b.h`; eight payments that
wait for theirs are a `Lanes`, whichever requests they are of.

    requests that came together   │ 2 payments │ 1 │ malformed │ 3 packed │
    numbers of their payments       0   1        2               3  4  5
    `starts`                        0            2   3           3          6
"""

import numpy as np

from payvand.core.limits import PAYLOADS_BYTES_MAX
from payvand.core.records import RESULT, TRANSFER
from payvand.switch.wire.faults import FAULT

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from payvand.core.types cimport (
    BATCH_EVENTS_MAX, CREATED, TRANSFER_FLAG_PENDING, Result, Transfer, u8, u32, u64, u128,
)
from payvand.switch.wire.contents cimport (
    FIELD_PAYMENTS, MALFORMED_PAYMENT, PACKED_BYTES, Contents, fault_of, survey,
)
from payvand.switch.wire.instruction cimport (
    FIELD_CREDITOR_IBAN, FIELD_DEBTOR_IBAN, FIELD_ID, FIELD_WHOLE, ID_BYTES, PAYMENT_BYTES_MAX,
    RULE_PAYMENT_SIZE, Debtor, Fault, Instruction, judge, packed_texts_bytes, read_packed,
    read_payment, write_payment,
)
from payvand.switch.wire.protobuf cimport BYTES, DEPTH_MAX, Field, read_field
from payvand.switch.wire.requests cimport Request, Requests
from payvand.switch.wire.route_table cimport IBAN_BYTES, RouteRow, RouteTable, unit_of

cdef extern from "blake2b.h" nogil:
    enum:
        LANES "PAYVAND_LANES"
    void payvand_blake2b_64(const u8** messages, const u32* sizes, u32 count, const u8* person,
                            u64* digests)

cdef extern from * nogil:
    u64 __builtin_bswap64(u64 word)

cdef enum:
    STATE_REFUSED = 2
    STATE_RESERVED = 4
    STATE_SETTLED = 5

cdef u64 PAYLOADS_MAX = PAYLOADS_BYTES_MAX

assert sizeof(Fault) == FAULT.itemsize

# Payments that wait for their digests.
cdef struct Lanes:
    u32 count
    u32 digested                   # how often they were given theirs
    Transfer* records[8]
    const u8* debtors[8]
    const u8* creditors[8]
    const u8* payloads[8]
    u32 payload_bytes[8]

# Where the payments of requests go (out), and how far they have come.
cdef struct Output:
    Transfer* records
    u32* places
    u32* offsets
    u8* payloads
    Fault* faults
    u32* starts
    u32 accepted
    u32 refused
    Lanes lanes

cdef const u8* ACCOUNT_PERSON = b"payvand.account\0"
cdef const u8* PAYMENT_PERSON = b"payvand.payment\0"


cdef class Submission:
    """The payments of one request, or of several that go into the books as one batch."""

    cdef readonly u32 first, requests_count, count
    cdef readonly object records, places, payloads, offsets, faults, starts
    cdef readonly dict malformed

    def __cinit__(self, u32 first, u32 requests_count, u32 count, u64 payloads_bytes):
        self.first, self.requests_count, self.count = first, requests_count, count
        self.records = np.empty(count, TRANSFER)
        self.places = np.empty(count, np.uint32)
        self.offsets = np.empty(count + 1, np.uint32)
        self.payloads = np.empty(payloads_bytes, np.uint8)
        self.faults = np.empty(count, FAULT)
        self.starts = np.empty(requests_count + 1, np.uint32)
        self.malformed = {}

    cdef int take(self, Contents* contents, const u64* positions, u64 position_bytes,
                  RouteTable table, u32 timeout, const RouteRow* anywhere) except -1:
        """Judge the payments of requests, whose *positions* lie so many bytes from each other."""
        cdef Output out
        cdef Debtor debtor
        cdef u32 index
        memset(&out, 0, sizeof(Output))
        out.records = <Transfer*>start_of(self.records)
        out.places = <u32*>start_of(self.places)
        out.offsets = <u32*>start_of(self.offsets)
        out.payloads = start_of(self.payloads)
        out.faults = <Fault*>start_of(self.faults)
        out.starts = <u32*>start_of(self.starts)
        out.offsets[0] = 0
        debtor.timeout, debtor.anywhere = timeout, anywhere
        with nogil:
            for index in range(self.requests_count):
                debtor.position = (<const u64*>(<const u8*>positions + index * position_bytes))[0]
                out.starts[index] = out.accepted + out.refused
                take_request(&contents[index], table, &debtor, &out)
            digest(&out.lanes)
        for index in range(self.requests_count):
            if contents[index].broken:
                self.malformed[index] = fault_of(&contents[index])
        self.count = out.starts[self.requests_count] = out.accepted + out.refused
        self.records = self.records[:out.accepted]
        self.places = self.places[:out.accepted]
        self.offsets = self.offsets[:out.accepted + 1]
        self.payloads = self.payloads[:out.offsets[out.accepted]]
        self.faults = self.faults[:out.refused]
        return 0

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

    def of_request(self, index):
        """Return the payments of one request, numbered from its own first, and their records."""
        cdef Submission own = Submission(self.first + <u32>index, 1, 0, 0)
        start, stop = self.starts[index], self.starts[index + 1]
        records = slice(*np.searchsorted(self.places, (start, stop)).tolist())
        faults = slice(*np.searchsorted(self.faults["index"], (start, stop)).tolist())
        own.count = stop - start
        own.records = self.records[records]
        own.places = self.places[records] - start
        own.faults = self.faults[faults].copy()
        own.faults["index"] -= start
        return own, records

    def states(self):
        """Return the states of the payments, u1[count], as long as all are refused."""
        states = np.empty(self.count, np.uint8)
        states.fill(STATE_REFUSED)
        return states

    def note_created(self, states, results):
        """Enter the states of the payments that took effect, by RESULT[n] of the records."""
        cdef u8[::1] out = states
        cdef const u32[::1] places = self.places
        cdef const Transfer* records = <const Transfer*>start_of(self.records)
        cdef const Result* result = results_of(results, len(self.records))
        cdef u32 index
        assert out.shape[0] == self.count
        for index in range(<u32>len(results)):
            if result[index].status == <u32>CREATED:
                out[places[index]] = state_of(&records[index])

    def answer_plain(self, Requests requests, results):
        """Answer the requests all of whose payments took effect, by RESULT[n] of the records.

        Returns which requests are left, and how many payments of the others are reserved and
        how many settled.
        """
        cdef const Transfer* records = <const Transfer*>start_of(self.records)
        cdef const Result* result = results_of(results, len(self.records))
        cdef const u32* places = <const u32*>start_of(self.places)
        cdef const Fault* faults = <const Fault*>start_of(self.faults)
        cdef const u32* starts = <const u32*>start_of(self.starts)
        cdef u32 records_count = <u32>len(self.records), faults_count = <u32>len(self.faults)
        cdef u32 record = 0, fault = 0, index, settled, of_request, total = 0, total_settled = 0
        states_array, others_array = self.states(), np.zeros(self.requests_count, np.uint8)
        cdef u8* states = start_of(states_array)
        cdef u8* others = start_of(others_array)
        with nogil:
            for index in range(self.requests_count):
                settled, of_request = 0, starts[index + 1] - starts[index]
                while fault < faults_count and faults[fault].index < starts[index + 1]:
                    others[index] = 1
                    fault += 1
                while record < records_count and places[record] < starts[index + 1]:
                    if result[record].status == <u32>CREATED:
                        states[places[record]] = state_of(&records[record])
                        settled += states[places[record]] == STATE_SETTLED
                    else:
                        others[index] = 1
                    record += 1
                if not others[index]:
                    total += of_request
                    total_settled += settled
        for index in self.malformed:
            others[index] = 1
        requests.answer_states(self.first, self.requests_count, states, starts, others)
        left = [index for index in np.flatnonzero(others_array).tolist()
                if index not in self.malformed]
        return left, total - total_settled, total_settled


cdef inline u8 state_of(const Transfer* created) noexcept nogil:
    return STATE_RESERVED if created.timeout else STATE_SETTLED


cdef const Result* results_of(results, count) except? NULL:
    """Return RESULT[count], contiguous, as the C side has it; NULL of none."""
    if results.dtype != RESULT or len(results) != count or not results.flags.c_contiguous:
        raise TypeError(f"results must be RESULT[{count}], got {results.dtype}[{len(results)}]")
    return <const Result*>start_of(results)


cdef u8* start_of(array) except? NULL:
    """Return the first byte of an array, or NULL of an empty one."""
    cdef const u8[::1] view
    if array.nbytes == 0:
        return NULL
    view = array.view(np.uint8)
    return <u8*>&view[0]


def decode(bytes request, RouteTable table, *, position, timeout_s, anywhere=None):
    """Judge the payments of a serialised `SubmitRequest` from who owns the account *position*."""
    cdef Contents contents
    cdef RouteRow row
    cdef u64 owner = position
    cdef Submission submission
    survey(request, len(request), &contents)
    if anywhere is not None:
        row.position, row.ledger, row.auto_accept = (
            anywhere.position, anywhere.ledger, anywhere.auto_accept)
        row.unit = unit_of(anywhere.unit)
    if contents.broken:
        raise fault_of(&contents)
    submission = Submission(0, 1, contents.count, contents.payload_bytes_max)
    submission.take(&contents, &owner, 0, table, timeout_s, NULL if anywhere is None else &row)
    if submission.malformed:
        raise submission.malformed[0]
    return submission


def decode_all(Requests requests, *, timeout_s):
    """Judge the payments of requests that came together; return them as submissions.

    Each has as many requests as fit one batch of the books, and one at least.
    """
    cdef RouteTable table = requests.routing.table
    cdef u32 total = requests.count, first = 0, stop, index, payments
    cdef u64 payload_bytes
    cdef Contents* contents = <Contents*>malloc(max(total, 1u) * sizeof(Contents))
    cdef Submission submission
    submissions = []
    if contents == NULL:
        raise MemoryError(f"no memory for the contents of {total} requests")
    try:
        with nogil:
            for index in range(total):
                survey(requests.rows[index].start, requests.rows[index].size, &contents[index])
        while first < total:
            stop, payments, payload_bytes = first, 0, 0
            while stop < total:
                if not contents[stop].broken:
                    if stop > first and (
                            payments + contents[stop].count > BATCH_EVENTS_MAX
                            or payload_bytes + contents[stop].payload_bytes_max > PAYLOADS_MAX):
                        break
                    payments += contents[stop].count
                    payload_bytes += contents[stop].payload_bytes_max
                stop += 1
            submission = Submission(first, stop - first, payments, payload_bytes)
            submission.take(&contents[first], &requests.rows[first].position,
                            sizeof(Request), table, timeout_s, NULL)
            submissions.append(submission)
            first = stop
    finally:
        free(contents)
    return submissions


cdef void take_request(Contents* contents, RouteTable table, const Debtor* debtor,
                       Output* out) noexcept nogil:
    """Take the payments of a request, or none of them where one is malformed (out: contents)."""
    cdef u32 accepted = out.accepted, refused = out.refused
    cdef u32 waiting = out.lanes.count, digested = out.lanes.digested
    if contents.broken:
        return
    if contents.packed != NULL:
        take_packed(contents, table, debtor, out)
    elif not take_payments(contents, table, debtor, out):
        out.accepted, out.refused = accepted, refused
        # Those that were digested meanwhile were given theirs all the same.
        out.lanes.count = waiting if out.lanes.digested == digested else 0


cdef bint take_payments(Contents* contents, RouteTable table, const Debtor* debtor,
                        Output* out) noexcept nogil:
    """Take each payment of a surveyed request; return False, and say which, where one is malformed."""
    cdef const u8* at = contents.start
    cdef Field field
    cdef Instruction payment
    cdef u32 first = out.accepted + out.refused
    cdef u32 index = 0
    while at < contents.end:
        at = read_field(at, contents.end, DEPTH_MAX, &field)
        if field.number != FIELD_PAYMENTS or field.wire_type != BYTES:
            continue
        if not read_payment(field.start, field.size, &payment):
            contents.broken, contents.detail = MALFORMED_PAYMENT, index
            return False
        take(&payment, first + index, table, debtor, out)
        index += 1
    return True


cdef void take_packed(const Contents* contents, RouteTable table, const Debtor* debtor,
                      Output* out) noexcept nogil:
    cdef Instruction payment
    cdef const u8* record = contents.packed
    cdef const u8* texts = contents.texts
    cdef u32 first = out.accepted + out.refused
    cdef u32 index
    for index in range(contents.count):
        read_packed(record, texts, &payment)
        take(&payment, first + index, table, debtor, out)
        texts += packed_texts_bytes(record)
        record += PACKED_BYTES


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
    lanes.digested += 1
