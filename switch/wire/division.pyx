"""What each participant is told of a frame, as the fields of `FollowResponse`.

A frame is walked twice without the GIL: first to learn how many bytes each participant gets, then
to write them. In between stands one table from the numbers of participants to what they get:

    number ──► Share │ bytes counted │ next byte to write │
"""

import numpy as np

from payvand.core.statuses import TransferStatus

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from payvand.core.frame cimport Frame, Pieces
from payvand.core.types cimport (
    CREATED, OPERATION_CREATE_TRANSFERS, TRANSFER_FLAG_PENDING,
    TRANSFER_FLAG_POST_PENDING_TRANSFER, TRANSFER_FLAG_VOID_PENDING_TRANSFER, Transfer, u8, u16,
    u32, u64, u128,
)
from payvand.switch.wire.protobuf cimport varint_bytes, write_varint

cdef extern from * nogil:
    u64 __builtin_bswap64(u64 word)

cdef enum:
    ACCOUNTS_PER_PARTICIPANT = 16
    POSITION = 1
    KINDS_END = 10                 # codes of transfers that are payments are below
    STATE_DECLINED = 3
    STATE_SETTLED = 5
    STATE_REJECTED = 6
    STATE_EXPIRED = 7
    OFFER = 0x12                   # tags of FollowResponse
    OUTCOME = 0x1A
    OUTCOME_BYTES_MAX = 48
    STATUSES_END = 512             # numbers of statuses are below, but for CREATED
    ENDS_PENDING = TRANSFER_FLAG_POST_PENDING_TRANSFER | TRANSFER_FLAG_VOID_PENDING_TRANSFER

# What one participant gets of a frame.
cdef struct Share:
    u64 participant                # 0: an empty share
    u64 size
    u8* at                         # NULL while sizes are counted

cdef struct Shares:
    Share* table
    u64 mask

TRANSIENT = np.zeros(STATUSES_END, np.uint8)
"""Whether a failure with this status is recorded for good."""
for _status in TransferStatus:
    if _status.transient:
        TRANSIENT[_status] = 1


def divide(Frame frame, reason_code):
    """Return the wire fields that each participant gets of *frame*, by its number."""
    cdef const Pieces* pieces = &frame.pieces
    cdef u64 parties = 2 * (pieces.record_count + pieces.expired_count)
    cdef u64 slots = 8
    cdef u64 slot
    cdef Shares shares
    cdef const u32[::1] codes = declined_codes(frame, reason_code)
    cdef const u8[::1] transient = TRANSIENT
    cdef const u32* code = &codes[0] if codes.shape[0] else NULL
    cdef dict divided = {}
    if parties == 0:
        return divided
    while slots < 2 * parties:
        slots *= 2
    shares.table = <Share*>calloc(slots, sizeof(Share))
    shares.mask = slots - 1
    if shares.table == NULL:
        raise MemoryError(f"no memory to divide a frame among {parties} parties")
    try:
        with nogil:
            walk(pieces, code, &transient[0], &shares)
        for slot in range(slots):
            if shares.table[slot].participant:
                piece = PyBytes_FromStringAndSize(NULL, shares.table[slot].size)
                divided[shares.table[slot].participant] = piece
                shares.table[slot].at = <u8*>PyBytes_AS_STRING(piece)
        with nogil:
            walk(pieces, code, &transient[0], &shares)
    finally:
        free(shares.table)
    return divided


cdef object declined_codes(Frame frame, reason_code):
    """Return for each record that failed for good why, u4[n]; empty where none did."""
    statuses = frame.statuses
    if frame.operation != OPERATION_CREATE_TRANSFERS or (statuses == <u32>CREATED).all():
        return np.empty(0, np.uint32)
    codes = np.zeros(len(statuses), np.uint32)
    decisions = frame.decisions if len(frame.decisions) else codes
    failed = np.flatnonzero((statuses < STATUSES_END) & (
        TRANSIENT[np.minimum(statuses, STATUSES_END - 1)] != 0))
    known = {}
    for place in failed.tolist():
        why = int(statuses[place]), int(decisions[place])
        if why not in known:
            known[why] = int.from_bytes(reason_code(*why).encode("ascii"), "big")
        codes[place] = known[why]
    return codes


cdef void walk(const Pieces* pieces, const u32* codes, const u8* transient,
               Shares* shares) noexcept nogil:
    """Give everybody what it gets: offers, expiries, then outcomes."""
    if pieces.operation == OPERATION_CREATE_TRANSFERS and pieces.payload_offsets != NULL:
        walk_offers(pieces, shares)
    walk_expiries(pieces, shares)
    if pieces.operation == OPERATION_CREATE_TRANSFERS:
        walk_outcomes(pieces, codes, transient, shares)


