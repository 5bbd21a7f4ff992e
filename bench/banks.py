"""Payments among banks, with accounts, caps and funds as a switch has them: load for settlement."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from payvand.bench.load import LEDGER, Load
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import ACCOUNT, LIMIT, TRANSFER, AccountFlags, Records
from payvand.core.statuses import TransferStatus
from payvand.settlement.netting import position_account, settlement_account

__all__ = ["BANKS", "PAYLOAD_BYTES", "Batch", "PaymentLoad", "commit_all", "open_banks"]

BANKS = 40
PAYLOAD_BYTES = 160
"""What a payment's message takes beside its record, about."""

CENTRAL_BANK = 1
AMPLE = 1 << 60
"""Caps and funds that no run of the bench uses up."""

IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Batch:
    """Payments and their payloads, as one submission."""

    rows: Records
    payloads: bytes
    offsets: npt.NDArray[np.uint32]


class PaymentLoad:
    """Draw payments between banks: each settles at once, as with a creditor that auto-accepts."""

    def __init__(self, *, payload_bytes: int = PAYLOAD_BYTES, seed: int = 7) -> None:
        """Begin a run's load."""
        self._load = Load(BANKS, seed=seed)
        self._bytes = payload_bytes
        self._payloads = np.random.default_rng(seed).bytes(payload_bytes * BATCH_EVENTS_MAX)

    @property
    def count(self) -> int:
        """Payments drawn so far."""
        return self._load.count

    @property
    def amount_sum(self) -> int:
        """Of all payments drawn so far."""
        return self._load.amount_sum

    def batch(self, count: int) -> Batch:
        """Return *count* payments, at most as many as a batch holds."""
        rows = self._load.transfers(count)
        for side in ("debit_account_id", "credit_account_id"):
            numbers = rows[side]["lo"]
            rows[side]["lo"] = numbers * np.uint64(position_account(1) - 1) + np.uint64(1)
        rows["user_data_64"] = rows["id"]["lo"] * np.uint64(0x9E37_79B9_7F4A_7C15)
        rows["user_data_128"]["lo"] = rows["user_data_64"]
        offsets = np.arange(count + 1, dtype=np.uint32) * np.uint32(self._bytes)
        return Batch(rows, self._payloads[: count * self._bytes], offsets)

    def batches(self, count: int) -> Iterator[Batch]:
        """Draw *count* payments in full batches, each when it is asked for."""
        while count > 0:
            size = min(count, BATCH_EVENTS_MAX)
            yield self.batch(size)
            count -= size


async def open_banks(engine: Engine) -> None:
    """Open all banks' accounts, with ample caps and funds."""
    numbers = np.arange(1, BANKS + 1, dtype=np.uint64)
    rows = np.zeros(2 * BANKS + 1, ACCOUNT)
    positions = [position_account(int(n)) for n in numbers]
    outside = [settlement_account(int(n)) for n in numbers]
    rows["id"]["lo"] = [CENTRAL_BANK, *positions, *outside]
    rows["ledger"], rows["code"] = LEDGER, 1
    rows["flags"][1:] = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
    await engine.create_accounts(rows)
    limits = np.zeros(BANKS, LIMIT)
    limits["account_id"]["lo"], limits["limit"]["lo"] = positions, AMPLE
    await engine.set_limits(limits)
    funds = np.zeros(BANKS, TRANSFER)
    funds["id"]["lo"], funds["id"]["hi"] = numbers, 1 << 63
    funds["debit_account_id"]["lo"], funds["credit_account_id"]["lo"] = CENTRAL_BANK, outside
    funds["amount"]["lo"], funds["ledger"], funds["code"] = AMPLE, LEDGER, 11
    await engine.create_transfers(funds)


async def commit_all(engine: Engine, batches: Iterator[Batch]) -> int:
    """Commit batches, some at a time; return how many payments had no effect."""
    refused = 0

    async def carry() -> None:
        nonlocal refused
        for batch in batches:
            committed = await engine.create_transfers(
                batch.rows, payloads=batch.payloads, offsets=batch.offsets
            )
            status = committed.results["status"]
            refused += int(np.count_nonzero(status != TransferStatus.CREATED))

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(carry())
    return refused
