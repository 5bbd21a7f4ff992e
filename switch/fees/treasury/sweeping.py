"""Sweeping: what the fees of a closed window left with agencies goes to the treasury.

    closed window ─► shares and returns by account ─► posting ─► transfers ─► acknowledged

The posting is written first; the transfers' ids follow from the window and the participant, so
sweeping again after a crash moves nothing twice. An agency gives what its window came to, and
never more than its settlement account holds.
"""

import csv
import io
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER, u128_array, u128_list
from payvand.settlement.database import Executor, Pool
from payvand.settlement.netting import participant_of, position_account, settlement_account
from payvand.switch.fees.bills.accounts import (
    RETURN_SHARE_CODE,
    SHARE_CODE,
    SWEEP_CODE,
    account_key,
)
from payvand.switch.fees.bills.bill import BillRefused
from payvand.switch.participant import Participant
from payvand.switch.participants import CENTRAL_BANK_ACCOUNT, Registry

__all__ = ["Posting", "Sweeping"]

_OWN_ID: Final = 1 << 127
REASON_LENGTH_MAX: Final = 400

_SUMS: Final = """
SELECT account, left(replace(data::text, '-', ''), 16) AS key,
    sum(CASE WHEN code = $3 THEN amount ELSE 0 END) AS credits,
    sum(CASE WHEN code = $4 THEN amount ELSE 0 END) AS debits, count(*) AS items
FROM (
    SELECT credit_account_id AS account, user_data_128 AS data, code, amount FROM books.transfer
    WHERE credit_account_id = ANY($1) AND window_number = $2 AND flags & 10 = 0 AND code = $3
    UNION ALL
    SELECT debit_account_id, user_data_128, code, amount FROM books.transfer
    WHERE debit_account_id = ANY($1) AND window_number = $2 AND flags & 10 = 0 AND code = $4
) moved
GROUP BY account, key ORDER BY account, key
"""


