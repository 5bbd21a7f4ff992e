"""`payvand bench` settle, project and reconcile: they run, and prove the books that they made."""

import json

import pytest
from click.testing import CliRunner

from payvand.bench.cli import bench


@pytest.mark.parametrize(
    ("subject", "name", "unit", "proof"),
    [
        ("settle", "net_close", "ms", "the note equals the recount"),
        ("settle", "net_journal", "payments/s", "nets add up to zero"),
        ("project", "projection_catch_up", "payments/s", "database_equals_ledger"),
        ("project", "projection_lag", "ms", "statements_equal_ledger"),
        ("reconcile", "reconcile", "s", "every fault is found once and none is invented"),
    ],
)
def test_a_result_stands_beside_its_reference_and_proves(
    subject: str, name: str, unit: str, proof: str
) -> None:
    done = CliRunner().invoke(bench, [subject, "--json", "--quick", "--only", name])
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    (result,) = report["results"]
    assert (result["name"], result["unit"]) == (name, unit)
    assert result["value"] > 0
    assert result["reference_value"] > 0
    assert f"{name}: {proof}" in report["proofs"]
    assert all(report["proofs"].values())
