"""The payments that velocity limits count: a log in the order of time, and windows over it.

See `velocity.pxd` for the structure and its cost. Nothing here decides; nothing reads a clock.
"""

import hashlib
import os

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcmp, memcpy, memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.index cimport (
    hash_id, index_close, index_find, index_insert, index_likely_row, index_open, index_prefetch,
    index_remove, index_reserve, prefetch,
)
from payvand.core.types cimport Transfer, u8, u32, u64, u128

assert sizeof(Entry) == 48 and sizeof(Row) == 32 and sizeof(Window) == 24

# What stands before the log and the rows where the state is saved.
cdef packed struct Kept:
    WindowShape shapes[WINDOWS_MAX]
    u32 windows_count
    u32 payments_max
    u32 oldest
    u32 payments
    u32 rows_used
    u32 rows_free
    u64 forgotten

cdef u64 AMOUNT_MAX = <u64>-1


cdef class Velocity:
    """Count payments per account in sliding windows, exactly."""

    def __cinit__(self, windows, payments_max):
        assert len(windows) <= WINDOWS_MAX
        if not 0 < payments_max <= 1 << 30 or payments_max & (payments_max - 1):
            raise ValueError(f"payments_max must be a power of two up to 2**30, got {payments_max}")
        cdef u32 place
        for place, window in enumerate(windows):
            self.shapes[place].width_ns = window.width_ns
            self.shapes[place].count_max = window.count_max
            self.shapes[place].ledger = window.ledger
            self.shapes[place].codes = window.codes
        self.windows_count = len(windows)
        self.payments_max = payments_max
        self.row_bytes = sizeof(Row) + self.windows_count * sizeof(Window)
        self.rows_free = NONE
        # Which slot of an index a key falls on is chance; nothing else depends on the seed.
        index_open(&self.ids, int.from_bytes(os.urandom(8), "little"))
        index_open(&self.accounts, int.from_bytes(os.urandom(8), "little"))
        if self.windows_count:
            self.entries = <Entry*>arena_open(<u64>self.payments_max * sizeof(Entry))
            self.rows = <u8*>arena_open(<u64>self.payments_max * self.row_bytes)
            index_reserve(&self.ids, self.payments_max)
            index_reserve(&self.accounts, self.payments_max)

    def __dealloc__(self):
        arena_close(self.entries, <u64>self.payments_max * sizeof(Entry))
        arena_close(self.rows, <u64>self.payments_max * self.row_bytes)
        index_close(&self.ids)
        index_close(&self.accounts)

    # --- what the stage asks -----------------------------------------------------------------

    cdef bint knows(self, u128 id) noexcept nogil:
        """Tell whether a payment is in the log: then this is a retry of it."""
        return index_find(&self.ids, <u8*>self.entries, sizeof(Entry), id,
                          hash_id(id, self.ids.seed)) != NONE

    cdef u32 matching(self, const Transfer* payment) noexcept nogil:
        """Return the windows that would count a payment, a bit for each."""
        cdef u32 window, matching = 0
        for window in range(self.windows_count):
            if (self.shapes[window].codes >> payment.code & 1
                    and self.shapes[window].ledger in (0, payment.ledger)):
                matching |= <u32>1 << window
        return matching

    cdef u32 slide(self, u64 account, u64 timestamp) noexcept nogil:
        """Let what is too old leave the windows of an account; return its row or NONE.

        A window of width W counts at t what came after t - W.
        """
        cdef u32 row = index_find(&self.accounts, self.rows, self.row_bytes, account,
                                  hash_id(account, self.accounts.seed))
        cdef u32 place
        cdef Window* window
        if row == NONE:
            return row
        for place in range(self.windows_count):
            window = self.windows_of(row) + place
            while (window.oldest != NONE and timestamp - self.entries[window.oldest].timestamp
                   >= self.shapes[place].width_ns):
                self.leave(window, <u32>1 << place)
        return row

    cdef void count(self, const Transfer* payment, u64 timestamp, u32 row) noexcept nogil:
        """Enter a payment into the log and its account's windows; *row* is what `slide` gave."""
        cdef u32 position, place
        cdef u32 matching = self.matching(payment)
        cdef Entry* entry
        cdef Row* head
        cdef Window* window
        if self.payments == self.payments_max:
            if row != NONE and self.oldest == (<Row*>self.windows_of(row) - 1).newest:
                row = NONE  # the payment to be forgotten is the only one of this account
            self.forget_oldest(timestamp)
        if row == NONE:
            row = self.open_row(payment.user_data_64)
        position = (self.oldest + self.payments) & (self.payments_max - 1)
        entry = &self.entries[position]
        entry.id = payment.id
        entry.timestamp = timestamp
        # No limit reaches this far, so a greater amount is over every limit just the same.
        entry.amount = AMOUNT_MAX if payment.amount > AMOUNT_MAX else <u64>payment.amount
        entry.row = row
        entry.next = NONE
        entry.windows = matching
        index_insert(&self.ids, hash_id(entry.id, self.ids.seed), position)
        self.payments += 1
        head = <Row*>self.windows_of(row) - 1
        if head.oldest == NONE:
            head.oldest = position
        else:
            self.entries[head.newest].next = position
        head.newest = position
        for place in range(self.windows_count):
            if not matching >> place & 1:
                continue
            window = self.windows_of(row) + place
            if window.count == self.shapes[place].count_max:
                self.leave(window, <u32>1 << place)
            if window.count == 0:
                window.oldest = position
            window.count += 1
            window.sum += entry.amount

    cdef inline Window* windows_of(self, u32 row) noexcept nogil:
        """Return the windows of an account's row; they stand behind its head."""
        return <Window*>(self.rows + <u64>row * self.row_bytes + sizeof(Row))

    cdef void prefetch_slots(self, const Transfer* payment, u32 ahead) noexcept nogil:
        """Ask for the index slots of a payment that is some events *ahead*.

        In a full log also for what will be forgotten by then.
        """
        cdef const Entry* leaving
        index_prefetch(&self.ids, hash_id(payment.id, self.ids.seed))
        index_prefetch(&self.accounts, hash_id(payment.user_data_64, self.accounts.seed))
        if self.payments == self.payments_max:
            leaving = &self.entries[(self.oldest + ahead) & (self.payments_max - 1)]
            index_prefetch(&self.ids, hash_id(leaving.id, self.ids.seed))
            prefetch(self.rows + <u64>leaving.row * self.row_bytes)
            prefetch(self.rows + <u64>leaving.row * self.row_bytes + 64)

    cdef void prefetch_rows(self, const Transfer* payment) noexcept nogil:
        """Ask for the row of a payment's account, whose slot has come by now."""
        cdef u32 row = index_likely_row(
            &self.accounts, hash_id(payment.user_data_64, self.accounts.seed))
        if row != NONE:
            prefetch(self.rows + <u64>row * self.row_bytes)
            prefetch(self.rows + <u64>row * self.row_bytes + 64)

    # --- the structure -----------------------------------------------------------------------

    cdef void leave(self, Window* window, u32 bit) noexcept nogil:
        """Take the oldest payment out of a window that holds one."""
        cdef Entry* entry = &self.entries[window.oldest]
        cdef u32 position = entry.next
        window.sum -= entry.amount
        window.count -= 1
        while position != NONE and not self.entries[position].windows & bit:
            position = self.entries[position].next
        window.oldest = position

    cdef void forget_oldest(self, u64 timestamp) noexcept nogil:
        """Make room in the full log."""
        cdef u32 position = self.oldest
        cdef Entry* entry = &self.entries[position]
        cdef u32 row = entry.row
        cdef Window* windows = self.windows_of(row)
        cdef Row* head = <Row*>windows - 1
        cdef u32 place
        cdef bint counted = False
        for place in range(self.windows_count):
            if windows[place].oldest == position:
                if timestamp - entry.timestamp < self.shapes[place].width_ns:
                    counted = True
                self.leave(&windows[place], <u32>1 << place)
        self.forgotten += counted
        index_remove(&self.ids, hash_id(entry.id, self.ids.seed), position)
        head.oldest = entry.next
        if head.oldest == NONE:
            self.free_row(row)
        self.oldest = (position + 1) & (self.payments_max - 1)
        self.payments -= 1

    cdef u32 open_row(self, u64 account) noexcept nogil:
        """Give an account a row."""
        cdef u32 row = self.rows_free
        cdef u32 place
        cdef Row* head
        if row == NONE:
            row = self.rows_used
            self.rows_used += 1
            head = <Row*>self.windows_of(row) - 1
        else:
            head = <Row*>self.windows_of(row) - 1
            self.rows_free = head.oldest
        head.account = account
        head.oldest = NONE
        head.newest = NONE
        for place in range(self.windows_count):
            self.windows_of(row)[place] = Window(0, NONE, 0)
        index_insert(&self.accounts, hash_id(account, self.accounts.seed), row)
        return row

    cdef void free_row(self, u32 row) noexcept nogil:
        """Take back the row of an account that has no payment in the log."""
        cdef Row* head = <Row*>self.windows_of(row) - 1
        index_remove(&self.accounts, hash_id(head.account, self.accounts.seed), row)
        head.oldest = self.rows_free
        self.rows_free = row

    # --- keeping -----------------------------------------------------------------------------

    cdef bytes save(self):
        """Return the log and the rows, as they stand, under the windows' shapes."""
        cdef Kept kept
        cdef u64 rows_bytes = <u64>self.rows_used * self.row_bytes
        cdef bytes state
        cdef u8* out
        cdef u32 first = min(self.payments, self.payments_max - self.oldest)
        memset(&kept, 0, sizeof(kept))
        memcpy(kept.shapes, self.shapes, sizeof(kept.shapes))
        kept.windows_count, kept.payments_max = self.windows_count, self.payments_max
        kept.oldest, kept.payments = self.oldest, self.payments
        kept.rows_used, kept.rows_free = self.rows_used, self.rows_free
        kept.forgotten = self.forgotten
        state = PyBytes_FromStringAndSize(
            NULL, sizeof(kept) + self.payments * sizeof(Entry) + rows_bytes)
        out = <u8*>PyBytes_AS_STRING(state)
        memcpy(out, &kept, sizeof(kept))
        out += sizeof(kept)
        if self.payments:
            memcpy(out, &self.entries[self.oldest], first * sizeof(Entry))
            memcpy(out + first * sizeof(Entry), self.entries,
                   (self.payments - first) * sizeof(Entry))
            memcpy(out + self.payments * sizeof(Entry), self.rows, rows_bytes)
        return state

    cdef bint load(self, bytes state) except -1:
        """Take over what `save` returned, into an empty log; False where the shapes are others."""
        cdef const u8* saved = state
        cdef const Kept* kept = <const Kept*>saved
        cdef u32 place, position, first
        cdef Entry* entry
        if (<u64>len(state) < sizeof(Kept) or kept.windows_count != self.windows_count
                or kept.payments_max != self.payments_max
                or memcmp(kept.shapes, self.shapes, sizeof(kept.shapes))):
            return False
        saved += sizeof(Kept)
        self.oldest, self.payments = kept.oldest, kept.payments
        self.rows_used, self.rows_free = kept.rows_used, kept.rows_free
        self.forgotten = kept.forgotten
        if self.payments == 0:
            return True
        first = min(self.payments, self.payments_max - self.oldest)
        memcpy(&self.entries[self.oldest], saved, first * sizeof(Entry))
        memcpy(self.entries, saved + first * sizeof(Entry),
               (self.payments - first) * sizeof(Entry))
        memcpy(self.rows, saved + self.payments * sizeof(Entry),
               <u64>self.rows_used * self.row_bytes)
        for place in range(self.payments):
            position = (self.oldest + place) & (self.payments_max - 1)
            entry = &self.entries[position]
            index_insert(&self.ids, hash_id(entry.id, self.ids.seed), position)
            # An account is entered with the newest of its payments.
            if entry.next == NONE:
                index_insert(&self.accounts, hash_id(
                    (<Row*>self.windows_of(entry.row) - 1).account, self.accounts.seed), entry.row)
        return True

    # --- reading -----------------------------------------------------------------------------

    @property
    def payments_kept(self):
        """How many payments the log holds."""
        return self.payments

    @property
    def accounts_kept(self):
        """How many accounts have a payment in the log."""
        return self.accounts.used

    @property
    def bytes_per_payment(self):
        """The bytes that a payment takes at most: its log entry, row and index slots."""
        return sizeof(Entry) + self.row_bytes + 2 * 16

    def digest(self):
        """Return SHA-256 over the log and all windows: equal for equal histories, 32 bytes."""
        sha = hashlib.sha256(self.forgotten.to_bytes(8, "little"))
        cdef u32 place, position, row
        cdef Entry entry
        for place in range(self.payments):
            position = (self.oldest + place) & (self.payments_max - 1)
            entry = self.entries[position]
            row = entry.row
            sha.update((<u8*>&entry)[:32])
            sha.update(entry.windows.to_bytes(4, "little"))
            if (<Row*>self.windows_of(row) - 1).newest == position:
                sha.update(self.row_bytes_of(row))
        return sha.digest()

    cdef bytes row_bytes_of(self, u32 row):
        """Return what a row says, free of positions."""
        cdef Row* head = <Row*>self.windows_of(row) - 1
        cdef Window* window
        cdef u32 place
        parts = [(<u8*>&head.account)[:16]]
        for place in range(self.windows_count):
            window = self.windows_of(row) + place
            oldest = (0 if window.oldest == NONE
                      else 1 + ((window.oldest - self.oldest) & (self.payments_max - 1)))
            parts.append((<u8*>&window.sum)[:16])
            parts.append(oldest.to_bytes(4, "little"))
            parts.append(window.count.to_bytes(4, "little"))
        return b"".join(parts)
