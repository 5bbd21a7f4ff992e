"""A frame: one batch on its way to disk, to followers and to replay. Layout in README.md."""

import numpy as np

from payvand.core import records
from payvand.core.records import Operation

from libc.string cimport memcpy, memmove, memset

from payvand.core.checksum cimport crc32c, crc32c_each, sha256, sha256_halves
from payvand.core.types cimport *

assert sizeof(Header) == HEADER_BYTES, "the frame header has lost its layout"
assert sizeof(Trailer) == TRAILER_BYTES

cdef enum:
    SECTORS_AT_ONCE = 64        # whose checksums are worked out together

_DTYPES = {
    Operation.CREATE_ACCOUNTS: records.ACCOUNT,
    Operation.CREATE_TRANSFERS: records.TRANSFER,
    Operation.SET_LIMITS: records.LIMIT,
    Operation.PULSE: records.TRANSFER,
    Operation.NOTE: records.TRANSFER,
    Operation.SET_QUOTAS: records.QUOTA,
}

FAULTS = {
    FRAME_GOOD: "good",
    FRAME_ABSENT: "absent",
    FRAME_BAD_MAGIC: "bad magic",
    FRAME_BAD_VERSION: "unknown version",
    FRAME_BAD_HEADER: "header checksum mismatch",
    FRAME_BAD_LENGTHS: "impossible lengths",
    FRAME_CUT: "cut short",
    FRAME_BAD_TABLE: "sector table checksum mismatch",
    FRAME_BAD_BODY: "body checksum mismatch",
}


cdef inline u64 rounded(u64 size, u64 unit) noexcept nogil:
    return (size + unit - 1) // unit * unit


cdef u32 record_bytes(u16 operation) noexcept nogil:
    """Return the size of a record of an operation; 0 where it has none or is unknown."""
    if operation == OPERATION_CREATE_ACCOUNTS:
        return sizeof(Account)
    if operation == OPERATION_CREATE_TRANSFERS:
        return sizeof(Transfer)
    if operation == OPERATION_SET_LIMITS:
        return sizeof(Limit)
    if operation == OPERATION_SET_QUOTAS:
        return sizeof(Quota)
    return 0


cdef u64 body_bytes_of(u16 operation, u64 record_count, u64 resolved_count, u64 expired_count,
                       u64 payloads_bytes, u64 note_bytes, u32 sections) noexcept nogil:
    """Return the length of the sections, each rounded up to 16 bytes."""
    cdef u64 size = rounded(record_count * record_bytes(operation), 16)
    size += rounded(record_count * 4, 16)
    if sections & SECTION_DECISIONS:
        size += rounded(record_count * 4, 16)
    size += resolved_count * sizeof(Resolved) + expired_count * sizeof(Expired)
    if sections & SECTION_PAYLOADS:
        size += rounded((record_count + 1) * 4, 16) + rounded(payloads_bytes, 16)
    return size + rounded(note_bytes, 16)


cdef inline u64 sector_count_of(u64 body_bytes) noexcept nogil:
    """Return how many sectors of 512 bytes cover a body, the padding behind it and the trailer.

    At least that many: padding reaches up to seven sectors further, depending on the length of the
    head, which itself depends on this count. Entries of the table that cover nothing hold zero.
    """
    return (body_bytes + TRAILER_BYTES + SECTOR_BYTES - 1) // SECTOR_BYTES + 7


cdef u64 head_bytes_of(u64 sector_count) noexcept nogil:
    """Return the length of header and sector table: whole sectors, so that the body's are too."""
    return rounded(HEADER_BYTES + sector_count * 4, SECTOR_BYTES)


cdef u64 frame_bytes_of(u64 head_bytes, u64 body_bytes) noexcept nogil:
    return rounded(head_bytes + body_bytes + TRAILER_BYTES, FRAME_ALIGNMENT)


cdef u8* put(u8* out, const void* piece, u64 size) noexcept nogil:
    """Write a section, unless it is there, and its padding; return where the next begins."""
    if piece != out:
        memmove(out, piece, size)
    memset(out + size, 0, rounded(size, 16) - size)
    return out + rounded(size, 16)


cdef inline u32 sections_of(const Pieces* pieces) noexcept nogil:
    return ((SECTION_DECISIONS if pieces.decisions != NULL else 0)
            | (SECTION_PAYLOADS if pieces.payload_offsets != NULL else 0))


cdef u64 body_bytes_for(const Pieces* pieces) noexcept nogil:
    """Return the length of the body of the frame of these pieces."""
    cdef u32 sections = sections_of(pieces)
    cdef u64 payloads_bytes = (pieces.payload_offsets[pieces.record_count]
                               if sections & SECTION_PAYLOADS else 0)
    return body_bytes_of(pieces.operation, pieces.record_count, pieces.resolved_count,
                         pieces.expired_count, payloads_bytes, pieces.note_bytes, sections)


