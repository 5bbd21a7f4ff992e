"""Requests to submit that came together, from any number of callers, and their answers."""

from payvand.core.types cimport u8, u32, u64

# One serialised request.
cdef struct Request:
    const u8* start            # valid until `take` returns; `Requests.request` is for later
    u32 size
    u32 caller                 # which of `Requests.debtors` sent it
    u64 position               # that one's position account

cdef class Requests:
    cdef Request* rows
    cdef u32 room
    cdef readonly u32 count
    cdef readonly object routing
    cdef readonly list debtors
    cdef readonly list responses
    cdef list slots            # where in `responses` each answer goes
    cdef list kept             # what rows point into
    cdef public object when_flushed

    cdef int move(self, u32 index, u32 to) except -1

    cdef int add(self, const u8* start, u32 size, u32 caller) except -1
    cpdef object debtor(self, u32 index)
    cpdef bytes request(self, u32 index)
    cpdef object answer(self, u32 index, bytes response)
    cpdef object fail(self, u32 index, object fault)
    cdef int answer_states(self, u32 first, u32 count, const u8* states, const u32* starts,
                           const u8* others) except -1
    cpdef object flush(self)


cdef u32 states_bytes(u32 count) noexcept nogil
cdef u8* write_states(u8* out, const u8* states, u32 count) noexcept nogil
