"""kill -9 of a process that commits: what it said is there, all else is there whole or not."""

import asyncio
import subprocess
import sys
from pathlib import Path
from random import Random

from payvand.core.engine import Engine
from payvand.core.records import u128_array
from payvand.core.segments import read_frames
from tests.support.disk import ROOT
from tests.support.killed_client import CALLERS, PARTS, part, submission
from tests.support.progress import SOAK, counted

ROUNDS = 200 if SOAK else 4
ACKNOWLEDGED_MAX = 400


def live_and_die(folder: Path, first: int, random: Random) -> set[int]:
    """Let a process commit, kill it at a random moment, and return what it said before."""
    command = [sys.executable, "-m", "tests.support.killed_client", str(folder), str(first)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(random.randrange(ACKNOWLEDGED_MAX) + 1)]
        process.kill()
        said += process.stdout.readlines()
    return {int(line) for line in said if line.endswith("\n")}


async def check(folder: Path, first: int, acknowledged: set[int]) -> tuple[int, bytes]:
    """Check a folder against the record of its last life; return the next number and a digest."""
    async with await Engine.open(folder) as engine:
        number, missing = first, 0
        while missing <= CALLERS:
            expected = submission(number)[2]
            ids = u128_array(part(number, index) for index in range(PARTS))
            states = (await engine.states(ids))["state"].tolist()
            assert states in (expected, [0] * PARTS), f"submission {number} is half there"
            assert states == expected or number not in acknowledged, f"{number} is lost"
            missing = 0 if states == expected else missing + 1
            number += 1
        assert max(acknowledged, default=0) < number
        totals = engine.ledger.totals(1)
        assert totals["debits_posted"] == totals["credits_posted"]
        assert totals["debits_pending"] == totals["credits_pending"] == 0
        return number, engine.ledger.digest()


def test_a_killed_process_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    """One folder through all the lives, so that each recovers what all before left."""
    random, first, total = Random(ROUNDS), 1, 0
    for _ in counted(range(ROUNDS), "processes killed", ROUNDS):
        acknowledged = live_and_die(tmp_path, first, random)
        total += len(acknowledged)
        first, digest = asyncio.run(check(tmp_path, first, acknowledged))
    assert total > ROUNDS
    # The same frames give the same books, and the payloads are those of their submissions.
    _, repeated = asyncio.run(check(tmp_path, first, set()))
    assert repeated == digest
    payloads = [frame.payloads for frame in read_frames(tmp_path) if frame.payloads]
    assert b"".join(payloads).count(b"payload ") >= total
