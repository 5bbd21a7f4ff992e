"""A run: the ids of a stretch of old rows on disk, immutable. Layout in README.md.

    entry (16 bytes) = hash: 64 │ place of the event in the journal, with what became of it in the
                                  lowest three bits (see `store.pxd`)
    page (4,096 bytes) = 255 entries │ magic and checksum

Entries stand in the order of the first bits of their hashes, as many bits as leave a few entries
that begin alike. More order would cost time and gain nothing: a question reads one page. Where each
page begins in that order is kept in memory, a quarter of a bit for each id, and a filter that tells
whether to read a page at all.

Runs follow from the journal: what is damaged or missing is made again.
"""

from payvand.core.filter cimport Filter
from payvand.core.types cimport u8, u16, u32, u64

cdef enum:
    PAGE_BYTES = 4096
    PAGE_ENTRIES = 255

cdef struct Entry:
    u64 hash
    u64 place

cdef packed struct Page:
    Entry entries[PAGE_ENTRIES]
    u32 count
    u32 magic
    u32 number              # of the page in the run, from 1
    u32 checksum            # CRC-32C of the page, this field as zero

cdef packed struct RunHeader:
    u32 magic
    u16 version
    u16 reserved_16
    u8 journal_id[16]
    u64 first_row
    u64 end_row
    u64 entries
    u64 pages
    u32 bits                # of a hash, by which the entries are ordered
    u32 checksum            # CRC-32C of the first 4,096 bytes, this field as zero

cdef struct Run:
    int fd
    u64 first_row           # it holds what was bound by the rows from here …
    u64 end_row             # … up to, without, this one
    u64 entries
    u64 pages
    u32 bits                # of a hash, by which the entries are ordered
    u64* firsts             # of each page: those bits of its first entry's hash, then zeros
    Filter* filter
    Page* page              # read last
    u64 page_number         # of it, from 1; 0 where none was read

# A run being written.
cdef struct RunWriter:
    int folder
    int fd
    RunHeader header
    Page* pages             # filled and not yet written
    u32 filled
    Run* run

# Each returns 0, an errno, or RUN_DAMAGED.
cdef enum:
    RUN_DAMAGED = -1

cdef enum:
    SORTED_BITS_MAX = 12    # at once

cdef void sort_run(Entry* entries, Entry* out, u64 count, u32 bits) noexcept nogil
cdef void sort_entries(const Entry* entries, Entry* out, u64 count, u32 skipped,
                       u32 bits) noexcept nogil
cdef int run_begin(RunWriter* writer, int folder, const u8* journal_id, u64 first_row, u64 end_row,
                   u32 bits, u64 entries_max) noexcept nogil
cdef int run_add(RunWriter* writer, u64 hash, u64 place) noexcept nogil
cdef int run_finish(RunWriter* writer, Run** run) noexcept nogil
cdef void run_abandon(RunWriter* writer) noexcept nogil
cdef int run_open(int folder, const u8* journal_id, u64 first_row, u64 end_row,
                  Run** run) noexcept nogil
cdef void run_note(Run* run, u64 page, u32 entry, u64 hash) noexcept nogil
cdef int run_pages(const Run* run, u64 first, u32 count, Page* pages) noexcept nogil
cdef void run_ask(const Run* run, u64 hash, u64* asked) noexcept nogil
cdef int run_find(Run* run, u64 hash, u32 skip, u64* place) noexcept nogil
cdef void run_close(Run* run) noexcept nogil