cdef void walk_offers(const Pieces* pieces, Shares* shares) noexcept nogil:
    """Give each new payment to the creditor's side, with the bytes that the books keep."""
    cdef const Transfer* record = <const Transfer*>pieces.records
    cdef const u32* offsets = pieces.payload_offsets
    cdef u32 index
    for index in range(pieces.record_count):
        if (pieces.statuses[index] == <u32>CREATED and offsets[index + 1] > offsets[index]
                and not record[index].flags & ENDS_PENDING and record[index].code < KINDS_END):
            tell(shares, record[index].credit_account_id, OFFER,
                 pieces.payloads + offsets[index], offsets[index + 1] - offsets[index])


cdef void walk_expiries(const Pieces* pieces, Shares* shares) noexcept nogil:
    """Tell both sides of the payments that ran out before the frame's records."""
    cdef u8 body[OUTCOME_BYTES_MAX]
    cdef u32 index, size
    for index in range(pieces.expired_count):
        size = outcome(body, pieces.expired[index].id, STATE_EXPIRED, 0,
                       pieces.timestamp - pieces.record_count)
        tell(shares, pieces.expired[index].debit_account_id, OUTCOME, body, size)
        tell(shares, pieces.expired[index].credit_account_id, OUTCOME, body, size)


cdef void walk_outcomes(const Pieces* pieces, const u32* codes, const u8* transient,
                        Shares* shares) noexcept nogil:
    """Tell who is concerned by the payments that ended in the frame."""
    cdef const Transfer* record = <const Transfer*>pieces.records
    cdef u64 moment = pieces.timestamp - pieces.record_count + 1
    cdef u8 body[OUTCOME_BYTES_MAX]
    cdef u32 index, size, status
    cdef u16 flags
    for index in range(pieces.record_count):
        flags, status = record[index].flags, pieces.statuses[index]
        if record[index].code >= KINDS_END:
            continue
        if status != <u32>CREATED:
            if (status < <u32>STATUSES_END and transient[status] and not flags & ENDS_PENDING
                    and not record[index].id >> 127):
                size = outcome(body, record[index].id, STATE_DECLINED,
                               codes[index] if codes != NULL else 0, moment + index)
                tell(shares, record[index].debit_account_id, OUTCOME, body, size)
            continue
        if flags & TRANSFER_FLAG_PENDING:
            continue
        if flags & TRANSFER_FLAG_VOID_PENDING_TRANSFER:
            size = outcome(body, record[index].pending_id, STATE_REJECTED,
                           record[index].user_data_32, moment + index)
        else:
            size = outcome(body, record[index].pending_id if flags & ENDS_PENDING
                           else record[index].id, STATE_SETTLED, 0, moment + index)
        tell(shares, record[index].debit_account_id, OUTCOME, body, size)
        tell(shares, record[index].credit_account_id, OUTCOME, body, size)


cdef inline u32 outcome(u8* body, u128 identity, u8 state, u32 code, u64 moment) noexcept nogil:
    """Write an `Outcome` (out: body); return its size. *code*: four ASCII characters, or 0."""
    cdef u64 words[2]
    cdef u8* at = body + 20
    words[0] = __builtin_bswap64(<u64>(identity >> 64))
    words[1] = __builtin_bswap64(<u64>identity)
    body[0], body[1] = 0x0A, 16
    memcpy(body + 2, words, 16)
    body[18], body[19] = 0x10, state
    if code:
        at[0], at[1] = 0x1A, 4
        at[2], at[3], at[4], at[5] = code >> 24, code >> 16 & 0xFF, code >> 8 & 0xFF, code & 0xFF
        at += 6
    at[0] = 0x20
    return <u32>(write_varint(at + 1, moment) - body)


cdef inline void tell(Shares* shares, u128 account, u8 tag, const u8* body,
                      u32 size) noexcept nogil:
    """Give a field to the participant whose position an account is; to nobody for others."""
    cdef u64 low = <u64>account
    cdef Share* share
    if account >> 64 or low % ACCOUNTS_PER_PARTICIPANT != POSITION or low < ACCOUNTS_PER_PARTICIPANT:
        return
    share = share_of(shares, low // ACCOUNTS_PER_PARTICIPANT)
    if share.at == NULL:
        share.size += 1 + varint_bytes(size) + size
        return
    share.at[0] = tag
    share.at = write_varint(share.at + 1, size)
    memcpy(share.at, body, size)
    share.at += size


cdef inline Share* share_of(Shares* shares, u64 participant) noexcept nogil:
    cdef u64 slot = participant * <u64>0x9E3779B97F4A7C15 >> 32 & shares.mask
    while shares.table[slot].participant not in (0, participant):
        slot = (slot + 1) & shares.mask
    shares.table[slot].participant = participant
    return &shares.table[slot]
