"""`payvand bench ledger`: the shape of what it prints, and that it proves the books it made."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from payvand.bench.cli import bench
from payvand.bench.machine import Machine
from payvand.bench.result import Report
from payvand.bench.result import Result as Figure
from payvand.bench.workbench import Subject, Workbench, run


def _bench(*arguments: str) -> Result:
    return CliRunner().invoke(bench, arguments)


def test_a_run_prints_one_json_object_with_each_figure_beside_its_reference(
    tmp_path: Path,
) -> None:
    done = _bench("ledger", "--json", "--quick", "--only", "durable_10k", "--folder", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["subject"] == "ledger"
    assert report["quick"] is True
    assert report["machine"]["cores"] >= 1
    assert report["machine"]["file_system"]
    (result,) = report["results"]
    assert result["name"] == "durable_10k"
    assert result["unit"] == "transfers/s"
    assert result["reference"]
    assert result["ratio"] == pytest.approx(result["value"] / result["reference_value"], rel=0.01)
    assert "durable_10k" in done.stderr, "progress is told"


@pytest.mark.parametrize(
    "name",
    [
        *("two_phase", "linked_4", "hot_account", "single_durable", "replay"),
        *("snapshot_open", "snapshot_p99"),
    ],
)
def test_the_books_prove_after_a_run(name: str, tmp_path: Path) -> None:
    done = _bench("ledger", "--json", "--quick", "--only", name, "--folder", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    proofs = json.loads(done.stdout)["proofs"]
    assert f"{name}: recovery gives the same state" in proofs
    assert f"{name}: debits equal credits" in proofs
    assert all(proofs.values())


@pytest.mark.parametrize("name", ["live_bytes", "old_retries", "flat"])
def test_what_history_costs_is_measured_and_proved(name: str, tmp_path: Path) -> None:
    done = _bench("ledger", "--json", "--quick", "--only", name, "--folder", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["results"][0]["value"] > 0
    assert report["proofs"]
    assert all(report["proofs"].values())


def test_a_run_leaves_no_files(tmp_path: Path) -> None:
    done = _bench("ledger", "--quick", "--only", "single_durable", "--folder", str(tmp_path))
    assert done.exit_code == 0, done.stderr
    assert not list(tmp_path.iterdir())


def test_a_name_nobody_knows_is_wrong_usage() -> None:
    assert _bench("ledger", "--only", "durable_1k").exit_code == 2


def test_a_file_system_in_memory_is_refused() -> None:
    done = _bench("ledger", "--quick", "--folder", "/dev/shm")
    assert done.exit_code == 3
    assert "nothing is durable" in done.stderr.replace("\n", " ")


def test_a_proof_that_failed_once_has_failed(tmp_path: Path) -> None:
    def measure(bench: Workbench, name: str) -> Figure:
        bench.prove("books balance", False)
        bench.prove("books balance", True)
        return Figure(name, 1.0, "x", "itself", 1.0)

    subject = Subject("made", "Made up.", {"one": measure})
    report = run(subject, folder=tmp_path, only=(), quick=True, tell=lambda _: None)
    assert report.proofs == {"books balance": False}
    assert not report.proved


def test_a_long_measure_runs_where_it_is_named_or_quick(tmp_path: Path) -> None:
    def measure(bench: Workbench, name: str) -> Figure:
        return Figure(name, 1.0, "x", "itself", 1.0)

    subject = Subject("made", "Made up.", {"a": measure, "b": measure}, long=frozenset({"b"}))
    names = {
        (only, quick): [
            figure.name
            for figure in run(
                subject, folder=tmp_path, only=only, quick=quick, tell=lambda _: None
            ).results
        ]
        for only, quick in (((), False), (("b",), False), ((), True))
    }
    assert names == {((), False): ["a"], (("b",), False): ["b"], ((), True): ["a", "b"]}


def test_a_ratio_is_the_value_in_units_of_the_reference(tmp_path: Path) -> None:
    report = Report("made", Machine.of(tmp_path), True, [Figure("b", 3, "x", "y", 2)], {})
    (result,) = report.as_json()["results"]
    assert result["ratio"] == 1.5
