"""The ledger: a pure state machine. Batches and the time go in, results come out; no I/O, no clock.

Arguments are numpy structured arrays of the dtypes of `records.py`. What is not well formed (a
wrong dtype, more than 8,190 events) raises before anything is touched; what breaks a rule of the
books gets a status.
"""

import hashlib
import os
from bisect import bisect_left, insort
from operator import itemgetter

import numpy as np

from payvand.core import queries, records
from payvand.core.errors import JournalUnusable
from payvand.core.limits import BATCH_EVENTS_MAX as EVENTS_MAX
from payvand.core.statuses import AccountStatus, TransferStatus
from payvand.core.values import Account as AccountValue
from payvand.core.values import AccountStanding, Outcome, checked_integer
from payvand.core.values import Transfer as TransferValue

from libc.string cimport memcpy

from payvand.core.accounts cimport create_accounts, set_limits
from payvand.core.books cimport (
    STATE_FAILED, STATE_UNKNOWN, books_close, books_open, books_reserve, find_account,
    hash_transfer,
)
from payvand.core.entries cimport entries_have_room
from payvand.core.expiry cimport expire
from payvand.core.ids cimport NO_TRANSFER
from payvand.core.index cimport NO_ROW, load_u128
from payvand.core.lookup cimport Found, fetch_row, find_transfer
from payvand.core.past cimport past_raise
from payvand.core.quota_table cimport QuotaRow, find_quota, quotas_reserve
from payvand.core.quotas cimport quota_use, set_quotas
from payvand.core.recalled cimport recalled_begin, recalled_end
from payvand.core.reservations cimport Reservation, next_due, under_way
from payvand.core.store cimport raise_fault
from payvand.core.survey cimport aggregate, pending_on
from payvand.core.threads cimport *
from payvand.core.transfers cimport create_transfers
from payvand.core.types cimport *

assert sizeof(Account) == 128 and sizeof(Transfer) == 128, "a record has lost its layout"
assert sizeof(Limit) == 64 and sizeof(Result) == 16 and sizeof(Expired) == 64

STATE = np.dtype(
    [("timestamp", "<u8"), ("status", "<u4"), ("decision", "<u4"), ("state", "u1"),
     ("reserved", "u1", 7)]
)

cdef packed struct StateRow:
    u64 timestamp
    u32 status
    u32 decision
    u8 state
    u8 reserved[7]

assert STATE.itemsize == sizeof(StateRow)


cdef u64 row_from(const Books* books, u64 timestamp, bint behind=False) noexcept:
    """Return the first row of the first batch with a transfer at or after a timestamp.

    Or, where *behind*, the row behind that batch.
    """
    cdef u64 low = 0
    cdef u64 high = books.spans_count
    cdef u64 middle
    while low < high:
        middle = low + (high - low) // 2
        if books.spans[middle].last_created < timestamp:
            low = middle + 1
        else:
            high = middle
    if behind:
        low += 1
    return books.spans[low].first_row if low < books.spans_count else books.rows


cdef u32 account_row_from(const Books* books, u64 timestamp) noexcept:
    """Return the row of the first account opened at or after a timestamp."""
    cdef u32 low = 0
    cdef u32 high = books.accounts_count
    cdef u32 middle
    while low < high:
        middle = low + (high - low) // 2
        if books.accounts[middle].timestamp < timestamp:
            low = middle + 1
        else:
            high = middle
    return low


def _checked(name, array, dtype, limit=EVENTS_MAX):
    """Return *array* as contiguous bytes of *dtype*; raise where it is anything else."""
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.ndim != 1:
        raise TypeError(f"{name} must be a one-dimensional numpy array of its record dtype, "
                        f"got {getattr(array, 'dtype', type(array).__name__)}")
    if len(array) > limit:
        raise ValueError(f"{name} has {len(array)} rows; a batch holds at most {limit}")
    return np.ascontiguousarray(array).view(np.uint8)


def _checked_now(now):
    if isinstance(now, float) or not 0 <= now < 1 << 63:
        raise ValueError(f"now must be nanoseconds since 1970 below 2**63, got {now}")
    return now


def _record_of(value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"expected payvand.core.{kind.__name__}, got {type(value).__name__}")
    return value.record()


cdef inline bint is_faulty(const Books* books) noexcept nogil:
    """Tell whether old rows or entries can't leave memory."""
    return ((books.past != NULL and books.past.fault != 0)
            or (books.entries != NULL and books.entries.fault != 0))


