"""The entries of the last stretch of the journal, in memory: see `entries.pxd`."""

import numpy as np

from payvand.core import records

from libc.string cimport memcpy, memset

from payvand.core.arena cimport arena_close, arena_open
from payvand.core.entries cimport (
    KEY_ACCOUNT_SHIFT, NO_ACCOUNT, NUMBER_BITS, Movement, Stand, entries_are_due,
    entries_end_frame, movement_at,
)
from payvand.core.store cimport (
    Event, place_of_event, raise_fault, store_close, store_open, store_read, store_read_expired,
)
from payvand.core.threads cimport *
from payvand.core.types cimport *

cdef extern from "<semaphore.h>" nogil:
    int sem_init(sem_t* semaphore, int shared, unsigned int value)
    int sem_post(sem_t* semaphore)
    int sem_wait(sem_t* semaphore)

cdef enum:
    BATCH_MOVEMENTS = BATCH_EVENTS_MAX + EXPIRED_MAX    # at most
    DIGIT_BITS_MAX = 11
    STRETCHES_MAX = 1 << 16
    STANDS_MAX = 1 << 17
    SEARCHED_AT_ONCE = 64       # movements

STRETCH = np.dtype(
    [("sequence", "<u8"), ("first", "<u8"), ("timestamp", "<u8"), ("last_created", "<u8"),
     ("place", "<u8"), ("movements", "<u4"), ("expired_count", "<u4"), ("record_count", "<u4"),
     ("reserved", "<u4")]
)
STAND = np.dtype([("key", "<u8"), *records.BALANCES.descr])

cdef u64 NUMBER_MASK = ((<u64>1) << NUMBER_BITS) - 1

assert STRETCH.itemsize == sizeof(Stretch) and STAND.itemsize == sizeof(Stand)


# --- ordering --------------------------------------------------------------------------------


