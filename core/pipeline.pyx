"""The commit pipeline: batches go through scoring, ledger and journal without the GIL.

    fill ── seal ──► apply ──► encode ──► chain ──► write + fdatasync ── wake ──► release
    the caller       scoring,             checksums,    frame N, while N + 1       the caller
                     ledger               SHA-256       is chained, N + 2 applied

Each worker carries one batch all the way; a stage admits batches in their order, one at a time. So
a batch that comes alone changes hands once, and under load the three stages overlap. A ring of
slots holds the batches and owns their buffers: nothing is allocated once it runs. One caller fills
and releases, from one thread.
"""

import numpy as np

from payvand.core import records
from payvand.core.frame import Frame
from payvand.core.limits import FRAME_BYTES_MAX, NOTE_BYTES_MAX, PAYLOADS_BYTES_MAX

from libc.string cimport memcpy, memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.books cimport Books
from payvand.core.frame cimport (
    FRAME_ALIGNMENT, Pieces, frame_encode, frame_head_bytes, frame_pieces, frame_seal, record_bytes,
)
from payvand.core.ids cimport NO_TRANSFER
from payvand.core.replay cimport apply_pieces
from payvand.core.reservations cimport next_due
from payvand.core.threads cimport *
from payvand.core.types cimport *

cdef extern from "<unistd.h>" nogil:
    """
    #include <unistd.h>
    static void payvand_wake(int fd) {
        unsigned long long one = 1;
        ssize_t done = write(fd, &one, sizeof one);
        (void)done;     /* a full eventfd is awake already */
    }
    """
    void payvand_wake(int fd)

cdef u64 WATCH_NS = 50_000          # a worker without a batch stays awake so long
cdef u64 LINGER_NS = 200_000        # the caller waits so long, at most, for a batch of a few
cdef u32 LINGER_EVENTS = 64
cdef u64 PAYLOADS_MAX = PAYLOADS_BYTES_MAX
cdef u64 NOTE_MAX = NOTE_BYTES_MAX
cdef u64 FRAME_MAX = FRAME_BYTES_MAX
cdef u64 HEAD_ROOM = 1 << 18        # more than the head of any frame, and a block
cdef u64 WORDS_BYTES = (BATCH_EVENTS_MAX + 2) * sizeof(u32)
cdef u64 RESULTS_BYTES = BATCH_EVENTS_MAX * sizeof(Result)
cdef u64 AFTER_BYTES = BATCH_EVENTS_MAX * sizeof(After)


cdef bint is_imported(u16 operation, const u8* record) noexcept nogil:
    if operation == OPERATION_CREATE_ACCOUNTS:
        return (<const Account*>record).flags & ACCOUNT_FLAG_IMPORTED != 0
    if operation == OPERATION_CREATE_TRANSFERS:
        return (<const Transfer*>record).flags & TRANSFER_FLAG_IMPORTED != 0
    return False


cdef bint is_linked(u16 operation, const u8* record) noexcept nogil:
    if operation == OPERATION_CREATE_ACCOUNTS:
        return (<const Account*>record).flags & ACCOUNT_FLAG_LINKED != 0
    if operation == OPERATION_CREATE_TRANSFERS:
        return (<const Transfer*>record).flags & TRANSFER_FLAG_LINKED != 0
    return False