cdef class Ledger:
    """Hold accounts and transfers; apply batches of events to them."""

    def __cinit__(self, seed=0x5851F42D4C957F2D):
        pthread_mutex_init(&self.guard, NULL)
        pthread_cond_init(&self.moved, NULL)
        books_open(&self.books, seed)

    def __dealloc__(self):
        books_close(&self.books)

    @property
    def timestamp(self):
        """The timestamp of the last event or pulse, in nanoseconds since 1970."""
        return self.books.timestamp

    @property
    def accounts_count(self):
        """How many accounts there are."""
        return self.books.accounts_count

    @property
    def transfers_count(self):
        """How many transfers there are."""
        return self.books.created

    @property
    def next_expiry(self):
        """When the next reservation runs out, in nanoseconds since 1970; 0 where none is."""
        return next_due(&self.books.reservations)

    cdef u64 _begin(self, u64 now) noexcept nogil:
        """Let time pass up to just before a batch; return the batch's base timestamp."""
        cdef u64 base = now if now > self.books.timestamp else self.books.timestamp
        expire(&self.books, base)
        self.books.timestamp = base
        return base

    cdef void note_place(self, u64 span, u64 place) noexcept nogil:
        """Note where the frame of a batch stands in the journal."""
        self.books.spans[span & self.books.rows_mask].place = place

    cdef void lock(self) noexcept nogil:
        """Keep other threads from the books."""
        pthread_mutex_lock(&self.guard)

    cdef int lock_with_room(self, u64 rows) except -1 nogil:
        """Keep other threads from the books, once there is room in memory for so many rows.

        Waits until old rows have gone into the past; raises, unlocked, where they can't.
        """
        cdef Books* books = &self.books
        pthread_mutex_lock(&self.guard)
        while not is_faulty(books) and (
                (books.past != NULL
                 and books.rows - books.oldest_row + rows > books.rows_mask + 1)
                or (books.entries != NULL and not entries_have_room(books.entries))):
            pthread_cond_wait(&self.moved, &self.guard)
        if is_faulty(books):
            pthread_mutex_unlock(&self.guard)
            self.check_past()
        return 0

    cdef void unlock(self) noexcept nogil:
        """Let other threads at the books; wake who waits for rows to come."""
        cdef bint due = (self.books.past != NULL
                         and (self.books.ids.cold > 0 or self.books.rows - self.books.oldest_row
                              >= self.books.past.due_rows))
        pthread_mutex_unlock(&self.guard)
        if due:
            pthread_cond_broadcast(&self.moved)

    cdef void look_for_snapshot(self, u64 written) noexcept nogil:
        """Wake the archive where so many bytes of journal make a snapshot due."""
        if self.books.past != NULL and written >= self.books.past.snapshot_at:
            pthread_cond_broadcast(&self.moved)

    cdef int check_past(self) except -1 nogil:
        """Raise where an old transfer could not be read: what was computed since is void."""
        cdef Books* books = &self.books
        if books.past != NULL and books.past.fault:
            with gil:
                past_raise(books.past)
        if books.store != NULL and books.store.fault:
            with gil:
                raise_fault(books.store)
        if books.entries != NULL and books.entries.fault:
            with gil:
                raise JournalUnusable(
                    f"can't write the entries of accounts: {os.strerror(books.entries.fault)}",
                    hint="free or repair the disk under the journal's folder")
        return 0

    cdef void begin_lookup(self, const u8* ids, u32 count) noexcept nogil:
        """Begin to look up transfers by so many ids: old ones are read at once."""
        if self.books.past != NULL:
            recalled_begin(&self.books.past.recalled, ids, count, sizeof(u128), False)

    cdef int end_lookup(self) except -1:
        """End a look-up; raise where an old transfer could not be read."""
        if self.books.past != NULL:
            recalled_end(&self.books.past.recalled)
        return self.check_past()

    def create_accounts(self, events, now):
        """Open accounts: ACCOUNT[n] at time *now* → RESULT[n]."""
        cdef const u8[::1] rows = _checked("events", events, records.ACCOUNT)
        cdef u64 clock = _checked_now(now)
        cdef u32 count = <u32>(rows.shape[0] // sizeof(Account))
        results = np.zeros(count, records.RESULT)
        cdef u8[::1] out = results.view(np.uint8)
        if count:
            with nogil:
                books_reserve(&self.books, count, 0)
                create_accounts(&self.books, <const Account*>&rows[0], count, self._begin(clock),
                                <Result*>&out[0])
        if self.history is None and self.archive is None:
            if (events["flags"][results["status"] == <u32>CREATED] & ACCOUNT_FLAG_HISTORY).any():
                self.history = {}
        return results

    def create_transfers(self, events, now, decisions=None, *, after=None):
        """Move money: TRANSFER[n] at time *now*, decisions u4[n] or None → RESULT[n].

        *after* (out): AFTER[n], the balances of both accounts behind each transfer that took
        effect.
        """
        cdef const u8[::1] rows = _checked("events", events, records.TRANSFER)
        cdef u64 clock = _checked_now(now)
        cdef u32 count = <u32>(rows.shape[0] // sizeof(Transfer))
        cdef const u8[::1] verdicts
        cdef const u32* verdict = NULL
        cdef u8[::1] balances
        if decisions is not None:
            if len(decisions) != count:
                raise ValueError(f"decisions has {len(decisions)} rows, events {count}")
            verdicts = _checked("decisions", decisions, np.dtype("<u4"))
            if count:
                verdict = <const u32*>&verdicts[0]
        results = np.zeros(count, records.RESULT)
        cdef u8[::1] out = results.view(np.uint8)
        if after is None and self.history is not None:
            after = np.zeros(count, records.AFTER)
        if after is not None:
            if after.dtype != records.AFTER or after.shape != (count,):
                raise TypeError(f"after must be AFTER[{count}], "
                                f"got {after.dtype}{list(after.shape)}")
            balances = after.view(np.uint8)
        if count:
            self.books.after = <After*>&balances[0] if after is not None else NULL
            with nogil:
                books_reserve(&self.books, 0, count)
                create_transfers(&self.books, <const Transfer*>&rows[0], verdict, count,
                                 self._begin(clock), <Result*>&out[0])
            self.books.after = NULL
            if self.history is not None:
                made = results["status"] == <u32>CREATED
                self._note_history(events["id"][made], after[made])
        return results

    def _note_history(self, ids, after):
        """Keep the balances behind transfers of accounts that have a history."""
        made = self.lookup_transfers(ids)
        for side in ("debit", "credit"):
            accounts = self.lookup_accounts(made[f"{side}_account_id"])
            kept = accounts["flags"] & ACCOUNT_FLAG_HISTORY != 0
            rows = np.zeros(kept.sum(), records.BALANCE)
            rows["timestamp"] = made["timestamp"][kept]
            for name in records.BALANCES.names:
                rows[name] = after[side][name][kept]
            for account, row in zip(accounts["id"][kept].tolist(), rows, strict=True):
                insort(self.history.setdefault(account, []), row, key=itemgetter("timestamp"))

    def set_limits(self, events, now):
        """Set limits of accounts: LIMIT[n] at time *now* → RESULT[n] of LimitStatus."""
        cdef const u8[::1] rows = _checked("events", events, records.LIMIT)
        cdef u64 clock = _checked_now(now)
        cdef u32 count = <u32>(rows.shape[0] // sizeof(Limit))
        results = np.zeros(count, records.RESULT)
        cdef u8[::1] out = results.view(np.uint8)
        if count:
            with nogil:
                set_limits(&self.books, <const Limit*>&rows[0], count, self._begin(clock),
                           <Result*>&out[0])
        return results

    def set_quotas(self, events, now):
        """Set quotas: QUOTA[n] at time *now* → RESULT[n] of QuotaStatus."""
        cdef const u8[::1] rows = _checked("events", events, records.QUOTA)
        cdef u64 clock = _checked_now(now)
        cdef u32 count = <u32>(rows.shape[0] // sizeof(Quota))
        results = np.zeros(count, records.RESULT)
        cdef u8[::1] out = results.view(np.uint8)
        if count:
            with nogil:
                quotas_reserve(&self.books.quotas, count)
                set_quotas(&self.books, <const Quota*>&rows[0], count, self._begin(clock),
                           <Result*>&out[0])
        return results

    def expire(self, now):
        """Let time pass: release what is due at or before *now* → EXPIRED[k], in order."""
        cdef u64 clock = _checked_now(now)
        self._begin(clock)
        released = np.zeros(self.books.expired_count, records.EXPIRED)
        cdef u8[::1] out = released.view(np.uint8)
        if self.books.expired_count:
            memcpy(&out[0], self.books.expired, self.books.expired_count * sizeof(Expired))
        return released

    def lookup_accounts(self, ids):
        """Return ACCOUNT[m], those of *ids* (U128[n]) that exist, in the order asked."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128)
        cdef u32 count = <u32>(keys.shape[0] // 16)
        found = np.zeros(count, records.ACCOUNT)
        cdef u8[::1] out = found.view(np.uint8)
        cdef u32 index, row
        cdef u32 hits = 0
        for index in range(count):
            row = find_account(&self.books, load_u128(&keys[index * 16]))
            if row != NO_ROW:
                memcpy(&out[hits * sizeof(Account)], &self.books.accounts[row], sizeof(Account))
                hits += 1
        return found[:hits]

    def lookup_transfers(self, ids):
        """Return TRANSFER[m], those of *ids* (U128[n]) that exist, in the order asked."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128)
        cdef u32 count = <u32>(keys.shape[0] // 16)
        found = np.zeros(count, records.TRANSFER)
        cdef u8[::1] out = found.view(np.uint8)
        cdef u32 index
        cdef u32 hits = 0
        cdef u128 id
        cdef Found transfer
        self.begin_lookup(&keys[0] if count else NULL, count)
        for index in range(count):
            id = load_u128(&keys[index * 16])
            if (find_transfer(&self.books, id, hash_transfer(&self.books, id), &transfer)
                    and transfer.state != STATE_FAILED):
                memcpy(&out[hits * sizeof(Transfer)], &transfer.transfer, sizeof(Transfer))
                hits += 1
        self.end_lookup()
        return found[:hits]

    def lookup_limits(self, ids):
        """Return LIMIT[m], the limits of those accounts of *ids* (U128[n]) that exist."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128)
        cdef u32 count = <u32>(keys.shape[0] // 16)
        found = np.zeros(count, records.LIMIT)
        cdef u8[::1] out = found.view(np.uint8)
        cdef u32 index, row
        cdef u32 hits = 0
        for index in range(count):
            row = find_account(&self.books, load_u128(&keys[index * 16]))
            if row != NO_ROW:
                memcpy(&out[hits * sizeof(Limit)], &keys[index * 16], 16)
                memcpy(&out[hits * sizeof(Limit) + 16], &self.books.limits[row], 16)
                hits += 1
        return found[:hits]

    def lookup_quotas(self, ids):
        """Return QUOTA_USE[m], those of *ids* (U128[n]) that exist and what is used of them."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128)
        cdef u32 count = <u32>(keys.shape[0] // 16)
        found = np.zeros(count, records.QUOTA_USE)
        cdef u8[::1] out = found.view(np.uint8)
        cdef u32 index, place
        cdef u32 hits = 0
        for index in range(count):
            place = find_quota(&self.books.quotas, load_u128(&keys[index * 16]))
            if place != NO_ROW:
                quota_use(&self.books, place, &out[hits * 192])
                hits += 1
        return found[:hits]

    def quotas(self):
        """Return QUOTA_USE[n], all quotas in the order of their setting, and what is used."""
        found = np.zeros(self.books.quotas.count, records.QUOTA_USE)
        cdef u8[::1] out = found.view(np.uint8)
        cdef u32 place
        for place in range(self.books.quotas.count):
            quota_use(&self.books, place, &out[<u64>place * 192])
        return found

    def states(self, ids):
        """Return STATE[n]: what stands behind each of *ids* (U128[n]), also ids never seen."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128)
        cdef u32 count = <u32>(keys.shape[0] // 16)
        found = np.zeros(count, STATE)
        cdef u8[::1] out = found.view(np.uint8)
        cdef StateRow* state
        cdef u128 id
        cdef u32 index
        cdef Found transfer
        self.begin_lookup(&keys[0] if count else NULL, count)
        for index in range(count):
            state = <StateRow*>&out[index * sizeof(StateRow)]
            id = load_u128(&keys[index * 16])
            state.state = STATE_UNKNOWN
            if find_transfer(&self.books, id, hash_transfer(&self.books, id), &transfer):
                state.state = transfer.state
                state.timestamp = transfer.transfer.timestamp
                state.status = transfer.status
                state.decision = transfer.decision
        self.end_lookup()
        return found

    # --- one at a time -----------------------------------------------------------------------

    def create_account(self, account, now):
        """Open one `Account` at time *now* → Outcome."""
        result = self.create_accounts(_record_of(account, AccountValue), now)[0]
        return Outcome(AccountStatus(result["status"]), int(result["timestamp"]))

    def create_transfer(self, transfer, now):
        """Make one `Transfer` at time *now* → Outcome."""
        result = self.create_transfers(_record_of(transfer, TransferValue), now)[0]
        return Outcome(TransferStatus(result["status"]), int(result["timestamp"]))

    def lookup_account(self, id):
        """Return the `Account` under an id, or None."""
        found = self.lookup_accounts(records.u128_array([id]))
        return AccountValue.of(found[0]) if len(found) else None

    def lookup_transfer(self, id):
        """Return the `Transfer` under an id, or None."""
        found = self.lookup_transfers(records.u128_array([id]))
        return TransferValue.of(found[0]) if len(found) else None

    # --- over all ----------------------------------------------------------------------------

    def aggregates(self, *, ledger=0, code=0):
        """Return an `Aggregate` for each kind of account, by ledger and code; 0 asks for all."""
        return aggregate(&self.books, checked_integer("ledger", ledger, 32),
                         checked_integer("code", code, 16))

    def totals(self, ledger):
        """Return the sums of the four balances over the accounts of one ledger."""
        kinds = self.aggregates(ledger=ledger)
        return {name: sum(getattr(kind, name) for kind in kinds)
                for name in records.BALANCES.names}

    def standing(self, account_id):
        """Return the `AccountStanding` of an account: it, its limit and what is pending on it."""
        ids = records.u128_array([account_id])
        cdef const u8[::1] key = ids.view(np.uint8)
        cdef u32 row = find_account(&self.books, load_u128(&key[0]))
        if row == NO_ROW:
            return AccountStanding(np.zeros(0, records.ACCOUNT), 0, np.zeros(0, records.TRANSFER))
        return AccountStanding(self.lookup_accounts(ids),
                               records.u128_of(self.lookup_limits(ids)["limit"][0]),
                               pending_on(&self.books, row))

    # --- queries -----------------------------------------------------------------------------

    def account_transfers(self, filter):
        """Return TRANSFER[m], those of one account that match an `AccountFilter`."""
        return queries.select(filter, self._transfers(filter), records.TRANSFER)

    def account_balances(self, filter):
        """Return BALANCE[m], how an account with a history stood behind those transfers."""
        taken = self.account_transfers(filter)
        account = records.u128_array([filter.account_id])[0].item()
        rows = (self.history or {}).get(account, [])
        found = np.zeros(len(taken) if rows else 0, records.BALANCE)
        for place, timestamp in enumerate(taken["timestamp"][:len(found)]):
            found[place] = rows[bisect_left(rows, timestamp, key=itemgetter("timestamp"))]
        return found

    def query_accounts(self, filter):
        """Return ACCOUNT[m] that match a `QueryFilter`, in the order of their timestamps."""
        if not filter.is_valid:
            return np.zeros(0, records.ACCOUNT)
        first, end = self._account_bounds(filter)
        starts = range(first, end, EVENTS_MAX)
        return queries.select(
            filter,
            (self._accounts(start, min(start + EVENTS_MAX, end))
             for start in (reversed(starts) if filter.reversed else starts)),
            records.ACCOUNT)

    def query_transfers(self, filter):
        """Return TRANSFER[m] that match a `QueryFilter`, in the order of their timestamps."""
        return queries.select(filter, self._transfers(filter), records.TRANSFER)

    def _transfers(self, filter):
        """Iterate over the transfers of a filter's time in chunks, TRANSFER[k], in its order."""
        if self.archive is not None:
            raise RuntimeError("old transfers stand in the journal: ask the engine")
        if not filter.is_valid:
            return
        first = row_from(&self.books, filter.timestamp_min)
        end = (self.books.rows if not filter.timestamp_max
               else row_from(&self.books, filter.timestamp_max + 1, True))
        starts = range(first, end, EVENTS_MAX)
        for start in (reversed(starts) if filter.reversed else starts):
            yield self._transfers_between(start, min(start + EVENTS_MAX, end))

    def _transfers_between(self, u64 first, u64 end):
        """Return TRANSFER[k], the transfers among rows, in their order."""
        cdef u64 row
        cdef u64 count = 0
        cdef Found transfer
        table = np.zeros(end - first, records.TRANSFER)
        cdef u8[::1] out = table.view(np.uint8)
        for row in range(first, end):
            if fetch_row(&self.books, row, &transfer) and transfer.state != STATE_FAILED:
                memcpy(&out[count * sizeof(Transfer)], &transfer.transfer, sizeof(Transfer))
                count += 1
        return table[:count]

    def digest(self):
        """Return SHA-256 over the whole state: 32 bytes.

        Accounts, limits, quotas and reservations under way stand in it themselves; all else that became
        of transfers, by its trail. So it doesn't depend on what is kept in memory.
        """
        state = hashlib.sha256()
        for word in (self.books.timestamp, self.books.rows, self.books.created,
                     self.books.last_created, self.books.trail[0], self.books.trail[1]):
            state.update(int(word).to_bytes(8, "little"))
        state.update(memoryview(self._accounts().view(np.uint8)))
        if self.books.accounts_count:
            state.update(<const u8[:self.books.accounts_count * 16]><const u8*>self.books.limits)
        state.update(memoryview(self._reservations().view(np.uint8)))
        state.update(<const u8[:sizeof(self.books.quotas.events)]><const u8*>
                     self.books.quotas.events)
        if self.books.quotas.count:
            state.update(<const u8[:<u64>self.books.quotas.count * sizeof(QuotaRow)]><const u8*>
                         self.books.quotas.rows)
        return state.digest()

    def _reservations(self):
        """Return the reservations under way, TRANSFER[n], in the order of their rows.

        In the place of `pending_id` stand the row of the transfer and those of both accounts.
        """
        cdef u32 place
        cdef u32 taken = 0
        table = np.zeros(under_way(&self.books.reservations), records.TRANSFER)
        cdef u8[::1] out = table.view(np.uint8)
        for place in range(self.books.reservations.places_count):
            if self.books.reservations.places[place].row != NO_TRANSFER:
                memcpy(&out[taken * sizeof(Reservation)], &self.books.reservations.places[place],
                       sizeof(Reservation))
                taken += 1
        return table[np.argsort(table["pending_id"]["lo"])]

    def _accounts(self, first=0, end=None):
        """Return a copy of accounts, ACCOUNT[n], in the order of their opening; all unless told."""
        cdef u32 start = first
        cdef u32 stop = self.books.accounts_count if end is None else end
        table = np.zeros(stop - start, records.ACCOUNT)
        cdef u8[::1] out = table.view(np.uint8)
        if stop > start:
            memcpy(&out[0], &self.books.accounts[start], (stop - start) * sizeof(Account))
        return table

    def _account_bounds(self, filter):
        """Return between which rows the accounts of a filter's time stand."""
        return (account_row_from(&self.books, filter.timestamp_min),
                account_row_from(&self.books, filter.timestamp_max + 1) if filter.timestamp_max
                else self.books.accounts_count)

    def _balances(self):
        """Return a copy of the balances of all accounts, BALANCES[n], in the order of opening."""
        table = np.zeros(self.books.accounts_count, records.BALANCES)
        cdef u8[::1] out = table.view(np.uint8)
        cdef u32 row
        for row in range(self.books.accounts_count):
            memcpy(&out[<u64>row * sizeof(Balances)], &self.books.accounts[row].debits_pending,
                   sizeof(Balances))
        return table

    def _account_rows(self, ids):
        """Return the rows of accounts, u4[n], in the order of *ids*, U128[n]: all of them exist."""
        cdef const u8[::1] keys = _checked("ids", ids, records.U128, 1 << 31)
        cdef u64 index
        rows = np.zeros(keys.shape[0] // 16, np.uint32)
        cdef u32[::1] out = rows
        for index in range(<u64>out.shape[0]):
            out[index] = find_account(&self.books, load_u128(&keys[index * 16]))
        return rows

    def _set_balances(self, account_id, debits_pending, debits_posted, credits_pending,
                      credits_posted):
        """Put balances into an account outright: for tests that start from given balances."""
        ids = records.u128_array([account_id])
        cdef const u8[::1] keys = ids.view(np.uint8)
        cdef u32 row = find_account(&self.books, load_u128(&keys[0]))
        if row == NO_ROW:
            raise KeyError(account_id)
        values = records.u128_array([debits_pending, debits_posted, credits_pending,
                                     credits_posted])
        cdef const u8[::1] amounts = values.view(np.uint8)
        self.books.accounts[row].debits_pending = load_u128(&amounts[0])
        self.books.accounts[row].debits_posted = load_u128(&amounts[16])
        self.books.accounts[row].credits_pending = load_u128(&amounts[32])
        self.books.accounts[row].credits_posted = load_u128(&amounts[48])
