"""Changes: every effect on money in the order of the journal, with the balances behind it.

The journal holds no balances. Whoever reads changes carries those of all accounts along: it starts
from the balances of the moment, takes back what lies between the cursor and them, and then goes on
from the cursor. So to begin costs reading the frames behind the cursor once, and 64 bytes an
account are held while it goes on.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from payvand.core.effects import Effects, effects_of, ids_ended
from payvand.core.errors import EngineClosed
from payvand.core.frame import Frame
from payvand.core.ledger import Ledger
from payvand.core.records import CHANGE, TRANSFER, Records
from payvand.core.running import RunningBalances

__all__ = ["Changes", "Read", "follow_changes", "look_up"]

Read = Callable[[Callable[[Ledger], Any]], Awaitable[tuple[int, Any]]]
"""Let a function read the ledger while nothing is applied → the sequence of the last frame in it,
which is durable by then, and what the function returned."""

LOOKED_UP = 512
"""Transfers looked up at a time, so that batches get in between."""

Rows = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Changes:
    """What one frame changed."""

    sequence: int
    """Of the frame: the cursor from which to go on."""
    rows: Records
    """CHANGE[n], in order; n is at most 8,190, and 32,768 more where reservations ran out."""


async def follow_changes(
    follow: Callable[[int], AsyncIterator[Frame]], read: Read, after: int
) -> AsyncIterator[Changes]:
    """Iterate over the changes of the frames after the sequence *after*, and of those to come.

    Ends when the engine closes, also where frames lie behind it that were not looked at yet.
    """
    start, balances = await read(Ledger._balances)
    if not 0 <= after <= start:
        raise ValueError(f"after={after} must be from 0 to {start}, the last sequence")
    running = RunningBalances(balances)
    with suppress(EngineClosed):
        if after < start:
            async for frame in follow(after):
                running.take_back(*await _effects(frame, read))
                if frame.sequence == start:
                    break
        async for frame in follow(after):
            effects, debit_rows, credit_rows = await _effects(frame, read)
            if len(effects.types):
                behind = running.carry(effects, debit_rows, credit_rows)
                yield Changes(frame.sequence, _rows(effects, behind))


async def _effects(frame: Frame, read: Read) -> tuple[Effects, Rows, Rows]:
    """Return the effects of a frame, and the rows of the accounts they debited and credited."""
    effects = effects_of(frame, await look_up(ids_ended(frame), read))
    debits = np.ascontiguousarray(effects.transfers["debit_account_id"])
    credits = np.ascontiguousarray(effects.transfers["credit_account_id"])
    _, (debit_rows, credit_rows) = await read(
        lambda ledger: (ledger._account_rows(debits), ledger._account_rows(credits))
    )
    return effects, debit_rows, credit_rows


async def look_up(ids: Records, read: Read) -> Records:
    """Return TRANSFER[n], those under *ids*, U128[n], all of which exist."""
    found = [np.zeros(0, TRANSFER)]
    for first in range(0, len(ids), LOOKED_UP):
        some = ids[first : first + LOOKED_UP]
        found.append((await read(partial(Ledger.lookup_transfers, ids=some)))[1])
    return np.concatenate(found)


def _rows(effects: Effects, behind: Records) -> Records:
    rows = np.zeros(len(behind), CHANGE)
    rows["timestamp"] = effects.timestamps
    rows["type"] = effects.types
    rows["transfer"] = effects.transfers
    rows["debit"] = behind["debit"]
    rows["credit"] = behind["credit"]
    return rows
