"""Issuing receipts: from a payment of a bill to the signed file, and its page."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.settlement.database import Pool, as_amount
from payvand.settlement.inclusion import Inclusion, NotIncluded, prove_payment
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.fees.bills.inquiry import Inquiry
from payvand.switch.fees.bills.number import TransferKind, transfer_id
from payvand.switch.fees.bills.state import Standing, stand
from payvand.switch.fees.catalogue.schedule import Schedule
from payvand.switch.fees.receipts.numbering import Numbering
from payvand.switch.fees.receipts.receipt import Receipt
from payvand.switch.participant import Participant
from payvand.switch.participants import Registry

__all__ = ["Receipts", "ScheduleOf"]

ScheduleOf = Callable[[int], Awaitable[Schedule]]
"""The schedule of a version's number, that a bill was made by; KeyError where there is none."""

CREDIT_NAME: Final = "بستانکاری پرداخت‌کننده"


class Receipts:
    """The receipts of one switch. One for each process."""

    def __init__(
        self,
        *,
        pool: Pool,
        inquiry: Inquiry,
        registry: Registry,
        key: Ed25519PrivateKey,
        journal: Path,
        schedule_of: ScheduleOf,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Sign with *key*; prove from the files of *journal*."""
        self._pool = pool
        self._inquiry = inquiry
        self._registry = registry
        self._key = key
        self._journal = journal
        self._schedule_of = schedule_of
        self._catch_up = catch_up
        self._numbering = Numbering(pool)
        self._proving = asyncio.Lock()

    async def number(self) -> None:
        """Number what was paid since the last time."""
        await self._numbering.number(one.number for one in self._registry.participants if one.ibans)

    async def issue(self, key: int, act: int, *, with_proof: bool = False) -> Receipt:
        """Return the receipt of a payment of a bill; raises `BillRefused` where there is none."""
        standing = (await self._inquiry.of_keys([key])).get(key)
        if standing is None:
            raise BillRefused("number", "bill.unknown", "no bill has this number")
        if not any(one.is_payment and one.number == act for one in standing.acts):
            raise BillRefused("act", "receipt.act", f"act {act} of the bill is no payment")
        await self._catch_up()
        await self.number()
        identity = transfer_id(TransferKind.ACT, key, act)
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT agency, year, number, amount, paid_at FROM fees.receipt WHERE act = $1",
                UUID(int=identity),
            )
        assert row is not None, "what the ledger has is numbered once the database has caught up"
        agency = next(one for one in self._registry.participants if one.number == row["agency"])
        receipt = Receipt.signed(
            self._key,
            await self._details(standing, act, as_amount(row["amount"]), agency),
            agency=agency.name,
            year=row["year"],
            number=row["number"],
            bill=standing.bill.number,
            act=act,
            transfer=identity,
            amount=as_amount(row["amount"]),
            paid_at=row["paid_at"],
        )
        return receipt.proven(await self._proof(identity)) if with_proof else receipt

    async def _details(
        self, standing: Standing, act: int, amount: int, agency: Participant
    ) -> dict[str, Any]:
        """Return what else a receipt says: of the bill as it was issued and stood before *act*."""
        bill = standing.bill
        before = stand(bill, standing.acts[: act - 1], standing.notices)
        titles: dict[str, str] = {}
        service = bill.service
        with suppress(KeyError):
            schedule = await self._schedule_of(bill.schedule_version)
            service = schedule.services[bill.service].title_fa
            titles = {fee.code: fee.title_fa for fee in schedule.services[bill.service].fees}
        return {
            "agency_name": agency.display_name_fa or agency.display_name,
            "service": bill.service,
            "service_name": service,
            "reference": bill.reference,
            "payer": bill.payer,
            "subject": bill.subject,
            "bill_id": str(bill.bill_id or ""),
            "payment_id": str(bill.payment_id or ""),
            "lines": [
                {
                    "fee": "" if place < 0 else before.lines[place].fee,
                    "name": CREDIT_NAME
                    if place < 0
                    else titles.get(before.lines[place].fee, before.lines[place].fee),
                    "amount": str(part),
                }
                for place, part in before.apportion(amount)
            ],
        }

    async def _proof(self, identity: int) -> Inclusion | None:
        """Return the proof that a closed day has a transfer, or None while none has."""
        async with self._proving:
            try:
                return await asyncio.to_thread(prove_payment, self._journal, identity)
            except NotIncluded:
                return None
