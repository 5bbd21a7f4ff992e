"""The journal as the store of all transfers: one event, read by its place. See `store.pxd`."""

import os

from payvand.core.errors import JournalCorrupt, JournalUnusable

from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from payvand.core.checksum cimport crc32c
from payvand.core.frame cimport (
    FRAME_ALIGNMENT, FRAME_MAGIC, FRAME_VERSION, HEADER_BYTES, SECTION_DECISIONS, SECTOR_BYTES,
    Pieces, frame_bytes_of, frame_pieces, head_bytes_of,
)
from payvand.core.types cimport *

cdef extern from "<fcntl.h>" nogil:
    """
    #include <errno.h>
    #include <fcntl.h>
    #include <unistd.h>
    /* Read *size* bytes, fewer only where the file ends; the count, or minus an errno. */
    static long long payvand_pread_all(int fd, unsigned char *out, unsigned long long size,
                                       unsigned long long offset) {
        unsigned long long done = 0;
        while (done < size) {
            ssize_t got = pread(fd, out + done, size - done, (off_t)(offset + done));
            if (got < 0) { if (errno == EINTR) continue; return -errno; }
            if (got == 0) break;
            done += (unsigned long long)got;
        }
        return (long long)done;
    }
    static int payvand_open_to_read(int folder, const char *name) {
        return openat(folder, name, O_RDONLY | O_CLOEXEC);
    }
    """
    long long payvand_pread_all(int fd, u8* out, u64 size, u64 offset)
    int payvand_open_to_read(int folder, const char* name)
    int close(int fd)

cdef u64 NO_PLACE = ~<u64>0


cdef Store* store_open(int folder, const u64* segments, const u64* segments_count) except NULL:
    """Read from the segments of an open folder; the list of them may grow meanwhile."""
    cdef Store* store = <Store*>calloc(1, sizeof(Store))
    cdef u32 index
    if store == NULL:
        raise MemoryError("no memory for reading the journal")
    store.folder = os.dup(folder)
    store.segments = segments
    store.segments_count = segments_count
    store.header_place = NO_PLACE
    for index in range(STORE_FILES):
        store.files[index] = -1
    return store


cdef void store_close(Store* store) noexcept:
    """Close the files; give the memory back."""
    cdef u32 index
    for index in range(STORE_FILES):
        if store.files[index] >= 0:
            close(store.files[index])
    close(store.folder)
    free(store)


cdef bint store_read(Store* store, u64 place, Event* event) noexcept nogil:
    """Read the event at a place (out: event); False, with `fault` set, where that can't be done."""
    cdef const Header* header = store_header(store, place)
    cdef u64 index = (place >> 3) & 0x1FFF
    cdef Pieces pieces
    if header == NULL:
        return False
    if header.operation != OPERATION_CREATE_TRANSFERS or index >= header.record_count:
        return failed(store, place, STORE_DAMAGED)
    # Nothing is behind the header in memory: the pointers tell how far on a piece is in the file.
    frame_pieces(<const u8*>&store.header, &pieces)
    if not read_body(store, place, pieces.records + index * sizeof(Transfer), sizeof(Transfer),
                     &event.transfer):
        return False
    if not read_body(store, place, <const u8*>(pieces.statuses + index), sizeof(u32),
                     &event.status):
        return False
    event.decision = 0
    if header.sections & SECTION_DECISIONS:
        if not read_body(store, place, <const u8*>(pieces.decisions + index), sizeof(u32),
                         &event.decision):
            return False
    if event.status != CREATED or not event.transfer.flags & TRANSFER_FLAG_IMPORTED:
        event.transfer.timestamp = header.timestamp - header.record_count + 1 + index
    return resolve(store, place, &pieces, <u32>index, event)


cdef bint resolve(Store* store, u64 place, const Pieces* pieces, u32 index,
                  Event* event) noexcept nogil:
    """Put in the amount that moved, where it isn't the one asked for (in and out: event)."""
    cdef u32 low = 0
    cdef u32 high = pieces.resolved_count
    cdef u32 middle
    cdef Resolved resolved
    while low < high:
        middle = low + (high - low) // 2
        if not read_body(store, place, <const u8*>(pieces.resolved + middle), sizeof(Resolved),
                         &resolved):
            return False
        if resolved.index == index:
            event.transfer.amount = resolved.amount
            return True
        if resolved.index < index:
            low = middle + 1
        else:
            high = middle
    return True


cdef bint find_moment(Store* store, u64 timestamp) noexcept nogil:
    """Tell whether a transfer in the journal bears a timestamp.

    Transfers stand in the order of their timestamps: going back segment by segment, the first one
    whose first transfer is not later is the one to look into. Only the opening of an account with
    a timestamp of its own, among old transfers, asks for this.
    """
    cdef u64 segment = store.segments_count[0]
    cdef int found
    while segment > 0:
        segment -= 1
        found = find_in_segment(store, segment, timestamp)
        if found >= 0:
            return found
    return False


