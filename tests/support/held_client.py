"""A program that looks at a transfer while the flush that makes it durable hangs.

    python -m tests.support.held_client FOLDER HOLD

Runs on the disk of `disk.py`, on which no flush returns while the file HOLD exists.
"""

import asyncio
import json
import sys
from pathlib import Path

from payvand.core.engine import Engine
from payvand.core.records import u128_array
from tests.support.journals import accounts, single, transfers

LOOKS = 50


async def look(folder: Path, hold: Path) -> dict[str, list[str]]:
    """Return what was seen of the transfer while held, and after."""
    async with await Engine.open(folder, segment_bytes=1 << 16) as engine:
        await engine.create_accounts(accounts(1, 2))
        seen: list[str] = []
        follower = engine.follow(engine.sequence)

        async def call() -> None:
            await engine.create_transfers(transfers(single(1)))
            seen.append("call")

        async def follow() -> None:
            await anext(follower)
            seen.append("follow")

        async def states() -> None:
            found = await engine.states(u128_array([1]))
            assert found["state"].tolist() == [1]
            seen.append("states")

        _begin(hold)
        tasks = [asyncio.create_task(call()), asyncio.create_task(follow())]
        while engine._pipeline.applied_sequence < 2:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)
        tasks.append(asyncio.create_task(states()))
        for _ in range(LOOKS):
            await asyncio.sleep(0.001)
        held = list(seen)
        _end(hold)
        await asyncio.gather(*tasks)
    return {"seen_while_held": held, "seen_after": sorted(seen)}


def _begin(hold: Path) -> None:
    hold.touch()


def _end(hold: Path) -> None:
    hold.unlink()


if __name__ == "__main__":
    json.dump(asyncio.run(look(Path(sys.argv[1]), Path(sys.argv[2]))), sys.stdout)
