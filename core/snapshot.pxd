"""A snapshot: the books as they stood behind one frame, in a file. Layout in README.md.

A file is a row of blocks, each under its own checksum, from a HEAD to an END. Every byte of it is
under a checksum. It takes over no byte of the journal: records are read from there, ids of the past
from the runs that it names.
"""

from payvand.core.types cimport u8, u16, u32, u64

cdef enum:
    SNAPSHOT_MAGIC = 0x31425650     # "PVB1"
    SNAPSHOT_VERSION = 1
    SNAPSHOT_ALIGNMENT = 4096
    SNAPSHOT_BLOCK_BYTES = 1 << 18  # of one block at most, its header among them
    SNAPSHOT_HEADER_BYTES = 64

# What the rows of a block are.
cdef enum BlockKind:
    BLOCK_HEAD = 1                  # one Head
    BLOCK_RUNS = 2                  # Stretch each; they stand first, to be found quickly
    BLOCK_HASHES = 3                # u64 each, of rows from `first` on
    BLOCK_STATES = 4                # u8 each, of rows from `first` on
    BLOCK_SPANS = 5                 # Span each, from number `first` on
    BLOCK_CARRIED = 6               # Carried each
    BLOCK_LATE = 7                  # Late each
    BLOCK_ACCOUNTS = 8              # Account each from row `first` on, then u128 each: their limits
    BLOCK_KEPT = 9                  # Kept each; they replace what stands in BLOCK_ACCOUNTS
    BLOCK_RESERVATIONS = 10         # Reservation each; one may come twice
    BLOCK_STAGE = 11                # bytes of the stage's own
    BLOCK_END = 12                  # nothing

cdef packed struct BlockHeader:
    u32 magic
    u16 version
    u16 kind
    u64 number                      # of the block in the file, from 0
    u64 first
    u32 count                       # of rows
    u32 bytes                       # of rows
    u8 reserved[28]
    u32 checksum                    # CRC-32C of the block, this field as zero

# The books' counters, at the moment that is shown.
cdef packed struct Head:
    u8 journal_id[16]
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

# The rows whose ids a run holds.
cdef packed struct Stretch:
    u64 first_row
    u64 end_row
