"""A program that commits transfers and keeps its own record of what was acknowledged.

    python -m tests.support.plain_client FOLDER SEGMENT_BYTES CALLS [SNAPSHOT_BYTES]

Eight callers submit until the calls are used up or the engine stops; what became of it is printed
as JSON. On a recording disk every acknowledgement is marked in the log as well.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from payvand.core.engine import Engine
from payvand.core.errors import EngineClosed, PayvandFault
from payvand.core.records import u128_array
from tests.support.disk import mark
from tests.support.journals import accounts, single, transfers

CALLERS = 8


@dataclass
class Record:
    """What a client saw."""

    acknowledged: list[int] = field(default_factory=list)
    """Ids of transfers."""
    refused: list[str] = field(default_factory=list)
    """The kinds of faults that callers met, and what they say."""
    later: list[str] = field(default_factory=list)
    """The kinds of faults met after that."""
    said: str = ""


async def commit(folder: Path, segment_bytes: int, calls: int, snapshot_bytes: int) -> Record:
    """Commit and record."""
    record = Record()
    try:
        engine = await Engine.open(
            folder, segment_bytes=segment_bytes, snapshot_bytes=snapshot_bytes
        )
    except PayvandFault as fault:
        record.refused.append(type(fault).__name__)
        record.said = str(fault)
        return record
    ids = iter(range(1, calls + 1))

    async def call() -> None:
        try:
            for id in ids:
                rows = [single(id), single((id << 64) + 1), single((id << 64) + 2)]
                rows *= 1 + 20 * (id % 7 == 0)
                await engine.create_transfers(transfers(*rows))
                record.acknowledged.append(id)
                mark(str(id))
        except PayvandFault as fault:
            record.refused.append(type(fault).__name__)
            record.said = str(fault)

    try:
        await engine.create_accounts(accounts(1, 2))
    except PayvandFault as fault:
        record.refused.append(type(fault).__name__)
        record.said = str(fault)
    await asyncio.gather(*[call() for _ in range(CALLERS)])
    if record.refused:
        for later in (
            engine.create_transfers(transfers(single(10**9))),
            engine.lookup_accounts(u128_array([1])),
            anext(engine.follow(engine.sequence)),
        ):
            try:
                await later
            except (PayvandFault, StopAsyncIteration) as fault:
                record.later.append(type(fault).__name__)
    await engine.close()
    try:
        await engine.create_transfers(transfers(single(10**9 + 1)))
    except EngineClosed as fault:
        record.later.append(type(fault).__name__)
    except PayvandFault as fault:
        record.later.append(type(fault).__name__)
    return record


def main(folder: str, segment_bytes: str, calls: str, snapshot_bytes: str = "0") -> None:
    """Run the client and print its record."""
    record = asyncio.run(commit(Path(folder), int(segment_bytes), int(calls), int(snapshot_bytes)))
    json.dump(asdict(record), sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
