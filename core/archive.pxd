"""The archive: what left memory, and the thread that takes it there."""

from payvand.core.books cimport Books
from payvand.core.filter cimport Filter
from payvand.core.journal cimport Journal
from payvand.core.leaving cimport Leaving
from payvand.core.past cimport Past
from payvand.core.run_scan cimport Scan
from payvand.core.runs cimport Entry, Run, RunWriter
from payvand.core.snapshot_reading cimport SnapshotReader
from payvand.core.stage cimport Stage
from payvand.core.store cimport Store
from payvand.core.threads cimport pthread_cond_t, pthread_mutex_t
from payvand.core.types cimport u32, u64

cdef class Archive:
    cdef Books* books               # of the ledger, which keeps the archive
    cdef pthread_mutex_t* guard     # of the ledger
    cdef pthread_cond_t* moved
    cdef Journal journal
    cdef Stage stage
    cdef u64 horizon
    cdef u64 records
    cdef u64 snapshot_bytes         # of journal from one snapshot to the next; 0: takes none
    cdef u64 snapshots              # taken or given up
    cdef bint is_taking             # one is under way
    cdef u64 snapshot_size                  # bytes of the newest one
    cdef readonly u64 snapshot_sequence     # of the newest one
    cdef readonly int snapshot_failure      # errno of the last one; 0 where it is written
    cdef Store* store
    cdef Past* past
    cdef u64 run_rows               # rows that go into the past at once, about
    cdef u64 run_rows_max           # where they have become more
    cdef u64 left                   # rows that have gone there
    cdef u32 run_bits               # by which a run of so many is ordered
    cdef Entry* entries             # of a run in the making
    cdef Entry* sorted
    cdef u64 entries_max
    cdef bint stopping
    cdef bint is_prunable           # files of ids, or a snapshot, may be needed no longer
    cdef object thread
    cdef public object cover        # called with a sequence; see archive.pyi

    cdef int empty(self, u64 seed, u64 rows) except -1
    cdef int open_runs(self, SnapshotReader reader) except -1
    cdef bint has_work(self, u32 after, u32 level) noexcept nogil
    cdef int work(self, u32 after, u32 level) noexcept nogil
    cdef bint can_leave(self) noexcept nogil
    cdef void warm_ids(self) noexcept nogil
    cdef void fail(self, int failure) noexcept nogil
    cdef int leave(self) noexcept nogil
    cdef int write_run(self, Leaving* leaving) noexcept nogil
    cdef int make_filter(self, u64 more, bint opening, Filter** filter) noexcept nogil
    cdef bint find_mergeable(self, u32 after, u32 level, u32* first) noexcept nogil
    cdef int merge(self, u32 first) noexcept nogil
    cdef int reserve_entries(self, u64 count) noexcept nogil
    cdef int merge_into(self, Scan* scans, u32 first, Run** merged) noexcept nogil
    cdef int add_sorted(self, RunWriter* writer, u64 count) noexcept nogil
