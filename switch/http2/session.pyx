"""A connection's HTTP/2 session and its streams, down to the messages of gRPC.

    bytes ─► nghttp2 ─► Stream: head, messages ─┬─► Gatherer: those of all connections in a turn
                                                └─► a call of its own, `Stream.call`
    bytes ◄─ nghttp2 ◄─ Stream: answers, status

nghttp2 keeps the protocol: frames, header compression, windows, states of streams. Here stand
gRPC's messages and statuses, and the bounds. Windows are given back by hand: a connection's at
once, a stream's when a message is taken, so that a stream that isn't served holds up itself alone.

Callbacks run within `buffer_updated` and `flush`. They may submit to nghttp2, and may not enter
it; an exception ends the connection.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memcpy

from payvand.core.types cimport u8, u16, u32, u64
from payvand.switch.http2.nghttp2 cimport *

cdef enum:
    MESSAGE_MAX = 16 * 1024 * 1024
    HEAD_MAX = 16 * 1024
    HEAD_TOLERATED = 4 * HEAD_MAX      # beyond it the stream is cut off
    STREAMS = 128
    STREAM_WINDOW = 1024 * 1024
    CONNECTION_WINDOW = 16 * 1024 * 1024
    FRAME_MAX = 256 * 1024
    CONNECTION_HELD = 64 * 1024 * 1024
    UNDER_WAY_MESSAGES = 1024
    UNDER_WAY_BYTES = 4 * 1024 * 1024
    OUT_MARK = 64 * 1024               # a stream with more that isn't sent waits
    WRITE_BYTES = 256 * 1024           # given to the transport at once
    CREDIT_MAX = 1_000
    CREDIT_PER_TICK = 100
    CONTINUATIONS_MAX = 8
    METADATA_MAX = 64
    PING_TICKS = 30                    # of silence, then the client is asked for a sign
    SILENT_TICKS_MAX = 40
    IDLE_TICKS_MAX = 3_600             # without a call
    MESSAGE_TICKS_MAX = 120
    BEGIN_TICKS_MAX = 10               # for the preface, and for a head that is on its way
    ALL_HELD = 1024 * 1024 * 1024

MESSAGE_BYTES_MAX = MESSAGE_MAX
HEAD_BYTES_MAX = HEAD_MAX
STREAMS_MAX = STREAMS
WINDOW_BYTES = STREAM_WINDOW
CONNECTION_HELD_MAX = CONNECTION_HELD
HELD_MAX = ALL_HELD
UNDER_WAY_MESSAGES_MAX = UNDER_WAY_MESSAGES
UNDER_WAY_BYTES_MAX = UNDER_WAY_BYTES

# Statuses of gRPC that the protocol itself gives.
cdef enum:
    DEADLINE_EXCEEDED = 4
    UNIMPLEMENTED = 12
    INTERNAL = 13
    RESOURCE_EXHAUSTED = 8

cdef nghttp2_nv static_nv(const char* name, size_t name_bytes, const char* value,
                          size_t value_bytes):
    cdef nghttp2_nv pair
    pair.name, pair.namelen = <uint8_t*>name, name_bytes
    pair.value, pair.valuelen = <uint8_t*>value, value_bytes
    pair.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
    return pair

cdef nghttp2_nv STATUS_200 = static_nv(":status", 7, "200", 3)
cdef nghttp2_nv CONTENT_TYPE = static_nv("content-type", 12, "application/grpc", 16)
cdef nghttp2_nv STATUS_OK = static_nv("grpc-status", 11, "0", 1)


cdef class Load:
    """What all connections together hold."""


cdef class Gatherer:
    """Takes the messages of some methods together, whichever connections they come by."""

    cdef int add(self, Stream stream, u8* message, u32 size) except -1:
        """Take over a message, which `free` gives back."""
        raise NotImplementedError


@cython.freelist(256)
cdef class Stream:
    """A call as HTTP/2 sees it."""

    def __dealloc__(self):
        free(self.head)
        free(self.message)
        free(self.backlog)
        free(self.out)

    # --- the head ----------------------------------------------------------------------------

    cdef int add_header(self, const u8* name, size_t name_bytes, const u8* value,
                        size_t value_bytes) except -1:
        cdef u32 needed = <u32>(name_bytes + value_bytes) + 8
        cdef u32 sizes[2]
        cdef void* grown
        self.head_listed += <u32>(name_bytes + value_bytes) + 32
        if self.head_listed > HEAD_MAX:
            self.head_too_long = True
            return 0
        if name[0] == c":":
            if name_bytes == 5 and memcmp(name, b":path", 5) == 0:
                self.path = PyBytes_FromStringAndSize(<const char*>value, value_bytes)
            elif name_bytes == 7 and memcmp(name, b":method", 7) == 0:
                self.posts = value_bytes == 4 and memcmp(value, b"POST", 4) == 0
            return 0
        if name_bytes == 2 and memcmp(name, b"te", 2) == 0:
            self.takes_trailers = value_bytes == 8 and memcmp(value, b"trailers", 8) == 0
            return 0
        if name_bytes == 12:
            if memcmp(name, b"content-type", 12) == 0:
                self.speaks_grpc = is_grpc(value, value_bytes)
                return 0
            if memcmp(name, b"grpc-timeout", 12) == 0:
                self.timeout = PyBytes_FromStringAndSize(<const char*>value, value_bytes)
                return 0
        if name_bytes == 13 and memcmp(name, b"grpc-encoding", 13) == 0:
            self.compresses = not (value_bytes == 8 and memcmp(value, b"identity", 8) == 0)
            return 0
        if self.head_bytes + needed > self.head_room:
            grown = realloc(self.head, max(2 * self.head_room, needed, <u32>256))
            if grown == NULL:
                raise MemoryError
            self.head, self.head_room = <u8*>grown, max(2 * self.head_room, needed, <u32>256)
            if self.head_bytes + needed > self.head_room:
                grown = realloc(self.head, self.head_bytes + needed)
                if grown == NULL:
                    raise MemoryError
                self.head, self.head_room = <u8*>grown, self.head_bytes + needed
        sizes[0], sizes[1] = <u32>name_bytes, <u32>value_bytes
        memcpy(self.head + self.head_bytes, sizes, 8)
        memcpy(self.head + self.head_bytes + 8, name, name_bytes)
        memcpy(self.head + self.head_bytes + 8 + name_bytes, value, value_bytes)
        self.head_bytes += needed
        return 0

    def headers(self):
        """Return the head but for what the protocol itself reads: [(name, value)], bytes."""
        cdef u32 at = 0
        cdef u32 sizes[2]
        found = []
        while at < self.head_bytes:
            memcpy(sizes, self.head + at, 8)
            at += 8
            found.append((
                PyBytes_FromStringAndSize(<const char*>self.head + at, sizes[0]),
                PyBytes_FromStringAndSize(<const char*>self.head + at + sizes[0], sizes[1])))
            at += sizes[0] + sizes[1]
        return found

    cdef int open(self) except -1:
        """Begin to serve it, once its head is complete; or end it where that is at fault."""
        if self.head_too_long:
            self.finish(RESOURCE_EXHAUSTED, b"the headers are longer than 16 KiB")
        elif not self.posts:
            self.answer_http(b"405")
        elif not self.speaks_grpc:
            self.answer_http(b"415")
        elif not self.takes_trailers:
            self.finish(INTERNAL, b"te must be trailers")
        elif self.compresses:
            self.finish(UNIMPLEMENTED, b"messages can't be compressed: send them as they are",
                        (ENCODINGS,))
        else:
            streaming = self.session.gatherer.methods.get(self.path)
            if streaming is not None:
                self.kind = GATHERED_MANY if streaming else GATHERED_ONE
            self.session.front.open(self, self.kind != SERVED)
        return 0

    def answer_http(self, bytes status):
        """Answer with a status of HTTP alone: the request isn't gRPC."""
        cdef nghttp2_nv pair = static_nv(":status", 7, PyBytes_AS_STRING(status), len(status))
        pair.flags = NGHTTP2_NV_FLAG_NONE
        self.finished = self.deaf = self.responded = True
        nghttp2_submit_response(self.session.http, self.id, &pair, 1, NULL)

    # --- messages in -------------------------------------------------------------------------

    cdef int take(self, const u8* data, size_t size) except -1:
        """Take bytes as they come; what can't be taken now waits, and holds the window."""
        cdef Py_ssize_t taken = size
        cdef u32 left
        cdef void* grown
        if not self.deaf:
            taken = 0 if self.backlog_bytes else self.parse(data, size)
        if self.deaf:
            taken = size
        left = <u32>(size - taken)
        if left:
            if self.backlog_bytes + left > self.backlog_room:
                grown = realloc(self.backlog, self.backlog_bytes + left)
                if grown == NULL:
                    raise MemoryError
                self.backlog, self.backlog_room = <u8*>grown, self.backlog_bytes + left
            memcpy(self.backlog + self.backlog_bytes, data + taken, left)
            self.backlog_bytes += left
            self.session.hold(self, left)
        if taken and not self.closed:
            nghttp2_session_consume_stream(self.session.http, self.id, taken)
        return 0

    cdef bint may_take(self) noexcept:
        if self.kind == GATHERED_MANY:
            return (self.gathered - self.answered < UNDER_WAY_MESSAGES
                    and self.under_way_bytes < UNDER_WAY_BYTES
                    and self.out_bytes - self.out_start < OUT_MARK)
        return not self.paused

    cdef Py_ssize_t parse(self, const u8* data, size_t size) except -1:
        """Cut bytes into messages; return how many were taken."""
        cdef const u8* at = data
        cdef const u8* stop = data + size
        cdef u32 part, room
        cdef void* grown
        while at < stop and not self.deaf:
            if self.prefix_bytes < 5:
                if self.prefix_bytes == 0 and not self.may_take():
                    break
                self.prefix[self.prefix_bytes] = at[0]
                self.prefix_bytes += 1
                at += 1
                if self.prefix_bytes < 5 or not self.begin_message():
                    continue
            else:
                part = <u32>min(<size_t>(stop - at), <size_t>(self.message_size - self.message_bytes))
                if self.message_bytes + part > self.message_room:
                    room = min(self.message_size,
                               max(self.message_bytes + part, 2 * self.message_room))
                    grown = realloc(self.message, room)
                    if grown == NULL:
                        raise MemoryError
                    self.message, self.message_room = <u8*>grown, room
                memcpy(self.message + self.message_bytes, at, part)
                self.message_bytes += part
                at += part
                self.session.hold(self, part)
            if self.message_bytes == self.message_size and not self.deaf:
                self.complete()
        return at - data

    cdef bint begin_message(self) except -1:
        """Judge a prefix; return whether the message may come."""
        self.message_size = (<u32>self.prefix[1] << 24 | <u32>self.prefix[2] << 16
                             | <u32>self.prefix[3] << 8 | self.prefix[4])
        if self.prefix[0] != 0:
            self.finish(INTERNAL, b"a message is marked as compressed, and no encoding was agreed on")
        elif self.message_size > MESSAGE_MAX:
            self.finish(RESOURCE_EXHAUSTED, b"a message is longer than 16 MiB: send it in parts")
        elif self.kind == GATHERED_ONE and self.messages:
            self.finish(UNIMPLEMENTED, b"the method takes one message")
        return not self.deaf

    cdef int complete(self) except -1:
        """Hand on the message that has come whole."""
        cdef u8* message = self.message
        cdef u32 size = self.message_size
        self.messages += 1
        self.prefix_bytes = 0
        if self.kind == GATHERED_ONE:
            return 0                     # it waits until the client has ended
        self.message, self.message_bytes, self.message_room = NULL, 0, 0
        if self.kind == GATHERED_MANY:
            self.gathered += 1
            self.under_way_bytes += size
            self.session.gatherer.add(self, message, size)
            return 0
        text = PyBytes_FromStringAndSize(<const char*>message, size)
        free(message)
        self.session.hold(self, -<int64_t>size)
        self.call.receive(text)
        return 0

    cdef int resume(self) except -1:
        """Take what waits, as far as it may be taken."""
        cdef Py_ssize_t taken
        cdef int64_t gone
        if self.parsing:
            return 0
        if self.backlog_bytes and not self.deaf:
            self.parsing = True
            taken = self.parse(self.backlog + self.backlog_start,
                               self.backlog_bytes - self.backlog_start)
            self.parsing = False
            if not self.deaf:
                self.backlog_start += <u32>taken
                if taken and not self.closed:
                    nghttp2_session_consume_stream(self.session.http, self.id, taken)
                    self.session.plan_flush()
        if self.backlog_bytes and (self.deaf or self.backlog_start == self.backlog_bytes):
            gone = self.backlog_bytes
            if self.deaf and not self.closed:
                nghttp2_session_consume_stream(self.session.http, self.id,
                                               self.backlog_bytes - self.backlog_start)
            self.backlog_start = self.backlog_bytes = 0
            self.session.hold(self, -gone)
            if self.ended and not self.deaf:
                self.end()
        return 0

    def take_more(self):
        """Go on with messages after a pause."""
        self.paused = False
        self.resume()

    cdef int end(self) except -1:
        """The client sends no more."""
        cdef u8* message
        self.ended = True
        if self.deaf or self.backlog_bytes:
            return 0
        if self.prefix_bytes:
            self.finish(INTERNAL, b"the call ended within a message")
        elif self.kind == SERVED:
            self.call.end()
        elif self.kind == GATHERED_MANY:
            self.settle()
        elif self.messages == 0:
            self.finish(UNIMPLEMENTED, b"the method takes one message, and none came")
        else:
            message, self.message = self.message, NULL
            self.gathered = 1
            self.under_way_bytes = self.message_size
            self.session.gatherer.add(self, message, self.message_size)
        return 0

    # --- messages out ------------------------------------------------------------------------

    cdef int put(self, const u8* body, u32 size) except -1:
        """Append a message to what goes out."""
        cdef u32 needed = self.out_bytes + 5 + size
        cdef u32 room
        cdef void* grown
        cdef u8* at
        if self.closed or self.finished:
            return 0
        if needed > self.out_room:
            room = max(needed, 2 * self.out_room, <u32>64)
            grown = realloc(self.out, room)
            if grown == NULL:
                raise MemoryError
            self.out, self.out_room = <u8*>grown, room
        at = self.out + self.out_bytes
        at[0] = 0
        at[1], at[2], at[3], at[4] = size >> 24, size >> 16 & 0xFF, size >> 8 & 0xFF, size & 0xFF
        if size:
            memcpy(at + 5, body, size)
        self.out_bytes = needed
        if not self.responded:
            self.respond(())
        elif self.deferred:
            self.deferred = False
            nghttp2_session_resume_data(self.session.http, self.id)
        return 0

    cdef int respond(self, metadata) except -1:
        cdef nghttp2_nv pairs[METADATA_MAX + 2]
        cdef nghttp2_data_provider provider
        pairs[0], pairs[1] = STATUS_200, CONTENT_TYPE
        provider.source.ptr = <void*>self
        provider.read_callback = read_out
        self.responded = True
        check(nghttp2_submit_response(self.session.http, self.id, pairs,
                                      2 + fill(&pairs[2], metadata), &provider))
        return 0

    def send_head(self, metadata):
        """Send the head of the response, where it has none yet: [(name, value)], bytes."""
        if not (self.closed or self.finished or self.responded):
            self.respond(metadata)
            self.session.plan_flush()

    def send(self, bytes message):
        """Send a message; return whether more may follow at once, or `Call.drained` comes first."""
        self.put(<const u8*>PyBytes_AS_STRING(message), <u32>len(message))
        if self.closed:
            return True
        self.session.plan_flush()
        self.wants_room = self.out_bytes - self.out_start >= OUT_MARK
        return not self.wants_room

    def finish(self, int code, bytes message=b"", metadata=()):
        """Settle the status: it goes out behind what was sent. What the client sends is dropped."""
        cdef nghttp2_nv pairs[METADATA_MAX + 5]
        cdef size_t count = 0
        if self.closed or self.finished:
            return
        self.finished = self.deaf = True
        if self.message != NULL:
            free(self.message)
            self.message = NULL
            self.session.hold(self, -<int64_t>self.message_bytes)
            self.message_bytes = 0
        self.resume()
        if code or message or metadata:
            self.status = [(b"grpc-status", b"%d" % code), *metadata]
            if message:
                self.status.append((b"grpc-message", message))
        if not self.responded:
            self.responded = True
            pairs[0], pairs[1] = STATUS_200, CONTENT_TYPE
            count = 2 + fill_status(&pairs[2], self.status)
            check(nghttp2_submit_response(self.session.http, self.id, pairs, count, NULL))
        elif self.deferred:
            self.deferred = False
            nghttp2_session_resume_data(self.session.http, self.id)
        self.session.plan_flush()

    def reset(self, u32 code):
        """Cut the stream off with an error of HTTP/2."""
        if not self.closed:
            self.deaf = self.finished = True
            nghttp2_submit_rst_stream(self.session.http, NGHTTP2_FLAG_NONE, self.id, code)
            self.session.plan_flush()

    # --- gathered messages -------------------------------------------------------------------

    cdef int deliver(self, u32 place, u32 size_asked, const u8* body, u32 size) except -1:
        """Answer a gathered message."""
        if place != self.answered:
            return self.deliver_late(place, size_asked,
                                     PyBytes_FromStringAndSize(<const char*>body, size))
        self.answered += 1
        self.under_way_bytes -= size_asked
        self.session.hold(self, -<int64_t>size_asked)
        if self.closed or self.finished:
            return 0
        self.put(body, size)
        if self.early:
            self.deliver_waiting()
        self.settle()
        return 0

    cdef int deliver_late(self, u32 place, u32 size_asked, answer) except -1:
        """Answer by bytes or by a fault, in whatever order answers come."""
        if self.early is None:
            self.early = {}
        self.early[place] = size_asked, answer
        self.deliver_waiting()
        self.settle()
        return 0

    cdef int deliver_waiting(self) except -1:
        while self.answered in self.early:
            size_asked, answer = self.early.pop(self.answered)
            self.answered += 1
            self.under_way_bytes -= size_asked
            self.session.hold(self, -<int64_t>size_asked)
            if self.closed or self.finished:
                continue
            if isinstance(answer, bytes):
                self.put(<const u8*>PyBytes_AS_STRING(answer), <u32>len(answer))
            else:
                self.finish(*self.session.front.status_of(answer))
        return 0

    cdef int settle(self) except -1:
        """Go on with what waits; end the call where all is answered."""
        if self.closed or self.finished:
            return 0
        if self.backlog_bytes:
            self.resume()
        if self.ended and self.answered == self.gathered and not self.backlog_bytes:
            self.finish(0)
        return 0

    def end_gathered(self):
        """Take no more of a gathered stream; it ends once what it sent is answered."""
        if self.kind == GATHERED_MANY and not self.finished and not self.closed:
            self.deaf = True
            self.resume()
            self.prefix_bytes = 0
            self.ended = True
            self.settle()


