"""The commit pipeline: batches go through scoring, ledger and journal without the GIL."""

from payvand.core.frame cimport Pieces
from payvand.core.journal cimport Journal
from payvand.core.ledger cimport Ledger
from payvand.core.stage cimport Stage
from payvand.core.types cimport Result, u8, u16, u32, u64

cdef enum:
    SLOTS = 8               # batches under way at once, the one being filled among them

cdef extern from "<pthread.h>" nogil:
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass

# A batch on its way.
cdef struct Slot:
    u16 operation
    u32 event
    u64 now                 # the engine's clock when the batch was sealed
    u64 timestamp
    u64 sequence
    u32 record_count
    bint has_payloads
    u32 payloads_bytes
    u32 note_bytes
    u8* records
    u32* offsets
    u8* payloads
    u8* note
    u32* decisions
    u32* statuses
    Result* results
    u8* frame               # on a block boundary
    u64 frame_bytes
    u64 next_due
    u64 applied_ns          # how long each stage took
    u64 written_ns

cdef class Pipeline:
    cdef Slot slots[SLOTS]
    # Counts of batches, ever rising: filled >= applied >= written >= released.
    cdef u64 sealed, applied, written, released
    cdef bint stopping
    cdef int failure                    # errno of the write that failed, or -1
    cdef object failure_text
    cdef int wake_fd
    cdef pthread_mutex_t lock
    cdef pthread_cond_t changed
    cdef pthread_mutex_t books_lock     # held while the ledger's memory changes or is read
    cdef Ledger ledger
    cdef Stage stage
    cdef Journal journal

    cdef Slot* filling(self) noexcept nogil
    cdef int apply_slot(self, Slot* slot) except -1 nogil
    cdef void fail(self, int code) noexcept nogil
