"""The archive: what left memory, and the thread that takes it there."""

from payvand.core.books cimport Books
from payvand.core.filter cimport Filter
from payvand.core.journal cimport Journal
from payvand.core.past cimport Carried, Past
from payvand.core.runs cimport Entry, Page, Run, RunWriter
from payvand.core.store cimport Store
from payvand.core.threads cimport pthread_cond_t, pthread_mutex_t
from payvand.core.types cimport u32, u64

# A stretch of rows on its way into the past.
cdef struct Leaving:
    u64 first_row
    u64 end_row
    u64 first_span
    u64 end_span
    u64 entries_count
    Carried* carried
    u64 carried_count
    Filter* filter
    Run* run

# A run being read from its beginning.
cdef struct Scan:
    Run* run
    Page* pages
    u64 next_page           # to be read
    u32 pages_count
    u32 page                # in hand
    u32 entry

cdef class Archive:
    cdef Books* books               # of the ledger, which keeps the archive
    cdef pthread_mutex_t* guard     # of the ledger
    cdef pthread_cond_t* moved
    cdef Journal journal
    cdef Store* store
    cdef Past* past
    cdef u64 run_rows               # rows that go into the past at once, about
    cdef u32 run_bits               # by which a run of so many is ordered
    cdef Entry* entries             # of a run in the making
    cdef Entry* sorted
    cdef u64 entries_max
    cdef bint stopping
    cdef object thread

    cdef bint has_work(self, u32 after, u32 level) noexcept nogil
    cdef int work(self, u32 after, u32 level) noexcept nogil
    cdef bint is_due(self) noexcept nogil
    cdef int leave(self) noexcept nogil
    cdef int gather(self, Leaving* leaving) noexcept nogil
    cdef int keep_carried(self, Leaving* leaving) noexcept nogil
    cdef int write_run(self, Leaving* leaving) noexcept nogil
    cdef void put_in_place(self, Leaving* leaving) noexcept nogil
    cdef int make_filter(self, u64 more, Filter** filter) noexcept nogil
    cdef bint find_mergeable(self, u32 after, u32 level, u32* first) noexcept nogil
    cdef int merge(self, u32 first) noexcept nogil
    cdef int reserve_entries(self, u64 count) noexcept nogil
    cdef int merge_into(self, Scan* scans, u32 first, Run** merged) noexcept nogil
    cdef int add_sorted(self, RunWriter* writer, u64 count) noexcept nogil
