"""What the tests of fee collection share."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.support.fee_town import FeeTown, Play, open_fee_town


@pytest.fixture
def play(tmp_path: Path, database: str) -> Play:
    """Run a scene in a town."""

    def run(scene: Callable[[FeeTown], Awaitable[None]], **options: object) -> None:
        async def whole() -> None:
            async with open_fee_town(tmp_path, database, **options) as town:
                await scene(town)

        asyncio.run(whole())

    return run
