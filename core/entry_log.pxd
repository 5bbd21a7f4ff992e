"""The entries of the last stretch of the journal, for those who ask and for the next run."""

from payvand.core.entries cimport Entries, Stretch
from payvand.core.frame cimport Pieces
from payvand.core.journal cimport Journal
from payvand.core.ledger cimport Ledger
from payvand.core.store cimport Store
from payvand.core.types cimport u32, u64

cdef extern from "<semaphore.h>" nogil:
    ctypedef struct sem_t:
        pass

cdef class EntryLog:
    cdef Entries entries
    cdef Ledger ledger
    cdef Store* store                   # of those who ask: one at a time
    cdef sem_t signal                   # there may be enough for a run

    cdef void begin_frame(self, u64 sequence) noexcept nogil
    cdef void end_frame(self, const Pieces* pieces) noexcept nogil
    cdef void note_place(self, u64 sequence, u64 place) noexcept nogil
    cdef void choose(self, u64* sequence, u64* end, u64* stand) noexcept nogil
    cdef void wake(self) noexcept nogil
    cdef Stretch* stretch_of(self, u64 number) noexcept nogil
    cdef u64 find_stretch(self, u32 field, u64 value) noexcept nogil
