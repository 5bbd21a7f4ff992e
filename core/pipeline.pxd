"""The commit pipeline: batches go through scoring, ledger and journal without the GIL."""

from payvand.core.entry_log cimport EntryLog
from payvand.core.frame cimport Pieces
from payvand.core.journal cimport Journal
from payvand.core.ledger cimport Ledger
from payvand.core.stage cimport Stage
from payvand.core.threads cimport pthread_cond_t, pthread_mutex_t
from payvand.core.types cimport After, Expired, Resolved, Result, u8, u16, u32, u64

cdef enum:
    SLOTS = 8               # batches under way at once, the one being filled among them

# A batch on its way.
cdef struct Slot:
    pthread_cond_t moved    # its batch's turn may have come
    u16 operation
    u32 event
    u64 now                 # the engine's clock when the batch was sealed
    u64 timestamp           # of its last event
    u64 sequence
    u32 record_count
    bint open_chain         # its last record is linked to one that must not follow
    bint has_payloads
    u32 payloads_bytes
    u32 note_bytes
    u8* buffer              # the frame is made in it
    u8* records             # in the buffer, with room for the frame's head before them
    u32* offsets
    u8* payloads
    u8* note
    u32* decisions
    u32* statuses
    Result* results
    Resolved* resolved
    Expired* expired
    After* after            # balances behind each event; written where `wants_after`
    bint wants_after
    Pieces pieces           # of its frame, once it is applied
    u8* frame               # in the buffer, on a block boundary
    u8 digest[32]           # of it
    u64 frame_bytes
    u64 span                # of the rows of its transfers; NO_TRANSFER where there are none
    u64 next_due
    u64 apply_ns            # how long each stage took
    u64 write_ns

cdef class Pipeline:
    cdef Slot slots[SLOTS]
    # Counts of batches, ever rising: filled >= taken >= applied >= chained >= written >= released.
    cdef u64 filled, taken, applied, chained, written, released
    cdef bint stopping
    cdef int failure                    # errno of the write that failed; -1 for another fault
    cdef object fault                   # the exception of another fault
    cdef int wake_fd
    cdef u64 write_ns                   # what the last write and flush took
    cdef u8 chain[32]                   # digest of the last sealed frame
    cdef u64 base                       # sequence of the frame before the first batch
    cdef bint watched                   # a worker watches for the next batch, awake
    cdef bint lingered                  # the caller watches for a batch, and needs no waking
    cdef pthread_mutex_t lock           # over the counts
    cdef pthread_cond_t sealed          # for workers without a batch
    cdef Ledger ledger
    cdef EntryLog entries               # None where nobody asks for them
    cdef Stage stage
    cdef Journal journal

    cdef Slot* slot_in_hand(self) noexcept nogil
    cdef Slot* released_slot(self, u64 ticket) except NULL
    cdef bint take(self, u64* ticket) noexcept nogil
    cdef void place_records(self, Slot* slot, u32 count, long long payloads_bytes) noexcept nogil
    cdef void encode(self, Slot* slot) noexcept nogil
    cdef bint await_turn(self, const u64* count, u64 ticket) noexcept nogil
    cdef bint finish(self, u64* count) noexcept nogil
    cdef void stop_for(self, int failure) noexcept nogil
    cdef bint carry(self, u64 ticket) except -1 nogil
    cdef int apply(self, Slot* slot) except -1 nogil
    cdef void describe(self, Slot* slot) noexcept nogil
