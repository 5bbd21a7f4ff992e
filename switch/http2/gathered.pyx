"""The messages of a turn of the loop, on their way to the payment path and back.

A call costs the loop no task: its message joins those of all connections, they are decoded and
committed together, and once that is durable each stream gets its answer. All answers of a
connection leave in one write.
"""

from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from payvand.core.types cimport u8, u32, u64
from payvand.switch.http2.session cimport Gatherer, Session, Stream
from payvand.switch.wire.requests cimport Request, Requests, states_bytes, write_states

cdef enum:
    COUNT_MAX = 8_190
    BYTES_MAX = 16 * 1024 * 1024
    SHORT_BYTES = 512          # an answer that is written on the stack


cdef class TurnGatherer(Gatherer):
    """Gather what comes in one turn of the loop, and hand it on at its end."""

    def __init__(self, loop, methods, hand_on):
        """Gather for *hand_on* the messages of *methods*: path → whether it is a stream."""
        self.loop, self.methods, self.hand_on = loop, dict(methods), hand_on

    cdef int add(self, Stream stream, u8* message, u32 size) except -1:
        if self.in_hand is None:
            self.in_hand = Gathered()
            self.in_hand_bytes = 0
            self.loop.call_soon(self.hand_over)
        self.in_hand.put(stream, message, size)
        self.in_hand_bytes += size
        if self.in_hand.count >= COUNT_MAX or self.in_hand_bytes >= BYTES_MAX:
            self.hand_over()
        return 0

    def hand_over(self):
        """Let what has come be served."""
        gathered, self.in_hand = self.in_hand, None
        if gathered is not None:
            self.hand_on(gathered)


cdef class Gathered(Requests):
    """Requests that came in one turn; `debtors` holds callers until `lead` has their routes."""

    def __dealloc__(self):
        cdef u32 index
        for index in range(self.taken):
            free(<void*>self.rows[index].start)
            Py_DECREF(<object>self.origins[index].stream)
        free(self.origins)

    cdef int put(self, Stream stream, u8* message, u32 size) except -1:
        cdef void* grown
        if stream.session is not self.last_session:
            self.last_session = stream.session
            self.debtors.append(stream.session.caller)
        if self.count == self.origins_room:
            grown = realloc(self.origins, max(2 * self.origins_room, <u32>16) * sizeof(Origin))
            if grown == NULL:
                raise MemoryError
            self.origins = <Origin*>grown
            self.origins_room = max(2 * self.origins_room, <u32>16)
        self.add(message, size, <u32>(len(self.debtors) - 1))
        self.taken = self.count
        self.origins[self.count - 1] = Origin(<PyObject*>stream, stream.gathered - 1)
        Py_INCREF(stream)
        return 0

    cdef int move(self, u32 index, u32 to) except -1:
        cdef Request row = self.rows[to]
        cdef Origin origin = self.origins[to]
        self.rows[to], self.origins[to] = self.rows[index], self.origins[index]
        self.rows[index], self.origins[index] = row, origin
        return 0

    cpdef object answer(self, u32 index, bytes response):
        cdef Origin* origin = &self.origins[index]
        cdef const u8* body = response
        (<Stream>origin.stream).deliver(origin.place, self.rows[index].size, body,
                                        <u32>len(response))

    cpdef object fail(self, u32 index, object fault):
        cdef Origin* origin = &self.origins[index]
        (<Stream>origin.stream).deliver_late(origin.place, self.rows[index].size, fault)

    cdef int answer_states(self, u32 first, u32 count, const u8* states, const u32* starts,
                           const u8* others) except -1:
        cdef u8 short[SHORT_BYTES]
        cdef u32 index, states_count, size
        cdef Origin* origin
        for index in range(count):
            if others[index]:
                continue
            states_count = starts[index + 1] - starts[index]
            size = states_bytes(states_count)
            if size > SHORT_BYTES:
                self.answer(first + index, long_answer(states + starts[index], states_count, size))
                continue
            write_states(short, states + starts[index], states_count)
            origin = &self.origins[first + index]
            (<Stream>origin.stream).deliver(origin.place, self.rows[first + index].size, short,
                                            size)
        return 0

    cpdef object flush(self):
        cdef u32 index
        cdef Session session, last = None
        for index in range(self.taken):
            session = (<Stream>self.origins[index].stream).session
            if session is not last:
                last = session
                session.flush()


cdef bytes long_answer(const u8* states, u32 count, u32 size):
    cdef bytearray written = bytearray(size)
    cdef u8[::1] view = written
    write_states(&view[0], states, count)
    return bytes(written)
