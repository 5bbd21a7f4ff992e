"""Reading an engine: its ledger as it stands, and its journal as it came about.

What a read returns is on stable storage by then, and of one moment: nothing is applied while the
ledger is looked at.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

from payvand.core.account_queries import AccountQueries
from payvand.core.changes import Changes, follow_changes
from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.queries import AccountFilter, QueryFilter
from payvand.core.records import Records
from payvand.core.values import Account, AccountStanding, Aggregate, Transfer

__all__ = ["Reading"]

Found = TypeVar("Found")


class Reading(ABC):
    """The reading side of an engine."""

    _queries: AccountQueries

    @abstractmethod
    async def _read(self, read: Callable[[Ledger], Any]) -> tuple[int, Any]:
        """Read the ledger → (sequence of the last frame in it, what *read* returned)."""

    @abstractmethod
    def follow(self, after: int = 0) -> AsyncIterator[Frame]:
        """Iterate over the durable frames after the sequence *after*, then over those to come."""

    # --- by id -------------------------------------------------------------------------------

    async def lookup_accounts(self, ids: Records) -> Records:
        """Return ACCOUNT[m], those of *ids* (U128[n]) that exist, in the order asked."""
        found: Records = (await self._read(lambda ledger: ledger.lookup_accounts(ids)))[1]
        return found

    async def lookup_transfers(self, ids: Records) -> Records:
        """Return TRANSFER[m], those of *ids* (U128[n]) that exist, in the order asked."""
        found: Records = (await self._read(lambda ledger: ledger.lookup_transfers(ids)))[1]
        return found

    async def lookup_limits(self, ids: Records) -> Records:
        """Return LIMIT[m], the limits of those accounts of *ids* (U128[n]) that exist."""
        found: Records = (await self._read(lambda ledger: ledger.lookup_limits(ids)))[1]
        return found

    async def look(self, read: Callable[[Ledger], Found]) -> tuple[int, Found]:
        """Return what *read* finds in the ledger at one moment, behind its sequence.

        Batches wait while it reads: some thousand look-ups at most.
        """
        found: tuple[int, Found] = await self._read(read)
        return found

    async def lookup_quotas(self, ids: Records | None = None) -> Records:
        """Return QUOTA_USE[m], those of *ids* (U128[n]) that exist, or all: in order of setting."""
        found: Records = (
            await self._read(
                lambda ledger: ledger.quotas() if ids is None else ledger.lookup_quotas(ids)
            )
        )[1]
        return found

    async def lookup_account(self, id: int) -> Account | None:
        """Return the account under an id."""
        found: Account | None = (await self._read(lambda ledger: ledger.lookup_account(id)))[1]
        return found

    async def lookup_transfer(self, id: int) -> Transfer | None:
        """Return the transfer under an id."""
        found: Transfer | None = (await self._read(lambda ledger: ledger.lookup_transfer(id)))[1]
        return found

    async def states(self, ids: Records) -> Records:
        """Return STATE[n]: what stands behind each of *ids* (U128[n]), also ids never seen."""
        found: Records = (await self._read(lambda ledger: ledger.states(ids)))[1]
        return found

    # --- over all ----------------------------------------------------------------------------

    async def standing(self, account_id: int) -> AccountStanding:
        """Return an account, its limit and all that is pending on it, of one moment.

        Nothing is applied while all reservations under way are gone through: some 5 ns each.
        """
        found: AccountStanding = (await self._read(lambda ledger: ledger.standing(account_id)))[1]
        return found

    async def aggregates(self, *, ledger: int = 0, code: int = 0) -> tuple[int, list[Aggregate]]:
        """Return a sequence, and the sums over each kind of account as of it; 0 asks for all.

        Nothing is applied while all accounts are gone through: some 15 ns each.
        """
        seen: tuple[int, list[Aggregate]] = await self._read(
            lambda books: books.aggregates(ledger=ledger, code=code)
        )
        return seen

    async def totals(self, ledger: int) -> tuple[int, dict[str, int]]:
        """Return a sequence, and the sums of the four balances of one ledger as of it."""
        seen: tuple[int, dict[str, int]] = await self._read(lambda books: books.totals(ledger))
        return seen

    # --- by filter ---------------------------------------------------------------------------

    async def account_transfers(self, filter: AccountFilter) -> Records:
        """Return TRANSFER[m], those of one account that match, in the filter's order.

        Whether or not they are in memory: a page costs some µs for each transfer of the account
        that is looked at, and none of other accounts.
        """
        return await self._queries.account_transfers(filter)

    async def account_balances(self, filter: AccountFilter) -> Records:
        """Return BALANCE[m], how an account with a history stood behind those transfers."""
        return await self._queries.account_balances(filter)

    async def query_accounts(self, filter: QueryFilter) -> Records:
        """Return ACCOUNT[m] that match, in the filter's order, as of one moment."""
        return await self._queries.query_accounts(filter)

    async def query_transfers(self, filter: QueryFilter) -> Records:
        """Return TRANSFER[m] that match, in the filter's order.

        Reads the frames of the filter's time, from its beginning or, reversed, from its end, until
        there are enough: what is seldom is best asked for with a time.
        """
        return await self._queries.query_transfers(filter)

    # --- over time ---------------------------------------------------------------------------

    async def balances_as_of(
        self, accounts: Records, *, sequence: int | None = None, time: int | None = None
    ) -> Records:
        """Return BALANCES[n], how accounts (U128[n], at most 8,190) stood then; zeros before.

        Of an account with a history it costs about a page. Of others, some µs for each of their
        own movements since then: they are taken back from the present balances.

        Args:
            accounts: their ids.
            sequence: behind this frame, which is on stable storage.
            time: behind all that took effect up to it, in nanoseconds since 1970, by the clock of
                the books: what was imported counts from its import on.

        Raises ValueError unless one of both is given, or where a frame is beyond the last.
        """
        return await self._queries.balances_as_of(accounts, sequence=sequence, time=time)

    def changes(self, after: int = 0) -> AsyncIterator[Changes]:
        """Iterate over what changed after the frame *after*, with the balances behind each effect.

        Goes on with what is to come; ends when the engine closes. `Changes.sequence` is the cursor
        to go on from later. To begin reads all frames behind *after* once, and holds 64 bytes an
        account from then on.

        Raises ValueError where *after* lies beyond the last frame.
        """
        return follow_changes(self.follow, self._read, after)