cdef class Session:
    """A connection."""

    def __init__(self, front, Load load, Gatherer gatherer, loop, buffer):
        """Say nothing yet. *buffer* is where all connections' bytes come in."""
        self.front, self.load, self.gatherer, self.loop = front, load, gatherer, loop
        self.buffer, self.view = buffer, memoryview(buffer)
        self.streams = {}
        self.credit = CREDIT_MAX

    def begin(self):
        """Tell the client the bounds of the connection."""
        cdef nghttp2_settings_entry settings[4]
        check(nghttp2_session_server_new2(&self.http, CALLBACKS, <void*>self, OPTIONS))
        settings[0] = nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS)
        settings[1] = nghttp2_settings_entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW)
        settings[2] = nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_MAX)
        settings[3] = nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEAD_MAX)
        check(nghttp2_submit_settings(self.http, NGHTTP2_FLAG_NONE, settings, 4))
        check(nghttp2_session_set_local_window_size(
            self.http, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW))
        self.plan_flush()

    def __dealloc__(self):
        if self.http != NULL:
            nghttp2_session_del(self.http)
        free(self.out)

    # --- what asyncio calls ------------------------------------------------------------------

    def get_buffer(self, sizehint):
        """Return where bytes may come in."""
        return self.view

    def buffer_updated(self, Py_ssize_t size):
        """Take bytes that have come in."""
        cdef u8[::1] data = self.buffer
        cdef ssize_t taken
        if self.closed:
            return
        self.heard = True
        self.busy = True
        taken = nghttp2_session_mem_recv(self.http, &data[0], size)
        self.busy = False
        if taken < 0:
            self.fail(taken)
            return
        if nghttp2_session_want_write(self.http) or not nghttp2_session_want_read(self.http):
            self.plan_flush()

    def pause_writing(self):
        """Send nothing more for now: the client takes it slowly."""
        self.congested = True

    def resume_writing(self):
        """Send again."""
        self.congested = False
        self.flush()

    # --- what the server calls ---------------------------------------------------------------

    cpdef object flush(self):
        """Send what is ready to go, in as few writes as may be."""
        cdef const uint8_t* data
        cdef ssize_t size
        cdef size_t filled
        if self.busy:
            return
        self.flush_planned = False
        if self.closed:
            return
        while not self.congested:
            filled = 0
            while filled < WRITE_BYTES:
                self.busy = True
                size = nghttp2_session_mem_send(self.http, &data)
                self.busy = False
                if size < 0:
                    self.fail(size)
                    return
                if size == 0:
                    break
                self.make_room(filled + size)
                memcpy(self.out + filled, data, size)
                filled += size
            if filled:
                self.transport.write(PyBytes_FromStringAndSize(<const char*>self.out, filled))
            if filled < WRITE_BYTES:
                break
        if not (nghttp2_session_want_read(self.http) or nghttp2_session_want_write(self.http)):
            self.transport.close()
        elif self.stopping and not self.streams and not nghttp2_session_want_write(self.http):
            self.transport.close()

    cdef int make_room(self, size_t size) except -1:
        cdef void* grown
        if size > self.out_room:
            grown = realloc(self.out, max(size, 2 * self.out_room))
            if grown == NULL:
                raise MemoryError
            self.out, self.out_room = <u8*>grown, max(size, 2 * self.out_room)
        return 0

    cdef int plan_flush(self) except -1:
        """Flush at the end of this turn of the loop, with what else comes until then."""
        if not self.flush_planned and not self.closed:
            self.flush_planned = True
            self.loop.call_soon(self.flush)
        return 0

    def tick(self):
        """Look after the connection, once a second."""
        self.credit = min(self.credit + CREDIT_PER_TICK, CREDIT_MAX)
        if self.head_open or not self.begun:
            self.head_ticks += 1
            if self.head_ticks > BEGIN_TICKS_MAX:
                self.transport.abort()
                return
        else:
            self.head_ticks = 0
        self.idle_ticks = 0 if self.streams else self.idle_ticks + 1
        if self.idle_ticks > IDLE_TICKS_MAX:
            self.stop()
        self.end_late_messages()
        if self.heard:
            self.heard, self.silent_ticks = False, 0
            return
        self.silent_ticks += 1
        if self.silent_ticks >= SILENT_TICKS_MAX:
            self.transport.abort()
        elif self.silent_ticks == PING_TICKS:
            nghttp2_submit_ping(self.http, NGHTTP2_FLAG_NONE, NULL)
            self.plan_flush()

    cdef int end_late_messages(self) except -1:
        """End the calls whose message takes too long to come."""
        cdef Stream stream
        late = None
        for stream in self.streams.values():
            if stream.prefix_bytes or (stream.kind == GATHERED_ONE and not stream.ended):
                stream.message_ticks += 1
                if stream.message_ticks > MESSAGE_TICKS_MAX:
                    late = [] if late is None else late
                    late.append(stream)
            else:
                stream.message_ticks = 0
        for stream in late or ():
            stream.finish(DEADLINE_EXCEEDED, b"the message takes longer than two minutes")
        return 0

    def stop(self):
        """Take no more calls; the connection ends with the last of those under way."""
        if self.closed or self.stopping or self.http == NULL:
            return
        self.stopping = True
        nghttp2_submit_goaway(self.http, NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(self.http),
                              NGHTTP2_NO_ERROR, NULL, 0)
        for stream in list(self.streams.values()):
            stream.end_gathered()
        self.plan_flush()

    def calm(self):
        """End the connection, which asks for more than it may."""
        nghttp2_session_terminate_session(self.http, NGHTTP2_ENHANCE_YOUR_CALM)
        self.plan_flush()

    def abandon(self):
        """Let go of all streams: the connection is gone."""
        cdef Stream stream
        if self.closed:
            return
        self.closed = True
        for stream in list(self.streams.values()):
            self.close_stream(stream)

    def fail(self, int code):
        """End the connection at a fault."""
        fault, self.fault = self.fault, None
        self.front.note_fault(self, fault, nghttp2_strerror(code).decode())
        self.transport.abort()

    cdef int hold(self, Stream stream, int64_t bytes_more) except -1:
        """Count bytes of requests in memory; the stream ends that comes on top of too many."""
        self.held_bytes += bytes_more
        self.load.held_bytes += bytes_more
        if bytes_more > 0 and (self.held_bytes > CONNECTION_HELD
                               or self.load.held_bytes > ALL_HELD):
            stream.finish(RESOURCE_EXHAUSTED, b"too much is under way: send less at a time")
        return 0

    cdef int spend(self) except -1:
        """Pay for a frame that asks for work and carries none."""
        self.credit -= 1
        if self.credit == 0:
            self.calm()
        return 0

    cdef int close_stream(self, Stream stream) except -1:
        if stream.closed:
            return 0
        stream.closed = True
        self.load.streams -= 1
        self.streams.pop(stream.id, None)
        if stream.message != NULL:
            self.hold(stream, -<int64_t>stream.message_bytes)
            stream.message_bytes = 0
        self.hold(stream, -<int64_t>stream.backlog_bytes)
        stream.backlog_bytes = stream.backlog_start = 0
        if not self.closed:
            nghttp2_session_set_stream_user_data(self.http, stream.id, NULL)
        self.front.close(stream)
        if stream.call is not None:
            stream.call.close()
            stream.call = None
        Py_DECREF(stream)
        return 0


