"""Closing the business day on a running engine.

The day's frames are added up from the journal while the switch goes on working; only for the last
of them does the engine stand still, so that the closing's frame follows the last one it speaks of.
"""

import asyncio
from datetime import date
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from payvand.core.engine import Engine
from payvand.core.records import TRANSFER
from payvand.core.segments import first_sequences, journal_id_of, read_frames
from payvand.settlement.business_day import (
    EVENT_DAY_CLOSED,
    ClosedDay,
    DayRecount,
    closes_day,
)

__all__ = ["DayNotNext", "close_day", "last_closed_day"]


class DayNotNext(Exception):
    """The date asked for lies before that of the day closed last."""


async def close_day(engine: Engine, journal: Path, key: Ed25519PrivateKey, on: date) -> ClosedDay:
    """Close the open day under the date *on*, or return it where it is the day closed last.

    One call at a time. Raises `DayNotNext` where a later day is closed already.
    """
    recount = await asyncio.to_thread(_open_day, journal, engine.sequence)
    if recount.closed and on == recount.closed.head.date:
        return recount.closed
    if recount.closed and on < recount.closed.head.date:
        raise DayNotNext(
            f"{on} can't be closed: day {recount.closed.head.number} of "
            f"{recount.closed.head.date} is closed already"
        )
    frames = engine.follow(recount.sequence)
    while recount.sequence < engine.sequence:
        await asyncio.to_thread(recount.add, await anext(frames))
    async with engine.still() as still:
        while recount.sequence < engine.sequence:
            await asyncio.to_thread(recount.add, await anext(frames))
        closed = recount.head(on).sign(key)
        committed = await still.create_transfers(
            np.zeros(0, TRANSFER), event=EVENT_DAY_CLOSED, note=closed.note()
        )
        assert committed.sequence == closed.sequence, "nothing commits while the engine is still"
    return closed


def _open_day(journal: Path, through: int) -> DayRecount:
    """Return the open day before its first frame."""
    identity = journal_id_of(journal)
    assert identity is not None, "an open engine has a journal"
    recount = DayRecount(identity)
    if (found := last_closed_day(journal, through)) is not None:
        recount.closed, recount.digest = found
        recount.sequence = recount.closed.sequence
    return recount


def last_closed_day(journal: Path, through: int) -> tuple[ClosedDay, bytes] | None:
    """Return the day closed last and the digest of its closing, up to the frame *through*.

    Looks from the newest segment backwards, each time twice as far: what it reads is at most
    about twice what was written since.
    """
    starts, back = first_sequences(journal), 1
    while starts:
        found = None
        for frame in read_frames(journal, after=starts[-min(back, len(starts))] - 1):
            if frame.sequence > through:
                break
            if closes_day(frame):
                found = ClosedDay.of(frame), frame.digest
            if frame.sequence == through:
                break
        if found is not None or back >= len(starts):
            return found
        back *= 2
    return None
