"""The journal as the store of all transfers: one event, read by its place. See `store.pxd`."""

import os

from payvand.core.errors import JournalCorrupt, JournalUnusable
from payvand.core.limits import FRAME_BYTES_MAX

from libc.errno cimport errno
from libc.stdio cimport snprintf
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from payvand.core.arena cimport arena_close, arena_open
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
    /* Only a hint: what it doesn't do, reading does. */
    static void payvand_ask(int fd, unsigned long long offset, unsigned long long size) {
        (void)!posix_fadvise(fd, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
    }
    static int payvand_open_to_read(int folder, const char *name) {
        return openat(folder, name, O_RDONLY | O_CLOEXEC);
    }
    """
    long long payvand_pread_all(int fd, u8* out, u64 size, u64 offset)
    void payvand_ask(int fd, u64 offset, u64 size)
    int payvand_open_to_read(int folder, const char* name)
    int close(int fd)

cdef u64 NO_PLACE = ~<u64>0
cdef u64 FRAME_MAX = FRAME_BYTES_MAX
cdef u64 HEAD_MAX = HEADER_BYTES + FRAME_BYTES_MAX // SECTOR_BYTES * 4 + 64
cdef u64 HEAD_OF_MANY = 16 << 10    # of a full frame of transfers, and a bit


cdef Store* store_open(int folder, const u64* segments, const u64* segments_count) except NULL:
    """Read from the segments of an open folder; the list of them may grow meanwhile."""
    cdef Store* store = <Store*>calloc(1, sizeof(Store))
    cdef u32 index
    if store == NULL:
        raise MemoryError("no memory for reading the journal")
    store.folder = os.dup(folder)
    store.segments = segments
    store.segments_count = segments_count
    store.header_place = store.held_place = store.asked_place = NO_PLACE
    store.head = <u8*>arena_open(HEAD_MAX)
    store.held = <u8*>arena_open(FRAME_MAX)
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
    arena_close(store.head, HEAD_MAX)
    arena_close(store.held, FRAME_MAX)
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
    # The body isn't behind the head in memory: the pointers tell how far on a piece is in the file.
    frame_pieces(store.head, &pieces)
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


cdef bint store_read_expired(Store* store, u64 place, u32 index, Expired* expired) noexcept nogil:
    """Read what ran out before the frame of a place (out: expired); False where it can't be."""
    cdef const Header* header = store_header(store, place)
    cdef Pieces pieces
    if header == NULL:
        return False
    if index >= header.expired_count:
        return failed(store, place, STORE_DAMAGED)
    frame_pieces(store.head, &pieces)
    return read_body(store, place, <const u8*>(pieces.expired + index), sizeof(Expired), expired)


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


# --- many events at once ---------------------------------------------------------------------


cdef void store_ask_frame(Store* store, u64 place) noexcept nogil:
    """Let the disk begin to read the head of the frame of a place."""
    cdef u64 frame = place >> 16 << 16
    if frame != store.asked_place and frame != store.held_place:
        ask(store, place, 0, HEAD_OF_MANY)
        store.asked_place = frame


cdef void store_ask_event(Store* store, u64 place) noexcept nogil:
    """Let the disk begin to read the event at a place, behind the head of its frame."""
    cdef const Header* header = store_header(store, place)
    cdef u64 index = (place >> 3) & 0x1FFF
    cdef Pieces pieces
    if header == NULL or index >= header.record_count:
        return                          # reading will say what is wrong
    frame_pieces(store.head, &pieces)
    ask(store, place, pieces.records + index * sizeof(Transfer) - store.head, sizeof(Transfer))
    ask(store, place, <const u8*>(pieces.statuses + index) - store.head, sizeof(u32))


cdef void ask(Store* store, u64 place, u64 offset, u64 size) noexcept nogil:
    cdef int fd = file_of(store, place >> 40)
    if fd >= 0:
        payvand_ask(fd, ((place >> 16) & 0xFFFFFF) * FRAME_ALIGNMENT + offset, size)


cdef bint store_hold(Store* store, u64 place) noexcept nogil:
    """Read the frame of a place whole, for events of it to be read next; False on a fault."""
    cdef u64 frame = place >> 16 << 16
    cdef const Header* header
    cdef u64 size
    if store.held_place == frame:
        return True
    header = store_header(store, place)
    if header == NULL:
        return False
    size = frame_bytes_of(head_bytes_of(header.sector_count), header.body_bytes)
    if size > FRAME_MAX:
        return failed(store, place, STORE_DAMAGED)
    store.held_place = NO_PLACE
    if not read_at(store, place, 0, size, store.held):
        return False
    store.held_place = frame
    store.held_bytes = size
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
            if store.fault == STORE_DAMAGED and header_of(store).magic == 0:
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
    cdef Header* header = <Header*>store.head
    cdef u64 size
    if store.header_place == frame:
        return header
    store.header_place = NO_PLACE
    header.magic = 0
    if not read_at(store, place, 0, FRAME_ALIGNMENT, store.head):
        return NULL
    size = head_bytes_of(header.sector_count)
    if (header.magic != FRAME_MAGIC or header.version != FRAME_VERSION or size > HEAD_MAX
            or crc32c(0, store.head, HEADER_BYTES - 4) != header.checksum):
        failed(store, place, STORE_DAMAGED)
        return NULL
    if size > FRAME_ALIGNMENT and not read_at(store, place, FRAME_ALIGNMENT,
                                              size - FRAME_ALIGNMENT,
                                              store.head + FRAME_ALIGNMENT):
        return NULL
    store.header_place = frame
    return header


cdef bint read_body(Store* store, u64 place, const u8* at, u64 size, void* out) noexcept nogil:
    """Read a piece of the frame (out: out); *at* is as far from the header as the piece is."""
    cdef const u32* table = <const u32*>(store.head + HEADER_BYTES)
    cdef u64 head = head_bytes_of(header_of(store).sector_count)
    cdef u64 start = <u64>(at - store.head) - head
    cdef u64 sector, part
    cdef u64 done = 0
    cdef u8 bytes_of_sector[SECTOR_BYTES]
    while done < size:
        sector = (start + done) // SECTOR_BYTES
        if sector >= header_of(store).sector_count:
            return failed(store, place, STORE_DAMAGED)
        if not read_at(store, place, head + sector * SECTOR_BYTES, SECTOR_BYTES, bytes_of_sector):
            return False
        if crc32c(0, bytes_of_sector, SECTOR_BYTES) != table[sector]:
            return failed(store, place, STORE_DAMAGED)
        part = min(size - done, SECTOR_BYTES - (start + done) % SECTOR_BYTES)
        memcpy(<u8*>out + done, bytes_of_sector + (start + done) % SECTOR_BYTES, part)
        done += part
    return True


cdef bint read_at(Store* store, u64 place, u64 offset, u64 size, u8* out) noexcept nogil:
    """Read bytes of the file so far behind the beginning of the frame of a place (out: out)."""
    cdef int fd
    cdef long long got
    if store.held_place == place >> 16 << 16 and offset + size <= store.held_bytes:
        memcpy(out, store.held + offset, size)
        return True
    fd = file_of(store, place >> 40)
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
        raise JournalCorrupt(name, header_of(store).sequence, start,
                             start + FRAME_ALIGNMENT, "an old transfer can't be read")
    raise JournalUnusable(f"can't read {name}: {os.strerror(store.fault)}",
                          hint="give this user the right to read it, or repair the disk")