# --- what nghttp2 calls ----------------------------------------------------------------------

cdef int on_begin_headers(nghttp2_session* http, const nghttp2_frame* frame,
                          void* user) noexcept:
    cdef Session session = <Session>user
    cdef Stream stream
    if frame.hd.type != NGHTTP2_HEADERS or frame.headers.cat != NGHTTP2_HCAT_REQUEST:
        return 0
    stream = Stream.__new__(Stream)
    stream.session, stream.id = session, frame.hd.stream_id
    session.streams[stream.id] = stream
    session.load.streams += 1
    Py_INCREF(stream)
    nghttp2_session_set_stream_user_data(http, stream.id, <void*>stream)
    return 0


cdef int on_begin_frame(nghttp2_session* http, const nghttp2_frame_hd* head, void* user) noexcept:
    cdef Session session = <Session>user
    session.begun = True
    if head.type == NGHTTP2_CONTINUATION:
        session.continuations += 1
        if session.continuations > CONTINUATIONS_MAX:
            return NGHTTP2_ERR_CALLBACK_FAILURE
    elif head.type == NGHTTP2_HEADERS:
        session.continuations = 0
        session.head_open = True
    return 0


cdef int on_header(nghttp2_session* http, const nghttp2_frame* frame, const uint8_t* name,
                   size_t name_bytes, const uint8_t* value, size_t value_bytes, uint8_t flags,
                   void* user) noexcept:
    cdef Session session = <Session>user
    cdef void* found = nghttp2_session_get_stream_user_data(http, frame.hd.stream_id)
    if found == NULL or frame.headers.cat != NGHTTP2_HCAT_REQUEST:
        return 0
    try:
        (<Stream>found).add_header(name, name_bytes, value, value_bytes)
    except BaseException as fault:
        session.fault = fault
        return NGHTTP2_ERR_CALLBACK_FAILURE
    if (<Stream>found).head_listed > HEAD_TOLERATED:
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE
    return 0


