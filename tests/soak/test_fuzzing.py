"""What a coverage-guided fuzzer makes up, for a bounded time; and, each time, what it once found.

The corpus is small on purpose: inputs of some dozen bytes that each took an edge that none before
took. `python -m tests.soak.grow` adds to it.
"""

import os
from collections import deque
from pathlib import Path

import pytest

from tests.soak import instrumented
from tests.soak.corpus import inputs, unpack
from tests.soak.grow import OPTIONS
from tests.soak.targets import TARGETS
from tests.support.progress import say

SECONDS = int(os.environ.get("PAYVAND_FUZZ_SECONDS", "120"))


@pytest.mark.parametrize("name", TARGETS)
def test_inputs_of_the_corpus_are_read_or_refused(name: str) -> None:
    kept = inputs(name)
    assert kept
    for content in kept:
        TARGETS[name](content)


@pytest.mark.soak
@pytest.mark.timeout(3600 + 2 * SECONDS)
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_that_a_fuzzer_makes_up_breaks_a_target(name: str, tmp_path: Path) -> None:
    grown, found = tmp_path / "grown", tmp_path / "found"
    unpack(name, grown)
    found.mkdir()
    options = [f"-max_total_time={SECONDS}", "-print_final_stats=1", f"-artifact_prefix={found}/"]
    process = instrumented.start(["-m", "tests.soak.fuzz", name, *options, *OPTIONS, str(grown)])
    assert process.stdout is not None
    last: deque[str] = deque(maxlen=80)
    for line in process.stdout:
        last.append(line)
        if line.startswith("#"):
            say(f"fuzzer, {name}: {line.strip()}")
    kept = [f"{path.name}: {path.read_bytes().hex()}" for path in found.iterdir()]
    assert process.wait() == 0, "".join(last) + "\n".join(kept)
    assert not kept
