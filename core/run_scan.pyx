"""Reading a run from its beginning. See `run_scan.pxd`."""

import os

from payvand.core.errors import SnapshotDamaged

from libc.stdlib cimport free, malloc

from payvand.core.runs cimport (
    PAGE_BYTES, RUN_DAMAGED, Run, RunHeader, run_close, run_open, run_pages,
)
from payvand.core.types cimport u8

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


def check_run(path):
    """Prove every byte of a file of ids; raise SnapshotDamaged where one is not as written."""
    cdef Run* run
    cdef Scan scan
    cdef RunHeader header
    cdef u8[::1] head = bytearray(sizeof(RunHeader))
    cdef int failure
    first, end = (int(part) for part in path.stem.split("-")[1:])
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if file.readinto(head) < <int>sizeof(RunHeader):
            raise SnapshotDamaged(path.name, 0, size, "cut short")
    header = (<RunHeader*>&head[0])[0]
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        failure = run_open(folder, header.journal_id, first, end, &run)
    finally:
        os.close(folder)
    if failure:
        raise SnapshotDamaged(path.name, 0, PAGE_BYTES, "head checksum mismatch"
                              if failure == RUN_DAMAGED else os.strerror(failure))
    try:
        if size != (run.pages + 1) * PAGE_BYTES:
            raise SnapshotDamaged(path.name, 0, size, "the file has another size")
        failure = scan_open(&scan, run) if run.pages else 0
        while failure == 0 and run.pages and scan.first_page + scan.pages_count < run.pages:
            failure = scan_fill(&scan)
        if failure:
            raise SnapshotDamaged(
                path.name, (scan.first_page + 1) * PAGE_BYTES,
                (scan.first_page + scan.pages_count + 1) * PAGE_BYTES,
                "page checksum mismatch" if failure == RUN_DAMAGED else os.strerror(failure))
    finally:
        if run.pages:
            scan_close(&scan)
        run_close(run)
