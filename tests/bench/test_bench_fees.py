"""`payvand bench fees`: what it prints, and that many at once cost what each costs."""

import json
from pathlib import Path

from click.testing import CliRunner

from payvand.bench.cli import bench


def test_assessment_is_measured_and_proved(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        bench, ["fees", "--json", "--quick", "--only", "assess", "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert (result["name"], result["unit"]) == ("assess", "fees/s")
    assert result["detail"]["fees_per_case"] > 6
    assert set(report["proofs"].values()) == {True}
    assert len(report["proofs"]) == 2
