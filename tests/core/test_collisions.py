"""The compiled ledger against the naive one where everything collides, drawn by chance."""

from random import Random

import pytest
from hypothesis import settings

from tests.support import collisions

RUNS = 100 if settings.default.max_examples > 1000 else 4
RUNS_OF_A_SEED = 200
BYTES_MAX = 900


@pytest.mark.parametrize("seed", range(RUNS))
def test_both_ledgers_agree_where_everything_collides(seed: int) -> None:
    random = Random(seed)
    for number in range(RUNS_OF_A_SEED):
        data = random.randbytes(random.randrange(1, BYTES_MAX))
        try:
            collisions.run(data)
        except AssertionError as difference:
            raise AssertionError(f"seed {seed}, run {number}: {data.hex()}") from difference
