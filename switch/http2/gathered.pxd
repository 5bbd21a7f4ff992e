"""The messages of a turn of the loop, on their way to the payment path and back."""

from cpython.ref cimport PyObject

from payvand.core.types cimport u8, u32, u64
from payvand.switch.http2.session cimport Gatherer, Stream
from payvand.switch.wire.requests cimport Requests

# Which call a request came by.
cdef struct Origin:
    PyObject* stream
    u32 place                  # among the messages of the stream

cdef class TurnGatherer(Gatherer):
    cdef object loop, hand_on
    cdef Gathered in_hand
    cdef u64 in_hand_bytes

cdef class Gathered(Requests):
    cdef Origin* origins
    cdef u32 origins_room
    cdef u32 taken             # with those that have failed, which are kept behind the others
    cdef object last_session

    cdef int put(self, Stream stream, u8* message, u32 size) except -1
