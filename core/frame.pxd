"""A frame: one batch on its way to disk, to followers and to replay. Layout in README.md."""

from payvand.core.types cimport Expired, Resolved, u8, u16, u32, u64

cdef enum:
    FRAME_MAGIC = 0x31465650        # "PVF1"
    FRAME_VERSION = 2
    FRAME_ALIGNMENT = 4096
    HEADER_BYTES = 128
    SECTOR_BYTES = 512
    TRAILER_BYTES = 16
    TRAILER_MAGIC = 0x45465650      # "PVFE"; its last byte is the frame's and never zero
    SECTION_DECISIONS = 1
    SECTION_PAYLOADS = 2

# What is wrong with the bytes where a frame should be.
cdef enum FrameFault:
    FRAME_GOOD = 0
    FRAME_ABSENT = 1                # zeros
    FRAME_BAD_MAGIC = 2
    FRAME_BAD_VERSION = 3
    FRAME_BAD_HEADER = 4            # checksum of the header
    FRAME_BAD_LENGTHS = 5
    FRAME_CUT = 6                   # goes on beyond the bytes there are
    FRAME_BAD_TABLE = 7             # checksum of the sector table
    FRAME_BAD_BODY = 8              # checksum of a sector of the body

cdef packed struct Header:
    u32 magic
    u16 version
    u16 operation
    u64 sequence
    u64 timestamp
    u32 record_count
    u32 event
    u32 expired_count
    u32 resolved_count
    u32 payloads_bytes
    u32 note_bytes
    u64 body_bytes
    u32 sector_count                # entries of the sector table
    u32 sections
    u8 previous[32]                 # digest of the frame before
    u8 reserved[24]
    u32 table_checksum              # CRC-32C of the sector table, to the end of the head
    u32 checksum                    # CRC-32C of the header before this field

# The last bytes of a frame: where they stand, a write came to its end.
cdef packed struct Trailer:
    u64 sequence
    u32 frame_blocks                # the frame's length in units of 4,096 bytes
    u32 magic

# A range of bytes of a frame, from its first byte.
cdef struct Range:
    u64 start
    u64 stop

# The pieces of a batch, wherever they lie.
cdef struct Pieces:
    u16 operation
    u32 event
    u64 sequence
    u64 timestamp
    u32 record_count
    const u8* records
    const u32* statuses
    const u32* decisions            # NULL where no stage stood in the way
    const Resolved* resolved
    u32 resolved_count
    const Expired* expired
    u32 expired_count
    const u32* payload_offsets      # record_count + 1, or NULL
    const u8* payloads
    const u8* note
    u32 note_bytes

cdef u32 record_bytes(u16 operation) noexcept nogil
cdef u64 head_bytes_of(u64 sector_count) noexcept nogil
cdef u64 frame_bytes_of(u64 head_bytes, u64 body_bytes) noexcept nogil
cdef u64 frame_head_bytes(const Pieces* pieces) noexcept nogil
cdef u64 frame_encode(const Pieces* pieces, u8* out, u64 capacity) noexcept nogil
cdef void frame_digest(const u8* frame, u64 total, u8* digest) noexcept nogil
cdef void frame_seal(u8* frame, u64 total, u8* chain) noexcept nogil
cdef FrameFault frame_check(const u8* data, u64 size, u64* frame_bytes,
                            Range* bad) noexcept nogil
cdef void frame_pieces(const u8* data, Pieces* pieces) noexcept nogil

cdef class Frame:
    cdef readonly bytes raw
    cdef Pieces pieces

    cdef object _array(self, const void* start, u64 count, dtype)
