"""The commit pipeline: batches go through scoring, ledger and journal without the GIL.

    fill ──seal──► apply (thread 1) ──► write + fdatasync (thread 2) ──wake──► release
    asyncio        scoring, ledger      frame N, while N + 1 is applied         asyncio

A ring of slots carries the batches; each stage only moves its own counter. Slots own their
buffers, so nothing is allocated once it runs. One caller fills and releases, from one thread.
"""

import os

import numpy as np

from payvand.core import records
from payvand.core.frame import Frame
from payvand.core.limits import FRAME_BYTES_MAX, NOTE_BYTES_MAX, PAYLOADS_BYTES_MAX

from libc.string cimport memcpy

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.expiry cimport next_due
from payvand.core.frame cimport frame_encode, record_bytes
from payvand.core.replay cimport apply_pieces
from payvand.core.types cimport *

cdef extern from "<pthread.h>" nogil:
    """
    #include <pthread.h>
    #include <time.h>
    #include <unistd.h>
    static unsigned long long payvand_ticks(void) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (unsigned long long)now.tv_sec * 1000000000ull + (unsigned long long)now.tv_nsec;
    }
    static void payvand_wake(int fd) {
        unsigned long long one = 1;
        ssize_t done = write(fd, &one, sizeof one);
        (void)done;     /* a full eventfd is awake already */
    }
    """
    int pthread_mutex_init(pthread_mutex_t* lock, const void* attributes)
    int pthread_mutex_lock(pthread_mutex_t* lock)
    int pthread_mutex_unlock(pthread_mutex_t* lock)
    int pthread_cond_init(pthread_cond_t* condition, const void* attributes)
    int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* lock)
    int pthread_cond_broadcast(pthread_cond_t* condition)
    u64 payvand_ticks()
    void payvand_wake(int fd)

cdef u64 RECORDS_BYTES = <u64>BATCH_EVENTS_MAX * sizeof(Transfer)
cdef u64 PAYLOADS_MAX = PAYLOADS_BYTES_MAX
cdef u64 NOTE_MAX = NOTE_BYTES_MAX
cdef u64 FRAME_MAX = FRAME_BYTES_MAX
cdef u64 WORDS_BYTES = (BATCH_EVENTS_MAX + 2) * sizeof(u32)
cdef u64 RESULTS_BYTES = BATCH_EVENTS_MAX * sizeof(Result)