cdef int find_in_segment(Store* store, u64 segment, u64 timestamp) noexcept nogil:
    """Look for the transfer in one segment; -1 where it can only stand in an earlier one."""
    cdef u64 offset = FRAME_ALIGNMENT
    cdef u64 place
    cdef u32 index
    cdef u32 end
    cdef bint before = True             # no transfer of the segment was seen yet
    cdef Event event
    cdef const Header* header
    while True:
        place = place_of_frame(segment, offset)
        header = store_header(store, place)
        if header == NULL:
            # The zeros behind the last frame of a segment are no damage.
            if store.fault == STORE_DAMAGED and store.header.magic == 0:
                store.fault = 0
            return -1 if before else 0
        offset += frame_bytes_of(head_bytes_of(header.sector_count), header.body_bytes)
        if header.operation != OPERATION_CREATE_TRANSFERS or header.record_count == 0:
            continue
        if not store_read(store, place, &event):
            return 0
        index = 0
        end = header.record_count
        if not event.transfer.flags & TRANSFER_FLAG_IMPORTED:
            # Then event i has the frame's timestamp - count + 1 + i.
            if timestamp > header.timestamp:
                continue
            if timestamp + header.record_count > header.timestamp:
                index = <u32>(timestamp + header.record_count - header.timestamp - 1)
        while index < end:
            if not store_read(store, place_of_event(place, index), &event):
                return 0
            if event.status == CREATED:
                if event.transfer.timestamp >= timestamp:
                    if before and event.transfer.timestamp > timestamp:
                        return -1
                    return event.transfer.timestamp == timestamp
                before = False
            index += 1


cdef const Header* store_header(Store* store, u64 place) noexcept nogil:
    """Read the header of the frame of a place, and prove it; NULL, with `fault` set, on failure."""
    cdef u64 frame = place >> 16 << 16
    if store.header_place == frame:
        return &store.header
    store.header_place = NO_PLACE
    if not read_at(store, place, 0, HEADER_BYTES, <u8*>&store.header):
        return NULL
    if (store.header.magic != FRAME_MAGIC or store.header.version != FRAME_VERSION
            or crc32c(0, <const u8*>&store.header, HEADER_BYTES - 4) != store.header.checksum):
        failed(store, place, STORE_DAMAGED)
        return NULL
    store.header_place = frame
    return &store.header


cdef bint read_body(Store* store, u64 place, const u8* at, u64 size, void* out) noexcept nogil:
    """Read a piece of the frame (out: out); *at* is as far from the header as the piece is."""
    cdef u64 head = head_bytes_of(store.header.sector_count)
    cdef u64 start = <u64>(at - <const u8*>&store.header) - head
    cdef u64 sector, part
    cdef u64 done = 0
    cdef u8 bytes_of_sector[SECTOR_BYTES]
    cdef u32 checksum
    while done < size:
        sector = (start + done) // SECTOR_BYTES
        if sector >= store.header.sector_count:
            return failed(store, place, STORE_DAMAGED)
        if (not read_at(store, place, HEADER_BYTES + sector * 4, sizeof(u32), <u8*>&checksum)
                or not read_at(store, place, head + sector * SECTOR_BYTES, SECTOR_BYTES,
                               bytes_of_sector)):
            return False
        if crc32c(0, bytes_of_sector, SECTOR_BYTES) != checksum:
            return failed(store, place, STORE_DAMAGED)
        part = min(size - done, SECTOR_BYTES - (start + done) % SECTOR_BYTES)
        memcpy(<u8*>out + done, bytes_of_sector + (start + done) % SECTOR_BYTES, part)
        done += part
    return True


cdef bint read_at(Store* store, u64 place, u64 offset, u64 size, u8* out) noexcept nogil:
    """Read bytes of the file so far behind the beginning of the frame of a place (out: out)."""
    cdef int fd = file_of(store, place >> 40)
    cdef long long got
    if fd < 0:
        return failed(store, place, errno)
    got = payvand_pread_all(fd, out, size, ((place >> 16) & 0xFFFFFF) * FRAME_ALIGNMENT + offset)
    if got < 0:
        return failed(store, place, <int>-got)
    if <u64>got < size:
        return failed(store, place, STORE_DAMAGED)
    return True


cdef int file_of(Store* store, u64 segment) noexcept nogil:
    """Return a descriptor of a segment's file, opened where it isn't; -1 and errno on failure."""
    cdef u32 index
    cdef int fd
    cdef char name[64]
    for index in range(STORE_FILES):
        if store.files[index] >= 0 and store.file_segments[index] == segment:
            return store.files[index]
    if segment >= store.segments_count[0]:
        errno = 2
        return -1
    snprintf(name, sizeof(name), "segment-%016llu.journal",
             <unsigned long long>store.segments[segment])
    fd = payvand_open_to_read(store.folder, name)
    if fd < 0:
        return -1
    index = store.next_file
    if store.files[index] >= 0:
        close(store.files[index])
    store.files[index] = fd
    store.file_segments[index] = segment
    store.next_file = (index + 1) % STORE_FILES
    return fd


cdef bint failed(Store* store, u64 place, int fault) noexcept nogil:
    """Note a fault, the first of which stays; return False."""
    if store.fault == 0:
        store.fault = fault
        store.fault_place = place
    return False


cdef int raise_fault(const Store* store) except -1:
    """Raise what keeps the store from reading."""
    cdef u64 segment = store.fault_place >> 40
    cdef u64 start = ((store.fault_place >> 16) & 0xFFFFFF) * FRAME_ALIGNMENT
    name = (f"segment-{store.segments[segment]:016d}.journal"
            if segment < store.segments_count[0] else f"segment number {segment}")
    if store.fault == STORE_DAMAGED:
        raise JournalCorrupt(name, store.header.sequence, start,
                             start + FRAME_ALIGNMENT, "an old transfer can't be read")
    raise JournalUnusable(f"can't read {name}: {os.strerror(store.fault)}",
                          hint="give this user the right to read it, or repair the disk")
