"""Runs of old ids on disk: sorting, writing, asking. See `runs.pxd`."""

from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from payvand.core.checksum cimport crc32c
from payvand.core.filter cimport (
    FILTER_BITS_OF_RUN, filter_add, filter_close, filter_open, filter_passes,
)

cdef extern from "<fcntl.h>" nogil:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <stdio.h>
    #include <sys/stat.h>
    #include <unistd.h>
    static int payvand_run_write(int fd, const void *data, unsigned long long size,
                                 unsigned long long offset) {
        const char *at = data;
        while (size) {
            ssize_t done = pwrite(fd, at, size, (off_t)offset);
            if (done < 0) { if (errno == EINTR) continue; return errno; }
            if (done == 0) return EIO;
            at += done; size -= (unsigned long long)done; offset += (unsigned long long)done;
        }
        return 0;
    }
    /* 0, an errno, or -1 where the file ends too early. */
    static int payvand_run_read(int fd, void *out, unsigned long long size,
                                unsigned long long offset) {
        char *at = out;
        while (size) {
            ssize_t done = pread(fd, at, size, (off_t)offset);
            if (done < 0) { if (errno == EINTR) continue; return errno; }
            if (done == 0) return -1;
            at += done; size -= (unsigned long long)done; offset += (unsigned long long)done;
        }
        return 0;
    }
    /* Only a hint: what it doesn't do, reading does. */
    static void payvand_run_ask(int fd, unsigned long long offset, unsigned long long size) {
        (void)!posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
    }
    static int payvand_run_open(int folder, const char *name, int fresh) {
        return openat(folder, name, (fresh ? O_RDWR | O_CREAT | O_TRUNC : O_RDONLY) | O_CLOEXEC,
                      0600);
    }
    """
    int payvand_run_write(int fd, const void* data, u64 size, u64 offset)
    int payvand_run_read(int fd, void* out, u64 size, u64 offset)
    void payvand_run_ask(int fd, u64 offset, u64 size)
    int payvand_run_open(int folder, const char* name, bint fresh)
    int fsync(int fd)
    int fdatasync(int fd)
    int close(int fd)
    int renameat(int old_folder, const char* old, int new_folder, const char* new)
    int unlinkat(int folder, const char* name, int flags)

cdef enum:
    RUN_MAGIC = 0x31525650          # "PVR1"
    PAGE_MAGIC = 0x31475650         # "PVG1"
    RUN_VERSION = 1
    WRITTEN_PAGES = 256             # at once: 1 MiB
    NAME_BYTES = 64

assert sizeof(Page) == PAGE_BYTES and sizeof(RunHeader) <= PAGE_BYTES


cdef void run_name(char* name, u64 first_row, u64 end_row, const char* end) noexcept nogil:
    snprintf(name, NAME_BYTES, "ids-%016llu-%016llu.%s", <unsigned long long>first_row,
             <unsigned long long>end_row, end)


# --- sorting ---------------------------------------------------------------------------------


cdef void sort_run(Entry* entries, Entry* out, u64 count, u32 bits) noexcept nogil:
    """Order entries by *bits* bits of their hashes (in: entries, which are lost; out: out).

    By some of them first, and then what begins alike by the others: no step has more places to
    write to than the processor's caches have room for.
    """
    cdef u32 first = (bits + 1) // 2
    cdef u64 begin = 0
    cdef u64 end
    sort_entries(entries, out, count, 0, first)
    memcpy(entries, out, count * sizeof(Entry))
    while begin < count:
        end = begin + 1
        while end < count and (entries[begin].hash ^ entries[end].hash) >> (64 - first) == 0:
            end += 1
        sort_entries(&entries[begin], &out[begin], end - begin, first, bits - first)
        begin = end


cdef void sort_entries(const Entry* entries, Entry* out, u64 count, u32 skipped,
                       u32 bits) noexcept nogil:
    """Order entries by *bits* bits of their hashes, after the first *skipped* (out: out)."""
    cdef u64 begins[1 << SORTED_BITS_MAX]
    cdef u32 shift = 64 - skipped - bits
    cdef u64 mask = (<u64>1 << bits) - 1
    cdef u64 index, size
    cdef u64 begin = 0
    memset(begins, 0, (mask + 1) * sizeof(u64))
    for index in range(count):
        begins[entries[index].hash >> shift & mask] += 1
    for index in range(mask + 1):
        size = begins[index]
        begins[index] = begin
        begin += size
    for index in range(count):
        out[begins[entries[index].hash >> shift & mask]] = entries[index]
        begins[entries[index].hash >> shift & mask] += 1


# --- writing ---------------------------------------------------------------------------------


cdef int run_begin(RunWriter* writer, int folder, const u8* journal_id, u64 first_row, u64 end_row,
                   u32 bits, u64 entries_max) noexcept nogil:
    """Begin a run of at most so many entries (out: writer)."""
    cdef char name[NAME_BYTES]
    memset(writer, 0, sizeof(RunWriter))
    writer.folder = folder
    writer.header.magic = RUN_MAGIC
    writer.header.version = RUN_VERSION
    memcpy(writer.header.journal_id, journal_id, 16)
    writer.header.first_row = first_row
    writer.header.end_row = end_row
    writer.header.bits = bits
    run_name(name, first_row, end_row, "part")
    writer.fd = payvand_run_open(folder, name, True)
    if writer.fd < 0:
        return errno
    writer.pages = <Page*>malloc(WRITTEN_PAGES * sizeof(Page))
    writer.run = <Run*>calloc(1, sizeof(Run))
    if writer.run != NULL:
        writer.run.fd = -1
        writer.run.firsts = <u64*>malloc((entries_max // PAGE_ENTRIES + 2) * sizeof(u64))
        writer.run.page = <Page*>malloc(sizeof(Page))
        writer.run.filter = filter_open(entries_max, FILTER_BITS_OF_RUN)
    if (writer.pages == NULL or writer.run == NULL or writer.run.firsts == NULL
            or writer.run.page == NULL or writer.run.filter == NULL):
        run_abandon(writer)
        return 12                   # ENOMEM
    writer.run.bits = bits
    return 0


cdef int run_add(RunWriter* writer, u64 hash, u64 place) noexcept nogil:
    """Add an entry, in the order of the run."""
    cdef Page* page
    if writer.header.entries % PAGE_ENTRIES == 0:
        if writer.filled == WRITTEN_PAGES:
            failure = write_pages(writer)
            if failure:
                return failure
        memset(&writer.pages[writer.filled], 0, sizeof(Page))
        writer.filled += 1
        writer.run.firsts[writer.header.pages] = begin_of(writer.run, hash)
        writer.header.pages += 1
    page = &writer.pages[writer.filled - 1]
    page.entries[page.count].hash = hash
    page.entries[page.count].place = place
    page.count += 1
    filter_add(writer.run.filter, hash)
    writer.header.entries += 1
    return 0


cdef inline u64 begin_of(const Run* run, u64 hash) noexcept nogil:
    """Return the least hash that agrees with this one in the bits that order a run."""
    return hash >> (64 - run.bits) << (64 - run.bits)


cdef int write_pages(RunWriter* writer) noexcept nogil:
    """Write the filled pages under their checksums."""
    cdef u64 first = writer.header.pages - writer.filled
    cdef Page* page
    cdef u32 index
    cdef int failure
    for index in range(writer.filled):
        page = &writer.pages[index]
        page.magic = PAGE_MAGIC
        page.number = <u32>(first + index + 1)
        page.checksum = 0
        page.checksum = crc32c(0, <const u8*>page, sizeof(Page))
    failure = payvand_run_write(writer.fd, writer.pages, writer.filled * sizeof(Page),
                                (first + 1) * PAGE_BYTES)
    writer.filled = 0
    # The disk is given its work in small pieces: the journal waits behind each of them.
    if failure == 0 and fdatasync(writer.fd):
        failure = errno
    return failure


cdef int run_finish(RunWriter* writer, Run** run) noexcept nogil:
    """Put the run under its name, durably, and open it for asking (out: run)."""
    cdef Page head
    cdef char name[NAME_BYTES]
    cdef char part[NAME_BYTES]
    cdef int failure = write_pages(writer)
    cdef RunHeader* header = <RunHeader*>&head
    memset(&head, 0, sizeof(head))
    header[0] = writer.header
    header.checksum = crc32c(0, <const u8*>&head, sizeof(head))
    if failure == 0:
        failure = payvand_run_write(writer.fd, &head, sizeof(head), 0)
    if failure == 0 and fsync(writer.fd):
        failure = errno
    run_name(part, writer.header.first_row, writer.header.end_row, "part")
    run_name(name, writer.header.first_row, writer.header.end_row, "run")
    if failure == 0 and (renameat(writer.folder, part, writer.folder, name)
                         or fsync(writer.folder)):
        failure = errno
    if failure:
        run_abandon(writer)
        return failure
    run[0] = writer.run
    run[0].fd = writer.fd
    run[0].first_row = writer.header.first_row
    run[0].end_row = writer.header.end_row
    run[0].entries = writer.header.entries
    run[0].pages = writer.header.pages
    free(writer.pages)
    return 0


cdef void run_abandon(RunWriter* writer) noexcept nogil:
    """Give up a run that was begun, and give back what it took of the disk."""
    cdef char part[NAME_BYTES]
    if writer.fd >= 0:
        close(writer.fd)
        run_name(part, writer.header.first_row, writer.header.end_row, "part")
        unlinkat(writer.folder, part, 0)
    free(writer.pages)
    run_close(writer.run)
    writer.pages = NULL
    writer.run = NULL


# --- asking ----------------------------------------------------------------------------------


cdef int run_open(int folder, const u8* journal_id, u64 first_row, u64 end_row,
                  Run** run) noexcept nogil:
    """Open a run; its pages are still to be gone through for `firsts` and `filter` (out: run)."""
    cdef char name[NAME_BYTES]
    cdef RunHeader* header
    cdef Run* opened = <Run*>calloc(1, sizeof(Run))
    cdef u32 checksum
    cdef int failure = 0
    if opened == NULL:
        return 12                   # ENOMEM
    run_name(name, first_row, end_row, "run")
    opened.fd = payvand_run_open(folder, name, False)
    if opened.fd < 0:
        failure = errno
    opened.page = <Page*>malloc(sizeof(Page))
    if failure == 0:
        failure = payvand_run_read(opened.fd, opened.page, sizeof(Page), 0)
    if failure == 0:
        header = <RunHeader*>opened.page
        checksum = header.checksum
        header.checksum = 0
        if (header.magic != RUN_MAGIC or header.version != RUN_VERSION
                or crc32c(0, <const u8*>opened.page, sizeof(Page)) != checksum
                or memcmp(header.journal_id, journal_id, 16)
                or header.first_row != first_row or header.end_row != end_row):
            failure = RUN_DAMAGED
    if failure:
        run_close(opened)
        return failure
    opened.first_row = first_row
    opened.end_row = end_row
    opened.entries = header.entries
    opened.pages = header.pages
    opened.bits = header.bits
    opened.firsts = <u64*>malloc((opened.pages + 1) * sizeof(u64))
    opened.filter = filter_open(opened.entries, FILTER_BITS_OF_RUN)
    if opened.firsts == NULL or opened.filter == NULL:
        run_close(opened)
        return 12                   # ENOMEM
    run[0] = opened
    return 0


cdef void run_note(Run* run, u64 page, u32 entry, u64 hash) noexcept nogil:
    """Fill what is kept in memory of a run that was opened, for one of its entries."""
    if entry == 0:
        run.firsts[page] = begin_of(run, hash)
    filter_add(run.filter, hash)


cdef int run_pages(const Run* run, u64 first, u32 count, Page* pages) noexcept nogil:
    """Read pages from the one numbered *first*, from 0, and prove them (out: pages)."""
    cdef u32 index, checksum
    cdef int failure = payvand_run_read(run.fd, pages, count * sizeof(Page),
                                        (first + 1) * PAGE_BYTES)
    if failure:
        return failure
    for index in range(count):
        checksum = pages[index].checksum
        pages[index].checksum = 0
        if (pages[index].magic != PAGE_MAGIC or pages[index].number != <u32>(first + index + 1)
                or pages[index].count > PAGE_ENTRIES or pages[index].count == 0
                or crc32c(0, <const u8*>&pages[index], sizeof(Page)) != checksum):
            return RUN_DAMAGED
    return 0


cdef int read_page(Run* run, u64 number) noexcept nogil:
    """Read a page into `page`, where it isn't there already."""
    cdef int failure
    if run.page_number == number + 1:
        return 0
    run.page_number = 0
    failure = run_pages(run, number, 1, run.page)
    if failure == 0:
        run.page_number = number + 1
    return failure


