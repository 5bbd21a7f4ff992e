"""Bringing the fees of a window into the positions, so that they are settled with it.

What participants are charged for payments and earn by them stands in accounts of its own, which
no limit bounds: a fee never stands in the way of a payment. When a window closes, each charge
account is brought back to zero against its participant's position

    owes fees      debit its position, credit its charge account
    earned fees    debit its charge account, credit its position

and the netting that follows settles them like payments. A position that is near its cap has no
room for what it owes in fees, so its limit is raised by just that for the one chain and set back
behind it: beyond its cap it can only settle, and not pay.
"""

import hashlib
from collections.abc import Iterable

import numpy as np

from payvand.core.engine import Still
from payvand.core.records import LIMIT, TRANSFER, Records, TransferFlags, u128_array, u128_list
from payvand.core.statuses import LimitStatus, TransferStatus
from payvand.settlement.errors import WindowFault
from payvand.settlement.netting import OWN_ID, charge_account, position_account

__all__ = ["CHARGES_CODE", "sweep_charges"]

CHARGES_CODE = 22
"""The code of transfers between a charge account and a position."""

ATTEMPTS_MAX = 64


async def sweep_charges(still: Still, participants: Iterable[int], window: int) -> int:
    """Bring the fees of the open window into the positions; return how many accounts had any.

    Raises `WindowFault` where the ledger refuses it; then nothing was moved.
    """
    numbers = sorted(participants)
    accounts = still.ledger.lookup_accounts(u128_array(map(charge_account, numbers)))
    balances = {
        account // 16: earned - charged
        for account, earned, charged in zip(
            u128_list(accounts["id"]),
            u128_list(accounts["credits_posted"]),
            u128_list(accounts["debits_posted"]),
            strict=True,
        )
        if earned != charged
    }
    if not balances:
        return 0
    ledgers = dict(zip(u128_list(accounts["id"]), accounts["ledger"].tolist(), strict=True))
    chain = _fresh_chain(still, balances, ledgers, window)
    before = still.ledger.lookup_limits(
        u128_array(position_account(number) for number, owed in balances.items() if owed < 0)
    )
    await _set_limits(still, _raised(before, balances))
    results = (await still.create_transfers(chain)).results
    await _set_limits(still, before)
    refused = results["status"][results["status"] != TransferStatus.CREATED]
    if len(refused):
        raise WindowFault(
            f"the ledger refused to bring the fees of window {window} into the positions: "
            + ", ".join(sorted({TransferStatus(status).name for status in refused.tolist()})),
            hint="the window stays open; nothing was moved",
        )
    return len(balances)


def _raised(limits: Records, balances: dict[int, int]) -> Records:
    """Return the limits with room for what each position owes in fees."""
    raised = limits.copy()
    raised["limit"] = u128_array(
        limit - balances[account // 16]
        for account, limit in zip(
            u128_list(limits["account_id"]), u128_list(limits["limit"]), strict=True
        )
    )
    return raised


async def _set_limits(still: Still, limits: Records) -> None:
    if not len(limits):
        return
    records = np.zeros(len(limits), LIMIT)
    records["account_id"], records["limit"] = limits["account_id"], limits["limit"]
    results = (await still.set_limits(records)).results
    assert (results["status"] == LimitStatus.CREATED).all(), "positions have a limited side"


def _fresh_chain(
    still: Still, balances: dict[int, int], ledgers: dict[int, int], window: int
) -> Records:
    """Return the chain under ids that nothing stands behind: some may be spent already."""
    for attempt in range(ATTEMPTS_MAX):
        chain = np.zeros(len(balances), TRANSFER)
        chain["id"] = u128_array(_id(window, number, attempt) for number in balances)
        sides = [
            (charge_account(number), position_account(number))
            if balance > 0
            else (position_account(number), charge_account(number))
            for number, balance in balances.items()
        ]
        chain["debit_account_id"] = u128_array(debit for debit, _ in sides)
        chain["credit_account_id"] = u128_array(credit for _, credit in sides)
        chain["amount"] = u128_array(map(abs, balances.values()))
        chain["user_data_64"] = window
        chain["ledger"] = [ledgers[charge_account(number)] for number in balances]
        chain["code"] = CHARGES_CODE
        chain["flags"][:-1] = TransferFlags.LINKED
        if not np.any(still.ledger.states(chain["id"].copy())["state"]):
            return chain
    raise WindowFault(
        f"the ids for the fees of window {window} are spent, {ATTEMPTS_MAX} times over",
        hint="somebody takes the switch's own ids: look who sends ids with the topmost bit set",
    )


def _id(window: int, participant: int, attempt: int) -> int:
    parts = b"".join(part.to_bytes(8, "big") for part in (window, participant, attempt))
    digest = hashlib.blake2b(parts, digest_size=16, person=b"payvand.feesweep").digest()
    return int.from_bytes(digest, "big") | OWN_ID
