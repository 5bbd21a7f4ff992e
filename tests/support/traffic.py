"""Random traffic of a switch over a real engine: what the laws of settlement are tested on.

Banks pay each other in two ledgers, one of them with amounts beyond 64 bits. Payments are settled
at once, reserved and then posted (in whole or in part), voided, or left to run out; they are sent
again, sent with other content, linked, refused for want of money. Caps change, windows close.
All of it follows from a seed; time is virtual.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from payvand.core.engine import Committed, Engine
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    TRANSFER,
    U128_MAX,
    AccountFlags,
    Records,
    TransferFlags,
)
from payvand.core.statuses import TransferStatus
from payvand.settlement.closing import Closing, close_window
from payvand.settlement.netting import position_account, settlement_account
from payvand.settlement.windows import WindowBook

SECOND = 1_000_000_000
LEDGER, WIDE_LEDGER = 364, 999
CENTRAL_BANK = {LEDGER: 1, WIDE_LEDGER: 3}
"""The switch's own accounts, that settlement accounts are funded from."""
ANSWER = 1 << 127
PAYMENT, FEE, FUNDING = 1, 2, 11


@dataclass
class Clock:
    """A clock that goes on when told to; nanoseconds since 1970."""

    now: int = 1_767_225_600 * SECOND

    def __call__(self) -> int:
        return self.now


def records_of(dtype: np.dtype[Any], rows: Sequence[dict[str, int]]) -> Records:
    """Return records with the fields given, zero where none is."""
    array = np.zeros(len(rows), dtype)
    for record, row in zip(array, rows, strict=True):
        for name, value in row.items():
            if dtype[name].names:
                record[name]["lo"], record[name]["hi"] = value & (2**64 - 1), value >> 64
            else:
                record[name] = value
    return array


