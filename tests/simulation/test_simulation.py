"""Whatever the network, the disk and the banks do: every payment ends in exactly one way.

A seed that fails is played again, the same to the byte, by `python -m tests.simulation SEED`.
"""

from pathlib import Path

import pytest

from tests.simulation.country import Country

SEEDS = range(24)
SOAK_SEEDS = range(1_000, 2_000)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_payment_ends_in_one_way_for_all(seed: int, tmp_path: Path) -> None:
    Country(seed, tmp_path).play()


def test_a_seed_tells_the_same_story_again(tmp_path: Path) -> None:
    stories = {Country(7, tmp_path / name).play() for name in ("first", "second")}
    assert len(stories) == 1


class ForgetfulCountry(Country):
    """One whose disk loses the last frame that was acknowledged before a crash."""

    def _tear(self, journal: Path, acknowledged: int) -> None:
        super()._tear(journal, acknowledged - 1)


def test_a_disk_that_forgets_what_it_acknowledged_is_found_out(tmp_path: Path) -> None:
    found = 0
    for seed in range(5):
        try:
            ForgetfulCountry(seed, tmp_path / str(seed)).play()
        except AssertionError:
            found += 1
    assert found


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_payment_ends_in_one_way_for_a_thousand_seeds(tmp_path: Path) -> None:
    for seed in SOAK_SEEDS:
        folder = tmp_path / str(seed)
        try:
            Country(seed, folder).play()
        except Exception as fault:
            raise AssertionError(f"seed {seed}: {fault}") from fault