cdef int on_data(nghttp2_session* http, uint8_t flags, int32_t stream_id, const uint8_t* data,
                 size_t size, void* user) noexcept:
    cdef Session session = <Session>user
    cdef void* found = nghttp2_session_get_stream_user_data(http, stream_id)
    nghttp2_session_consume_connection(http, size)
    if found == NULL:
        return 0
    try:
        (<Stream>found).take(data, size)
    except BaseException as fault:
        session.fault = fault
        return NGHTTP2_ERR_CALLBACK_FAILURE
    return 0


cdef int on_frame(nghttp2_session* http, const nghttp2_frame* frame, void* user) noexcept:
    cdef Session session = <Session>user
    cdef void* found
    try:
        if frame.hd.type == NGHTTP2_HEADERS or frame.hd.type == NGHTTP2_DATA:
            found = nghttp2_session_get_stream_user_data(http, frame.hd.stream_id)
            if frame.hd.type == NGHTTP2_HEADERS:
                session.head_open = False
                if found != NULL and frame.headers.cat == NGHTTP2_HCAT_REQUEST:
                    (<Stream>found).open()
            elif frame.hd.length == 0 and not frame.hd.flags & NGHTTP2_FLAG_END_STREAM:
                session.spend()
            if found != NULL and frame.hd.flags & NGHTTP2_FLAG_END_STREAM:
                (<Stream>found).half_closed = True
                (<Stream>found).end()
        elif frame.hd.type == NGHTTP2_RST_STREAM or frame.hd.type == NGHTTP2_PRIORITY or (
                frame.hd.type == NGHTTP2_PING or frame.hd.type == NGHTTP2_SETTINGS
                ) and not frame.hd.flags & NGHTTP2_FLAG_ACK:
            session.spend()
    except BaseException as fault:
        session.fault = fault
        return NGHTTP2_ERR_CALLBACK_FAILURE
    return 0