cdef u64 frame_head_bytes(const Pieces* pieces) noexcept nogil:
    """Return how far behind the beginning of its frame the first record of these pieces lies."""
    return head_bytes_of(sector_count_of(body_bytes_for(pieces)))


cdef u64 frame_encode(const Pieces* pieces, u8* out, u64 capacity) noexcept nogil:
    """Write a frame (in: pieces; out: out); return its length, or 0 where it won't fit.

    The length is a multiple of 4,096, so that no sector of an acknowledged frame is written again.
    The records may be in their place already, or lie anywhere behind it. `frame_seal` must follow
    once the frame before is sealed.
    """
    cdef u32 sections = sections_of(pieces)
    cdef u64 count = pieces.record_count
    cdef u64 payloads_bytes = pieces.payload_offsets[count] if sections & SECTION_PAYLOADS else 0
    cdef u64 body = body_bytes_for(pieces)
    cdef u64 sectors = sector_count_of(body)
    cdef u64 head = head_bytes_of(sectors)
    cdef u64 total = frame_bytes_of(head, body)
    cdef Header* header = <Header*>out
    cdef Trailer* trailer = <Trailer*>(out + total - TRAILER_BYTES)
    cdef u8* at = out + head
    if total > capacity:
        return 0
    memset(out, 0, head)
    header.magic = FRAME_MAGIC
    header.version = FRAME_VERSION
    header.operation = pieces.operation
    header.sequence = pieces.sequence
    header.timestamp = pieces.timestamp
    header.record_count = pieces.record_count
    header.event = pieces.event
    header.expired_count = pieces.expired_count
    header.resolved_count = pieces.resolved_count
    header.payloads_bytes = <u32>payloads_bytes
    header.note_bytes = pieces.note_bytes
    header.body_bytes = body
    header.sector_count = <u32>sectors
    header.sections = sections
    at = put(at, pieces.records, count * record_bytes(pieces.operation))
    at = put(at, pieces.statuses, count * 4)
    if sections & SECTION_DECISIONS:
        at = put(at, pieces.decisions, count * 4)
    at = put(at, pieces.resolved, pieces.resolved_count * sizeof(Resolved))
    at = put(at, pieces.expired, pieces.expired_count * sizeof(Expired))
    if sections & SECTION_PAYLOADS:
        at = put(at, pieces.payload_offsets, (count + 1) * 4)
        at = put(at, pieces.payloads, payloads_bytes)
    at = put(at, pieces.note, pieces.note_bytes)
    memset(at, 0, out + total - at)
    trailer.sequence = pieces.sequence
    trailer.frame_blocks = <u32>(total // FRAME_ALIGNMENT)
    trailer.magic = TRAILER_MAGIC
    return total


cdef void frame_seal(u8* frame, u64 total, u8* chain) noexcept nogil:
    """Link an encoded frame behind the one before, and put it under its checksums.

    *chain* (in and out) holds the digest of the frame before, and of this one afterwards.
    """
    cdef Header* header = <Header*>frame
    cdef u32* table = <u32*>(frame + HEADER_BYTES)
    cdef u64 head = head_bytes_of(header.sector_count)
    memcpy(header.previous, chain, 32)
    crc32c_each(frame + head, SECTOR_BYTES, (total - head) // SECTOR_BYTES, table)
    header.table_checksum = crc32c(0, frame + HEADER_BYTES, head - HEADER_BYTES)
    header.checksum = crc32c(0, frame, HEADER_BYTES - 4)
    frame_digest(frame, total, chain)


cdef void frame_digest(const u8* frame, u64 total, u8* digest) noexcept nogil:
    """Write the digest of a sealed frame (out: digest, 32 bytes): of its head and both its halves.

    The halves are hashed side by side, in the time that one of them takes.
    """
    cdef u8 halves[64]
    cdef u64 head = head_bytes_of((<const Header*>frame).sector_count)
    sha256_halves(frame + head, SECTOR_BYTES, (total - head) // SECTOR_BYTES, halves)
    sha256(frame, head, halves, 64, digest)


cdef FrameFault frame_check(const u8* data, u64 size, u64* frame_bytes,
                            Range* bad) noexcept nogil:
    """Check the bytes of a frame (in: data, size; out: its length, the first range that is wrong).

    The length is 0 unless the header is sound. The chain and the sequence are the reader's to
    check, who knows the frame before.
    """
    cdef const Header* header = <const Header*>data
    cdef const u32* table = <const u32*>(data + HEADER_BYTES)
    cdef u64 head, total, sectors, sector
    cdef u32 found[SECTORS_AT_ONCE]
    frame_bytes[0] = 0
    bad.start = 0
    bad.stop = min(size, <u64>HEADER_BYTES)
    if size < HEADER_BYTES:
        return FRAME_ABSENT if is_zero(data, size) else FRAME_BAD_HEADER
    if is_zero(data, HEADER_BYTES):
        return FRAME_ABSENT
    if crc32c(0, data, HEADER_BYTES - 4) != header.checksum:
        return FRAME_BAD_HEADER
    if header.magic != FRAME_MAGIC:
        return FRAME_BAD_MAGIC
    if header.version != FRAME_VERSION:
        return FRAME_BAD_VERSION
    if (not OPERATION_CREATE_ACCOUNTS <= header.operation <= OPERATION_SET_QUOTAS
            or header.sections & ~<u32>(SECTION_DECISIONS | SECTION_PAYLOADS)
            or header.record_count > (BATCH_EVENTS_MAX if record_bytes(header.operation) else 0)
            or header.resolved_count > BATCH_EVENTS_MAX or header.expired_count > EXPIRED_MAX
            or header.body_bytes != body_bytes_of(
                header.operation, header.record_count, header.resolved_count,
                header.expired_count, header.payloads_bytes, header.note_bytes, header.sections)
            or header.sector_count != sector_count_of(header.body_bytes)):
        return FRAME_BAD_LENGTHS
    head = head_bytes_of(header.sector_count)
    total = frame_bytes_of(head, header.body_bytes)
    frame_bytes[0] = total
    if total > size:
        bad.start = size
        bad.stop = total
        return FRAME_CUT
    if crc32c(0, data + HEADER_BYTES, head - HEADER_BYTES) != header.table_checksum:
        bad.start = HEADER_BYTES
        bad.stop = head
        return FRAME_BAD_TABLE
    sectors = (total - head) // SECTOR_BYTES
    for sector in range(sectors):
        if sector % SECTORS_AT_ONCE == 0:
            crc32c_each(data + head + sector * SECTOR_BYTES, SECTOR_BYTES,
                        min(sectors - sector, <u64>SECTORS_AT_ONCE), found)
        if table[sector] != found[sector % SECTORS_AT_ONCE]:
            bad.start = head + sector * SECTOR_BYTES
            bad.stop = bad.start + SECTOR_BYTES
            return FRAME_BAD_BODY
    bad.start, bad.stop = head, total
    return FRAME_GOOD if has_sound_offsets(data) else FRAME_BAD_LENGTHS


cdef bint has_sound_offsets(const u8* data) noexcept nogil:
    """Tell whether the payloads' offsets rise from 0 to their length, as readers rely on."""
    cdef Pieces pieces
    cdef u32 index
    frame_pieces(data, &pieces)
    if pieces.payload_offsets == NULL:
        return (<const Header*>data).payloads_bytes == 0
    if pieces.payload_offsets[0] != 0:
        return False
    for index in range(pieces.record_count):
        if pieces.payload_offsets[index] > pieces.payload_offsets[index + 1]:
            return False
    return pieces.payload_offsets[pieces.record_count] == (<const Header*>data).payloads_bytes


cdef bint is_zero(const u8* data, u64 size) noexcept nogil:
    cdef u64 index
    for index in range(size):
        if data[index] != 0:
            return False
    return True


cdef void frame_pieces(const u8* data, Pieces* pieces) noexcept nogil:
    """Find the pieces in the bytes of a frame that was checked (in: data; out: pieces)."""
    cdef const Header* header = <const Header*>data
    cdef const u8* at = data + head_bytes_of(header.sector_count)
    cdef u64 count = header.record_count
    pieces.operation = header.operation
    pieces.event = header.event
    pieces.sequence = header.sequence
    pieces.timestamp = header.timestamp
    pieces.record_count = header.record_count
    pieces.resolved_count = header.resolved_count
    pieces.expired_count = header.expired_count
    pieces.note_bytes = header.note_bytes
    pieces.records = at
    at += rounded(count * record_bytes(header.operation), 16)
    pieces.statuses = <const u32*>at
    at += rounded(count * 4, 16)
    pieces.decisions = NULL
    if header.sections & SECTION_DECISIONS:
        pieces.decisions = <const u32*>at
        at += rounded(count * 4, 16)
    pieces.resolved = <const Resolved*>at
    at += header.resolved_count * sizeof(Resolved)
    pieces.expired = <const Expired*>at
    at += header.expired_count * sizeof(Expired)
    pieces.payload_offsets = NULL
    pieces.payloads = NULL
    if header.sections & SECTION_PAYLOADS:
        pieces.payload_offsets = <const u32*>at
        at += rounded((count + 1) * 4, 16)
        pieces.payloads = at
        at += rounded(header.payloads_bytes, 16)
    pieces.note = at


def check_frame(data, offset=0):
    """Check the bytes at *offset* as a frame → (fault, length, start, stop); see FAULTS.

    The length is 0 unless the header is sound; *start* and *stop* tell which bytes of *data* are
    wrong.
    """
    cdef const u8[::1] view = data
    cdef u64 begin = offset
    cdef u64 length = 0
    cdef Range bad
    cdef FrameFault fault
    if begin > <u64>view.shape[0]:
        raise ValueError(f"offset {offset} lies behind the end of the data")
    if begin == <u64>view.shape[0]:
        return FRAME_ABSENT, 0, offset, offset
    with nogil:
        fault = frame_check(&view[begin], view.shape[0] - begin, &length, &bad)
    return fault, length, begin + bad.start, begin + bad.stop


def checked_frame(data, offset, length):
    """Return the Frame of bytes that `check_frame` has found good."""
    cdef Frame frame = Frame.__new__(Frame)
    frame.raw = data[offset:offset + length]
    frame_pieces(<const u8*>frame.raw, &frame.pieces)
    return frame


cdef class Frame:
    """A batch as it stands in the journal: its inputs and what became of them."""

    def __init__(self, raw):
        cdef u64 length = 0
        cdef Range bad
        cdef FrameFault fault
        cdef const u8* data = raw
        fault = frame_check(data, len(raw), &length, &bad)
        if fault != FRAME_GOOD or length != <u64>len(raw):
            raise ValueError(f"not a frame: {FAULTS[fault]}")
        self.raw = raw
        frame_pieces(data, &self.pieces)

    @property
    def sequence(self):
        """The frame's number in the journal, from 1, without gaps."""
        return self.pieces.sequence

    @property
    def timestamp(self):
        """The timestamp of the last record, ns; record i of n has this - n + 1 + i."""
        return self.pieces.timestamp

    @property
    def operation(self):
        """What the frame asks of the ledger."""
        return Operation(self.pieces.operation)

    @property
    def event(self):
        """The application's tag of the frame; 0 for none."""
        return self.pieces.event

    @property
    def previous(self):
        """Digest of the frame before, 32 bytes."""
        return bytes((<const Header*><const u8*>self.raw).previous[:32])

    @property
    def digest(self):
        """Digest of this frame, 32 bytes, which the next one carries."""
        cdef u8 digest[32]
        cdef const u8* data = self.raw
        cdef u64 size = len(self.raw)
        with nogil:
            frame_digest(data, size, digest)
        return digest[:32]

    cdef object _array(self, const void* start, u64 count, dtype):
        cdef u64 offset = <const u8*>start - <const u8*>self.raw
        if count == 0:
            return np.zeros(0, dtype)
        return np.frombuffer(self.raw, dtype, count, offset)

    @property
    def records(self):
        """The events: ACCOUNT[n], TRANSFER[n], LIMIT[n] or QUOTA[n] by the operation."""
        return self._array(self.pieces.records, self.pieces.record_count,
                           _DTYPES[self.operation])

    @property
    def statuses(self):
        """What became of each event, u4[n]; 0xFFFFFFFF = it took effect."""
        return self._array(self.pieces.statuses, self.pieces.record_count, np.dtype("<u4"))

    @property
    def decisions(self):
        """What the stage before the ledger decided, u4[n], or empty."""
        return self._array(self.pieces.decisions,
                           self.pieces.record_count if self.pieces.decisions != NULL else 0,
                           np.dtype("<u4"))

    @property
    def resolved(self):
        """Amounts that moved where they aren't the amounts asked for, RESOLVED[k]."""
        return self._array(self.pieces.resolved, self.pieces.resolved_count, records.RESOLVED)

    @property
    def expired(self):
        """Reservations that ran out before the first event, EXPIRED[k], in order."""
        return self._array(self.pieces.expired, self.pieces.expired_count, records.EXPIRED)

    @property
    def payload_offsets(self):
        """Where each record's payload begins, u4[n + 1], or empty."""
        return self._array(
            self.pieces.payload_offsets,
            self.pieces.record_count + 1 if self.pieces.payload_offsets != NULL else 0,
            np.dtype("<u4"))

    @property
    def payloads(self):
        """All payloads, one behind the other."""
        if self.pieces.payload_offsets == NULL:
            return b""
        return <bytes>self.pieces.payloads[:self.pieces.payload_offsets[self.pieces.record_count]]

    @property
    def note(self):
        """Bytes that belong to the frame as a whole; empty for none."""
        return <bytes>self.pieces.note[:self.pieces.note_bytes]

    def payload(self, index):
        """Return the payload of one record."""
        cdef u32 row = index
        if not 0 <= index < self.pieces.record_count:
            raise IndexError(index)
        if self.pieces.payload_offsets == NULL:
            return b""
        return <bytes>self.pieces.payloads[
            self.pieces.payload_offsets[row]:self.pieces.payload_offsets[row + 1]]
