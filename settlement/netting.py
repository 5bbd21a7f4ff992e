"""Multilateral netting: what each participant owes or is owed, and the transfers that settle it.

A participant has two accounts in the ledger. Its *position* moves with every payment and may fall
below zero as far as its net debit cap. Its *settlement account* holds funds at the central bank
and is moved only by funding and by the closing of windows. Closing a window brings the positions
back to zero:

    net debtor     debit its settlement account, credit its position, by what it owes
    net creditor   debit its position, credit its settlement account, by what it is owed

The balances of an account are cumulative and never fall, so the figures of a window are those of
now less those after the last closing. With the position at the last closing as `opening`

    net = credits - debits        the nets of all participants of one currency add up to zero
    opening + net = settled + carried

**Carried.** A creditor's position may have reservations standing on it: payments under way that
its cap alone doesn't cover. To take the whole net out would break the limit that these were
granted under. So it is paid at most its headroom, and the rest is carried into the next window.
Only creditors carry, hence what is in all settlement accounts together never exceeds what was
funded.

**Shortfall.** A debtor whose settlement account doesn't hold what it owes isn't settled in part:
paying the creditors would then create money. The window stays open until it is funded.

Everything here is a pure function of records of the ledger.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from payvand.core.records import TRANSFER, Records, TransferFlags, u128_list
from payvand.settlement.errors import WindowFault

__all__ = [
    "EVENT_WINDOW_CLOSED",
    "RECORDS_MAX",
    "SETTLEMENT_CODE",
    "NetPosition",
    "Netting",
    "Posted",
    "Shortfall",
    "charge_account",
    "collateral_account",
    "is_position",
    "net_window",
    "participant_of",
    "position_account",
    "settlement_account",
    "settlement_transfer_id",
]

EVENT_WINDOW_CLOSED = 1
"""The application tag of the frame that closes a window."""

SETTLEMENT_CODE = 10
"""The code of transfers between a position and a settlement account."""

ACCOUNTS_PER_PARTICIPANT = 16
POSITION = 1
SETTLEMENT = 2
COLLATERAL = 4
CHARGE = 5
RECORDS_MAX = 8_190
"""The most records of one frame, hence the most participants that one closing settles."""

OWN_ID = 1 << 127
"""The topmost bit: ids that the switch derives itself."""


def position_account(participant: int) -> int:
    """Return the id of a participant's position account."""
    return participant * ACCOUNTS_PER_PARTICIPANT + POSITION


def settlement_account(participant: int) -> int:
    """Return the id of a participant's settlement account."""
    return participant * ACCOUNTS_PER_PARTICIPANT + SETTLEMENT


def charge_account(participant: int) -> int:
    """Return the id of the account of what payments cost a participant and earn it."""
    return participant * ACCOUNTS_PER_PARTICIPANT + CHARGE


def collateral_account(participant: int) -> int:
    """Return the id of the account of what a participant has pledged."""
    return participant * ACCOUNTS_PER_PARTICIPANT + COLLATERAL


def participant_of(account: int) -> int:
    """Return the number of the participant that an account belongs to; 0 for the switch's own."""
    return account // ACCOUNTS_PER_PARTICIPANT


def is_position(account: int) -> bool:
    """Tell whether an account is a participant's position."""
    return account > ACCOUNTS_PER_PARTICIPANT and account % ACCOUNTS_PER_PARTICIPANT == POSITION


def settlement_transfer_id(window: int, participant: int, attempt: int = 0) -> int:
    """Return the id of the transfer that settles a participant in a window.

    The *attempt* is raised where one of the ids is spent: by a chain that failed, or by a
    participant that chose a payment's id so that the id of its posting is this one.
    """
    parts = b"".join(part.to_bytes(8, "big") for part in (window, participant, attempt))
    digest = hashlib.blake2b(parts, digest_size=16, person=b"payvand.settle").digest()
    return int.from_bytes(digest, "big") | OWN_ID


@dataclass(frozen=True, slots=True)
class Posted:
    """The cumulative posted balances of a position account, in minor units."""

    debits: int = 0
    credits: int = 0


@dataclass(frozen=True, slots=True)
class NetPosition:
    """A participant's position in one window, in minor units of its ledger."""

    participant: int
    ledger: int
    opening: int
    """Carried from the window before."""
    debits: int
    credits: int
    settled: int
    """Moved between position and settlement account; negative where the participant paid in."""

    @property
    def net(self) -> int:
        """Credits less debits of the window; negative where the participant owes."""
        return self.credits - self.debits

    @property
    def carried(self) -> int:
        """What stays in the position."""
        return self.opening + self.net - self.settled


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A net debtor whose settlement account doesn't hold what it owes."""

    participant: int
    owes: int
    available: int


