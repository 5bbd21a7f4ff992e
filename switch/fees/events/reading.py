"""Events of an agency's bills, read from the frames of the journal."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.core.records import Operation, u128_list, u128_of
from payvand.settlement.database import Pool
from payvand.settlement.windows import CREATED
from payvand.switch.fees.bills.accounts import ACT_CODE, NOTICE_CODE, REFUND_CODE, fees_account
from payvand.switch.fees.bills.notice import What, read_notices
from payvand.switch.fees.bills.number import act_of
from payvand.switch.fees.bills.standing import Act

__all__ = ["Event", "follow_events"]

_CODES: Final = np.array([ACT_CODE, REFUND_CODE, NOTICE_CODE], np.uint16)
SILENT_FRAMES_MAX: Final = 4_096
"""After so many frames without an event the cursor alone is told."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a bill."""

    key: int
    act: int
    code: int
    """As `Act.code`."""
    amount: int
    at: int
    """In nanoseconds since 1970."""
    what: What | None
    """Of a notice what it does."""


async def follow_events(
    engine: Engine, pool: Pool, agency: int, cursor: int, *, last: int | None = None
) -> AsyncIterator[tuple[int, list[Event]]]:
    """Yield (cursor, events) for all that happens to the bills of *agency* after *cursor*.

    It goes on with what is to come, or ends with the frame *last*, which is told in any case.
    """
    account, told = fees_account(agency), cursor
    async for frame in engine.follow(cursor):
        acts = _acts_of(frame, account)
        if acts or frame.sequence - told >= SILENT_FRAMES_MAX or frame.sequence == last:
            told = frame.sequence
            yield told, await _told(pool, acts)
        if frame.sequence == last:
            return


def _acts_of(frame: Frame, account: int) -> list[tuple[int, Act]]:
    """Return the acts that a frame tells of bills whose agency's fees account is *account*."""
    if frame.operation != Operation.CREATE_TRANSFERS or not len(frame.records):
        return []
    records = frame.records
    concerned = (records["credit_account_id"]["lo"] == account) | (
        records["debit_account_id"]["lo"] == account
    )
    chosen = np.flatnonzero(
        concerned & np.isin(records["code"], _CODES) & (frame.statuses == CREATED)
    )
    first = frame.timestamp - len(records) + 1
    found = []
    ids = u128_list(np.ascontiguousarray(records["id"][chosen]))
    for place, identity in zip(chosen.tolist(), ids, strict=True):
        key, number = act_of(identity)
        record = records[place]
        act = Act(
            number=number,
            code=int(record["code"]),
            amount=u128_of(record["amount"]),
            cart=u128_of(record["user_data_128"]),
            debtor=int(record["user_data_64"]),
            mark=int(record["user_data_32"]),
            timestamp=first + place,
        )
        found.append((key, act))
    return found


async def _told(pool: Pool, acts: Sequence[tuple[int, Act]]) -> list[Event]:
    """Return acts as events, with what notices say."""
    notices = {}
    if any(act.is_notice for _, act in acts):
        by_bill: dict[int, list[Act]] = {}
        for key, act in acts:
            by_bill.setdefault(key, []).append(act)
        async with pool.acquire() as connection:
            notices = await read_notices(connection, by_bill)
    return [
        Event(
            key,
            act.number,
            act.code,
            act.amount,
            act.timestamp,
            notices[key][act.number].what if act.is_notice else None,
        )
        for key, act in acts
    ]
