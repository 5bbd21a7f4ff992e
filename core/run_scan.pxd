"""Reading a run from its beginning, page by page, each of them proved."""

from payvand.core.runs cimport Page, Run
from payvand.core.types cimport u32, u64

cdef struct Scan:
    Run* run
    Page* pages
    u64 first_page          # of those read, from 0
    u32 pages_count
    u32 page                # in hand
    u32 entry

cdef inline bint scan_entry(const Scan* scan, u64* hash, u64* place) noexcept nogil:
    """Give the entry in hand (out: hash, place); False behind the last."""
    if scan.page == scan.pages_count:
        return False
    hash[0] = scan.pages[scan.page].entries[scan.entry].hash
    place[0] = scan.pages[scan.page].entries[scan.entry].place
    return True


cdef inline int scan_next(Scan* scan) noexcept nogil:
    """Go on to the next entry."""
    scan.entry += 1
    return 0 if scan.entry < scan.pages[scan.page].count else scan_next_page(scan)


cdef inline int scan_next_page(Scan* scan) noexcept nogil:
    """Go on to the first entry of the next page."""
    scan.entry = 0
    scan.page += 1
    if scan.page == scan.pages_count and scan.first_page + scan.page < scan.run.pages:
        return scan_fill(scan)
    return 0

cdef int scan_open(Scan* scan, Run* run) noexcept nogil
cdef int scan_fill(Scan* scan) noexcept nogil
cdef void scan_close(Scan* scan) noexcept nogil