@dataclass(frozen=True, slots=True)
class Netting:
    """What closing a window comes to."""

    window: int
    positions: tuple[NetPosition, ...]
    """One for each participant, by number, also those that had no payment."""
    posted: Mapping[int, Posted]
    """The cumulative balances of each position after the closing, by participant."""
    shortfalls: tuple[Shortfall, ...]
    """Where there are any, the window can't be closed until they are funded."""

    def transfers(self, attempt: int = 0) -> Records:
        """Return the linked chain that settles the window: all of it is applied or nothing.

        Empty where nobody owes anything; then a frame without records closes the window.
        """
        assert not self.shortfalls, "fund the debtors first"
        moving = [position for position in self.positions if position.settled]
        chain = np.zeros(len(moving), TRANSFER)
        for record, position in zip(chain, moving, strict=True):
            inside = position_account(position.participant)
            outside = settlement_account(position.participant)
            debit, credit = (inside, outside) if position.settled > 0 else (outside, inside)
            identity = settlement_transfer_id(self.window, position.participant, attempt)
            _put(record, "id", identity)
            _put(record, "debit_account_id", debit)
            _put(record, "credit_account_id", credit)
            _put(record, "amount", abs(position.settled))
            record["user_data_64"] = self.window
            record["ledger"] = position.ledger
            record["code"] = SETTLEMENT_CODE
        chain["flags"][:-1] = TransferFlags.LINKED
        return chain

    def note(self) -> bytes:
        """Return the event's note for the closing frame: JSON, amounts as strings."""
        positions = [
            {
                "participant": position.participant,
                "ledger": position.ledger,
                "opening": str(position.opening),
                "debits": str(position.debits),
                "credits": str(position.credits),
                "net": str(position.net),
                "settled": str(position.settled),
                "carried": str(position.carried),
                "debits_posted": str(self.posted[position.participant].debits),
                "credits_posted": str(self.posted[position.participant].credits),
            }
            for position in self.positions
        ]
        event = {"event": "WINDOW_CLOSED", "window": self.window, "positions": positions}
        return json.dumps(event, separators=(",", ":")).encode()


def net_window(
    window: int, *, accounts: Records, limits: Records, last: Mapping[int, Posted]
) -> Netting:
    """Net a window.

    Args:
        window: The number of the open window.
        accounts: The ACCOUNT records of all participants' position and settlement accounts, as
            they stand now.
        limits: The LIMIT records of those of them that have a limit other than zero.
        last: The cumulative balances of each position after the last closing, by participant;
            a participant that is new has none.

    Raises `WindowFault` where the nets of a currency don't add up to zero: something other than
    a payment between participants moved a position.
    """
    limit_of = dict(zip(u128_list(limits["account_id"]), u128_list(limits["limit"]), strict=True))
    standing = _standings(accounts, limit_of)
    positions: list[NetPosition] = []
    posted: dict[int, Posted] = {}
    shortfalls: list[Shortfall] = []
    sums: dict[int, int] = {}
    for account in sorted(filter(is_position, standing)):
        participant = participant_of(account)
        now = standing[account]
        before = last.get(participant, Posted())
        opening = before.credits - before.debits
        debits = now.debits - before.debits
        credits = now.credits - before.credits
        payable = opening + credits - debits
        settled = min(payable, max(now.headroom, 0)) if payable > 0 else payable
        if payable < 0:
            outside = standing.get(settlement_account(participant))
            available = max(outside.headroom, 0) if outside else 0
            if available < -payable:
                shortfalls.append(Shortfall(participant, -payable, available))
        position = NetPosition(participant, now.ledger, opening, debits, credits, settled)
        positions.append(position)
        posted[participant] = Posted(now.debits + max(settled, 0), now.credits + max(-settled, 0))
        sums[now.ledger] = sums.get(now.ledger, 0) + position.net
    if any(sums.values()):
        raise WindowFault(
            f"the nets of window {window} add up to {sums} instead of zero",
            hint="a position was moved by other than payments: run payvand verify",
        )
    if len(positions) > RECORDS_MAX:
        raise WindowFault(
            f"{len(positions)} participants are more than the {RECORDS_MAX} one frame settles",
            hint="retire participants that no longer take part",
        )
    return Netting(window, tuple(positions), posted, tuple(shortfalls))


@dataclass(frozen=True, slots=True)
class _Standing:
    """An account as it stands."""

    ledger: int
    debits: int
    credits: int
    headroom: int
    """How much may still be debited without breaking its limit."""


def _standings(accounts: Records, limit_of: Mapping[int, int]) -> dict[int, _Standing]:
    """Return the accounts by id."""
    columns = zip(
        u128_list(accounts["id"]),
        accounts["ledger"].tolist(),
        u128_list(accounts["debits_posted"]),
        u128_list(accounts["credits_posted"]),
        u128_list(accounts["debits_pending"]),
        strict=True,
    )
    return {
        account: _Standing(
            ledger, debits, credits, credits + limit_of.get(account, 0) - debits - pending
        )
        for account, ledger, debits, credits, pending in columns
    }


def _put(record: Any, field: str, value: int) -> None:
    record[field]["lo"] = value & 0xFFFF_FFFF_FFFF_FFFF
    record[field]["hi"] = value >> 64