cdef class Pipeline:
    """Own the slots and the two loops that work them off."""

    def __cinit__(self, Ledger ledger, Stage stage, Journal journal, int wake_fd):
        cdef Slot* slot
        cdef int index
        self.ledger, self.stage, self.journal, self.wake_fd = ledger, stage, journal, wake_fd
        self.failure = 0
        pthread_mutex_init(&self.lock, NULL)
        pthread_mutex_init(&self.books_lock, NULL)
        pthread_cond_init(&self.changed, NULL)
        for index in range(SLOTS):
            slot = &self.slots[index]
            slot.records = <u8*>arena_open(RECORDS_BYTES)
            slot.payloads = <u8*>arena_open(PAYLOADS_MAX)
            slot.note = <u8*>arena_open(NOTE_MAX)
            slot.frame = <u8*>arena_open(FRAME_MAX)
            slot.offsets = <u32*>arena_open(WORDS_BYTES)
            slot.decisions = <u32*>arena_open(WORDS_BYTES)
            slot.statuses = <u32*>arena_open(WORDS_BYTES)
            slot.results = <Result*>arena_open(RESULTS_BYTES)

    def __dealloc__(self):
        cdef Slot* slot
        cdef int index
        for index in range(SLOTS):
            slot = &self.slots[index]
            arena_close(slot.records, RECORDS_BYTES)
            arena_close(slot.payloads, PAYLOADS_MAX)
            arena_close(slot.note, NOTE_MAX)
            arena_close(slot.frame, FRAME_MAX)
            arena_close(slot.offsets, WORDS_BYTES)
            arena_close(slot.decisions, WORDS_BYTES)
            arena_close(slot.statuses, WORDS_BYTES)
            arena_close(slot.results, RESULTS_BYTES)

    # --- filling, from the caller's thread ---------------------------------------------------

    cdef Slot* filling(self) noexcept nogil:
        return &self.slots[self.sealed % SLOTS]

    @property
    def has_room(self):
        """True while there is a slot to fill."""
        return self.sealed - self.released < SLOTS

    @property
    def under_way(self):
        """How many sealed batches are not durable yet."""
        return self.sealed - self.written

    @property
    def filled(self):
        """How many records the slot in hand holds."""
        return self.filling().record_count if self.has_room else 0

    @property
    def sealed_sequence(self):
        """The sequence of the last sealed batch."""
        return self.journal_base + self.sealed

    def fits(self, operation, count, payload_bytes):
        """Tell whether a submission may join the slot in hand."""
        cdef Slot* slot = self.filling()
        if not self.has_room:
            return False
        if slot.record_count == 0:
            return True
        return (slot.operation == operation and slot.event == 0
                and slot.record_count + <u32>count <= BATCH_EVENTS_MAX
                and slot.payloads_bytes + <u64>payload_bytes <= PAYLOADS_MAX)

    def add(self, operation, rows, payloads, offsets):
        """Copy a submission into the slot in hand; return (slot number, first record).

        *rows*: records of the operation. *payloads* and *offsets* (u4[n + 1], from 0) or None.
        """
        cdef Slot* slot = self.filling()
        cdef const u8[::1] view = rows.view(np.uint8)
        cdef u32 size = record_bytes(operation)
        cdef u32 count = <u32>(view.shape[0] // size)
        cdef u32 first = slot.record_count
        cdef u32 index
        cdef const u8[::1] bytes_view
        cdef const u32[::1] offsets_view
        if first == 0:
            slot.operation = operation
            slot.event = 0
            slot.has_payloads = False
            slot.payloads_bytes = 0
            slot.note_bytes = 0
            slot.offsets[0] = 0
        if count:
            memcpy(slot.records + <u64>first * size, &view[0], view.shape[0])
        if payloads is not None:
            offsets_view = offsets
            slot.has_payloads = True
            for index in range(count):
                slot.offsets[first + index + 1] = slot.payloads_bytes + offsets_view[index + 1]
            if len(payloads):
                bytes_view = payloads
                memcpy(slot.payloads + slot.payloads_bytes, &bytes_view[0],
                       offsets_view[count])
            slot.payloads_bytes += offsets_view[count]
        else:
            for index in range(count):
                slot.offsets[first + index + 1] = slot.payloads_bytes
        slot.record_count = first + count
        return self.sealed, first

    def seal(self, now, operation=None, event=0, note=b""):
        """Send the slot in hand on its way; *operation* is given for one without records."""
        cdef Slot* slot = self.filling()
        cdef const u8* text = note
        if slot.record_count == 0:
            slot.operation = operation
            slot.has_payloads = False
            slot.payloads_bytes = 0
        slot.event = event
        slot.now = now
        slot.note_bytes = <u32>len(note)
        memcpy(slot.note, text, len(note))
        with nogil:
            pthread_mutex_lock(&self.lock)
            self.sealed += 1
            pthread_cond_broadcast(&self.changed)
            pthread_mutex_unlock(&self.lock)

    # --- the two loops, each on a thread of its own ------------------------------------------

    def run_apply(self):
        """Apply sealed batches until told to stop."""
        cdef Slot* slot
        try:
            with nogil:
                while True:
                    pthread_mutex_lock(&self.lock)
                    while self.applied == self.sealed and not self.stopping:
                        pthread_cond_wait(&self.changed, &self.lock)
                    if self.applied == self.sealed or self.failure:
                        pthread_mutex_unlock(&self.lock)
                        break
                    slot = &self.slots[self.applied % SLOTS]
                    pthread_mutex_unlock(&self.lock)
                    self.apply_slot(slot)
                    pthread_mutex_lock(&self.lock)
                    self.applied += 1
                    pthread_cond_broadcast(&self.changed)
                    pthread_mutex_unlock(&self.lock)
        except BaseException as error:
            self.failure_text = str(error)
            self.fail(-1)

    cdef int apply_slot(self, Slot* slot) except -1 nogil:
        """Score and apply one batch; its outcome goes into the slot."""
        cdef Pieces pieces
        cdef u64 base, started
        cdef u32 index
        started = payvand_ticks()
        pieces.operation = slot.operation
        pieces.event = slot.event
        pieces.record_count = slot.record_count
        pieces.records = slot.records
        pieces.decisions = NULL
        pthread_mutex_lock(&self.books_lock)
        try:
            base = max(slot.now, self.ledger.books.timestamp)
            slot.timestamp = base + slot.record_count
            if slot.operation == OPERATION_CREATE_TRANSFERS:
                self.stage.decide(<const Transfer*>slot.records, slot.record_count,
                                  slot.timestamp, slot.decisions)
                pieces.decisions = slot.decisions
            apply_pieces(&self.ledger.books, &pieces, base, slot.results)
            for index in range(slot.record_count):
                slot.statuses[index] = slot.results[index].status
            if slot.operation == OPERATION_CREATE_TRANSFERS:
                self.stage.observe(<const Transfer*>slot.records, slot.statuses,
                                   slot.record_count, slot.timestamp, True)
            slot.sequence = self.journal_base + self.applied + 1
            pieces.sequence = slot.sequence
            pieces.timestamp = slot.timestamp
            pieces.statuses = slot.statuses
            pieces.resolved = self.ledger.books.resolved
            pieces.resolved_count = self.ledger.books.resolved_count
            pieces.expired = self.ledger.books.expired
            pieces.expired_count = self.ledger.books.expired_count
            pieces.payload_offsets = slot.offsets if slot.has_payloads else NULL
            pieces.payloads = slot.payloads
            pieces.note = slot.note
            pieces.note_bytes = slot.note_bytes
            # The chain value of the frame before is filled in when that frame is written.
            slot.frame_bytes = frame_encode(&pieces, NULL_CHAIN, slot.frame, FRAME_MAX)
            slot.next_due = next_due(&self.ledger.books)
        finally:
            pthread_mutex_unlock(&self.books_lock)
        slot.applied_ns = payvand_ticks() - started
        return 0