def sort_keys(keys):
    """Return keys in their order, u8[n]; those of one account are so already.

    By those bits alone in which their accounts differ, from the lowest up: no key is compared with
    another. The fewer the bits at a time, the better the places written to fit a processor's cache.
    """
    cdef u64[::1] source = keys
    other = np.empty(len(keys), np.uint64)
    cdef u64[::1] target = other
    cdef u64 count = <u64>source.shape[0]
    cdef u64 first, last
    cdef u32 digits, bits, number
    if count == 0:
        return keys
    with nogil:
        find_accounts(&source[0], count, &first, &last)
    bits = (int(last) - int(first)).bit_length()
    digits = (bits + DIGIT_BITS_MAX - 1) // DIGIT_BITS_MAX
    for number in range(digits):
        with nogil:
            sort_digit(&source[0], &target[0], count, first, number * bits // digits,
                       (number + 1) * bits // digits)
        keys, other = other, keys
        source, target = target, source
    return keys


cdef void find_accounts(const u64* keys, u64 count, u64* first, u64* last) noexcept nogil:
    """Find the least and the greatest account of keys (out: first, last)."""
    cdef u64 least = ~<u64>0
    cdef u64 greatest = 0
    cdef u64 index
    for index in range(count):
        least = min(least, keys[index])
        greatest = max(greatest, keys[index])
    first[0] = least >> KEY_ACCOUNT_SHIFT
    last[0] = greatest >> KEY_ACCOUNT_SHIFT


cdef void sort_digit(const u64* keys, u64* out, u64 count, u64 first, u32 low,
                     u32 high) noexcept nogil:
    """Order keys by the bits from *low* up to *high* of how far their accounts are from *first*.

    Those that agree in these keep their order (out: out).
    """
    cdef u64 begins[1 << DIGIT_BITS_MAX]
    cdef u64 mask = (<u64>1 << (high - low)) - 1
    cdef u64 base = first << KEY_ACCOUNT_SHIFT
    cdef u32 shift = KEY_ACCOUNT_SHIFT + low
    cdef u64 index, size
    cdef u64 begin = 0
    memset(begins, 0, (mask + 1) * sizeof(u64))
    for index in range(count):
        begins[(keys[index] - base) >> shift & mask] += 1
    for index in range(mask + 1):
        size = begins[index]
        begins[index] = begin
        begin += size
    for index in range(count):
        out[begins[(keys[index] - base) >> shift & mask]] = keys[index]
        begins[(keys[index] - base) >> shift & mask] += 1


cdef u64 keys_of(const Entries* entries, u64 first, u64 end, u64* out) noexcept nogil:
    """Write the keys of movements (out: out); return how many."""
    cdef const Movement* movement
    cdef u64 number
    cdef u64 count = 0
    for number in range(first, end):
        movement = movement_at(entries, number)
        if movement.debit_row != NO_ACCOUNT:
            out[count] = <u64>movement.debit_row << KEY_ACCOUNT_SHIFT | number << 1
            out[count + 1] = <u64>movement.credit_row << KEY_ACCOUNT_SHIFT | number << 1 | 1
            count += 2
    return count


cdef bint touches(const Entries* entries, u64 first, u64 count, u32 row) noexcept nogil:
    """Tell whether any of so many movements touched an account: several are looked at at a time."""
    cdef u64 beginning = first & entries.movements_mask
    cdef u64 before_end = min(count, entries.movements_mask + 1 - beginning)
    return (has_row(<const u32*>&entries.movements[beginning], 2 * before_end, row)
            or has_row(<const u32*>entries.movements, 2 * (count - before_end), row))


cdef bint has_row(const u32* rows, u64 count, u32 row) noexcept nogil:
    cdef u64 index
    cdef u32 found = 0
    for index in range(count):
        found |= rows[index] == row
    return found != 0


# --- the log ---------------------------------------------------------------------------------


cdef u64 room_for(u64 least) noexcept:
    cdef u64 room = 1
    while room < least:
        room *= 2
    return room


cdef class EntryLog:
    """The entries in memory; see entries.pyi."""

    def __cinit__(self, Ledger ledger, Journal journal, *, due):
        cdef u64 room = room_for(2 * due + 2 * BATCH_MOVEMENTS)
        self.ledger = ledger
        ledger.entry_log = self
        self.entries.due = due
        self.entries.movements_mask = room - 1
        self.entries.stretches_mask = min(room // 8, <u64>STRETCHES_MAX) - 1
        self.entries.stands_mask = (
            min(max(room_for(room // 4), room_for(4 * BATCH_EVENTS_MAX)), <u64>STANDS_MAX) - 1)
        self.entries.movements = <Movement*>arena_open(room * sizeof(Movement))
        self.entries.stretches = <Stretch*>arena_open(
            (self.entries.stretches_mask + 1) * sizeof(Stretch))
        self.entries.stands = <Stand*>arena_open((self.entries.stands_mask + 1) * sizeof(Stand))
        self.entries.next_sequence = self.entries.oldest_sequence = 1
        self.store = store_open(journal.folder_fd, journal.segments, &journal.segments_count)
        sem_init(&self.signal, 0, 0)

    def __dealloc__(self):
        arena_close(self.entries.movements, (self.entries.movements_mask + 1) * sizeof(Movement))
        arena_close(self.entries.stretches, (self.entries.stretches_mask + 1) * sizeof(Stretch))
        arena_close(self.entries.stands, (self.entries.stands_mask + 1) * sizeof(Stand))
        if self.store != NULL:
            store_close(self.store)

    def begin(self, sequence, number):
        self.entries.oldest_sequence = self.entries.next_sequence = sequence + 1
        self.entries.oldest = self.entries.count = self.entries.first = number

    @property
    def oldest(self):
        return self.entries.oldest

    @property
    def count(self):
        return self.entries.count

    def segment(self, number):
        if number >= self.store.segments_count[0]:
            raise IndexError(number)
        return self.store.segments[number]

    def fail(self, int fault):
        with nogil:
            pthread_mutex_lock(&self.ledger.guard)
            self.entries.fault = fault
            pthread_cond_broadcast(&self.ledger.moved)
            pthread_mutex_unlock(&self.ledger.guard)

    cdef void begin_frame(self, u64 sequence) noexcept nogil:
        """Note movements from a frame on, unless a run holds them."""
        if sequence >= self.entries.next_sequence:
            self.ledger.books.entries = &self.entries

    cdef void end_frame(self, const Pieces* pieces) noexcept nogil:
        """Note a frame that was applied. Under the lock."""
        if self.ledger.books.entries != NULL:
            entries_end_frame(&self.entries, pieces.sequence, pieces.timestamp,
                              self.ledger.books.last_created, pieces.expired_count,
                              pieces.record_count)

    cdef void note_place(self, u64 sequence, u64 place) noexcept nogil:
        """Note where a frame stands in the journal; it is on stable storage."""
        if self.ledger.books.entries == NULL:
            return
        self.entries.stretches[sequence & self.entries.stretches_mask].place = place
        if entries_are_due(&self.entries):
            self.wake()

    cdef void wake(self) noexcept nogil:
        sem_post(&self.signal)

    def call(self):
        self.wake()

    def wait(self):
        with nogil:
            sem_wait(&self.signal)

    def want(self, wanted):
        self.entries.is_wanted = wanted
        self.wake()

    # --- taking entries to a run -------------------------------------------------------------

    def gather(self):
        cdef Entries* entries = &self.entries
        cdef u64 sequence, end, index
        with nogil:
            pthread_mutex_lock(&self.ledger.guard)
            self.choose(&sequence, &end, &index)
            pthread_mutex_unlock(&self.ledger.guard)
        if sequence == entries.oldest_sequence:
            return None
        keys = np.empty(2 * (end - entries.oldest), np.uint64)
        cdef u64[::1] out = keys
        cdef u64 count = 0
        if end > entries.oldest:
            with nogil:
                count = keys_of(entries, entries.oldest, end, &out[0])
        stands = self._stands(entries.oldest_stand, index)
        return (self._stretches(entries.oldest_sequence, sequence),
                sort_keys(keys[:count]), stands[np.argsort(stands["key"])], sequence - 1, end,
                index)

    cdef void choose(self, u64* sequence, u64* end, u64* stand) noexcept nogil:
        """Choose what the next run holds (out: the frame, number and stand behind it).

        Up to the last frame on stable storage, or about as much as makes a run. Under the lock.
        """
        cdef Entries* entries = &self.entries
        cdef Stretch* stretch
        sequence[0] = entries.oldest_sequence
        end[0] = entries.oldest
        stand[0] = entries.oldest_stand
        if not entries_are_due(entries):
            return
        while sequence[0] < entries.next_sequence and end[0] - entries.oldest < entries.due:
            stretch = &entries.stretches[sequence[0] & entries.stretches_mask]
            if stretch.place == 0:
                break
            sequence[0] += 1
            end[0] = stretch.first + stretch.movements
        while (stand[0] < entries.stands_count
               and (entries.stands[stand[0] & entries.stands_mask].key >> 1 & NUMBER_MASK)
               < end[0]):
            stand[0] += 1

    def retire(self, u64 sequence, u64 number, u64 stand):
        with nogil:
            pthread_mutex_lock(&self.ledger.guard)
            self.entries.oldest_sequence = sequence + 1
            self.entries.oldest = number
            self.entries.oldest_stand = stand
            pthread_cond_broadcast(&self.ledger.moved)
            pthread_mutex_unlock(&self.ledger.guard)

    def _stretches(self, u64 first, u64 end):
        """Return STRETCH[k], the frames that moved anything of those in memory."""
        table = np.zeros(end - first, STRETCH)
        cdef u8[::1] out = table.view(np.uint8)
        cdef u64 sequence
        cdef u64 taken = 0
        for sequence in range(first, end):
            if self.entries.stretches[sequence & self.entries.stretches_mask].movements:
                memcpy(&out[taken * sizeof(Stretch)],
                       &self.entries.stretches[sequence & self.entries.stretches_mask],
                       sizeof(Stretch))
                taken += 1
        return table[:taken]

    def _stands(self, u64 first, u64 end):
        table = np.zeros(end - first, STAND)
        cdef u8[::1] out = table.view(np.uint8)
        cdef u64 index
        for index in range(first, end):
            memcpy(&out[(index - first) * sizeof(Stand)],
                   &self.entries.stands[index & self.entries.stands_mask], sizeof(Stand))
        return table

    # --- asking ------------------------------------------------------------------------------

    cdef u64 find_stretch(self, u32 field, u64 value) noexcept nogil:
        """Return the sequence of the first frame in memory whose *field* is greater than *value*.

        Fields are counted as in a Stretch: 0 sequence, 1 first, 2 timestamp, 3 last_created.
        """
        cdef u64 low = self.entries.oldest_sequence
        cdef u64 high = self.entries.next_sequence
        cdef u64 middle
        while low < high:
            middle = low + (high - low) // 2
            if (<u64*>&self.entries.stretches[middle & self.entries.stretches_mask])[field] > value:
                high = middle
            else:
                low = middle + 1
        return low

    cdef Stretch* stretch_of(self, u64 number) noexcept nogil:
        """Return the frame of a movement in memory."""
        return &self.entries.stretches[(self.find_stretch(1, number) - 1)
                                       & self.entries.stretches_mask]

    def first_beyond(self, field, value):
        cdef u64 sequence
        cdef u64 limit = value
        cdef u32 number = field
        with nogil:
            pthread_mutex_lock(&self.ledger.guard)
            sequence = self.find_stretch(number, limit)
            pthread_mutex_unlock(&self.ledger.guard)
        if sequence >= self.entries.next_sequence:
            return None
        table = np.zeros(1, STRETCH)
        cdef u8[::1] out = table.view(np.uint8)
        memcpy(&out[0], &self.entries.stretches[sequence & self.entries.stretches_mask],
               sizeof(Stretch))
        return table[0]

    def keys(self, u32 row, u64 first, u64 end, bint backwards, u64 most):
        cdef const Movement* movement
        cdef u64 taken = 0
        cdef u64 index, number
        found = np.empty(most, np.uint64)
        cdef u64[::1] out = found
        first = max(first, self.entries.oldest)
        end = max(end, first)
        cdef u64 some
        with nogil:
            while first < end and taken < most:
                some = min(end - first, <u64>SEARCHED_AT_ONCE)
                number = end - some if backwards else first
                if touches(&self.entries, number, some, row):
                    for index in range(some):
                        number = end - 1 - index if backwards else first + index
                        movement = movement_at(&self.entries, number)
                        if movement.debit_row == row or movement.credit_row == row:
                            out[taken] = (<u64>row << KEY_ACCOUNT_SHIFT | number << 1
                                          | (movement.credit_row == row))
                            taken += 1
                            if taken == most:
                                break
                if backwards:
                    end -= some
                else:
                    first += some
        return found[:taken]

    def stretches_of(self, numbers):
        cdef const u64[::1] wanted = numbers
        cdef u64 index
        table = np.zeros(len(numbers), STRETCH)
        cdef u8[::1] out = table.view(np.uint8)
        for index in range(<u64>wanted.shape[0]):
            memcpy(&out[index * sizeof(Stretch)], self.stretch_of(wanted[index]), sizeof(Stretch))
        return table

    def stretches(self, u64 number, u64 most):
        cdef u64 first = self.find_stretch(1, number)
        if first > self.entries.oldest_sequence:
            first -= 1
        return self._stretches(first, min(self.entries.next_sequence, first + most))

    def stand(self, u64 key):
        cdef u64 low = self.entries.oldest_stand
        cdef u64 high = self.entries.stands_count
        cdef u64 number = key >> 1 & NUMBER_MASK
        cdef u64 middle
        while low < high:
            middle = low + (high - low) // 2
            if (self.entries.stands[middle & self.entries.stands_mask].key >> 1
                    & NUMBER_MASK) < number:
                low = middle + 1
            else:
                high = middle
        while low < self.entries.stands_count and low < high + 2:
            if self.entries.stands[low & self.entries.stands_mask].key == key:
                return self._stands(low, low + 1)[0]
            low += 1
        return None

    # --- reading what entries lead to --------------------------------------------------------

    def read(self, places, indexes, expired):
        cdef const u64[::1] frames = places
        cdef const u32[::1] offsets = indexes
        cdef const u8[::1] ran_out = expired.view(np.uint8)
        cdef u64 index
        cdef Event event
        cdef Expired gone
        cdef Transfer* transfer
        cdef bint done = True
        table = np.zeros(len(places), records.TRANSFER)
        cdef u8[::1] out = table.view(np.uint8)
        with nogil:
            for index in range(<u64>frames.shape[0]):
                transfer = <Transfer*>&out[index * sizeof(Transfer)]
                if ran_out[index]:
                    done = store_read_expired(self.store, frames[index], offsets[index], &gone)
                    transfer.id = gone.id
                    transfer.debit_account_id = gone.debit_account_id
                    transfer.credit_account_id = gone.credit_account_id
                    transfer.amount = gone.amount
                else:
                    done = store_read(self.store, place_of_event(frames[index], offsets[index]),
                                      &event)
                    transfer[0] = event.transfer
                if not done:
                    break
        if not done:
            try:
                raise_fault(self.store)
            finally:
                self.store.fault = 0
        return table