cdef class Pipeline:
    """Own the slots, and the stages through which workers carry them."""

    def __cinit__(self, Ledger ledger, Stage stage, Journal journal, bytes chain, int wake_fd):
        cdef Slot* slot
        cdef int index
        self.ledger, self.stage, self.journal, self.wake_fd = ledger, stage, journal, wake_fd
        self.base = ledger.books.sequence = journal.sequence
        self.entries = ledger.entry_log
        if self.entries is not None:
            self.entries.begin_frame(self.base + 1)
        memcpy(self.chain, <const u8*>chain, 32)
        pthread_mutex_init(&self.lock, NULL)
        pthread_cond_init(&self.sealed, NULL)
        for index in range(SLOTS):
            slot = &self.slots[index]
            pthread_cond_init(&slot.moved, NULL)
            slot.payloads = <u8*>arena_open(PAYLOADS_MAX)
            slot.note = <u8*>arena_open(NOTE_MAX)
            slot.buffer = <u8*>arena_open(HEAD_ROOM + FRAME_MAX)
            slot.offsets = <u32*>arena_open(WORDS_BYTES)
            slot.decisions = <u32*>arena_open(WORDS_BYTES)
            slot.statuses = <u32*>arena_open(WORDS_BYTES)
            slot.results = <Result*>arena_open(RESULTS_BYTES)
            slot.resolved = <Resolved*>arena_open(BATCH_EVENTS_MAX * sizeof(Resolved))
            slot.expired = <Expired*>arena_open(EXPIRED_MAX * sizeof(Expired))
            slot.after = <After*>arena_open(AFTER_BYTES)

    def __dealloc__(self):
        cdef Slot* slot
        cdef int index
        for index in range(SLOTS):
            slot = &self.slots[index]
            arena_close(slot.payloads, PAYLOADS_MAX)
            arena_close(slot.note, NOTE_MAX)
            arena_close(slot.buffer, HEAD_ROOM + FRAME_MAX)
            arena_close(slot.offsets, WORDS_BYTES)
            arena_close(slot.decisions, WORDS_BYTES)
            arena_close(slot.statuses, WORDS_BYTES)
            arena_close(slot.results, RESULTS_BYTES)
            arena_close(slot.resolved, BATCH_EVENTS_MAX * sizeof(Resolved))
            arena_close(slot.expired, EXPIRED_MAX * sizeof(Expired))
            arena_close(slot.after, AFTER_BYTES)

    # --- the caller's side: fill, seal, release ----------------------------------------------

    cdef Slot* slot_in_hand(self) noexcept nogil:
        return &self.slots[self.filled % SLOTS]

    @property
    def has_room(self):
        """True while there is a slot to fill."""
        return self.filled - self.released < SLOTS

    @property
    def under_way(self):
        """How many sealed batches are not durable yet."""
        return self.filled - self.written

    @property
    def records_in_hand(self):
        """How many records the slot in hand holds."""
        return self.slot_in_hand().record_count if self.has_room else 0

    @property
    def ticket(self):
        """The number of the batch in hand: batches are numbered in order, from 0."""
        return self.filled

    @property
    def applied_sequence(self):
        """The sequence of the last batch that the ledger holds; read it under `lock_books`."""
        return self.ledger.books.sequence

    @property
    def durable(self):
        """The sequence of the last frame on stable storage."""
        return self.base + self.written

    @property
    def batches_durable(self):
        """How many of the batches are on stable storage: those with a lower ticket."""
        return self.written

    @property
    def failed(self):
        """What stopped the pipeline: an errno of the journal, an exception, or None."""
        if self.failure > 0:
            return self.failure
        return self.fault if self.failure else None

    def fits(self, operation, rows, payloads_bytes):
        """Tell whether a submission may join the batch in hand.

        A chain that a submission leaves open must end with it, and whether a batch is imported is
        told by its first event: so such submissions keep apart from others'.
        """
        cdef Slot* slot = self.slot_in_hand()
        cdef const u8[::1] view = rows.view(np.uint8)
        if not self.has_room:
            return False
        if slot.record_count == 0:
            return True
        return (slot.operation == operation
                and not slot.open_chain
                and is_imported(operation, slot.records) == is_imported(operation, &view[0])
                and slot.record_count + <u32>len(rows) <= BATCH_EVENTS_MAX
                and slot.payloads_bytes + <u64>payloads_bytes <= PAYLOADS_MAX)

    def add(self, operation, rows, payloads=None, offsets=None, balances=False):
        """Copy a submission that fits into the batch in hand; return its first record's place.

        *rows*: records of the operation. *offsets*: u4[n + 1] into *payloads*, the first 0.
        *balances*: whether `balances` is to tell those behind each transfer.
        """
        cdef Slot* slot = self.slot_in_hand()
        cdef const u8[::1] view = rows.view(np.uint8)
        cdef u32 size = record_bytes(operation)
        cdef u32 count = <u32>(view.shape[0] // size)
        cdef u32 first = slot.record_count
        cdef u32 index
        cdef const u8[::1] bytes_view
        cdef const u32[::1] offsets_view
        assert self.has_room and slot.record_count + count <= BATCH_EVENTS_MAX
        if first == 0:
            slot.operation = operation
            slot.wants_after = False
            slot.has_payloads = False
            slot.payloads_bytes = 0
            slot.offsets[0] = 0
            self.place_records(slot, count, len(payloads) if payloads is not None else -1)
        slot.wants_after |= <bint>balances
        if count:
            memcpy(slot.records + <u64>first * size, &view[0], view.shape[0])
        if payloads is not None:
            offsets_view = offsets
            slot.has_payloads = True
            for index in range(count):
                slot.offsets[first + index + 1] = slot.payloads_bytes + offsets_view[index + 1]
            if len(payloads):
                bytes_view = payloads
                memcpy(slot.payloads + slot.payloads_bytes, &bytes_view[0], offsets_view[count])
            slot.payloads_bytes += offsets_view[count]
        else:
            for index in range(count):
                slot.offsets[first + index + 1] = slot.payloads_bytes
        slot.record_count = first + count
        slot.open_chain = count > 0 and is_linked(
            operation, slot.records + <u64>(first + count - 1) * size)
        return first

    cdef void place_records(self, Slot* slot, u32 count, long long payloads_bytes) noexcept nogil:
        """Choose where the records of a batch begin: where the frame is likely to want them.

        If no other submission joins, its frame begins on a block boundary and nothing moves. A
        negative count of *payloads_bytes* stands for no payloads.
        """
        cdef Pieces likely
        cdef u64 head
        memset(&likely, 0, sizeof(Pieces))
        likely.operation = slot.operation
        likely.record_count = count
        slot.offsets[count] = <u32>max(payloads_bytes, <long long>0)
        likely.payload_offsets = slot.offsets if payloads_bytes >= 0 else NULL
        likely.decisions = (slot.decisions if slot.operation == OPERATION_CREATE_TRANSFERS
                            else NULL)
        head = frame_head_bytes(&likely)
        slot.records = (slot.buffer + (HEAD_ROOM - head) // FRAME_ALIGNMENT * FRAME_ALIGNMENT
                        + head)

    def seal(self, now, operation=None, event=0, note=b""):
        """Send the batch in hand on its way; *operation* is given for one without records."""
        cdef Slot* slot = self.slot_in_hand()
        cdef const u8* text = note
        if slot.record_count == 0:
            slot.operation = operation
            slot.wants_after = False
            slot.has_payloads = False
            slot.payloads_bytes = 0
            self.place_records(slot, 0, -1)
        slot.event = event
        slot.now = now
        slot.note_bytes = <u32>len(note)
        memcpy(slot.note, text, len(note))
        with nogil:
            pthread_mutex_lock(&self.lock)
            self.filled += 1
            if not self.watched:
                pthread_cond_signal(&self.sealed)
            pthread_mutex_unlock(&self.lock)

    def linger(self):
        """Wait for the batch sealed last, where it is small and the disk quick; True if durable.

        It saves the caller a sleep and a waking where a batch is alone. The wait is short and ends
        in any case; where this returns False, the caller is woken as ever.
        """
        cdef u64 ticket = self.filled - 1
        cdef Slot* slot = &self.slots[ticket % SLOTS]
        cdef bint durable
        if slot.record_count > LINGER_EVENTS or self.write_ns > LINGER_NS:
            return False
        with nogil:
            pthread_mutex_lock(&self.lock)
            self.lingered = self.written == ticket
            pthread_mutex_unlock(&self.lock)
            watch(&self.written, ticket, LINGER_NS)
            pthread_mutex_lock(&self.lock)
            self.lingered = False
            durable = self.written > ticket
            pthread_mutex_unlock(&self.lock)
        return durable

    cdef Slot* released_slot(self, u64 ticket) except NULL:
        assert self.released <= ticket < self.written, "not durable yet, or released already"
        return &self.slots[ticket % SLOTS]

    def outcome(self, ticket):
        """Return (sequence, timestamp, RESULT[n], decisions u4[n], RESOLVED[k]) of a batch."""
        cdef Slot* slot = self.released_slot(ticket)
        cdef Pieces pieces
        frame_pieces(slot.frame, &pieces)
        results = np.empty(slot.record_count, records.RESULT)
        decisions = np.zeros(slot.record_count if pieces.decisions != NULL else 0, np.uint32)
        resolved = np.zeros(pieces.resolved_count, records.RESOLVED)
        cdef u8[::1] out = results.view(np.uint8)
        if slot.record_count:
            memcpy(&out[0], slot.results, slot.record_count * sizeof(Result))
        if decisions.size:
            out = decisions.view(np.uint8)
            memcpy(&out[0], slot.decisions, slot.record_count * 4)
        if pieces.resolved_count:
            out = resolved.view(np.uint8)
            memcpy(&out[0], pieces.resolved, pieces.resolved_count * sizeof(Resolved))
        return slot.sequence, slot.timestamp, results, decisions, resolved

    def balances(self, ticket, first, count):
        """Return AFTER[count], those behind a part of a batch that asked; zeros where it failed."""
        cdef Slot* slot = self.released_slot(ticket)
        cdef u32 index
        cdef u32 begin = first
        after = np.zeros(count, records.AFTER)
        cdef u8[::1] out = after.view(np.uint8)
        assert slot.wants_after and begin + <u32>len(after) <= slot.record_count
        for index in range(<u32>len(after)):
            if slot.results[begin + index].status == CREATED:
                memcpy(&out[index * sizeof(After)], &slot.after[begin + index], sizeof(After))
        return after

    def frame(self, ticket):
        """Return the frame of a batch, as it stands in the journal."""
        cdef Slot* slot = self.released_slot(ticket)
        return Frame(<bytes>slot.frame[:slot.frame_bytes])

    def times(self, ticket):
        """Return (next expiry or 0, ns of scoring and ledger, ns of write and flush, records)."""
        cdef Slot* slot = self.released_slot(ticket)
        return slot.next_due, slot.apply_ns, slot.write_ns, slot.record_count

    def release(self):
        """Give back the slot of the oldest batch, which is durable."""
        self.released_slot(self.released).record_count = 0
        self.released += 1

    def lock_books(self):
        """Keep workers from the ledger's memory until `unlock_books`, for the caller to read it.

        Returns the sequence of the last batch in it: what was read is durable once `durable` has
        come as far.
        """
        with nogil:
            self.ledger.lock()
        return self.ledger.books.sequence

    def unlock_books(self):
        """Let workers go on."""
        self.ledger.unlock()

    # --- the workers' side -------------------------------------------------------------------

    def run(self):
        """Carry batches until `stop`; COMMIT_WORKERS threads do so side by side."""
        cdef u64 ticket
        try:
            with nogil:
                while self.take(&ticket):
                    self.carry(ticket)
        except BaseException as error:
            self.fault = error
            self.stop_for(-1)

    def stop(self):
        """Let the workers end once every sealed batch is durable."""
        with nogil:
            pthread_mutex_lock(&self.lock)
            self.stopping = True
            pthread_cond_broadcast(&self.sealed)
            pthread_mutex_unlock(&self.lock)

    cdef bint take(self, u64* ticket) noexcept nogil:
        """Wait for a batch and take it (out: ticket); False where there will be none."""
        cdef u64 seen
        cdef bint going
        cdef bint rested = False
        pthread_mutex_lock(&self.lock)
        while self.taken == self.filled and not self.stopping and not self.failure:
            if rested or self.watched:
                pthread_cond_wait(&self.sealed, &self.lock)
            else:
                self.watched = True
                seen = self.filled
                pthread_mutex_unlock(&self.lock)
                watch(&self.filled, seen, WATCH_NS)
                pthread_mutex_lock(&self.lock)
                self.watched = False
            rested = True
        going = self.taken < self.filled and not self.failure
        ticket[0] = self.taken
        if going:
            self.taken += 1
            if self.taken < self.filled:
                pthread_cond_signal(&self.sealed)
        pthread_mutex_unlock(&self.lock)
        return going

    cdef bint carry(self, u64 ticket) except -1 nogil:
        """Take a batch through the stages; return False where the pipeline has stopped."""
        cdef Slot* slot = &self.slots[ticket % SLOTS]
        cdef u64 started
        cdef int failure
        if not self.await_turn(&self.applied, ticket):
            return False
        self.apply(slot)
        self.finish(&self.applied)
        self.encode(slot)
        if not self.await_turn(&self.chained, ticket):
            return False
        frame_seal(slot.frame, slot.frame_bytes, self.chain)
        memcpy(slot.digest, self.chain, 32)
        self.finish(&self.chained)
        if not self.await_turn(&self.written, ticket):
            return False
        started = ticks()
        failure = self.journal.append(slot.frame, slot.frame_bytes, slot.sequence, slot.digest)
        slot.write_ns = self.write_ns = ticks() - started
        if failure:
            self.stop_for(failure)
            return False
        if slot.span != NO_TRANSFER:
            self.ledger.note_place(slot.span, self.journal.place)
        if self.entries is not None:
            self.entries.note_place(slot.sequence, self.journal.place)
        if not self.finish(&self.written):
            payvand_wake(self.wake_fd)
        self.ledger.look_for_snapshot(self.journal.written)
        return True

    cdef void encode(self, Slot* slot) noexcept nogil:
        """Make the frame of a batch round its records, or move them to where one can be written."""
        slot.frame = slot.records - frame_head_bytes(&slot.pieces)
        if (slot.frame - slot.buffer) % FRAME_ALIGNMENT:
            slot.frame = slot.buffer
        slot.frame_bytes = frame_encode(&slot.pieces, slot.frame, FRAME_MAX)

    cdef bint await_turn(self, const u64* count, u64 ticket) noexcept nogil:
        """Wait until a stage has done all batches before this one; False after a failure."""
        cdef bint going
        pthread_mutex_lock(&self.lock)
        while count[0] != ticket and not self.failure:
            pthread_cond_wait(&self.slots[ticket % SLOTS].moved, &self.lock)
        going = not self.failure
        pthread_mutex_unlock(&self.lock)
        return going

    cdef bint finish(self, u64* count) noexcept nogil:
        """Note that a stage has done its batch, and wake the worker whose turn it is now.

        Returns whether the caller lingers, and so sees it.
        """
        cdef bint lingered
        pthread_mutex_lock(&self.lock)
        count[0] += 1
        lingered = self.lingered
        pthread_cond_signal(&self.slots[count[0] % SLOTS].moved)
        pthread_mutex_unlock(&self.lock)
        return lingered

    cdef void stop_for(self, int failure) noexcept nogil:
        """Stop everything for good: after a failed write nobody knows what the disk holds."""
        cdef int index
        pthread_mutex_lock(&self.lock)
        if not self.failure:
            self.failure = failure
        pthread_cond_broadcast(&self.sealed)
        for index in range(SLOTS):
            pthread_cond_signal(&self.slots[index].moved)
        pthread_mutex_unlock(&self.lock)
        payvand_wake(self.wake_fd)

    cdef int apply(self, Slot* slot) except -1 nogil:
        """Score and apply one batch; its outcome goes into the slot."""
        cdef Pieces* pieces = &slot.pieces
        cdef Books* books = &self.ledger.books
        cdef u64 base
        cdef u64 started = ticks()
        cdef u32 index
        pieces.operation = slot.operation
        pieces.event = slot.event
        pieces.record_count = slot.record_count
        pieces.records = slot.records
        pieces.decisions = NULL
        self.ledger.lock_with_room(slot.record_count)
        try:
            base = max(slot.now, books.timestamp)
            slot.timestamp = base + slot.record_count
            if slot.operation == OPERATION_CREATE_TRANSFERS:
                self.stage.decide(<const Transfer*>slot.records, slot.record_count,
                                  slot.timestamp, slot.decisions)
                pieces.decisions = slot.decisions
            books.after = slot.after if slot.wants_after else NULL
            apply_pieces(books, pieces, base, slot.results)
            books.after = NULL
            self.ledger.check_past()
            slot.span = (books.spans_count - 1
                         if slot.operation == OPERATION_CREATE_TRANSFERS and slot.record_count
                         else NO_TRANSFER)
            for index in range(slot.record_count):
                slot.statuses[index] = slot.results[index].status
            if slot.operation == OPERATION_CREATE_TRANSFERS:
                self.stage.observe(<const Transfer*>slot.records, slot.decisions, slot.statuses,
                                   slot.record_count, slot.timestamp, True)
            books.sequence += 1
            slot.sequence = books.sequence
            self.describe(slot)
            if self.entries is not None:
                self.entries.end_frame(&slot.pieces)
            slot.next_due = next_due(&books.reservations)
        finally:
            self.ledger.unlock()
        slot.apply_ns = ticks() - started
        return 0

    cdef void describe(self, Slot* slot) noexcept nogil:
        """Note what the frame of a batch holds; it is encoded while the next batch is applied."""
        cdef Pieces* pieces = &slot.pieces
        cdef Books* books = &self.ledger.books
        pieces.sequence = slot.sequence
        pieces.timestamp = slot.timestamp
        pieces.statuses = slot.statuses
        pieces.resolved = slot.resolved
        pieces.resolved_count = books.resolved_count
        pieces.expired = slot.expired
        pieces.expired_count = books.expired_count
        pieces.payload_offsets = slot.offsets if slot.has_payloads else NULL
        pieces.payloads = slot.payloads
        pieces.note = slot.note
        pieces.note_bytes = slot.note_bytes
        memcpy(slot.resolved, books.resolved, books.resolved_count * sizeof(Resolved))
        memcpy(slot.expired, books.expired, books.expired_count * sizeof(Expired))
