"""Switch fees and interchange: in the same chain as the payment that they are for.

What a payment costs is told by the tariffs in force when it comes in. A charge moves between charge
accounts, from that of who pays to that of who receives, with the payment or not at all:

    reserved    payment, charges       one linked chain, one time to run out
    posted      payment, charges       one linked chain; so it is where it is rejected
    one step    payment, charges       one linked chain, posted at once

A payment that ran out by the clock takes its charges along, the same frame or the next. A return
gives no fee of the original back: what was done is paid for. Charge accounts have no limit, so a
charge never stands in the way of a payment.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt

from payvand.core.commits import Committed
from payvand.core.engine import Engine
from payvand.core.limits import BATCH_EVENTS_MAX
from payvand.core.records import Records, TransferFlags
from payvand.settlement.netting import charge_account
from payvand.switch.participant import Participant
from payvand.switch.rules.tariffs import CREDITOR, DEBTOR, KINDS, Tariffs
from payvand.switch.units import IRR
from payvand.switch.wire.charging import CHARGES_MAX, ChargeTable, charge_ids

__all__ = ["bears_charges", "charge_table", "commit_ends", "start_charged"]

PAYMENTS_AT_ONCE: Final = BATCH_EVENTS_MAX // (1 + CHARGES_MAX)
_PENDING: Final = 2
"""The ledger's state of a reservation under way."""


def charge_table(
    tariffs: Tariffs, participants: Iterable[Participant], day: date
) -> ChargeTable | None:
    """Compile the tariffs that hold on *day*; None where there are none.

    A tariff in favour of somebody who is not among *participants* is charged to nobody.
    """
    accounts = {one.name: charge_account(one.number) for one in participants}
    known = {DEBTOR, CREDITOR, *accounts}
    holding = [tariff for tariff in tariffs.on(day) if tariff.receiver in known]
    return ChargeTable(holding, accounts, KINDS, IRR.ledger) if holding else None


def start_charged(
    engine: Engine,
    charges: ChargeTable,
    records: Records,
    payloads: npt.NDArray[np.uint8],
    offsets: npt.NDArray[np.uint32],
) -> "asyncio.Future[Committed]":
    """Do as `Engine.start_transfers` with payments and what they cost; tell of the payments."""
    started = []
    for first in range(0, len(records), PAYMENTS_AT_ONCE):
        stop = min(first + PAYMENTS_AT_ONCE, len(records))
        begin = offsets[first]
        chains, bounds, places = charges.charge(
            records[first:stop], offsets[first : stop + 1] - begin
        )
        part = engine.start_transfers(
            chains, payloads=payloads[begin : offsets[stop]], offsets=bounds
        )
        started.append((part, places))
    return asyncio.ensure_future(_of_payments(started))


async def _of_payments(
    started: "list[tuple[asyncio.Future[Committed], npt.NDArray[np.uint32]]]",
) -> Committed:
    parts = [(await part, places) for part, places in started]
    return replace(
        parts[-1][0],
        results=np.concatenate([part.results[places] for part, places in parts]),
        decisions=np.concatenate(
            [part.decisions[places] for part, places in parts if len(part.decisions)]
            or [np.empty(0, np.uint32)]
        ),
    )


def bears_charges(payments: Records) -> npt.NDArray[np.bool_]:
    """Tell which payments were recorded with charges."""
    linked: npt.NDArray[np.bool_] = payments["flags"] & TransferFlags.LINKED != 0
    return linked


async def commit_ends(engine: Engine, pending: Records, events: Records) -> npt.NDArray[np.uint32]:
    """Commit *events* that post or void the payments *pending*, and their charges with them.

    Both are TRANSFER[n]. Returns the statuses of the payments' own events, u4[n].
    """
    if not bears_charges(pending).any():
        statuses: npt.NDArray[np.uint32] = (await engine.create_transfers(events)).results["status"]
        return statuses
    statuses = np.empty(len(events), np.uint32)
    for first in range(0, len(events), PAYMENTS_AT_ONCE):
        part = slice(first, first + PAYMENTS_AT_ONCE)
        chains, places = await _chains(engine, pending[part], events[part])
        results = (await engine.create_transfers(chains)).results
        statuses[part] = results["status"][places]
    return statuses


async def _chains(
    engine: Engine, pending: Records, events: Records
) -> tuple[Records, npt.NDArray[np.intp]]:
    """Return *events* with those that end the charges, and where each of them stands."""
    ids = charge_ids(np.ascontiguousarray(pending["id"]))
    under_way = np.zeros(ids.shape, np.bool_)
    bearing = np.flatnonzero(bears_charges(pending))
    asked = np.ascontiguousarray(ids[bearing].reshape(-1))
    states = await engine.states(asked)
    under_way[bearing] = (states["state"] == _PENDING).reshape(-1, CHARGES_MAX)
    charges = await engine.lookup_transfers(np.ascontiguousarray(ids[under_way]))
    counts = under_way.sum(axis=1)
    places = np.arange(len(events)) + np.concatenate([[0], np.cumsum(counts)[:-1]])
    chains = np.empty(len(events) + len(charges), events.dtype)
    is_payment = np.zeros(len(chains), np.bool_)
    is_payment[places] = True
    chains[is_payment] = events
    owners = np.repeat(np.arange(len(events)), counts)
    ends = charges.copy()
    ends["pending_id"] = charges["id"]
    ends["id"] = charges["id"]
    ends["id"]["lo"] ^= _END_MASK
    ends["flags"] = events["flags"][owners]
    ends["user_data_32"] = charges["user_data_32"]
    ends["timeout"] = 0
    ends["timestamp"] = 0
    chains[~is_payment] = ends
    last = np.ones(len(chains), np.bool_)
    last[:-1] = is_payment[1:]
    chains["flags"] = np.where(last, chains["flags"] & ~_LINKED, chains["flags"] | _LINKED)
    return chains, places


_LINKED: Final = np.uint16(TransferFlags.LINKED)
_END_MASK: Final = np.uint64(0x5061_7976_616E_6421)
"""What the id of a charge's end differs by from the charge's own."""
