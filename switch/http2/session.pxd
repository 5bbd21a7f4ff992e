"""A connection's HTTP/2 session and its streams, down to the messages of gRPC."""

from libc.stdint cimport int32_t, int64_t

from payvand.core.types cimport u8, u16, u32, u64
from payvand.switch.http2.nghttp2 cimport nghttp2_session

cdef enum Kind:
    SERVED = 0                 # by a call of its own
    GATHERED_ONE = 1           # one message, answered with others'
    GATHERED_MANY = 2          # a stream of such


cdef class Load:
    """What all connections together hold."""

    cdef readonly u64 held_bytes
    cdef readonly u32 streams


cdef class Gatherer:
    """Takes the messages of some methods together, whichever connections they come by."""

    cdef readonly dict methods                 # path: whether a stream

    cdef int add(self, Stream stream, u8* message, u32 size) except -1


cdef class Stream:
    cdef readonly Session session
    cdef readonly int32_t id
    cdef Kind kind
    cdef public object call                    # what serves it, where it is served by itself
    cdef public bint paused                    # whether the server wants no message now
    cdef readonly bint ended                   # nothing more comes
    cdef bint half_closed                      # the client has said so
    cdef readonly bint closed
    cdef readonly bint finished                # its status is settled
    cdef bint deaf                             # what still comes is dropped
    cdef bint responded
    cdef bint deferred
    cdef bint parsing
    cdef bint wants_room
    cdef public object admitted                # of the server's: what lets go of its share

    # The head: what matters of it, and all of it as │ name length │ value length │ name │ value │.
    cdef bint posts, speaks_grpc, takes_trailers, compresses, head_too_long
    cdef readonly bytes path, timeout
    cdef u8* head
    cdef u32 head_bytes, head_room, head_listed

    # The message that is coming, and bytes behind it that wait.
    cdef u8 prefix[5]
    cdef u32 prefix_bytes
    cdef u8* message
    cdef u32 message_bytes, message_size, message_room, messages
    cdef int message_ticks
    cdef u8* backlog
    cdef u32 backlog_start, backlog_bytes, backlog_room

    # What goes out.
    cdef u8* out
    cdef u32 out_start, out_bytes, out_room
    cdef list status                           # None: all is well

    # Messages that were gathered: answers go out in their order.
    cdef u32 gathered, answered
    cdef u64 under_way_bytes
    cdef dict early                            # answers that came before their turn

    cdef int open(self) except -1
    cdef int add_header(self, const u8* name, size_t name_bytes, const u8* value,
                        size_t value_bytes) except -1
    cdef int take(self, const u8* data, size_t size) except -1
    cdef Py_ssize_t parse(self, const u8* data, size_t size) except -1
    cdef bint begin_message(self) except -1
    cdef int complete(self) except -1
    cdef bint may_take(self) noexcept
    cdef int resume(self) except -1
    cdef int end(self) except -1
    cdef int put(self, const u8* body, u32 size) except -1
    cdef int respond(self, object metadata) except -1
    cdef int deliver(self, u32 place, u32 size_asked, const u8* body, u32 size) except -1
    cdef int deliver_late(self, u32 place, u32 size_asked, object answer) except -1
    cdef int deliver_waiting(self) except -1
    cdef int settle(self) except -1


cdef class Session:
    cdef nghttp2_session* http
    cdef readonly object front                 # the server
    cdef public object caller                  # who it is, by the certificate
    cdef public object transport
    cdef readonly dict streams
    cdef Load load
    cdef Gatherer gatherer
    cdef object loop
    cdef object buffer, view
    cdef object fault
    cdef u8* out
    cdef size_t out_room
    cdef readonly u64 held_bytes
    cdef readonly bint begun                   # the client's preface and settings have come
    cdef readonly bint stopping
    cdef readonly bint closed
    cdef bint busy                             # within nghttp2
    cdef bint flush_planned
    cdef bint congested                        # the transport takes no more now
    cdef int credit                            # of frames that ask for work and carry none
    cdef u32 continuations
    cdef bint heard
    cdef int silent_ticks, idle_ticks
    cdef int head_ticks
    cdef bint head_open

    cdef int hold(self, Stream stream, int64_t bytes_more) except -1
    cdef int spend(self) except -1
    cpdef object flush(self)
    cdef int end_late_messages(self) except -1
    cdef int plan_flush(self) except -1
    cdef int make_room(self, size_t size) except -1
    cdef int close_stream(self, Stream stream) except -1