cdef u64 first_page(const Run* run, u64 begin) noexcept nogil:
    """Return the first page that could hold hashes that begin so, from 0.

    It is the last one that begins earlier in the order.
    """
    cdef u64 low = 0
    cdef u64 high = run.pages
    cdef u64 middle
    while high > low:
        middle = low + (high - low) // 2
        if run.firsts[middle] < begin:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low > 0 else 0


cdef u32 first_entry(const Run* run, u64 begin) noexcept nogil:
    """Return the first entry of the page in hand that doesn't begin earlier than that."""
    cdef u32 low = 0
    cdef u32 high = run.page.count
    cdef u32 middle
    while high > low:
        middle = low + (high - low) // 2
        if run.page.entries[middle].hash < begin:
            low = middle + 1
        else:
            high = middle
    return low


cdef void run_ask(const Run* run, u64 hash, u64* asked) noexcept nogil:
    """Let the disk begin to read the pages that could hold a hash.

    *asked* (in and out): pages below it were asked for by this caller, who goes by rising hashes.
    """
    cdef u64 begin = begin_of(run, hash)
    cdef u64 first = max(first_page(run, begin), asked[0])
    cdef u64 end = first
    while end < run.pages and run.firsts[end] <= begin:
        end += 1
    if end > first:
        payvand_run_ask(run.fd, (first + 1) * PAGE_BYTES, (end - first) * PAGE_BYTES)
        asked[0] = end


cdef int run_find(Run* run, u64 hash, u32 skip, u64* place) noexcept nogil:
    """Find the place of an id by its hash (out: place, 0 where the run has none).

    *skip* passes over so many entries that have the hash: two ids may share one.
    """
    cdef u64 low
    cdef u64 begin = begin_of(run, hash)
    cdef u32 index
    cdef int failure
    place[0] = 0
    if not filter_passes(run.filter, hash):
        return 0
    low = first_page(run, begin)
    while low < run.pages and run.firsts[low] <= begin:
        failure = read_page(run, low)
        if failure:
            return failure
        for index in range(first_entry(run, begin), run.page.count):
            if begin_of(run, run.page.entries[index].hash) != begin:
                return 0
            if run.page.entries[index].hash == hash:
                if skip == 0:
                    place[0] = run.page.entries[index].place
                    return 0
                skip -= 1
        low += 1
    return 0


cdef void run_close(Run* run) noexcept nogil:
    """Close the file; give the memory back."""
    if run != NULL:
        if run.fd >= 0:
            close(run.fd)
        free(run.firsts)
        filter_close(run.filter)
        free(run.page)
        free(run)
