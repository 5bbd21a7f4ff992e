"""Reading an engine: its ledger as it stands, and its journal as it came about.

What a read returns is on stable storage by then, and of one moment: nothing is applied while the
ledger is looked at.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Any

from payvand.core.changes import Changes, follow_changes
from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.records import Records
from payvand.core.values import Account, AccountStanding, Aggregate, Transfer

__all__ = ["Reading"]


class Reading(ABC):
    """The reading side of an engine."""

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

    # --- over time ---------------------------------------------------------------------------

    def changes(self, after: int = 0) -> AsyncIterator[Changes]:
        """Iterate over what changed after the frame *after*, with the balances behind each effect.

        Goes on with what is to come; ends when the engine closes. `Changes.sequence` is the cursor
        to go on from later. To begin reads all frames behind *after* once, and holds 64 bytes an
        account from then on.

        Raises ValueError where *after* lies beyond the last frame.
        """
        return follow_changes(self.follow, self._read, after)
