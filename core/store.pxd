"""The journal as the store of all transfers: one event, read by its place.

    place (64 bits) = segment: 24 │ block of 4,096 bytes: 24 │ index in the batch: 13 │ state: 3

The segment is counted from 0 in the order of the files; the block is where the frame begins. So a
place leads to a record with no table between. The lowest bits are for whoever keeps places.

What is read is proved: the header of the frame under its checksum, and each sector of the body
under its own. Reading is the rare way (an old retry, a late post, a question): the last records are
in memory.
"""

from payvand.core.frame cimport Header
from payvand.core.types cimport Expired, Transfer, u8, u32, u64

cdef enum:
    STORE_FILES = 16            # segments open at once
    PLACE_STATE_MASK = 7
    STORE_DAMAGED = -1          # a fault that is no errno: a checksum doesn't hold

cdef struct Store:
    int folder                  # descriptor
    const u64* segments         # first sequence of each, in the order of the files
    const u64* segments_count
    int files[STORE_FILES]
    u64 file_segments[STORE_FILES]
    u32 next_file               # the one to be closed next
    u8* head                    # of the frame read last: header and sector table; an arena
    u64 header_place
    u8* held                    # a frame read whole; an arena of FRAME_MAX
    u64 held_place              # of that frame
    u64 held_bytes
    u64 asked_place             # of the frame whose head was asked for last
    int fault                   # errno or STORE_DAMAGED; 0 while all is well
    u64 fault_place

# An event as it stands in the journal.
cdef struct Event:
    Transfer transfer           # as it was asked for; amount and timestamp as they took effect
    u32 status
    u32 decision

cdef inline u64 place_of_frame(u64 segment, u64 offset) noexcept nogil:
    return segment << 40 | offset // 4096 << 16

cdef inline u64 place_of_event(u64 frame_place, u64 index) noexcept nogil:
    return frame_place | index << 3

cdef inline const Header* header_of(const Store* store) noexcept nogil:
    """Return the header of the frame read last."""
    return <const Header*>store.head

cdef Store* store_open(int folder, const u64* segments, const u64* segments_count) except NULL
cdef void store_close(Store* store) noexcept
cdef bint store_read(Store* store, u64 place, Event* event) noexcept nogil
cdef void store_ask_frame(Store* store, u64 place) noexcept nogil
cdef void store_ask_event(Store* store, u64 place) noexcept nogil
cdef bint store_hold(Store* store, u64 place) noexcept nogil
cdef bint store_read_expired(Store* store, u64 place, u32 index, Expired* expired) noexcept nogil
cdef bint find_moment(Store* store, u64 timestamp) noexcept nogil
cdef const Header* store_header(Store* store, u64 place) noexcept nogil
cdef int raise_fault(const Store* store) except -1