@dataclass
class Traffic:
    """The switch's side of an engine: its accounts, what is under way, its windows."""

    engine: Engine
    clock: Clock
    seed: int = 0
    banks: int = 5
    """In the common ledger; two more are in the wide one."""
    cap: int = 100_000
    book: WindowBook = field(default_factory=WindowBook)
    reserved: dict[int, dict[str, int]] = field(default_factory=dict)
    sent: list[dict[str, int]] = field(default_factory=list)
    closings: list[Closing] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    @property
    def participants(self) -> range:
        """The numbers of all banks."""
        return range(1, self.banks + 3)

    def ledger_of(self, participant: int) -> int:
        """Return the ledger that a bank's accounts are in."""
        return LEDGER if participant <= self.banks else WIDE_LEDGER

    def unit(self, participant: int) -> int:
        """Return what amounts of a bank are multiples of."""
        return 1 if self.ledger_of(participant) == LEDGER else 2**70 + 3

    async def open(self) -> None:
        """Open all accounts, with caps and funds."""
        limited = AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS
        rows = [
            {"id": account, "ledger": ledger, "code": 3} for ledger, account in CENTRAL_BANK.items()
        ]
        for number in self.participants:
            shared = {"ledger": self.ledger_of(number), "flags": limited, "user_data_64": number}
            rows.append({"id": position_account(number), "code": 1, **shared})
            rows.append({"id": settlement_account(number), "code": 2, **shared})
        await self.engine.create_accounts(records_of(ACCOUNT, rows))
        await self.set_caps({n: self.cap * self.unit(n) for n in self.participants})
        for number in self.participants:
            await self.fund(number, self.cap * self.unit(number) // 2)

    async def set_caps(self, caps: dict[int, int]) -> None:
        """Set net debit caps, by participant."""
        rows = [{"account_id": position_account(n), "limit": cap} for n, cap in caps.items()]
        await self.engine.set_limits(records_of(LIMIT, rows))

    async def fund(self, participant: int, amount: int) -> None:
        """Pay into a bank's settlement account."""
        ledger = self.ledger_of(participant)
        row = {
            "id": self.random.getrandbits(126) | ANSWER | 1,
            "debit_account_id": CENTRAL_BANK[ledger],
            "credit_account_id": settlement_account(participant),
            "amount": amount,
            "ledger": ledger,
            "code": FUNDING,
        }
        await self.engine.create_transfers(records_of(TRANSFER, [row]))

    async def run(self, batches: int, *, close_every: int = 4) -> None:
        """Let traffic flow."""
        for _ in range(batches):
            self.clock.now += self.random.choice((0, SECOND // 10, SECOND, 3 * SECOND))
            if self.random.randrange(8) == 0:
                number = self.random.choice(self.participants)
                cap = self.random.randrange(self.cap // 2, 2 * self.cap) * self.unit(number)
                await self.set_caps({number: cap})
            await self.batch(self.random.randrange(1, 40))
            if self.random.randrange(close_every) == 0:
                await self.close()

    async def batch(self, size: int) -> Committed:
        """Commit transfers of all kinds in one batch, some with a payload."""
        rows = [row for _ in range(size) for row in self._draw()]
        payloads = [self._payload(row) for row in rows]
        offsets = np.cumsum([0, *map(len, payloads)], dtype=np.uint32)
        committed = await self.engine.create_transfers(
            records_of(TRANSFER, rows), payloads=b"".join(payloads), offsets=offsets
        )
        for row, status in zip(rows, committed.results["status"].tolist(), strict=True):
            self.sent.append(row)
            if status != TransferStatus.CREATED:
                continue
            if row["flags"] & TransferFlags.PENDING:
                self.reserved[row["id"]] = row
            self.reserved.pop(row.get("pending_id", 0), None)
        return committed

    async def post_reserved(self) -> None:
        """Post a reservation in whole."""
        committed = await self.engine.create_transfers(records_of(TRANSFER, [self._answer("post")]))
        assert committed.results["status"][0] == TransferStatus.CREATED

    async def post_unnamed(self) -> None:
        """Post a reservation as the ledger allows it and the switch never does."""
        answer = self._answer("post") | {"debit_account_id": 0, "credit_account_id": 0}
        await self.engine.create_transfers(records_of(TRANSFER, [answer]))

    async def close(self) -> Closing:
        """Close the window; those who can't pay are funded first, though not always."""
        closing = await close_window(self.engine, self.book, self.participants)
        self.closings.append(closing)
        if closing.shortfalls and self.random.randrange(3):
            for shortfall in closing.shortfalls:
                await self.fund(shortfall.participant, shortfall.owes)
            return await self.close()
        return closing

    def _draw(self) -> list[dict[str, int]]:
        kind = self.random.choices(
            ("single", "reserve", "post", "part", "void", "again", "other", "linked", "wrong"),
            (6, 8, 5, 1, 2, 1, 1, 1, 1),
        )[0]
        if kind in ("post", "part", "void") and self.reserved:
            return [self._answer(kind)]
        if kind == "again" and self.sent:
            return [self.random.choice(self.sent)]
        if kind == "other" and self.sent:
            row = self.random.choice(self.sent)
            return [row | {"amount": row["amount"] // 2 + 1}]
        if kind == "linked":
            first, second = self._payment(0), self._payment(0)
            return [first | {"flags": int(TransferFlags.LINKED)}, second]
        if kind == "wrong":
            field, value = self.random.choice(
                (("id", 0), ("credit_account_id", 10_000), ("code", 0), ("amount", U128_MAX // 2))
            )
            return [self._payment(0) | {field: value}]
        return [self._payment(int(TransferFlags.PENDING) if kind == "reserve" else 0)]

    def _payment(self, flags: int) -> dict[str, int]:
        debtor = self.random.choice(self.participants)
        same = [n for n in self.participants if self.ledger_of(n) == self.ledger_of(debtor)]
        creditor = self.random.choice([n for n in same if n != debtor])
        return {
            "id": self.random.getrandbits(127) | 1,
            "debit_account_id": position_account(debtor),
            "credit_account_id": position_account(creditor),
            "amount": self.random.randrange(1, self.cap // 3) * self.unit(debtor),
            "user_data_128": self.random.getrandbits(128),
            "user_data_64": self.random.getrandbits(64),
            "timeout": self.random.choice((0, 1, 5)) if flags & TransferFlags.PENDING else 0,
            "ledger": self.ledger_of(debtor),
            "code": self.random.choice((PAYMENT, PAYMENT, FEE)),
            "flags": flags,
        }

    def _answer(self, kind: str) -> dict[str, int]:
        pending = self.random.choice(list(self.reserved.values()))
        amount = U128_MAX
        if kind == "part":
            amount = self.random.randrange(1, pending["amount"] + 1)
        flag = TransferFlags.POST_PENDING_TRANSFER
        if kind == "void":
            flag, amount = TransferFlags.VOID_PENDING_TRANSFER, 0
        return pending | {
            "id": pending["id"] | ANSWER,
            "pending_id": pending["id"],
            "amount": amount,
            "user_data_32": int.from_bytes(b"AC04") if kind == "void" else 0,
            "timeout": 0,
            "flags": int(flag),
        }

    def _payload(self, row: dict[str, int]) -> bytes:
        if row.get("pending_id"):
            return b""
        return self.random.randbytes(self.random.choice((0, 3, 90)))
