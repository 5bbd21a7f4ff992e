"""Amending: what a bill asks is changed, as an act of its own, and every change stays on record."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from payvand.core.engine import Engine
from payvand.core.statuses import TransferStatus
from payvand.settlement.database import Pool
from payvand.switch.fees.bills.accounts import COLLECTION_ACCOUNT, NOTICE_CODE, fees_account
from payvand.switch.fees.bills.bill import AMOUNT_MAX, BillRefused
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.issuing import day_of
from payvand.switch.fees.bills.notice import Notice, What, insert_notice
from payvand.switch.fees.bills.number import TransferKind, transfer_id
from payvand.switch.fees.bills.state import Standing
from payvand.switch.fees.paying.chain import Chains
from payvand.switch.units import IRR

__all__ = ["Amending", "Wish"]

REASON_LENGTH_MAX: Final = 400
TURNS_MAX: Final = 16
"""How often a change is judged again because somebody else acted on the bill meanwhile."""
_LESS: Final = frozenset({What.WAIVED, What.EXEMPTED})
_ENDS: Final = {What.CANCELLED: "cancelled", What.EXPIRED: "expired"}


@dataclass(frozen=True, slots=True)
class Wish:
    """A change that somebody wants of a bill."""

    what: What
    reason: str
    made_by: str
    """Whose certificate it was; empty where the switch did it by itself."""
    amounts: Mapping[int, int]
    """By the place of a line what it asks from now on."""
    due: date | None = None
    """The last day to pay from now on; None for the day it was."""
    seen: int | None = None
    """How many acts there were when the change was decided; None for whatever there are."""


class Amending:
    """Change bills. One for each process."""

    def __init__(
        self, engine: Engine, pool: Pool, inquiry: Inquiry, clock: Callable[[], int]
    ) -> None:
        """Write notices to *pool* and their acts to *engine*."""
        self._engine = engine
        self._pool = pool
        self._inquiry = inquiry
        self._clock = clock

    async def amend(self, key: int, wish: Wish) -> tuple[Standing, Standing]:
        """Change a bill; return how it stood before and how it stands now, on stable storage.

        Raises `BillRefused`; then nothing was changed.
        """
        if not 0 < len(wish.reason) <= REASON_LENGTH_MAX or not wish.reason.isprintable():
            hint = f"say why, in 1 to {REASON_LENGTH_MAX} characters on one line"
            raise BillRefused("reason", "amendment.reason", hint)
        for _ in range(TURNS_MAX):
            before = await self._standing(key)
            if wish.seen is not None and wish.seen != len(before.acts):
                hint = f"the bill has {len(before.acts)} acts by now: look at it again"
                raise BillRefused("acts", "bill.changed", hint)
            notice = self._notice(before, wish)
            async with self._pool.acquire() as connection:
                await insert_notice(connection, key, before.next_act, notice)
            if await self._commit(before, notice):
                return before, await self._standing(key)
        raise BillRefused("number", "bill.busy", "others act on the bill all the time: try again")

    async def _standing(self, key: int) -> Standing:
        standing = (await self._inquiry.of_keys([key])).get(key)
        if standing is None:
            raise BillRefused("number", "bill.unknown", "no bill has this number")
        return standing

    def _notice(self, before: Standing, wish: Wish) -> Notice:
        """Return what a wish comes to for a bill as it stands."""
        if before.ended:
            raise BillRefused("number", f"bill.{before.ended}", f"the bill is {before.ended}")
        lines = list(before.lines)
        for place, amount in wish.amounts.items():
            if not 0 <= place < len(lines):
                hint = f"the bill has {len(lines)} lines, counted from 0"
                raise BillRefused("lines", "amendment.line", hint)
            if not 0 <= amount <= AMOUNT_MAX:
                raise BillRefused("lines", "amount.range", f"from 0 to {AMOUNT_MAX}")
            if wish.what in _LESS and amount > lines[place].amount:
                hint = f"line {place} asks {lines[place].amount}: what is waived is no more"
                raise BillRefused("lines", "amendment.more", hint)
            lines[place] = replace(lines[place], amount=amount)
        if wish.what is What.EXEMPTED and not wish.amounts:
            lines = [replace(line, amount=0) for line in lines]
        if wish.what is What.CANCELLED:
            lines = [replace(line, amount=0) for line in lines]
        if wish.what is What.OBJECTED:
            self._check_objection(before)
        return Notice(
            what=wish.what,
            reason=wish.reason,
            made_by=wish.made_by,
            lines=tuple(lines) if tuple(lines) != before.lines else None,
            due=wish.due,
            ends=_ENDS.get(wish.what, ""),
        )

    def _check_objection(self, standing: Standing) -> None:
        until = standing.bill.objection_until
        if until is None or day_of(self._clock()) > until:
            raise BillRefused(
                "number",
                "objection.over",
                "the time to object is over" if until else "none is taken",
            )

    async def _commit(self, before: Standing, notice: Notice) -> bool:
        """Write the act; False where another one took its number."""
        chain = Chains(IRR.ledger)
        chain.add(
            transfer_id(TransferKind.ACT, before.bill.key, before.next_act),
            COLLECTION_ACCOUNT,
            fees_account(before.bill.agency),
            0,
            NOTICE_CODE,
            data_128=notice.digest(),
        )
        chain.end()
        records, _, _ = chain.records()
        results = (await self._engine.create_transfers(records)).results
        status = TransferStatus(int(results["status"][0]))
        if status in (TransferStatus.CREATED, TransferStatus.EXISTS):
            return True
        assert status.name.startswith("EXISTS"), f"a notice met {status.name}"
        return False