cdef int on_sent(nghttp2_session* http, const nghttp2_frame* frame, void* user) noexcept:
    """Behind the status of a call whose client hasn't ended, cut the stream off without an error."""
    cdef void* found
    if frame.hd.type == NGHTTP2_HEADERS and frame.hd.flags & NGHTTP2_FLAG_END_STREAM:
        found = nghttp2_session_get_stream_user_data(http, frame.hd.stream_id)
        if found != NULL and not (<Stream>found).half_closed:
            nghttp2_submit_rst_stream(http, NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                                      NGHTTP2_NO_ERROR)
    return 0


cdef int on_close(nghttp2_session* http, int32_t stream_id, uint32_t code, void* user) noexcept:
    cdef Session session = <Session>user
    cdef void* found = nghttp2_session_get_stream_user_data(http, stream_id)
    if found == NULL:
        return 0
    try:
        session.close_stream(<Stream>found)
    except BaseException as fault:
        session.fault = fault
        return NGHTTP2_ERR_CALLBACK_FAILURE
    return 0


cdef ssize_t read_out(nghttp2_session* http, int32_t stream_id, uint8_t* buffer, size_t length,
                      uint32_t* flags, nghttp2_data_source* source, void* user) noexcept:
    """Give nghttp2 what goes out on a stream, and behind it the status."""
    cdef Session session = <Session>user
    cdef Stream stream = <Stream>source.ptr
    cdef nghttp2_nv pairs[METADATA_MAX + 3]
    cdef u32 part = <u32>min(length, <size_t>(stream.out_bytes - stream.out_start))
    try:
        memcpy(buffer, stream.out + stream.out_start, part)
        stream.out_start += part
        if stream.out_start == stream.out_bytes:
            stream.out_start = stream.out_bytes = 0
            if stream.out_room > OUT_MARK:
                free(stream.out)
                stream.out, stream.out_room = NULL, 0
            if stream.finished:
                flags[0] |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM
                check(nghttp2_submit_trailer(http, stream_id, pairs,
                                             fill_status(pairs, stream.status)))
                return part
            if part == 0:
                stream.deferred = True
        if stream.out_bytes - stream.out_start < OUT_MARK:
            if stream.wants_room:
                stream.wants_room = False
                stream.call.drained()
            elif stream.backlog_bytes:
                stream.settle()
        if part:
            return part
        return NGHTTP2_ERR_DEFERRED
    except BaseException as fault:
        session.fault = fault
        return NGHTTP2_ERR_CALLBACK_FAILURE


