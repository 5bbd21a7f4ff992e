"""Following an engine, and closing it: nothing is missed, nothing comes twice, all ends."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

import payvand.core.following
from payvand.core.engine import Committed, Engine, StageTimes
from payvand.core.errors import EngineClosed, JournalInUse, JournalUnusable
from payvand.core.frame import Frame
from payvand.core.records import u128_array
from payvand.core.segments import JournalReader, read_frames
from tests.support.journals import opened, posted, single, transfers


async def taken(frames: AsyncIterator[Frame], count: int) -> list[int]:
    """Take *count* frames and return their sequences."""
    async with asyncio.timeout(20):
        return [(await anext(frames)).sequence for _ in range(count)]


def test_followers_see_every_frame_once_from_any_cursor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the files, from memory, and back to the files when the memory has gone on without."""
    monkeypatch.setattr(payvand.core.following, "TAIL_BYTES_MAX", 20 * 4096)

    async def scene() -> None:
        async with await opened(tmp_path) as engine:

            async def commit(count: int) -> None:
                for _ in range(count):
                    await engine.create_transfers(transfers(single(engine.sequence)))

            await commit(99)
            early, late, slow = engine.follow(), engine.follow(100), engine.follow(57)
            assert await taken(early, 100) == list(range(1, 101))
            assert await taken(slow, 1) == [58]
            waiting = asyncio.create_task(taken(late, 300))
            await commit(300)
            assert await waiting == list(range(101, 401))
            assert engine.statistics().tail_bytes <= 20 * 4096
            assert await taken(slow, 342) == list(range(59, 401))
            assert await taken(early, 300) == list(range(101, 401))
            assert await taken(engine.follow(395), 5) == list(range(396, 401))
            assert len(list(read_frames(tmp_path))) == 400

    asyncio.run(scene())


def test_followers_go_over_the_borders_of_segments_under_load(tmp_path: Path) -> None:
    async def scene() -> None:
        engine = await opened(tmp_path)
        seen: list[list[int]] = [[], []]

        async def follow(number: int) -> None:
            async for frame in engine.follow():
                seen[number].append(frame.sequence)

        followers = [asyncio.create_task(follow(number)) for number in range(2)]
        for wave in range(20):
            await asyncio.gather(
                *[
                    engine.create_transfers(
                        transfers(*[single(wave * 10**6 + part * 10**4 + n) for n in range(900)])
                    )
                    for part in range(10)
                ]
            )
        last = engine.sequence
        await engine.close()
        async with asyncio.timeout(20):
            await asyncio.gather(*followers)
        assert seen == [list(range(1, last + 1))] * 2
        assert len(JournalReader(tmp_path).segments()) > 5

    asyncio.run(scene())


def test_a_follower_that_leaves_takes_nothing_along(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            follower = engine.follow(1)
            waiting = asyncio.create_task(taken(follower, 1))
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
            for id in range(5):
                await engine.create_transfers(transfers(single(id + 1)))
            assert engine.statistics().tail_bytes == 0
            assert await taken(engine.follow(3), 3) == [4, 5, 6]

    asyncio.run(scene())


# --- the end ---------------------------------------------------------------------------------


def test_closing_commits_what_was_let_in_and_refuses_the_rest(tmp_path: Path) -> None:
    async def scene() -> None:
        engine = await opened(tmp_path)
        calls = [
            asyncio.create_task(
                engine.create_transfers(
                    transfers(*[single(part * 10_000 + n) for n in range(1, 5001)])
                )
            )
            for part in range(30)
        ]
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await engine.close()
            answers = await asyncio.gather(*calls, return_exceptions=True)
        kinds = {type(answer) for answer in answers}
        assert kinds == {Committed, EngineClosed}
        for call in (
            engine.create_transfers(transfers(single(1))),
            engine.lookup_accounts(u128_array([1])),
        ):
            with pytest.raises(EngineClosed):
                await call
        with pytest.raises(EngineClosed):
            async with engine.still():
                pass
        await engine.close()
        done = sum(isinstance(answer, Committed) for answer in answers)
        async with await Engine.open(tmp_path) as engine:
            assert await posted(engine) == done * 5000 * 10

    asyncio.run(scene())


def test_closing_ends_under_a_load_that_does_not(tmp_path: Path) -> None:
    async def scene() -> None:
        engine = await opened(tmp_path)
        ids = iter(range(1, 10**9))

        async def load() -> None:
            with suppress(EngineClosed):
                while True:
                    await engine.create_transfers(transfers(single(next(ids))))

        loads = [asyncio.create_task(load()) for _ in range(20)]
        await engine.create_transfers(transfers(single(next(ids))))
        async with asyncio.timeout(30):
            await engine.close()
            await asyncio.gather(*loads)

    asyncio.run(scene())


def test_a_folder_has_one_engine(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom payvand.core.engine import Engine\n"
        "asyncio.run(Engine.open(Path(sys.argv[1])))"
    )

    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            with pytest.raises(JournalInUse, match=f"process {os.getpid()}"):
                await Engine.open(tmp_path)
            other = await asyncio.to_thread(
                subprocess.run,
                [sys.executable, "-c", script, str(tmp_path)],
                capture_output=True,
                text=True,
                check=False,
            )
            assert other.returncode != 0
            assert "JournalInUse" in other.stderr
            await engine.create_transfers(transfers(single(1)))
        async with await Engine.open(tmp_path) as engine:
            assert await posted(engine) == 10

    asyncio.run(scene())


def test_a_folder_that_refuses_is_told_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    async def scene() -> None:
        with pytest.raises(JournalUnusable, match="folder"):
            await Engine.open(tmp_path / "file")
        async with await opened(tmp_path / "journal"):
            pass
        segment = JournalReader(tmp_path / "journal").segments()[0]
        segment.rename(tmp_path / "kept")
        segment.mkdir()
        with pytest.raises(JournalUnusable):
            await Engine.open(tmp_path / "journal")
        segment.rmdir()
        (tmp_path / "kept").rename(segment)
        async with await Engine.open(tmp_path / "journal") as engine:
            assert engine.recovery.accounts == 2

    asyncio.run(scene())


def test_times_of_stages_are_shown_for_every_batch(tmp_path: Path) -> None:
    async def scene() -> None:
        async with await opened(tmp_path) as engine:
            seen: list[StageTimes] = []
            engine.watch_times = seen.append
            await engine.create_transfers(transfers(single(1), single(2)))
            assert [times.records for times in seen] == [2]
            assert seen[0].apply_ns > 0
            assert seen[0].write_ns > 0
            assert engine.statistics().oldest_age_ns == 0
            assert engine.statistics().under_way == 0

    asyncio.run(scene())
