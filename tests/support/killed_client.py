"""A program that commits until it is killed, and says what was acknowledged as it goes.

    python -m tests.support.killed_client FOLDER FIRST

Submissions are numbered from FIRST; each acknowledged number is a line of the output, written
before the next is submitted.
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

import numpy as np

from payvand.core.engine import Engine
from payvand.core.records import Records, TransferFlags
from tests.support.journals import accounts, single, transfers
from tests.support.ledger_records import Transfer

CALLERS = 16
SEGMENT_BYTES = 256 << 10
PARTS = 4


def part(number: int, index: int) -> int:
    """Return the id of one transfer of a submission."""
    return number * PARTS + index


def submission(number: int) -> tuple[Records, bytes, list[int]]:
    """Return a submission: transfers, a payload for the first, and the states they come to.

    By turns: transfers apart from each other, a chain, a reservation and what posts or voids it,
    one of which the last burns its id.
    """
    ids = [part(number, index) for index in range(PARTS)]
    states = [1, 1, 1, 1]
    rows = [single(id) for id in ids]
    kind = number % 4
    if kind == 1:
        linked = TransferFlags.LINKED
        rows = [Transfer(id, 1, 2, 10, flags=linked) for id in ids[:-1]] + rows[-1:]
    elif kind == 2:
        post, void = TransferFlags.POST_PENDING_TRANSFER, TransferFlags.VOID_PENDING_TRANSFER
        held = [Transfer(id, 1, 2, 10, flags=TransferFlags.PENDING) for id in ids[:2]]
        posting = Transfer(ids[2], pending_id=ids[0], amount=2**128 - 1, flags=post)
        rows = [*held, posting, Transfer(ids[3], pending_id=ids[1], flags=void)]
        states = [3, 4, 1, 1]
    elif kind == 3:
        rows[3] = single(ids[3], debit=99)
        states[3] = 6
    return transfers(*rows), b"payload %d" % number, states


async def commit(folder: Path, first: int) -> None:
    """Commit until the end of the process."""
    engine = await Engine.open(folder, segment_bytes=SEGMENT_BYTES)
    await engine.create_accounts(accounts(1, 2))
    numbers = count(first)

    async def call() -> None:
        while True:
            number = next(numbers)
            rows, payload, _ = submission(number)
            offsets = np.array([0, *[len(payload)] * PARTS], "<u4")
            await engine.create_transfers(rows, payloads=payload, offsets=offsets)
            os.write(1, b"%d\n" % number)

    await asyncio.gather(*[call() for _ in range(CALLERS)])


if __name__ == "__main__":
    asyncio.run(commit(Path(sys.argv[1]), int(sys.argv[2])))
