"""`payvand bench domestic`: what it prints, and that the fast forms agree with the plain ones."""

import json
from pathlib import Path

from click.testing import CliRunner

from payvand.bench.cli import bench


def test_identifiers_are_measured_and_proved(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        bench, ["domestic", "--json", "--quick", "--only", "identifiers", "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert result["name"] == "identifiers"
    assert result["unit"] == "identifiers/s"
    kinds = {name.removesuffix("_per_s") for name in result["detail"] if name.endswith("_per_s")}
    assert kinds >= {"iban", "card", "national_id", "legal_id", "foreign_id", "bill", "mobile"}
    assert result["value"] == min(result["detail"][f"{kind}_per_s"] for kind in kinds)
    assert set(report["proofs"]) == {f"{kind}: arrays and plain rules agree" for kind in kinds}
    assert all(report["proofs"].values())


def test_the_directory_is_measured_and_proved(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        bench, ["domestic", "--json", "--quick", "--only", "directory", "--folder", str(tmp_path)]
    )
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert (result["name"], result["unit"]) == ("directory", "look-ups/s")
    assert result["detail"]["bytes_per_alias"] > result["detail"]["row_bytes"] / 200_000
    assert len(report["proofs"]) == 2
    assert all(report["proofs"].values())
