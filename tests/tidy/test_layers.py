"""Imports run one way, as the design draws them; protobuf stays in the switch."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ALLOWED = {
    "core": {"core"},
    "risk": {"core", "risk"},
    "settlement": {"core", "settlement"},
    "switch": {"core", "risk", "settlement", "switch", "client", "v1", "bench"},
    "switch/client": {"client", "v1"},
    "bench": {"core", "risk", "settlement", "switch", "client", "v1", "bench"},
}
"""What each room may import, below `payvand`; the longest folder that fits counts."""
IMPORT = re.compile(r"^\s*(?:from|import|cimport)\s+payvand\.(\w+)", re.MULTILINE)
BENCH_MAY_BE_IMPORTED_BY = "switch/cli"
"""The command line offers the benchmarks; nothing else of the switch knows them."""


def sources(room: str) -> list[Path]:
    nested = [other for other in ALLOWED if other.startswith(room + "/")]
    return [
        path
        for suffix in ("py", "pyx", "pxd", "pyi")
        for path in sorted((ROOT / room).rglob(f"*.{suffix}"))
        if not any(path.is_relative_to(ROOT / other) for other in nested)
    ]


@pytest.mark.parametrize("room", ALLOWED)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    wrong = []
    for path in sources(room):
        for imported in IMPORT.findall(path.read_text(encoding="utf-8")):
            place = str(path.relative_to(ROOT))
            if imported not in ALLOWED[room] or (
                imported == "bench" and not place.startswith(("bench", BENCH_MAY_BE_IMPORTED_BY))
            ):
                wrong.append(f"{place} imports payvand.{imported}")
    assert not wrong


@pytest.mark.parametrize("room", ["core", "risk", "settlement"])
def test_grpc_and_protobuf_stay_above(room: str) -> None:
    pattern = re.compile(r"^\s*(?:from|import)\s+(?:grpc|google)\b", re.MULTILINE)
    assert [p for p in sources(room) if pattern.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("room", ["core", "risk"])
def test_nothing_below_the_engine_reads_a_clock_or_draws_chance(room: str) -> None:
    """The books and the scores are functions of the journal; only the engine's face has a clock."""
    pattern = re.compile(
        r"\btime\.(?:time|monotonic|perf_counter)\w*\(|datetime\.now|random\.\w+\("
    )
    edges = {ROOT / "core" / "engine.py"}
    assert [
        p for p in sources(room) if p not in edges and pattern.search(p.read_text(encoding="utf-8"))
    ] == []
