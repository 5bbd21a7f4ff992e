"""Ages grow while the event loop stalls: a stall is no progress."""

import asyncio
import time

import pytest

from payvand.switch.ages import LATE_S, Ages


def test_an_age_is_the_sample_and_the_time_since(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    waiting = {"commit": 0.0, "projection": 3.0}
    ages = Ages({stage: lambda stage=stage: waiting[stage] for stage in waiting})  # type: ignore[misc]

    async def sample() -> None:
        task = asyncio.create_task(ages.run())
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(sample())
    assert (ages.age_s("commit"), ages.age_s("projection")) == (0.0, 3.0)
    now += LATE_S / 2
    assert (ages.age_s("commit"), ages.age_s("projection")) == (0.0, 3.0 + LATE_S / 2)
    now += LATE_S
    assert ages.age_s("commit") == 1.5 * LATE_S, "the loop itself has stalled"