# --- small things ----------------------------------------------------------------------------

ENCODINGS = (b"grpc-accept-encoding", b"identity")


cdef bint is_grpc(const u8* value, size_t size) noexcept nogil:
    """Tell whether a content type is that of gRPC, with or without the messages' form."""
    return (size >= 16 and memcmp(value, b"application/grpc", 16) == 0
            and (size == 16 or value[16] == c"+" or value[16] == c";"))


cdef int check(int code) except -1:
    if code != 0:
        raise RuntimeError("nghttp2: " + nghttp2_strerror(code).decode())
    return 0


cdef size_t fill(nghttp2_nv* pairs, metadata) except? 0:
    """Fill in metadata (in: [(name, value)], bytes that outlive the call); return how many."""
    cdef size_t count = 0
    cdef bytes name, value
    for name, value in metadata:
        if count == METADATA_MAX:
            raise ValueError(f"metadata has more than {METADATA_MAX} entries")
        pairs[count] = static_nv(PyBytes_AS_STRING(name), len(name),
                                 PyBytes_AS_STRING(value), len(value))
        pairs[count].flags = NGHTTP2_NV_FLAG_NONE
        count += 1
    return count


cdef size_t fill_status(nghttp2_nv* pairs, list status) except 0:
    """Fill in the status of a call and its metadata; return how many entries that makes."""
    if status is None:
        pairs[0] = STATUS_OK
        return 1
    return fill(pairs, status)


cdef nghttp2_session_callbacks* CALLBACKS
cdef nghttp2_option* OPTIONS
check(nghttp2_session_callbacks_new(&CALLBACKS))
nghttp2_session_callbacks_set_on_begin_headers_callback(CALLBACKS, on_begin_headers)
nghttp2_session_callbacks_set_on_begin_frame_callback(CALLBACKS, on_begin_frame)
nghttp2_session_callbacks_set_on_header_callback(CALLBACKS, on_header)
nghttp2_session_callbacks_set_on_data_chunk_recv_callback(CALLBACKS, on_data)
nghttp2_session_callbacks_set_on_frame_recv_callback(CALLBACKS, on_frame)
nghttp2_session_callbacks_set_on_frame_send_callback(CALLBACKS, on_sent)
nghttp2_session_callbacks_set_on_stream_close_callback(CALLBACKS, on_close)
check(nghttp2_option_new(&OPTIONS))
nghttp2_option_set_no_auto_window_update(OPTIONS, 1)
nghttp2_option_set_no_closed_streams(OPTIONS, 1)
nghttp2_option_set_max_settings(OPTIONS, 16)
nghttp2_option_set_max_outbound_ack(OPTIONS, 1_000)
