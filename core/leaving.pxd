"""Rows on their way from memory into the past."""

from payvand.core.books cimport Books
from payvand.core.filter cimport Filter
from payvand.core.past cimport Carried
from payvand.core.runs cimport Entry, Run
from payvand.core.types cimport u64

cdef struct Leaving:
    u64 first_row
    u64 end_row
    u64 first_span
    u64 end_span
    u64 entries_count       # ids for the run
    Carried* carried        # reservations still under way; afterwards, those carried before
    u64 carried_count
    Filter* filter          # that knows the ids
    Run* run                # that holds them

cdef void leaving_choose(Leaving* leaving, Books* books, u64 rows) noexcept nogil
cdef int leaving_gather(Leaving* leaving, Books* books, Entry* entries) noexcept nogil
cdef void leaving_forget(Leaving* leaving, Books* books) noexcept nogil
