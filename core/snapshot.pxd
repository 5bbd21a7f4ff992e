"""A snapshot: the books as they stood behind one frame, in a file. Layout in README.md.

    head (4,096 bytes) │ section │ section │ …       section = block │ block │ … │ shorter block

The head is written last, and says where each section begins and how many rows it has; so the place
of every block follows from the head, and many may be read at once. Every byte of a file is under a
checksum. It takes over no byte of the journal: records are read from there, ids of the past from
the runs that it names.
"""

from payvand.core.types cimport Account, u8, u16, u32, u64, u128

cdef enum:
    SNAPSHOT_MAGIC = 0x31425650     # "PVB1"
    BLOCK_MAGIC = 0x31425350        # "PSB1"
    SNAPSHOT_VERSION = 1
    SNAPSHOT_ALIGNMENT = 4096
    HEAD_BYTES = 4096
    BLOCK_BYTES = 1 << 18           # of all blocks but the last of a section
    BLOCK_HEADER_BYTES = 32
    PAYLOAD_BYTES = BLOCK_BYTES - BLOCK_HEADER_BYTES

# What the rows of a section are; sections stand in this order.
cdef enum:
    SECTION_RUNS = 0                # Stretch
    SECTION_SPANS = 1               # Span, from number `spans_oldest` on
    SECTION_CARRIED = 2             # Carried
    SECTION_LATE = 3                # Late
    SECTION_HASHES = 4              # u64, of rows from `oldest_row` on
    SECTION_STATES = 5              # u8, of rows from `oldest_row` on
    SECTION_RESERVATIONS = 6        # Reservation
    SECTION_ACCOUNTS = 7            # Holding, in the order of accounts
    SECTION_KEPT = 8                # Kept; they replace what stands in SECTION_ACCOUNTS
    SECTION_ENDED = 9               # Reservation; may stand in SECTION_RESERVATIONS too
    SECTION_STAGE = 10              # bytes of the stage's own
    SECTION_QUOTAS = 11             # QuotaRow, in the order of setting
    SECTIONS = 12

cdef packed struct Section:
    u64 offset                      # in the file
    u64 rows
    u64 bytes                       # of its blocks, padding included
    u32 row_bytes
    u32 reserved

cdef packed struct BlockHeader:
    u32 magic
    u16 kind                        # of the section
    u16 reserved_16
    u64 sequence                    # of the snapshot
    u32 number                      # of the block in the section, from 0
    u32 count                       # of rows
    u32 reserved_32
    u32 checksum                    # CRC-32C of the block with its padding, this field as zero

# The first page of the file: the books' counters, and where everything stands.
cdef packed struct Head:
    u32 magic
    u16 version
    u16 reserved_16
    u64 bytes                       # of the file
    u8 journal_id[16]
    u8 digest[32]                   # SHA-256 of the frame `sequence`
    u64 sequence                    # of the last frame that it holds
    u64 timestamp
    u64 seed
    u64 rows
    u64 oldest_row
    u64 spans_count
    u64 spans_oldest
    u64 created
    u64 last_created
    u64 past_last_created
    u64 trail[2]
    u32 accounts_count
    u32 has_stage                   # 0: the stage is to observe all frames again
    Section sections[SECTIONS]
    u64 events[16]                  # frames of each tag so far
    u8 reserved[3412]
    u32 checksum                    # CRC-32C of the head, this field as zero

# The rows whose ids a run holds.
cdef packed struct Stretch:
    u64 first_row
    u64 end_row

cdef packed struct Holding:
    Account account
    u128 limit

cdef inline u64 padded(u64 size) noexcept nogil:
    """Round up to whole pages."""
    return (size + SNAPSHOT_ALIGNMENT - 1) // SNAPSHOT_ALIGNMENT * SNAPSHOT_ALIGNMENT

cdef u32 row_bytes(u32 kind) noexcept nogil
