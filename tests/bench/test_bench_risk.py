"""`payvand bench risk`: what it prints, and that scores and replays prove right in it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from payvand.bench.cli import bench


@pytest.mark.parametrize(
    ("name", "unit", "proofs"),
    [
        ("trees_100", "ns/row", 2),
        ("tree_row", "ns", 0),
        ("features", "ns/event", 1),
        ("stage", "ns/payment", 1),
    ],
)
def test_scoring_is_measured_beside_its_peer(
    name: str, unit: str, proofs: int, tmp_path: Path
) -> None:
    done = CliRunner().invoke(
        bench, ["risk", "--json", "--quick", "--only", name, "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert (result["name"], result["unit"]) == (name, unit)
    assert result["value"] > 0 and result["reference_value"] > 0
    assert len(report["proofs"]) == proofs
    assert all(report["proofs"].values())
