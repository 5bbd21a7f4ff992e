"""Sums of postings by account, from frames as they lie in the journal.

Netting ten million payments again is reading their bytes once: each record is looked at where it
lies, in a memory map of the segment, and its amount added to two rows of a small table. No object
is made of a record or of a frame, and the interpreter's lock is not held, so that segments are
added up side by side.

The table is open-addressed by account, at most half full; with the two accounts of some hundred
banks it stays in the first-level cache.
"""

from libc.stdlib cimport calloc, free

from payvand.core.frame cimport (
    FRAME_ABSENT, FRAME_GOOD, Frame, FrameFault, Pieces, Range, frame_check, frame_pieces,
)
from payvand.core.types cimport *

from payvand.settlement.windows import unnamed_accounts

cdef enum:
    SLOTS_AT_FIRST = 256
    NOT_POSTING = TRANSFER_FLAG_PENDING | TRANSFER_FLAG_VOID_PENDING_TRANSFER

# Why a scan stopped.
SCAN_END = 0        # the bytes end here, or there are only zeros left
SCAN_FRAME = 1      # the frame here opens accounts or has an event: it is the caller's
SCAN_FAULT = 2      # the bytes here are no good frame, or not the next one


cdef class PostingSums:
    """Add up what postings debit and credit, by account."""

    def __cinit__(self):
        self.slots = <Slot*>calloc(SLOTS_AT_FIRST, sizeof(Slot))
        if self.slots == NULL:
            raise MemoryError
        self.slots_count = SLOTS_AT_FIRST
        self.accounts_count = 0

    def __dealloc__(self):
        free(self.slots)

    def add(self, Frame frame not None):
        """Add the postings of a frame; raises ForeignRecord where one doesn't name its accounts."""
        cdef Added added
        with nogil:
            added = self.add_pieces(&frame.pieces)
        self._raise(added, frame.pieces.sequence)

    def scan(self, data, offset, sequence):
        """Add the frames of a segment's bytes from *offset*, the first being *sequence*, on.

        Returns (offset, sequence, SCAN_…) of where it stopped. Checksums of frames are checked,
        and that their numbers have no gap.
        """
        cdef const u8[::1] view = data
        cdef const u8* bytes_ = NULL
        cdef u64 size = view.shape[0]
        cdef u64 at = offset
        cdef u64 number = sequence
        cdef u64 length = 0
        cdef Range bad
        cdef FrameFault fault = FRAME_ABSENT
        cdef Added added = ADDED
        cdef Pieces pieces
        cdef int stopped = 0  # SCAN_END
        if size == 0:
            return offset, sequence, SCAN_END
        bytes_ = &view[0]
        with nogil:
            while at < size:
                fault = frame_check(bytes_ + at, size - at, &length, &bad)
                if fault == FRAME_ABSENT:
                    break
                if fault != FRAME_GOOD:
                    stopped = 2
                    break
                frame_pieces(bytes_ + at, &pieces)
                if pieces.sequence != number:
                    stopped = 2
                    break
                if pieces.event != 0 or pieces.operation == OPERATION_CREATE_ACCOUNTS:
                    stopped = 1
                    break
                added = self.add_pieces(&pieces)
                if added != ADDED:
                    break
                at += length
                number += 1
        self._raise(added, number)
        return at, number, stopped

    def take(self):
        """Return the sums so far as ({account: debits}, {account: credits}), and begin anew."""
        debits = {}
        credits = {}
        cdef u64 index
        cdef Slot* slot
        for index in range(self.slots_count):
            slot = &self.slots[index]
            if slot.taken:
                account = integer(slot.account)
                if slot.debits != 0:
                    debits[account] = integer(slot.debits)
                if slot.credits != 0:
                    credits[account] = integer(slot.credits)
                slot.debits = 0
                slot.credits = 0
        return debits, credits

    def _raise(self, added, sequence):
        if added == ADDED_UNNAMED:
            raise unnamed_accounts(sequence)
        if added == ADDED_NO_MEMORY:
            raise MemoryError

    cdef Added add_pieces(self, const Pieces* pieces) noexcept nogil:
        """Add the postings of a frame (in: pieces)."""
        cdef const Transfer* records = <const Transfer*>pieces.records
        cdef const Transfer* record
        cdef Slot* slot
        cdef u128 amount
        cdef u32 index
        cdef u32 resolved = 0
        if pieces.operation != OPERATION_CREATE_TRANSFERS:
            return ADDED
        for index in range(pieces.record_count):
            if pieces.statuses[index] != CREATED or records[index].flags & NOT_POSTING:
                continue
            record = &records[index]
            if record.debit_account_id == 0:
                return ADDED_UNNAMED
            amount = record.amount
            while resolved < pieces.resolved_count and pieces.resolved[resolved].index < index:
                resolved += 1
            if resolved < pieces.resolved_count and pieces.resolved[resolved].index == index:
                amount = pieces.resolved[resolved].amount
            slot = self.slot_of(record.debit_account_id)
            if slot == NULL:
                return ADDED_NO_MEMORY
            slot.debits += amount
            slot = self.slot_of(record.credit_account_id)
            if slot == NULL:
                return ADDED_NO_MEMORY
            slot.credits += amount
        return ADDED

    cdef Slot* slot_of(self, u128 account) noexcept nogil:
        """Return the place of an account, taken for it where it is new; NULL without memory."""
        cdef u64 place
        cdef Slot* slot
        if self.accounts_count * 2 >= self.slots_count and not self.grow():
            return NULL
        place = place_of(account)
        while True:
            slot = &self.slots[place & (self.slots_count - 1)]
            if slot.taken and slot.account == account:
                return slot
            if not slot.taken:
                slot.taken = True
                slot.account = account
                self.accounts_count += 1
                return slot
            place += 1

    cdef bint grow(self) noexcept nogil:
        """Double the table; False without memory."""
        cdef u64 old_count = self.slots_count
        cdef Slot* old = self.slots
        cdef Slot* fresh = <Slot*>calloc(old_count * 2, sizeof(Slot))
        cdef u64 index, place
        if fresh == NULL:
            return False
        for index in range(old_count):
            if old[index].taken:
                place = place_of(old[index].account)
                while fresh[place & (old_count * 2 - 1)].taken:
                    place += 1
                fresh[place & (old_count * 2 - 1)] = old[index]
        free(old)
        self.slots = fresh
        self.slots_count = old_count * 2
        return True


cdef inline u64 place_of(u128 account) noexcept nogil:
    """Spread an account over the table."""
    cdef u64 mixed = (<u64>account ^ <u64>(account >> 64)) * <u64>0x9E3779B97F4A7C15
    return mixed >> 32


cdef object integer(u128 value):
    return (int(<u64>(value >> 64)) << 64) | int(<u64>value)
