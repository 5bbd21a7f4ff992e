"""Applying a frame to the books, the first time and again: one way for both.

A replay must give what was journaled: the same status for every event, the same reservations
expired, the same amounts moved. Where it doesn't, the program or the journal is not what it was.
"""

import numpy as np

from payvand.core import records
from payvand.core.errors import ReplayDiffers

from libc.string cimport memcmp

from payvand.core.accounts cimport create_accounts, set_limits
from payvand.core.books cimport books_reserve
from payvand.core.entry_log cimport EntryLog
from payvand.core.expiry cimport expire
from payvand.core.frame cimport Frame
from payvand.core.ledger cimport Ledger
from payvand.core.quota_table cimport end_period, quotas_reserve
from payvand.core.quotas cimport set_quotas
from payvand.core.store cimport place_of_frame
from payvand.core.transfers cimport create_transfers
from payvand.core.types cimport *


cdef u32 apply_pieces(Books* books, const Pieces* pieces, u64 base,
                      Result* results) except? 0xFFFFFFFE nogil:
    """Let time pass to *base*, then apply a batch (in: pieces; out: results)."""
    cdef u32 count = pieces.record_count
    if pieces.operation == OPERATION_CREATE_ACCOUNTS:
        books_reserve(books, count, 0)
    elif pieces.operation == OPERATION_CREATE_TRANSFERS:
        books_reserve(books, 0, count)
    elif pieces.operation == OPERATION_SET_QUOTAS:
        quotas_reserve(&books.quotas, count)
    books.resolved_count = 0
    expire(books, base)
    books.timestamp = base
    if pieces.operation == OPERATION_CREATE_ACCOUNTS:
        create_accounts(books, <const Account*>pieces.records, count, base, results)
    elif pieces.operation == OPERATION_CREATE_TRANSFERS and count:
        create_transfers(books, <const Transfer*>pieces.records, pieces.decisions, count, base,
                         results)
    elif pieces.operation == OPERATION_SET_LIMITS:
        set_limits(books, <const Limit*>pieces.records, count, base, results)
    elif pieces.operation == OPERATION_SET_QUOTAS:
        set_quotas(books, <const Quota*>pieces.records, count, base, results)
    if pieces.event:
        end_period(&books.quotas, pieces.event)
    return count


cdef int replay_pieces(Books* books, Stage stage, const Pieces* pieces,
                       Result* results) except -1 nogil:
    """Apply a journaled frame and hold the outcome against the one journaled with it."""
    cdef u32 index
    cdef u64 base = pieces.timestamp - pieces.record_count
    if base < books.timestamp:
        with gil:
            raise ReplayDiffers(f"frame {pieces.sequence}: time went backwards",
                                hint="run `payvand verify` on the data folder")
    apply_pieces(books, pieces, base, results)
    books.sequence = pieces.sequence
    if books.store != NULL and books.store.fault or books.past != NULL and books.past.fault:
        return 0                # the outcome is void; `check_past` says why
    for index in range(pieces.record_count):
        if results[index].status != pieces.statuses[index]:
            with gil:
                raise ReplayDiffers(
                    f"frame {pieces.sequence}, event {index}: status {results[index].status} "
                    f"where {pieces.statuses[index]} was journaled",
                    hint="run the version that wrote the journal, and report this")
    if (books.expired_count != pieces.expired_count
            or memcmp(books.expired, pieces.expired, pieces.expired_count * sizeof(Expired))
            or (pieces.operation == OPERATION_CREATE_TRANSFERS
                and (books.resolved_count != pieces.resolved_count
                     or memcmp(books.resolved, pieces.resolved,
                               pieces.resolved_count * sizeof(Resolved))))):
        with gil:
            raise ReplayDiffers(
                f"frame {pieces.sequence}: other expiries or amounts than journaled",
                hint="run the version that wrote the journal, and report this")
    if pieces.operation == OPERATION_CREATE_TRANSFERS:
        observe_pieces(stage, pieces)
    return 0


cdef void observe_pieces(Stage stage, const Pieces* pieces) noexcept nogil:
    """Show a stage a journaled frame of transfers."""
    stage.observe(<const Transfer*>pieces.records, pieces.decisions, pieces.statuses,
                  pieces.record_count, pieces.timestamp, False)


def replay(Ledger ledger, Stage stage, frames):
    """Apply journaled frames, in order, to a ledger and a stage; return the last sequence.

    Raises ReplayDiffers where a frame's outcome is not the one journaled with it.
    """
    cdef Frame frame
    cdef u64 sequence = 0
    scratch = np.zeros(BATCH_EVENTS_MAX, records.RESULT)
    cdef u8[::1] results = scratch.view(np.uint8)
    for frame in frames:
        with nogil:
            replay_pieces(&ledger.books, stage, &frame.pieces, <Result*>&results[0])
        sequence = frame.pieces.sequence
    return sequence


def replay_journal(Ledger ledger, Stage stage, placed_frames):
    """Apply frames that come with their places; return how many bytes they have.

    The ledger reads old transfers from where they stand. Raises ReplayDiffers, and whatever the
    iteration raises.
    """
    cdef Frame frame
    cdef EntryLog entries = ledger.entry_log
    cdef u64 segment, offset
    cdef u64 size = 0
    scratch = np.zeros(BATCH_EVENTS_MAX, records.RESULT)
    cdef u8[::1] results = scratch.view(np.uint8)
    for frame, (segment, offset) in placed_frames:
        size += <u64>len(frame.raw)
        with nogil:
            ledger.lock_with_room(frame.pieces.record_count)
        try:
            if entries is not None:
                entries.begin_frame(frame.pieces.sequence)
            with nogil:
                replay_pieces(&ledger.books, stage, &frame.pieces, <Result*>&results[0])
                ledger.check_past()
                if (frame.pieces.operation == OPERATION_CREATE_TRANSFERS
                        and frame.pieces.record_count):
                    ledger.note_place(ledger.books.spans_count - 1,
                                      place_of_frame(segment, offset))
            if entries is not None:
                entries.end_frame(&frame.pieces)
                entries.note_place(frame.pieces.sequence, place_of_frame(segment, offset))
        finally:
            ledger.unlock()
    return size


def observe_journal(Stage stage, reader, last):
    """Show a stage the frames of a JournalReader again, up to the sequence *last*."""
    cdef Frame frame
    for frame in reader:
        if frame.sequence > last:
            break
        if frame.pieces.operation == OPERATION_CREATE_TRANSFERS:
            with nogil:
                observe_pieces(stage, &frame.pieces)
