"""Reading a run from its beginning. See `run_scan.pxd`."""

from libc.stdlib cimport free, malloc

from payvand.core.runs cimport run_pages

cdef enum:
    NO_MEMORY = 12              # ENOMEM
    SCANNED_PAGES = 64          # read at once: 256 KiB


cdef int scan_open(Scan* scan, Run* run) noexcept nogil:
    """Begin to read a run (out: scan); `scan_close` must follow, also after a failure."""
    scan.run = run
    scan.first_page = 0
    scan.pages_count = scan.page = scan.entry = 0
    scan.pages = <Page*>malloc(SCANNED_PAGES * sizeof(Page))
    return scan_fill(scan) if scan.pages != NULL else NO_MEMORY


cdef int scan_fill(Scan* scan) noexcept nogil:
    """Read the next pages, and prove them."""
    scan.first_page += scan.pages_count
    scan.pages_count = <u32>min(scan.run.pages - scan.first_page, <u64>SCANNED_PAGES)
    scan.page = 0
    return run_pages(scan.run, scan.first_page, scan.pages_count, scan.pages)


cdef void scan_close(Scan* scan) noexcept nogil:
    free(scan.pages)