@dataclass(frozen=True, slots=True)
class Posting:
    """What a window's fees come to for each account."""

    window: int
    text: str
    """CSV; the last line is the total."""
    made_at: int
    acknowledged_by: str
    acknowledged_at: int
    refused_because: str
    swept: int
    """What was moved to the treasury, as the ledger has it."""

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text."""
        return sha256(self.text.encode()).digest()


class Sweeping:
    """Sweep windows on an engine. One for each process."""

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        registry: Registry,
        *,
        clock: Callable[[], int],
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        """Move money on *engine*; *catch_up* waits until the database is as far as it."""
        self._engine = engine
        self._pool = pool
        self._registry = registry
        self._clock = clock
        self._catch_up = catch_up

    async def sweep(self, window: int, *, by: str) -> Posting:
        """Sweep a closed window; raises `BillRefused` where it isn't closed."""
        await self._catch_up()
        agencies = [one for one in self._registry.participants if one.ibans]
        async with self._pool.acquire() as connection, connection.transaction():
            closed = await connection.fetchval(
                "SELECT closed_at FROM books.settlement_window WHERE number = $1", window
            )
            if closed is None:
                raise BillRefused("window", "window.closed", "close the window first")
            text, nets = await _posting(connection, window, agencies)
            await connection.execute(
                "INSERT INTO fees.posting (window_number, text, made_by, made_at) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                *(window, text, by, self._clock()),
            )
        await self._move(window, {number: net for number, net in nets.items() if net > 0})
        return await self._posting_of(window)

    async def acknowledge(
        self, window: int, digest: bytes, *, refused_because: str, by: str
    ) -> Posting:
        """Note the treasury's word on a posting; the first one stands. Raises `BillRefused`."""
        posting = await self._posting_of(window)
        if digest != posting.digest:
            hint = "what you acknowledge must be what you read"
            raise BillRefused("digest", "posting.digest", hint)
        if len(refused_because) > REASON_LENGTH_MAX or not refused_because.isprintable():
            hint = f"at most {REASON_LENGTH_MAX} characters on one line"
            raise BillRefused("refused_because", "posting.reason", hint)
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE fees.posting SET acknowledged_by = $2, acknowledged_at = $3, "
                "refused_because = $4 WHERE window_number = $1 AND acknowledged_at = 0",
                *(window, by, self._clock(), refused_because),
            )
        return await self._posting_of(window)

    async def postings(self, *, is_open: bool, limit: int) -> list[Posting]:
        """Return postings, the newest first."""
        async with self._pool.acquire() as connection:
            windows = await connection.fetch(
                "SELECT window_number FROM fees.posting WHERE NOT $1 OR acknowledged_at = 0 "
                "ORDER BY window_number DESC LIMIT $2",
                *(is_open, limit),
            )
        return [await self._posting_of(row["window_number"]) for row in windows]

    async def _posting_of(self, window: int) -> Posting:
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT text, made_at, acknowledged_by, acknowledged_at, refused_because "
                "FROM fees.posting WHERE window_number = $1",
                window,
            )
        if row is None:
            raise BillRefused("window", "posting.unknown", "no posting is of this window")
        ids = u128_array(_sweep_id(window, one.number) for one in self._registry.participants)
        moved = await self._engine.lookup_transfers(ids)
        return Posting(window=window, swept=sum(u128_list(moved["amount"])), **dict(row))

    async def _move(self, window: int, nets: dict[int, int]) -> None:
        """Move what a window came to, participant by participant, to the central bank's account."""
        ids = {number: _sweep_id(window, number) for number in nets}
        done = await self._engine.states(u128_array(ids.values()))
        left = [
            number for number, state in zip(nets, done["state"].tolist(), strict=True) if not state
        ]
        if not left:
            return
        accounts = await self._engine.lookup_accounts(
            u128_array(settlement_account(number) for number in left)
        )
        funds = {
            participant_of(account): credits - debits - pending
            for account, credits, debits, pending in zip(
                u128_list(accounts["id"]),
                u128_list(accounts["credits_posted"]),
                u128_list(accounts["debits_posted"]),
                u128_list(accounts["debits_pending"]),
                strict=True,
            )
        }
        rows = [number for number in left if min(nets[number], funds[number]) > 0]
        if not rows:
            return
        records = np.zeros(len(rows), TRANSFER)
        records["id"] = u128_array(ids[number] for number in rows)
        records["debit_account_id"] = u128_array(settlement_account(number) for number in rows)
        records["credit_account_id"]["lo"] = CENTRAL_BANK_ACCOUNT
        records["amount"] = u128_array(min(nets[number], funds[number]) for number in rows)
        records["user_data_64"] = window
        ledgers = {one.number: one.ledger for one in self._registry.participants}
        records["ledger"] = [ledgers[number] for number in rows]
        records["code"] = SWEEP_CODE
        await self._engine.create_transfers(records)


async def _posting(
    connection: Executor, window: int, agencies: Sequence[Participant]
) -> tuple[str, dict[int, int]]:
    """Return a window's posting as text, and the nets of participants by number."""
    positions = [position_account(one.number) for one in agencies]
    names = {one.number: one.name for one in agencies}
    ibans = {account_key(iban): iban for one in agencies for iban in one.ibans}
    rows = await connection.fetch(_SUMS, positions, window, SHARE_CODE, RETURN_SHARE_CODE)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("account", "participant", "credits", "debits", "net", "items"))
    nets: dict[int, int] = {}
    totals = [0, 0, 0]
    for row in rows:
        number, key = participant_of(row["account"]), int(row["key"], 16)
        credits, debits = int(row["credits"]), int(row["debits"])
        nets[number] = nets.get(number, 0) + credits - debits
        totals = [a + b for a, b in zip(totals, (credits, debits, row["items"]), strict=True)]
        account = ibans.get(key, f"{key:016x}")
        writer.writerow((account, names[number], credits, debits, credits - debits, row["items"]))
    writer.writerow(("total", "", totals[0], totals[1], totals[0] - totals[1], totals[2]))
    return out.getvalue(), nets


def _sweep_id(window: int, participant: int) -> int:
    told = window.to_bytes(8, "big") + participant.to_bytes(8, "big")
    digest = blake2b(told, digest_size=16, person=b"payvand.sweep").digest()
    return int.from_bytes(digest, "big") | _OWN_ID
