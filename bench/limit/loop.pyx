"""The face of the plain C loop in `loop.h` and `replay.h`, and of a bare durable append."""

import os

import numpy as np

from payvand.core import records

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef extern from "replay.h" nogil:
    ctypedef struct loop_transfer:
        pass
    ctypedef struct loop_books:
        uint64_t count
    enum:
        LOOP_BATCH
        LOOP_BLOCK
    int loop_open(loop_books* books, uint64_t accounts_max, uint64_t transfers_max,
                  uint32_t ledger)
    void loop_close(loop_books* books)
    int loop_run(loop_books* books, const loop_transfer* events, uint64_t count, uint32_t batch,
                 int fd, uint64_t* elapsed)
    int loop_replay(loop_books* books, uint64_t batches, uint32_t batch, int fd,
                    uint64_t* elapsed)
    int loop_create(const char* path, uint64_t size)
    int loop_append(int fd, uint64_t size, uint64_t offset, uint64_t* elapsed)
    uint64_t loop_frame_bytes(uint64_t count)
    void* loop_memory(uint64_t size)
    void loop_give_back(void* start, uint64_t size)


def _raise(failure):
    if failure > 0:
        raise OSError(failure, os.strerror(failure))
    assert failure == 0, "the limit loop refused a transfer"


cdef class BareFile:
    """A file of zeros, allocated, past the page cache where that can be."""

    cdef readonly int fd
    cdef readonly uint64_t size
    cdef uint64_t offset

    def __cinit__(self, path, size):
        self.fd = -1
        self.size = size
        cdef bytes name = os.fsencode(path)
        cdef const char* text = name
        cdef int fd
        with nogil:
            fd = loop_create(text, self.size)
        if fd < 0:
            _raise(-fd)
        self.fd = fd

    def __dealloc__(self):
        if self.fd >= 0:
            os.close(self.fd)

    def append(self, size):
        """Write *size* bytes behind the last, make them durable; return how many ns it took."""
        cdef uint64_t wanted = size
        cdef uint64_t elapsed = 0
        cdef int failure
        if self.offset + wanted > self.size:
            self.offset = 0
        with nogil:
            failure = loop_append(self.fd, wanted, self.offset, &elapsed)
        _raise(failure)
        self.offset += wanted
        return elapsed


cdef class Loop:
    """Accounts 1 to *account_count* of one ledger, and room for *transfers_max* transfers."""

    cdef loop_books books

    def __cinit__(self, account_count, transfers_max, ledger):
        cdef uint64_t accounts = account_count
        cdef uint64_t transfers = transfers_max
        cdef uint32_t unit = ledger
        cdef int failure
        with nogil:
            failure = loop_open(&self.books, accounts, transfers, unit)
        _raise(failure)

    def __dealloc__(self):
        loop_close(&self.books)

    def run(self, events, batch, file):
        """Apply TRANSFER[n] in batches and write them from the start of a BareFile, durably.

        Returns how many ns it took. Raises OSError; fails where an event is not applied.
        """
        assert events.dtype == records.TRANSFER
        assert batch <= LOOP_BATCH
        assert file.size >= file_bytes(len(events), batch)
        cdef const uint8_t[::1] rows = np.ascontiguousarray(events).view(np.uint8)
        cdef uint64_t count = len(events)
        cdef uint32_t size = batch
        cdef int fd = file.fd
        cdef uint64_t elapsed = 0
        cdef int failure
        with nogil:
            failure = loop_run(&self.books, <const loop_transfer*>&rows[0], count, size, fd,
                               &elapsed)
        _raise(failure)
        return elapsed

    def replay(self, batches, batch, file):
        """Read, prove and apply the frames of *batches* whole batches from the start of a file.

        Returns how many ns it took. Raises OSError; fails where an event is not applied.
        """
        cdef uint64_t count = batches
        cdef uint32_t size = batch
        cdef int fd = file.fd
        cdef uint64_t elapsed = 0
        cdef int failure
        with nogil:
            failure = loop_replay(&self.books, count, size, fd, &elapsed)
        _raise(failure)
        return elapsed


def file_bytes(count, batch):
    """Return how many bytes *count* transfers take in frames of *batch*."""
    whole, rest = divmod(count, batch)
    return whole * loop_frame_bytes(batch) + (loop_frame_bytes(rest) if rest else 0)


def warm(size):
    """Touch *size* bytes of memory and give them back, so that the next to ask finds them quickly.

    A virtual machine's host may have taken free pages away; the first touch then waits for it.
    """
    cdef uint64_t wanted = size
    with nogil:
        loop_give_back(loop_memory(wanted), wanted)
