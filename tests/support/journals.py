"""Small journals with a frame of every kind, written by the real engine on a clock of their own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from payvand.core.engine import Engine
from payvand.core.frame import Frame
from payvand.core.records import (
    ACCOUNT,
    LIMIT,
    QUOTA,
    TRANSFER,
    Records,
    TransferFlags,
    u128_array,
    u128_list,
)
from payvand.core.segments import SPARE_NAME, JournalReader, read_frames
from tests.support.ledger_records import Account, Limit, Quota, Transfer, records_of

SECOND = 1_000_000_000
SEGMENT_BYTES = 6 * 4096
SPARE_S_MAX = 30.0
ENGINE_SEGMENT_BYTES = 1 << 20


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: int = 1_700_000_000 * SECOND

    def __call__(self) -> int:
        """Return the time in nanoseconds since 1970."""
        return self.now


@dataclass(frozen=True)
class Placed:
    """A frame and where it stands."""

    frame: Frame
    path: Path
    start: int

    @property
    def stop(self) -> int:
        """The offset behind the frame's last byte."""
        return self.start + len(self.frame.raw)


def accounts(*ids: int, flags: int = 0) -> Records:
    """Return events that open accounts in ledger 1."""
    return records_of(ACCOUNT, [Account(id, flags=flags) for id in ids])


def transfers(*rows: Transfer) -> Records:
    """Return transfer events; those that name accounts are in ledger 1 with code 1."""
    events = records_of(TRANSFER, rows)
    moves = events["pending_id"]["lo"] == 0
    events["ledger"][moves] = events["code"][moves] = 1
    return events


def single(id: int, debit: int = 1, credit: int = 2, amount: int = 10) -> Transfer:
    """Return a transfer in one step."""
    return Transfer(id, debit, credit, amount)


def pending(id: int, *, timeout: int = 0, amount: int = 10) -> Transfer:
    """Return a reservation on account 1 in favour of account 2."""
    return Transfer(id, 1, 2, amount, timeout=timeout, flags=TransferFlags.PENDING)


async def write_every_kind(folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
    """Commit a frame of every operation, with every section that a frame may have."""
    clock = Clock()
    async with await Engine.open(folder, clock=clock, segment_bytes=segment_bytes) as engine:
        await engine.create_accounts(accounts(1, 2, 3))
        await engine.create_accounts(accounts(4, flags=2))
        await engine.set_limits(records_of(LIMIT, [Limit(4, 1000)]))
        await engine.set_quotas(records_of(QUOTA, [Quota(1, 1, sum_max=10_000_000, period=86_400)]))
        await engine.create_transfers(
            transfers(single(1), single(2), single(3)),
            payloads=b"first second",
            offsets=np.array([0, 5, 6, 12], "<u4"),
        )
        await engine.create_transfers(transfers(pending(10, timeout=1), pending(11, timeout=5)))
        post = Transfer(
            12, pending_id=11, amount=2**128 - 1, flags=TransferFlags.POST_PENDING_TRANSFER
        )
        clock.now += 2 * SECOND
        await engine.create_transfers(transfers(post, single(12), single(13, debit=9)))
        async with engine.still() as still:
            await still.create_transfers(transfers(), event=7, note=b"a note alone")
            await still.create_transfers(transfers(single(20)), event=8, note=b"with a note")
        await engine.create_transfers(transfers(*[single(100 + n) for n in range(40)]))
        await engine.create_transfers(transfers(single(200)))
        async with asyncio.timeout(SPARE_S_MAX):  # a thread prepares it while the disk is free
            while not (folder / SPARE_NAME).exists():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.001)


def write(folder: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
    """Write a journal of every kind, to the end."""
    asyncio.run(write_every_kind(folder, segment_bytes=segment_bytes))


def placed(folder: Path) -> Iterator[Placed]:
    """Iterate over the frames of a sound journal with their places in the files."""
    frames = read_frames(folder)
    for path in JournalReader(folder).segments():
        data, start = path.read_bytes(), 4096
        while start < len(data) and any(data[start : start + 128]):
            frame = next(frames)
            assert data[start : start + len(frame.raw)] == frame.raw
            yield Placed(frame, path, start)
            start += len(frame.raw)


async def opened(folder: Path, clock: Clock | None = None) -> Engine:
    """Open an engine with small segments; accounts 1 and 2 exist."""
    engine = await Engine.open(folder, clock=clock or Clock(), segment_bytes=ENGINE_SEGMENT_BYTES)
    await engine.create_accounts(accounts(1, 2))
    return engine


async def posted(engine: Engine) -> int:
    """Return what account 1 has been debited."""
    found = await engine.lookup_accounts(u128_array([1]))
    return u128_list(found["debits_posted"])[0]
