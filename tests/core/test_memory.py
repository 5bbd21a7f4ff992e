"""Memory within the horizon: what a process grows by for each transfer that it can answer at once.

Measured in a process of its own, so that nothing else counts.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LIVE_BYTES_MAX = 64
HORIZON = 1 << 22


@pytest.mark.soak
def test_a_transfer_within_the_horizon_takes_at_most_64_bytes(tmp_path: Path) -> None:
    """Tables, buffers and filters over twice as many older ids are counted as well."""
    arguments = ["ledger", "--json", "--only", "live_bytes", "--folder", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", "from payvand.bench.cli import bench; bench()", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    (result,) = json.loads(done.stdout)["results"]
    assert result["detail"]["horizon"] == HORIZON
    assert 25 < result["value"] <= LIVE_BYTES_MAX
