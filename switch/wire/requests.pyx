"""Requests to submit that came together, from any number of callers, and their answers.

Those of one turn of the loop are decoded, committed and answered together. Here stands what the
payment path needs of them; where they come from and where answers go is a subclass's matter. As it
is, the class keeps answers in a list: for the simulation and for tests.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from payvand.core.types cimport u8, u32, u64


cdef class Requests:
    """Requests in the order in which they came."""

    def __cinit__(self):
        self.debtors = []
        self.kept = []
        self.responses = []
        self.slots = []

    def __dealloc__(self):
        free(self.rows)

    @classmethod
    def of(cls, requests, routing=None):
        """Gather (serialised request, debtor's route) pairs, judged by *routing*.

        Without it they are (serialised request, caller) pairs, and `lead` finds the routes.
        """
        cdef Requests gathered = cls()
        cdef bytes text
        gathered.routing = routing
        for text, debtor in requests:
            gathered.add(<const u8*>PyBytes_AS_STRING(text), <u32>len(text),
                         <u32>len(gathered.debtors))
            if routing is not None:
                gathered.rows[gathered.count - 1].position = debtor.position
            gathered.debtors.append(debtor)
            gathered.kept.append(text)
            gathered.slots.append(len(gathered.responses))
            gathered.responses.append(None)
        return gathered

    def lead(self, routing, found):
        """Enter for each of `debtors` its route, or fail its requests by what is there instead."""
        cdef u32 index, kept = 0
        self.routing, self.debtors = routing, found
        for index in range(self.count):
            route = found[self.rows[index].caller]
            if isinstance(route, BaseException):
                self.fail(index, route)
                continue
            self.rows[index].position = route.position
            if kept != index:
                self.move(index, kept)
            kept += 1
        if kept != self.count:
            self.count = kept
            self.flush()

    cdef int move(self, u32 index, u32 to) except -1:
        """Let a request take the place of one that has failed."""
        self.rows[to] = self.rows[index]
        self.slots[to] = self.slots[index]
        return 0

    cdef int add(self, const u8* start, u32 size, u32 caller) except -1:
        """Append a request whose debtor is not looked up yet."""
        cdef void* grown
        if self.count == self.room:
            grown = realloc(self.rows, max(2 * self.room, 16u) * sizeof(Request))
            if grown == NULL:
                raise MemoryError
            self.rows, self.room = <Request*>grown, max(2 * self.room, 16u)
        self.rows[self.count] = Request(start, size, caller, 0)
        self.count += 1
        return 0

    cpdef object debtor(self, u32 index):
        """Return the route of a request's debtor."""
        return self.debtors[self.rows[index].caller]

    cpdef bytes request(self, u32 index):
        """Return a request as it came."""
        return PyBytes_FromStringAndSize(<const char*>self.rows[index].start,
                                         self.rows[index].size)

    cpdef object answer(self, u32 index, bytes response):
        """Answer a request with a serialised `SubmitResponse`."""
        self.responses[self.slots[index]] = response

    cpdef object fail(self, u32 index, object fault):
        """End the call of a request with the status of *fault*."""
        self.responses[self.slots[index]] = fault

    cdef int answer_states(self, u32 first, u32 count, const u8* states, const u32* starts,
                           const u8* others) except -1:
        """Answer requests with their states alone.

        They are *count* from *first* on. The one at first + i gets states[starts[i]:starts[i + 1]];
        those with others[i] are left out.
        """
        cdef u32 index, size
        cdef bytes response
        for index in range(count):
            if others[index]:
                continue
            size = starts[index + 1] - starts[index]
            response = PyBytes_FromStringAndSize(NULL, states_bytes(size))
            write_states(<u8*>PyBytes_AS_STRING(response), states + starts[index], size)
            self.answer(first + index, response)
        return 0

    cpdef object flush(self):
        """Let what was answered go out."""
        if self.when_flushed is not None:
            self.when_flushed()


cdef u32 states_bytes(u32 count) noexcept nogil:
    """Return how long a `SubmitResponse` of nothing but states is."""
    cdef u32 size = count + 1
    if count == 0:
        return 0
    while True:
        size += 1
        count >>= 7
        if count == 0:
            return size


cdef u8* write_states(u8* out, const u8* states, u32 count) noexcept nogil:
    """Write a `SubmitResponse` of nothing but states, whose numbers take a byte each."""
    cdef u32 left = count
    if count == 0:
        return out
    out[0] = 0x0A
    out += 1
    while left > 0x7F:
        out[0] = <u8>(left & 0x7F | 0x80)
        out += 1
        left >>= 7
    out[0] = <u8>left
    memcpy(out + 1, states, count)
    return out + 1 + count
