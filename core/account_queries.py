"""Questions about what has been: transfers and balances of an account, or of all, by filter.

Entries lead from an account to its events in the journal; these are read there, whether or not they
are still in memory. All work but the looks into the ledger is done off the loop.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np

from payvand.core.account_index import AccountIndex, Entries
from payvand.core.changes import Read, look_up
from payvand.core.effects import ENDS, ids_ended, take_over, transfers_of
from payvand.core.ledger import Ledger
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.queries import AccountFilter, QueryFilter, select
from payvand.core.records import (
    ACCOUNT,
    BALANCE,
    BALANCES,
    TRANSFER,
    AccountFlags,
    Operation,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
)

__all__ = ["AccountQueries"]

ENTRIES_AT_ONCE = 1024
FRAMES_AT_ONCE = 8
ACCOUNTS_AT_ONCE = 1 << 15
NO_ROW = 0xFFFF_FFFF

Apart = Callable[..., Awaitable[Any]]
"""Call a function with its arguments on a thread beside the loop."""


class AccountQueries:
    """Answer for an engine, from its ledger, its index of accounts and its journal."""

    def __init__(self, index: AccountIndex, read: Read, apart: Apart) -> None:
        """Ask the ledger through *read*, and do the rest through *apart*."""
        self._index = index
        self._read = read
        self._apart = apart

    # --- of one account ----------------------------------------------------------------------

    async def account_transfers(self, filter: AccountFilter) -> Records:
        """Return TRANSFER[m]."""
        return (await self._account_page(filter))[0]

    async def account_balances(self, filter: AccountFilter) -> Records:
        """Return BALANCE[m]."""
        transfers, keys, account = await self._account_page(filter)
        if not len(account) or not account["flags"][0] & AccountFlags.HISTORY:
            return np.zeros(0, BALANCE)
        found = np.zeros(len(transfers), BALANCE)
        found["timestamp"] = transfers["timestamp"]
        for place, key in enumerate(keys):
            stand = await self._apart(self._index.stand, key)
            assert stand is not None, "every transfer of the account has left a stand"
            for name in BALANCES.names or ():
                found[name][place] = stand[name]
        return found

    async def _account_page(self, filter: AccountFilter) -> tuple[Records, list[int], Records]:
        """Return TRANSFER[m] that match, the keys of their entries, and the account or nothing."""
        none: tuple[Records, list[int], Records]
        none = np.zeros(0, TRANSFER), [], np.zeros(0, ACCOUNT)
        if not filter.is_valid:
            return none
        ids = u128_array([filter.account_id])
        _, (count, rows, account) = await self._read(
            lambda ledger: (
                self._index.log.count,
                ledger._account_rows(ids),
                ledger.lookup_accounts(ids),
            )
        )
        if rows[0] == NO_ROW:
            return none
        first, end = await self._apart(self._bounds, filter, count)
        taken, keys, wanted = [np.zeros(0, TRANSFER)], list[int](), filter.rows_max
        while first < end and wanted:
            entries = await self._apart(
                self._index.entries, int(rows[0]), first, end, filter.reversed, ENTRIES_AT_ONCE
            )
            if not len(entries.keys):
                break
            if filter.reversed:
                end = int(entries.numbers[-1])
            else:
                first = int(entries.numbers[-1]) + 1
            sides = np.where(entries.credited, filter.credits, filter.debits)
            entries = entries.taken(sides & ~entries.expired)
            transfers, _ = await self._effects(entries)
            mask = filter.mask(transfers)
            taken.append(transfers[mask][:wanted])
            keys += entries.keys[mask][:wanted].tolist()
            wanted -= len(taken[-1])
        return np.concatenate(taken), keys, account

    async def _effects(self, entries: Entries) -> tuple[Records, Records]:
        """Return TRANSFER[n], the transfers of entries, and U128[n], what they released."""
        transfers = await self._apart(self._index.read, entries)
        ends = transfers["flags"] & ENDS != 0
        pending = await look_up(np.ascontiguousarray(transfers["pending_id"][ends]), self._read)
        return transfers, take_over(transfers, pending)

    # --- as of then --------------------------------------------------------------------------

    async def balances_as_of(
        self, accounts: Records, *, sequence: int | None, time: int | None
    ) -> Records:
        """Return BALANCES[n], how accounts (U128[n]) stood then."""
        if (sequence is None) == (time is None):
            raise ValueError("balances as of when? Give either sequence or time")
        if len(accounts) > BATCH_EVENTS_MAX:
            raise ValueError(f"accounts has {len(accounts)} ids, at most {BATCH_EVENTS_MAX}")
        seen, (count, rows, records) = await self._read(
            lambda ledger: (
                self._index.log.count,
                ledger._account_rows(accounts),
                ledger.lookup_accounts(accounts),
            )
        )
        if sequence is not None and not 0 <= sequence <= seen:
            raise ValueError(f"sequence={sequence} must be from 0 to {seen}, the last one")
        cut = min(await self._apart(self._cut, sequence, time), count)
        found = np.zeros(len(accounts), BALANCES)
        known = rows != NO_ROW
        for place, row, account in zip(known.nonzero()[0], rows[known], records, strict=True):
            history = account["flags"] & AccountFlags.HISTORY
            go = self._from_history if history else self._walk_back
            balances = await go(int(row), cut, count, account)
            for name, balance in zip(BALANCES.names or (), balances, strict=True):
                found[name][place] = u128_array([balance])[0]
        return found

    def _cut(self, sequence: int | None, time: int | None) -> int:
        """Return the number of the first movement after then."""
        if sequence is not None:
            stretch = self._index.first_beyond("sequence", sequence)
            return int(stretch["first"]) if stretch is not None else 1 << 62
        assert time is not None
        stretch = self._index.first_beyond("timestamp", time)
        if stretch is None:
            return 1 << 62
        base = int(stretch["timestamp"]) - int(stretch["record_count"])
        behind = int(stretch["expired_count"]) + time - base if time >= base else 0
        return int(stretch["first"]) + min(behind, int(stretch["movements"]))

    async def _walk_back(self, row: int, cut: int, count: int, account: Records) -> list[int]:
        """Take back from the present balances all that came since."""
        balances = [u128_list(account[name].reshape(1))[0] for name in BALANCES.names or ()]
        first = cut
        while first < count:
            entries = await self._apart(
                self._index.entries, row, first, count, False, ENTRIES_AT_ONCE
            )
            if not len(entries.keys):
                break
            first = int(entries.numbers[-1]) + 1
            transfers, released = await self._effects(entries)
            released[entries.expired] = transfers["amount"][entries.expired]
            amounts, parts = u128_list(transfers["amount"]), u128_list(released)
            for place, flags in enumerate(transfers["flags"].tolist()):
                pending = 2 if entries.credited[place] else 0
                if entries.expired[place]:
                    balances[pending] += parts[place]
                elif flags & TransferFlags.PENDING:
                    balances[pending] -= amounts[place]
                else:
                    balances[pending] += parts[place]
                    if not flags & TransferFlags.VOID_PENDING_TRANSFER:
                        balances[pending + 1] -= amounts[place]
        return balances

    async def _from_history(self, row: int, cut: int, count: int, account: Records) -> list[int]:
        """Start from the last stand before then, and release what ran out since."""
        balances = [0, 0, 0, 0]
        released = [0, 0]
        end = min(cut, count)
        while end > 0:
            entries = await self._apart(self._index.entries, row, 0, end, True, 64)
            if not len(entries.keys):
                break
            end = int(entries.numbers[-1])
            made = (~entries.expired).nonzero()[0]
            gone = entries.taken(np.arange(len(entries.keys)) < (made[0] if len(made) else 1 << 62))
            if len(gone.keys):
                transfers = await self._apart(self._index.read, gone)
                for side, amount in zip(
                    gone.credited.tolist(), u128_list(transfers["amount"]), strict=True
                ):
                    released[side] += amount
            if len(made):
                stand = await self._apart(self._index.stand, int(entries.keys[made[0]]))
                balances = [u128_list(stand[name].reshape(1))[0] for name in BALANCES.names or ()]
                break
        balances[0] -= released[0]
        balances[2] -= released[1]
        return balances

    # --- of all ------------------------------------------------------------------------------

    async def query_accounts(self, filter: QueryFilter) -> Records:
        """Return ACCOUNT[m]."""
        if not filter.is_valid:
            return np.zeros(0, ACCOUNT)
        _, (first, end) = await self._read(lambda ledger: ledger._account_bounds(filter))
        taken, wanted = [np.zeros(0, ACCOUNT)], filter.rows_max
        starts = range(first, end, ACCOUNTS_AT_ONCE)
        for start in reversed(starts) if filter.reversed else starts:
            stop = min(start + ACCOUNTS_AT_ONCE, end)
            _, rows = await self._read(partial(Ledger._accounts, first=start, end=stop))
            taken.append(select(filter, [rows], ACCOUNT)[:wanted])
            wanted -= len(taken[-1])
            if not wanted:
                break
        ids = np.ascontiguousarray(np.concatenate(taken)["id"])
        # What was filtered by never changes; what does is shown as of one moment.
        found: Records = (await self._read(lambda ledger: ledger.lookup_accounts(ids)))[1]
        return found

    async def query_transfers(self, filter: QueryFilter) -> Records:
        """Return TRANSFER[m]."""
        if not filter.is_valid:
            return np.zeros(0, TRANSFER)
        _, count = await self._read(lambda _: self._index.log.count)
        first, end = await self._apart(self._bounds, filter, count)
        taken, wanted = [np.zeros(0, TRANSFER)], filter.rows_max
        frames = 1  # often the first one is enough
        while first < end and wanted:
            stretches = await self._apart(
                self._index.stretches,
                end if filter.reversed else first,
                frames,
                filter.reversed,
            )
            frames = min(2 * frames, FRAMES_AT_ONCE)
            if filter.reversed:
                end = int(stretches["first"][-1])
            elif len(stretches):
                last = stretches[-1]
                first = int(last["first"]) + int(last["movements"])
            stretches = stretches[stretches["first"] < count]
            if not len(stretches):
                break
            for frame in await self._apart(self._index.frames, stretches):
                if frame.operation == Operation.CREATE_TRANSFERS:
                    ids = ids_ended(frame)[len(frame.expired) :]
                    made, _ = transfers_of(frame, await look_up(ids, self._read))
                    taken.append(select(filter, [made], TRANSFER)[:wanted])
                    wanted -= len(taken[-1])
        return np.concatenate(taken)

    def _bounds(self, filter: AccountFilter | QueryFilter, count: int) -> tuple[int, int]:
        """Return between which numbers the filter's time lies, roughly."""
        first, end = 0, count
        if filter.timestamp_min:
            stretch = self._index.first_beyond("last_created", filter.timestamp_min - 1)
            first = int(stretch["first"]) if stretch is not None else count
        if filter.timestamp_max:
            stretch = self._index.first_beyond("last_created", filter.timestamp_max)
            if stretch is not None:
                end = min(count, int(stretch["first"]) + int(stretch["movements"]))
        return first, end
