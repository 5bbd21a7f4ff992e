"""The past: rows older than the horizon, whose ids have left memory.

    rows      0 ───────────────────────── oldest_row ───── leaving ───────────────── rows
    ids       filter in memory, runs on disk   │ in memory, and on their way to a run │ in memory
    records   in the journal                                              │ the last ones in memory

A filter in memory knows every id of the past and tells new ones apart. An id that passes it is
looked for where it can be:

* among the reservations under way: those made by rows of the past are `carried`; memory holds as
  many of them as are under way;
* among the `late`: reservations of the past that have ended since the last run was begun, with what
  became of them. The next run takes them along;
* in the runs.

All of it is read under the lock of the ledger. What comes into the past is made ready without it
and then put in place under it; see `archive.pyx`.
"""

from payvand.core.filter cimport Filter
from payvand.core.index cimport Index
from payvand.core.recalled cimport RecalledList
from payvand.core.runs cimport Run
from payvand.core.types cimport u8, u32, u64, u128

cdef enum:
    RUNS_MAX = 128

cdef struct Late:
    u128 id
    u64 row
    u64 place               # of its event, and what became of it

cdef struct LateList:
    Late* entries
    u64 count
    Index index             # by id

cdef struct Carried:
    u64 row
    u64 place
    u64 hash

cdef struct Past:
    u64 due_rows            # so many in memory are too many
    u64 snapshot_at         # bytes of journal written when the next snapshot is due
    u64 leaving             # rows before it are being written to a run, or have left
    u64 last_created        # timestamp of the last transfer that has left
    Filter* filter          # NULL while nothing has left
    Run* runs[RUNS_MAX]     # the newest last
    u32 runs_count
    LateList late           # of reservations ended since `leaving` was moved
    LateList taken          # of those before, which the run being written takes along
    Carried* carried        # in the order of rows; some may have ended
    u64 carried_count
    RecalledList recalled   # for the batch in hand
    int fault               # errno or RUN_DAMAGED

cdef Past* past_open(u64 due_rows, u64 seed) except NULL
cdef void past_close(Past* past) noexcept
cdef int past_raise(const Past* past) except -1
cdef int past_reserve(Past* past, u64 more) except -1 nogil
cdef void past_add_late(Past* past, u128 id, u64 hash, u64 row, u64 place) noexcept nogil
cdef void past_drop_late(Past* past, u64 hash) noexcept nogil
cdef void late_clear(LateList* late) noexcept nogil
cdef u64 carried_place(const Past* past, u64 row) noexcept nogil
cdef const Late* find_late(const Past* past, u128 id, u64 hash) noexcept nogil
